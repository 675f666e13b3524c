import t from 'tap'
import { checkInvariants } from '../../db/index.ts'
import type { Body } from './api.ts'
import { holdOnEachLayout } from './layouts.ts'
import { person } from './people.ts'
import type { Usher } from './usher.ts'

const NOBODY = '0190aa3c-5d1c-7a39-9d3f-2f6a1c0b7e11'

/** An organization with people, and what administrators do to its structure. */
async function scene(usher: Usher) {
  const { organization, scim } = await usher.makePusher()
  const { path } = organization
  const push = async (name: string) => (await scim('POST', '/Users', person(name))).body.id
  const [ada, bob] = [await push('ada'), await push('bob')]
  const make = async (kind: string, body: object) => (await usher.admin('POST', `${path}/${kind}`, body)).body
  const launch = (await make('workspaces', { name: 'Launch', ownerId: ada })).id
  const member = (user: string, workspace = launch) => `${path}/workspaces/${workspace}/members/${user}`
  const ownOf = async (user: string) =>
    ((await usher.admin('GET', `${path}/users/${user}`)).body.workspace as { id: string }).id
  const eventsOf = async (subject: string) =>
    (
      await usher.rows<{ type: string }>(
        'select type from events where organization_id = $1 and subject_id = $2 order by id',
        [organization.id, subject],
      )
    ).map(({ type }) => type)
  const give = (user: string, role: string, source: string) =>
    usher.rows(
      `insert into memberships (organization_id, user_id, workspace_id, role, source, rule, created_at)
       values ($1, $2, $3, $4, $5, 'r1', now())`,
      [organization.id, user, launch, role, source],
    )
  return { organization, path, scim, ada, bob, make, launch, member, ownOf, eventsOf, give, push }
}

const roleOf = ({ items }: Body, user: string) => items.find((one) => (one.user as Body).id === user)

