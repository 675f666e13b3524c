import { decodeJwt } from 'jose'
import t from 'tap'
import type { Asked } from './api.ts'
import { holdOnEachLayout } from './layouts.ts'
import { PUBLIC_URL, type Usher } from './usher.ts'

const SWITCHES = "select actor, data from events where type = 'session.switched' and subject_id = $1"
const OIDC = { issuer: 'https://idp.example', clientId: 'c' }

/** Two people, each in the default workspace of their own, and a way to give them roles elsewhere. */
async function scene(usher: Usher) {
  const { connection, organization } = await usher.makePusher({ oidc: OIDC, scim: {} })
  const enter = async (sub: string) => {
    const { cookie } = await usher.signIn(connection, { sub, name: sub })
    const get = async (url: string) => usher.call({ method: 'GET', url, headers: { cookie } })
    const put = (workspaceId: unknown, more: Partial<Asked> = {}) =>
      usher.call({
        method: 'PUT',
        url: '/session/workspace',
        headers: { cookie, origin: PUBLIC_URL, 'content-type': 'application/json' },
        body: { workspaceId },
        ...more,
      })
    const own = (await get('/v1/me/workspaces')).body.items[0]?.id ?? ''
    const user = ((await get('/session')).body.user as { id: string }).id
    return { cookie, get, put, own, user }
  }
  const give = (user: string, workspace: string, role: string) =>
    usher.rows(
      `insert into memberships (organization_id, user_id, workspace_id, role, source, rule, created_at)
       values ($1, $2, $3, $4, 'administrator', 'test', now())`,
      [organization.id, user, workspace, role],
    )
  return { organization, enter, give }
}

holdOnEachLayout(t, {
  'a person goes to another of their workspaces, and everything follows': async (t, usher) => {
    const { enter, give } = await scene(usher)
    const [ada, bob] = [await enter('ada'), await enter('bob')]
    await give(ada.user, bob.own, 'viewer')
    const { items } = (await ada.get('/v1/me/workspaces')).body
    t.match(items, [
      { id: ada.own, role: 'owner', current: true },
      { id: bob.own, role: 'viewer', current: false },
    ])
    t.match(await ada.put(bob.own), { status: 200, body: { workspace: { id: bob.own }, role: 'viewer' } })
    t.match((await ada.get('/session')).body, { workspace: { id: bob.own }, role: 'viewer' })
    const verified = await ada.get('/session/verify')
    t.match(verified.headers, { 'x-usher-workspace': bob.own, 'x-usher-role': 'viewer' })
    const { token } = (await ada.get('/session/token')).body
    t.match(decodeJwt(token), { workspace: bob.own, role: 'viewer' })
    t.match((await bob.get('/session')).body, { workspace: { id: bob.own }, role: 'owner' })

    t.equal((await ada.put(bob.own)).status, 200, 'once more changes nothing')
    const events = await usher.rows(SWITCHES, [ada.user])
    t.match(events, [{ actor: `user:${ada.user}`, data: { from: ada.own, to: bob.own } }])
    t.equal(events.length, 1)
    await ada.put(ada.own)
    t.match((await ada.get('/session')).body, { workspace: { id: ada.own }, role: 'owner' })

    await ada.put(bob.own)
    await usher.rows('delete from memberships where user_id = $1 and workspace_id = $2', [ada.user, bob.own])
    t.notOk((await ada.get('/session/verify')).headers['x-usher-role'], 'a role that is taken ends at once')
  },

  'nobody comes to a workspace that is not theirs, or by another site': async (t, usher) => {
    const { enter, give } = await scene(usher)
    const [ada, bob] = [await enter('ada'), await enter('bob')]
    const elsewhere = await (await scene(usher)).enter('ada')
    for (const id of [bob.own, elsewhere.own, 'x', ada.user, '']) t.equal((await ada.put(id)).status, 404, id)
    for (const id of [null, 1, [ada.own], { id: ada.own }]) t.equal((await ada.put(id)).status, 400)
    await give(ada.user, bob.own, 'member')
    const json = { 'content-type': 'application/json' }
    const { cookie } = ada
    const from = (headers: Record<string, string>) => ada.put(bob.own, { headers: { cookie, ...headers } })
    t.equal((await from(json)).status, 403, 'from nowhere')
    t.equal((await from({ ...json, origin: 'https://evil.example' })).status, 403)
    t.equal((await from({ ...json, origin: PUBLIC_URL, 'sec-fetch-site': 'cross-site' })).status, 403)
    t.equal((await from({ 'content-type': 'text/plain', origin: PUBLIC_URL })).status, 415)
    t.equal((await ada.put(bob.own, { headers: { ...json, origin: PUBLIC_URL } })).status, 401, 'nobody')
    await usher.rows("update workspaces set status = 'archived' where id = $1", [bob.own])
    t.equal((await ada.put(bob.own)).status, 404, 'archived')
    t.match((await ada.get('/session')).body, { workspace: { id: ada.own } })
    t.same(await usher.rows(SWITCHES, [ada.user]), [])
  },
})
