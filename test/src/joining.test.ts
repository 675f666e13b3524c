import t from 'tap'
import { checkInvariants } from '../../db/index.ts'
import type { Method } from './api.ts'
import { holdOnEachLayout } from './layouts.ts'
import { PUBLIC_URL, type Usher } from './usher.ts'

const OIDC = { issuer: 'https://idp.example', clientId: 'c' }

async function scene(usher: Usher) {
  const { connection, organization } = await usher.makePusher({ oidc: OIDC, scim: {} })
  const { path } = organization
  const enter = async (sub: string) => {
    const { cookie } = await usher.signIn(connection, { sub, name: sub })
    const ask = (method: Method, url: string, body?: object, headers: object = { origin: PUBLIC_URL }) =>
      usher.call({
        method,
        url,
        headers: { cookie, ...(body && { 'content-type': 'application/json' }), ...headers },
        ...(body && { body }),
      })
    const session = (await ask('GET', '/session')).body as unknown as {
      user: { id: string }
      workspace: { id: string }
    }
    return { ask, user: session.user.id, own: session.workspace.id }
  }
  const rules = (workspaces: object) => usher.admin('PATCH', `${path}/policy`, { workspaces })
  return { path, enter, rules }
}

holdOnEachLayout(t, {
  'one joins what one sees where the policy lets one, and leaves it': async (t, usher) => {
    const { path, enter, rules } = await scene(usher)
    const [ada, bob] = [await enter('ada'), await enter('bob')]
    const make = async (visibility: string) =>
      (await usher.admin('POST', `${path}/workspaces`, { name: visibility, ownerId: ada.user, visibility }))
        .body.id
    const [hidden, seen] = [await make('private'), await make('organization')]
    const joinable = async () => (await bob.ask('GET', '/v1/me/workspaces/joinable')).body.items
    const join = (id: string, headers?: object) =>
      bob.ask('POST', `/v1/me/workspaces/${id}/join`, undefined, headers)
    t.same(await joinable(), [])
    t.equal((await join(seen)).status, 403, 'by invitation only')
    await rules({ join: 'visible' })
    t.match(await joinable(), [{ id: seen, visibility: 'organization' }])
    t.equal((await join(seen, {})).status, 403, 'not by another site')
    t.equal((await join(hidden)).status, 404)
    t.equal((await join(bob.user)).status, 404)
    t.equal((await join(seen)).status, 204)
    t.equal((await join(seen)).status, 204, 'once')
    t.same(await joinable(), [])
    t.match(await bob.ask('PUT', '/session/workspace', { workspaceId: seen }), { body: { role: 'member' } })
    t.equal((await bob.ask('POST', `/v1/me/workspaces/${seen}/leave`)).status, 204)
    t.notOk((await bob.ask('GET', '/session/verify')).headers['x-usher-role'])
    t.match((await bob.ask('GET', '/session')).body, { workspace: { id: bob.own }, role: 'owner' })
    t.equal((await bob.ask('POST', `/v1/me/workspaces/${bob.own}/leave`)).status, 409)
    t.equal((await ada.ask('POST', `/v1/me/workspaces/${seen}/leave`)).status, 409)
    await join(seen)
    await bob.ask('PUT', '/session/workspace', { workspaceId: seen })
    await usher.admin('DELETE', `${path}/workspaces/${seen}`)
    t.match((await bob.ask('GET', '/session')).body, { workspace: { id: bob.own } }, 'archived')
    t.same(await checkInvariants(usher.db), [])
  },

  'one makes a workspace where the policy lets one, and as many as it says': async (t, usher) => {
    const { enter, rules } = await scene(usher)
    const ada = await enter('ada')
    const make = (name: string) => ada.ask('POST', '/v1/me/workspaces', { name })
    t.equal((await make('A')).status, 403)
    await rules({ create: 'everybody', mostOwned: 2 })
    const both = await Promise.all([make('A'), make('B')])
    t.same(both.map(({ status }) => status).sort(), [201, 409], 'two at once')
    const { items } = (await ada.ask('GET', '/v1/me/workspaces')).body
    t.match(items, [
      { role: 'owner', current: true },
      { role: 'owner', current: false },
    ])
    t.equal((await ada.ask('POST', `/v1/me/workspaces/${items[1]?.id}/leave`)).status, 409, 'its last owner')
    t.same(await checkInvariants(usher.db), [])
  },
})