holdOnEachLayout(t, {
  'teams are made, renamed and deleted, unless something needs them': async (t, usher) => {
    const { path, ada, make, eventsOf } = await scene(usher)
    const { admin } = usher
    const { id } = await make('teams', { name: 'Sales' })
    t.equal((await admin('POST', `${path}/teams`, { name: 'SALES' })).status, 409, 'a name is one team’s')
    t.match(await admin('PATCH', `${path}/teams/${id}`, { name: 'EMEA' }), {
      status: 200,
      body: { name: 'EMEA', home: false },
    })
    const { items } = (await admin('GET', `${path}/teams`)).body
    const home = items.find((one) => one.home)?.id
    t.equal(items.length, 2)
    t.equal((await admin('DELETE', `${path}/teams/${home}`)).status, 409, 'the home team')
    const held = await make('workspaces', { name: 'W', ownerId: ada, teamId: id })
    t.equal((await admin('DELETE', `${path}/teams/${id}`)).status, 409, 'one that holds a workspace')
    await admin('PATCH', `${path}/workspaces/${held.id}`, { teamId: home })
    t.equal((await admin('PUT', `${path}/teams/${id}/members/${ada}`, { role: 'member' })).status, 204)
    t.match((await admin('GET', `${path}/teams/${id}/members`)).body, {
      items: [{ user: { id: ada }, role: 'member', source: 'administrator', beside: [] }],
    })
    const homes = { by: 'domain', teams: { 'acme.example': id } }
    t.equal((await admin('PATCH', `${path}/policy`, { homes })).status, 200)
    t.equal((await admin('DELETE', `${path}/teams/${id}`)).status, 409, 'one that the policy names')
    await admin('PATCH', `${path}/policy`, { homes: null })
    t.equal((await admin('DELETE', `${path}/teams/${id}`)).status, 409, 'or named a moment ago')
    await usher.rows("update policies set created_at = created_at - interval '1 hour'")
    t.equal((await admin('DELETE', `${path}/teams/${id}`)).status, 204)
    t.equal((await admin('DELETE', `${path}/teams/${id}`)).status, 404)
    t.same(await eventsOf(id), ['team.created', 'team.changed', 'team.deleted'])
    t.equal((await admin('GET', `${path}/teams/x`)).status, 404)
  },

  'workspaces are made, renamed, moved, shown, archived and brought back': async (t, usher) => {
    const { path, bob, make, launch, eventsOf, member } = await scene(usher)
    const { admin } = usher
    const team = await make('teams', { name: 'Sales' })
    const one = `${path}/workspaces/${launch}`
    const wish = { name: 'Launch 2', teamId: team.id, visibility: 'team' }
    t.match(await admin('PATCH', one, wish), {
      status: 200,
      body: { name: 'Launch 2', home: { name: 'Sales' }, visibility: 'team', status: 'active' },
    })
    t.match(await admin('PATCH', one, wish), { status: 200 }, 'once more says nothing new')
    t.equal((await admin('PATCH', one, { name: 'X', teamId: NOBODY })).status, 404)
    t.match((await admin('GET', one)).body, { name: 'Launch 2' }, 'all or nothing')
    t.equal((await admin('DELETE', one)).status, 204)
    t.equal((await admin('PUT', member(bob), { role: 'member' })).status, 409, 'archived')
    t.match(await admin('PATCH', one, { status: 'active' }), { status: 200, body: { status: 'active' } })
    t.same(await eventsOf(launch), [
      'workspace.created',
      'workspace.changed',
      'workspace.moved',
      'workspace.archived',
      'workspace.restored',
    ])
    t.equal((await admin('POST', `${path}/workspaces`, { name: 'W', ownerId: NOBODY })).status, 409)
    const listed = async (query: string) => {
      const { items, next } = (await admin('GET', `${path}/workspaces?${query}`)).body
      return { names: items.map(({ name }) => name), next }
    }
    t.match(await listed('default=false'), { names: ['Launch 2'] })
    t.match(await listed('default=true'), { names: ['My workspace', 'My workspace'] })
    t.match(await listed(`teamId=${team.id}&status=active`), { names: ['Launch 2'] })
    t.same((await listed(`teamId=${team.id}&status=archived`)).names, [])
    const { next } = await listed('limit=2')
    t.match(await listed(`limit=2&cursor=${next}`), { names: ['Launch 2'] })
  },

  'a role by hand counts before those by rules, which stand again': async (t, usher) => {
    const { path, bob, launch, member, give, eventsOf } = await scene(usher)
    const { admin } = usher
    const members = async () => (await admin('GET', `${path}/workspaces/${launch}/members`)).body
    const rule = { id: 'r1', group: 'Nobody', give: { workspace: launch, role: 'admin' } }
    t.equal((await admin('PATCH', `${path}/policy`, { groups: [rule] })).status, 200)
    await give(bob, 'member', 'provisioning')
    await give(bob, 'admin', 'group-rule')
    t.match(roleOf(await members(), bob), { role: 'admin', source: 'group-rule' }, 'the highest by rule')
    t.equal((await admin('DELETE', member(bob))).status, 409, 'a rule’s is the rule’s')
    t.equal((await admin('PUT', member(bob), { role: 'viewer' })).status, 204)
    t.equal((await admin('PUT', member(bob), { role: 'viewer' })).status, 204)
    t.match(roleOf(await members(), bob), {
      role: 'viewer',
      source: 'administrator',
      beside: [{ role: 'admin', rule: 'r1' }, { role: 'member' }],
    })
    t.equal((await admin('DELETE', member(bob))).status, 204)
    t.match(roleOf(await members(), bob), { role: 'admin', source: 'group-rule' })
    t.same((await eventsOf(bob)).slice(2), ['membership.changed', 'membership.changed'])
    const { items } = (await admin('GET', `${path}/users/${bob}/timeline`)).body
    t.match(items[1], { summary: 'Now viewer of “Launch”, before admin, by an administrator' })
    t.equal((await admin('DELETE', member(NOBODY))).status, 404)
    t.equal((await admin('PUT', member(NOBODY), { role: 'viewer' })).status, 404)
  },

  'no hand takes the last owner of a workspace, and no default from whoever is here': async (t, usher) => {
    const { path, scim, ada, bob, member, ownOf, launch } = await scene(usher)
    const { admin } = usher
    t.match(await admin('PUT', member(ada), { role: 'admin' }), { status: 409, body: { code: 'conflict' } })
    t.equal((await admin('DELETE', member(ada))).status, 409)
    const own = await ownOf(bob)
    t.equal((await admin('PUT', member(bob, own), { role: 'viewer' })).status, 409, 'nor in their own')
    t.equal((await admin('DELETE', `${path}/workspaces/${own}`)).status, 409)
    await admin('PUT', member(bob), { role: 'owner' })
    const both = await Promise.all([ada, bob].map((one) => admin('PUT', member(one), { role: 'viewer' })))
    t.same(both.map(({ status }) => status).sort(), [204, 409], 'two at once leave one')
    await admin('PUT', member(bob), { role: 'owner' })
    await admin('PUT', member(ada), { role: 'owner' })
    await scim('DELETE', `/Users/${bob}`)
    t.equal((await admin('DELETE', member(ada))).status, 409, 'who is gone is no owner')
    await admin('DELETE', `${path}/workspaces/${launch}`)
    await scim('DELETE', `/Users/${ada}`)
    t.equal((await admin('PATCH', `${path}/workspaces/${launch}`, { status: 'active' })).status, 409)
    t.same(await checkInvariants(usher.db), [])
  },

  'nothing is reached by another organization': async (t, usher) => {
    const [ours, theirs] = [await scene(usher), await scene(usher)]
    const { admin } = usher
    const { path, launch, ada } = ours
    t.equal((await admin('GET', `${path}/workspaces/${theirs.launch}`)).status, 404)
    t.equal((await admin('PATCH', `${path}/workspaces/${theirs.launch}`, { name: 'x' })).status, 404)
    t.equal((await admin('PUT', theirs.member(ada), { role: 'owner' })).status, 404)
    t.equal(
      (await admin('PUT', `${path}/workspaces/${launch}/members/${theirs.ada}`, { role: 'owner' })).status,
      404,
    )
    const team = await theirs.make('teams', { name: 'Theirs' })
    t.equal((await admin('PATCH', `${path}/workspaces/${launch}`, { teamId: team.id })).status, 404)
    t.same((await admin('GET', `${path}/workspaces?teamId=${team.id}`)).body.items, [])
  },
})
