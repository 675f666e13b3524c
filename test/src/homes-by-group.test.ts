import t from 'tap'
import { rollOut } from '../../src/provisioning/rollout.ts'
import { holdOnEachLayout } from './layouts.ts'
import { patchUser, person } from './people.ts'
import type { Usher } from './usher.ts'

const enterprise = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'

async function scene(usher: Usher) {
  const pusher = await usher.makePusher()
  const { path } = pusher.organization
  const admin = (method: 'GET' | 'POST' | 'PATCH', what: string, body?: object) =>
    usher.admin(method, `${path}${what}`, body)
  const team = async (name: string) => (await admin('POST', '/teams', { name })).body.id
  const teams = { sales: await team('Sales'), eng: await team('Engineering'), labs: await team('Labs') }
  const rollOutNow = () => rollOut({ db: usher.db, clock: () => new Date() }, new AbortController().signal)
  const rule = async (patch: object) => {
    const answer = await admin('PATCH', '/policy', patch)
    if (answer.status !== 200) throw new Error(answer.text)
    await rollOutNow()
  }
  const homeOf = async (id: string) => {
    const { workspace } = (await admin('GET', `/users/${id}`)).body as unknown as {
      workspace?: { id: string; home: { name: string } }
    }
    return workspace?.home.name
  }
  const add = (group: string, value: string) => change(group, 'add', value)
  const change = (group: string, op: string, value: string) =>
    pusher.scim('PATCH', `/Groups/${group}`, {
      schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
      Operations: [
        op === 'add'
          ? { op, path: 'members', value: [{ value }] }
          : { op, path: `members[value eq "${value}"]` },
      ],
    })
  const push = async (name: string, more: object = {}) =>
    (await pusher.scim('POST', '/Users', person(name, more))).body.id
  const group = async (displayName: string, ...members: string[]) =>
    (await pusher.scim('POST', '/Groups', { displayName, members: members.map((value) => ({ value })) })).body
      .id
  return {
    ...pusher,
    admin,
    teams,
    rule,
    homeOf,
    add,
    remove: (g: string, id: string) => change(g, 'remove', id),
    push,
    group,
  }
}

const home = (id: string, group: string, team: string, priority = 0) => ({
  id,
  group,
  priority,
  give: { home: team },
})

holdOnEachLayout(t, {
  'a workspace is at home where its owner’s groups say, whenever they come and go': async (t, usher) => {
    const { push, group, add, remove, rule, homeOf, teams, admin } = await scene(usher)
    await rule({
      homes: { by: 'department', teams: { Sales: teams.sales } },
      groups: [home('eng', 'Eng-*', teams.eng), home('labs', 'labs', teams.labs, 1)],
    })
    const ada = await push('ada', { [enterprise]: { department: 'Sales' } })
    t.equal(await homeOf(ada), 'Sales')
    const [eng, labs] = [await group('Eng-Core', ada), await group('Labs')]
    t.equal(await homeOf(ada), 'Engineering')
    await add(labs, ada)
    t.equal(await homeOf(ada), 'Labs', 'by priority')
    await remove(labs, ada)
    await remove(eng, ada)
    t.equal(await homeOf(ada), 'Sales', 'back')
    await add(eng, ada)
    const { items } = (await admin('GET', `/workspaces?limit=200`)).body as unknown as {
      items: { id: string; home: { id: string } }[]
    }
    const own = items.find((one) => one.home.id === teams.eng)?.id
    await admin('PATCH', `/workspaces/${own}`, { teamId: teams.sales })
    t.equal(await homeOf(ada), 'Sales')
    await add(labs, ada)
    t.equal(await homeOf(ada), 'Sales', 'what a hand has moved stays')
  },

  'changed rules move whom they concern, as their preview says': async (t, usher) => {
    const { push, group, rule, homeOf, teams, admin } = await scene(usher)
    const people = [await push('a'), await push('b'), await push('c')]
    await group('Eng', people[0] ?? '', people[1] ?? '')
    const policy = { groups: [home('eng', 'eng', teams.eng)] }
    const foretold = await admin('POST', '/policies/simulate', { policy })
    t.match(foretold, { status: 200, body: { people: { homes: { moved: 2 } } } })
    await rule(policy)
    t.same(
      await Promise.all(people.map(homeOf)).then((homes) => homes.filter((one) => one === 'Engineering')),
      ['Engineering', 'Engineering'],
    )
    t.match((await admin('POST', '/policies/simulate', { policy })).body, { people: { homes: { moved: 0 } } })
    await rule({ groups: [] })
    t.same((await Promise.all(people.map(homeOf))).includes('Engineering'), false, 'and back')
    const moved = await usher.rows<{ rule: string }>(
      `select rule from events where type = 'workspace.moved' and data ->> 'userId' = $1 order by id`,
      [people[0]],
    )
    t.same(
      moved.map((row) => row.rule),
      ['eng', 'default workspace'],
    )
  },

  'who signs in with groups is at home by them at once, as is foretold': async (t, usher) => {
    const { organization, rule, homeOf, teams, admin } = await scene(usher)
    const connection = await usher.makeConnection(organization, {
      oidc: { issuer: 'https://idp.example', clientId: 'c', claims: { groups: 'groups' } },
    })
    await rule({ groups: [home('eng', 'eng', teams.eng)] })
    const claims = { sub: 'eve', groups: ['Eng'] }
    const foretold = await admin('POST', '/policies/simulate', { connection: connection.id, signIn: claims })
    t.match(foretold.body, { outcome: { workspace: { home: { name: 'Engineering' } } } })
    t.ok((await usher.signIn(connection, claims)).cookie)
    const [user] = await usher.rows<{ id: string }>('select id from users where organization_id = $1', [
      connection.organizationId,
    ])
    t.equal(await homeOf(user?.id ?? ''), 'Engineering')
  },

  'a rule names one thing, and a team that there is': async (t, usher) => {
    const { admin, teams, push, scim } = await scene(usher)
    const ask = (give: object) => admin('PATCH', '/policy', { groups: [{ id: 'x', group: 'x', give }] })
    t.equal((await ask({ home: teams.eng, role: 'member' })).status, 400)
    t.equal((await ask({})).status, 400)
    t.equal((await ask({ home: await push('nobody') })).status, 400)
    t.equal((await ask({ home: teams.eng })).status, 200)
    t.equal((await admin('GET', `/teams`)).status, 200)
    t.equal((await patchUser(scim, await push('b'), { active: false })).status, 200)
  },
})
