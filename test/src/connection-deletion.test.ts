import t from 'tap'
import { adminAsk } from './api.ts'
import { holdOnEachLayout } from './layouts.ts'
import { person } from './people.ts'
import { ADMIN_KEY, type Usher } from './usher.ts'

const oidc = {
  issuer: 'https://idp.example',
  clientId: 'client',
  clientSecret: 'secret',
  signals: { issuer: 'https://idp.example', audience: 'usher', token: 'the-secret-of-the-stream-of-signals' },
}

const eventsOf = (usher: Usher, id: string) =>
  usher.rows('select type, changed from events where subject_id = $1 order by id', [id])

holdOnEachLayout(t, {
  'a deleted connection lets nobody in, and its sessions end': async (t, usher) => {
    const organization = await usher.makeOrganization()
    const connection = await usher.makeConnection(organization, { oidc, scim: {} })
    const other = await usher.makeConnection(organization, { oidc })
    const { cookie } = await usher.signIn(connection, { sub: 'ada' })
    const { cookie: kept } = await usher.signIn(other, { sub: 'bob' })
    const session = async (cookie: string) =>
      (await usher.call({ method: 'GET', url: '/session', headers: { cookie } })).status
    t.equal(await session(cookie), 200)
    t.match(await usher.admin('DELETE', connection.path), { status: 204, text: '' })
    t.same([await session(cookie), await session(kept)], [401, 200])
    t.match(await usher.signIn(connection, { sub: 'ada' }), { cookie: '', code: 'gone' }, 'nor on its way')
    for (const path of [
      'start',
      'callback?code=c&state=s',
      'initiate?iss=x',
      'frontchannel-logout',
      'test?token=x',
    ])
      t.match(await usher.call({ method: 'GET', url: `/oidc/${connection.id}/${path}` }), {
        status: path.startsWith('test') ? 400 : 404,
        headers: { 'set-cookie': undefined },
      })
    for (const path of ['backchannel-logout', 'signals']) {
      const body = path === 'signals' ? 'x' : 'logout_token=x'
      const type = path === 'signals' ? 'application/secevent+jwt' : 'application/x-www-form-urlencoded'
      const asked = {
        method: 'POST',
        url: `/oidc/${connection.id}/${path}`,
        headers: { 'content-type': type },
        body,
      } as const
      t.match(await usher.call(asked), { status: 400 }, path)
    }
    const { items } = (await usher.admin('GET', `${organization.path}/users`)).body
    t.same(
      items.map(({ status }) => status),
      ['ready', 'ready'],
      'people stay',
    )
  },

  'its credentials and clients are dead': async (t, usher) => {
    const { connection, scim, token } = await usher.makePusher()
    const client = (await usher.admin('POST', `${connection.path}/scim-clients`, {})).body
    const form = {
      grant_type: 'client_credentials',
      client_id: String(client.clientId),
      client_secret: String(client.clientSecret),
    }
    const ask = () =>
      usher.call({
        method: 'POST',
        url: '/oauth2/token',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: String(new URLSearchParams(form)),
      })
    const granted = await ask()
    t.equal(granted.status, 200, granted.text)
    t.equal((await usher.admin('DELETE', connection.path)).status, 204)
    t.equal((await scim('GET', '/Users')).status, 401)
    t.equal((await usher.scim(String(granted.body.access_token))('GET', '/Users')).status, 401)
    t.match(await ask(), { status: 401, body: { error: 'invalid_client' } })
    t.equal((await usher.scim(token)('POST', '/Users', person('ada'))).status, 401)
    const left = await usher.rows(
      `select revoked_at is not null as revoked, client_id from scim_credentials where connection_id = $1`,
      [connection.id],
    )
    t.same(left, [{ revoked: true, client_id: null }])
  },

  'administrators see it no more, and it is deleted once': async (t, usher) => {
    const organization = await usher.makeOrganization()
    const wish = { name: 'Directory', oidc }
    const { id, path } = await usher.makeConnection(organization, wish)
    t.equal((await usher.admin('DELETE', path)).status, 204)
    const gone: ['GET' | 'PATCH' | 'DELETE' | 'POST', string, object?][] = [
      ['GET', ''],
      ['PATCH', '', { name: 'again' }],
      ['PATCH', '', { status: 'active' }],
      ['DELETE', ''],
      ['POST', '/tests'],
      ['POST', '/scim-credentials', {}],
      ['GET', '/scim-credentials'],
    ]
    for (const [method, below, body] of gone)
      t.match(await usher.admin(method, path + below, body), { status: 404, body: { code: 'not_found' } })
    t.same((await usher.admin('GET', `${organization.path}/connections`)).body.items, [])
    t.same((await eventsOf(usher, id)).at(-1), { type: 'connection.deleted', changed: ['status'] })
    t.equal((await eventsOf(usher, id)).length, 2)
    const [row] = await usher.rows(
      'select status, client_secret, signal_token from connections where id = $1',
      [id],
    )
    t.same(row, { status: 'deleted', client_secret: null, signal_token: null })

    const again = await usher.makeConnection(organization, wish)
    t.not(again.id, id, 'the name is free')
    t.equal((await usher.admin('DELETE', again.path)).status, 204, 'and once more')
    t.ok(await usher.makeConnection(organization, wish))
  },

  'what it is deleted as is what was looked at': async (t, usher) => {
    const { path } = await usher.makeConnection(await usher.makeOrganization(), { oidc })
    await usher.admin('PATCH', path, { name: 'changed since' })
    const remove = (tag: string) => adminAsk(usher.call, ADMIN_KEY, { 'if-match': tag })('DELETE', path)
    t.match(await remove('"1"'), { status: 412, body: { code: 'precondition_failed' } })
    t.equal((await usher.admin('GET', path)).status, 200)
    const raced = await Promise.all([remove('"2"'), remove('"2"'), remove('"2"')])
    t.same(raced.map(({ status }) => status).sort(), [204, 404, 404])
  },

  'it is never deleted by another organization': async (t, usher) => {
    const connection = await usher.makeConnection(await usher.makeOrganization(), { oidc })
    const other = await usher.makeOrganization()
    t.equal((await usher.admin('DELETE', `${other.path}/connections/${connection.id}`)).status, 404)
    t.equal((await usher.admin('GET', connection.path)).status, 200)
  },

  'its domains stay, and lead to what is left': async (t, usher) => {
    const organization = await usher.makeOrganization()
    const domain = `${organization.slug}.example`
    const [one] = await Promise.all(
      ['One', 'Two'].map((name) => usher.makeConnection(organization, { name, oidc })),
    )
    await usher.makeConnection(organization, { name: 'Three', oidc })
    await usher.admin('POST', `${organization.path}/domains`, { domain })
    await usher.rows('update domains set verified_at = now(), checked_at = now() where domain = $1', [domain])
    const find = () =>
      usher.call({
        method: 'POST',
        url: '/login',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: `login_hint=ada@${domain}`,
      })
    t.match((await find()).text.match(/One|Two|Three/g), { length: 3 })
    await usher.admin('DELETE', one?.path ?? '')
    const page = await find()
    t.match(page, { status: 200, text: /Two/ })
    t.notMatch(page.text, /One/)
    for (const { id } of (await usher.admin('GET', `${organization.path}/connections`)).body.items)
      await usher.admin('DELETE', `${organization.path}/connections/${id}`)
    t.equal((await find()).status, 404, 'as if nobody had the domain')
    t.equal((await usher.call({ method: 'GET', url: `/login/${organization.slug}` })).status, 404)
    t.match((await usher.admin('GET', `${organization.path}/domains`)).body, {
      items: [{ status: 'verified' }],
    })
  },
})
