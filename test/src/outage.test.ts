import t from 'tap'
import type { Answer } from './api.ts'
import { patchOp, patchUser, person, stateOf } from './people.ts'
import { type Between, proxyTo } from './proxy.ts'
import { startUsher } from './usher.ts'

const FORM = 'application/x-www-form-urlencoded'
const SET = 'application/secevent+jwt'

t.test('while the database is away everybody is told to come again, and then it goes on', async (t) => {
  let proxy: Between | undefined
  const usher = await startUsher(t, {
    through: async (address) => {
      proxy = await proxyTo(address)
      return proxy.address
    },
  })
  if (!proxy) throw new Error('the service was not led through the proxy')
  const { goAway, comeBack, cut } = proxy
  t.teardown(() => goAway().catch(() => {}))
  const wish = { oidc: { issuer: 'https://idp.example', clientId: 'c' }, scim: {} }
  const { organization, connection, token, scim } = await usher.makePusher(wish)
  const { id } = (await scim('POST', '/Users', person('ada', { externalId: 'a' }))).body
  const group = (await scim('POST', '/Groups', { displayName: 'Staff', members: [{ value: id }] })).body.id
  const { cookie } = await usher.signIn(connection, { sub: 'a' })
  const get = (url: string) => usher.call({ method: 'GET', url, headers: { cookie } })
  const tell = (what: string, type: string, body: string) =>
    usher.call({
      method: 'POST',
      url: `/oidc/${connection.id}/${what}`,
      headers: { 'content-type': type },
      body,
    })
  const asks: Record<string, () => Promise<Answer>> = {
    'SCIM read': () => scim('GET', `/Users/${id}`),
    'SCIM read of nobody': () => scim('GET', `/Users/${group}`),
    'SCIM list': () => scim('GET', '/Users?filter=userName eq "ada"'),
    'SCIM create': () => scim('POST', '/Users', person('bob')),
    'SCIM change': () => patchUser(scim, id, { active: false }),
    'SCIM delete': () => scim('DELETE', `/Users/${id}`),
    'SCIM group': () =>
      scim('PATCH', `/Groups/${group}`, patchOp({ Operations: [{ op: 'remove', path: 'members' }] })),
    'SCIM by a token not seen before': () => usher.scim(`${token}x`)('GET', '/Users'),
    'administration of an organization': () => usher.admin('GET', organization.path),
    'administration of people': () => usher.admin('GET', `${organization.path}/users`),
    'administration: a new organization': () =>
      usher.admin('POST', '/organizations', { slug: 'new', name: 'New' }),
    session: () => get('/session'),
    'session check': () => get('/session/verify'),
    'start page': () => get('/'),
    'start of a sign-in': () => get(`/login/${organization.slug}`),
    'back-channel logout': () => tell('backchannel-logout', FORM, 'logout_token=x'),
    signal: () => tell('signals', SET, 'x'),
    readiness: () => get('/readyz'),
  }
  const state = await stateOf(usher, organization)

  await goAway()
  for (const round of ['at once', 'and after that'])
    for (const [what, ask] of Object.entries(asks)) {
      const began = Date.now()
      const answer = await ask()
      t.match(answer, { status: 503, headers: { 'retry-after': /^[1-9]\d*$/ } }, `${what} ${round}`)
      t.ok(Date.now() - began < 3000, `${what} is told soon`)
      t.notMatch(answer.text, /ECONN|sequelize|postgres/i, `${what} tells nothing of why`)
    }
  t.match(await scim('GET', `/Users/${id}`), {
    headers: { 'content-type': /scim/ },
    body: { status: '503', detail: /./ },
  })
  t.match(await usher.admin('GET', organization.path), {
    body: { code: 'unavailable', status: 503, retryAfter: 1 },
  })
  for (const url of ['/', `/login/${organization.slug}`])
    t.match(
      await get(url),
      { headers: { 'content-type': /html/ }, text: /did not work.*unavailable/s },
      `${url} is a page`,
    )
  const json = { 'content-type': /^application\/json/, 'cache-control': 'no-store' }
  t.match(await tell('backchannel-logout', FORM, 'logout_token=x'), {
    headers: json,
    body: { error: 'unavailable', error_description: /./ },
  })
  t.match(await tell('signals', SET, 'x'), { headers: json, body: { err: 'unavailable', description: /./ } })
  t.match(await get('/livez'), { status: 200 }, 'the process is alive all the same')

  await comeBack()
  const began = Date.now()
  t.match(await scim('GET', `/Users/${id}`), { status: 200, body: { active: true } })
  t.ok(Date.now() - began < 1000, 'the first request after it is back is answered within a second')
  t.match(await get('/session'), { status: 200 })
  t.match(await usher.admin('GET', organization.path), { status: 200 })
  t.match(await get('/readyz'), { status: 200 })
  t.same(await stateOf(usher, organization), state)

  cut()
  await new Promise((resolve) => setTimeout(resolve, 20))
  t.match(await scim('GET', `/Users/${id}`), { status: 200 }, 'connections that died while idle are not used')
  const underWay = Array.from({ length: 8 }, (_, number) =>
    scim('POST', '/Users', person(`person-${number}`)),
  )
  cut()
  const answers = await Promise.all(underWay)
  t.same(
    answers.filter(({ status }) => status !== 201 && status !== 503),
    [],
    'nor is a request that was under way lost on an error',
  )
  t.match(await get('/session'), { status: 200 })
})
