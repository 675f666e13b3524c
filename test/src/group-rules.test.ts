import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import type { Test } from 'tap'
import t from 'tap'
import { checkInvariants } from '../../db/index.ts'
import { type GroupRule, matchingOf, wantedOf } from '../../src/provisioning/group-rules.ts'
import { rollOut } from '../../src/provisioning/rollout.ts'
import type { Ask } from './api.ts'
import { holdOnEachLayout } from './layouts.ts'
import { patchOp, person } from './people.ts'
import type { Pusher, Usher } from './usher.ts'

const asked = (usher: Usher, { organization }: Pusher, document: object) =>
  usher.admin('PATCH', `${organization.path}/policy`, document)

async function setRules(t: Test, usher: Usher, of: Pusher, groups: readonly object[]): Promise<void> {
  t.equal((await asked(usher, of, { groups })).status, 200)
}

const work = (usher: Usher) =>
  rollOut({ db: usher.db, clock: () => new Date() }, new AbortController().signal)

async function makePlaces(usher: Usher, { organization }: Pusher) {
  const [workspace, team] = [randomUUID(), randomUUID()]
  await usher.rows(
    `with home as (insert into teams (organization_id, id, name, created_at) values ($1, $3, 'Crew', now()))
     insert into workspaces (organization_id, id, team_id, name, created_at)
     select $1, $2, id, 'Yard', now() from teams where organization_id = $1 and home`,
    [organization.id, workspace, team],
  )
  return { workspace, team }
}

async function push(scim: Ask, userName: string): Promise<string> {
  return (await scim('POST', '/Users', person(userName))).body.id
}

/** Many at once, as if they had been pushed long ago. */
async function settle(usher: Usher, { organization }: Pusher, count: number): Promise<string[]> {
  const ids = Array.from({ length: count }, () => randomUUID()).sort()
  await usher.rows(
    `insert into users (organization_id, id, managed, user_name, user_name_key, status, attributes, email_keys,
                        created_at, updated_at)
     select $1, x, true, x::text, x::text, 'suspended', '{}', '[]', now(), now() from unnest($2::uuid[]) as x`,
    [organization.id, ids],
  )
  return ids
}

async function group(scim: Ask, displayName: string, ...ids: string[]): Promise<string> {
  const answer = await scim('POST', '/Groups', { displayName, members: ids.map((value) => ({ value })) })
  if (answer.status !== 201) throw new Error(answer.text)
  return answer.body.id
}

const members = (op: 'add' | 'remove', ...ids: string[]) =>
  patchOp({ Operations: [{ op, path: 'members', value: ids.map((value) => ({ value })) }] })

interface Held extends Record<string, unknown> {
  place: string
  role: string
  rule: string
}

const heldBy = (usher: Usher, userId: string): Promise<Held[]> =>
  usher.rows<Held>(
    `select workspace_id as place, role, rule from memberships where user_id = $1 and source = 'group-rule'
     union all select team_id, role, rule from team_memberships where user_id = $1 and source = 'group-rule'
     order by rule, place`,
    [userId],
  )

const policyInvariants = async (t: Test, usher: Usher) => {
  const broken = await checkInvariants(usher.db)
  t.match(
    broken.filter(({ name }) => name.startsWith('no rule of groups')),
    [],
  )
}

holdOnEachLayout(t, {
  'members get what rules give, and lose it when they go': async (t, usher) => {
    const pusher = await usher.makePusher()
    const { scim } = pusher
    const { workspace, team } = await makePlaces(usher, pusher)
    await setRules(t, usher, pusher, [
      { id: 'yard', group: 'eng-*', give: { workspace, role: 'member' } },
      { id: 'leads', group: 'Eng-Leads', priority: 1, give: { workspace, role: 'admin' } },
      { id: 'crew', group: 'ENGINEERING', give: { team, role: 'viewer' } },
      { id: 'own', group: 'Eng-Leads', give: { role: 'viewer' } },
    ])
    const ada = await push(scim, 'ada@acme.example')
    const eng = await group(scim, 'Eng-All', ada)
    t.strictSame(await heldBy(usher, ada), [{ place: workspace, role: 'member', rule: 'yard' }])
    const leads = await group(scim, 'ENG-LEADS')
    await scim('PATCH', `/Groups/${leads}`, members('add', ada))
    const held = await heldBy(usher, ada)
    t.match(held, [{ place: workspace, role: 'admin', rule: 'leads' }, { rule: 'own' }])
    const whole = await group(scim, 'Engineering', leads)
    t.match(await heldBy(usher, ada), [{ place: team, role: 'viewer', rule: 'crew' }, {}, {}])
    await scim('PUT', `/Groups/${whole}`, { displayName: 'Engineering', members: [] })
    t.equal((await heldBy(usher, ada)).length, 2, 'nobody is in it through another any more')
    await scim('DELETE', `/Groups/${leads}`)
    t.match(await heldBy(usher, ada), [{ role: 'member', rule: 'yard' }])
    await scim(
      'PATCH',
      `/Groups/${eng}`,
      patchOp({ Operations: [{ op: 'replace', value: { displayName: 'X' } }] }),
    )
    t.strictSame(await heldBy(usher, ada), [])
    const { body } = await usher.admin('GET', `${pusher.organization.path}/users/${ada}/timeline`)
    const told = body.items.filter(({ type }) => String(type).startsWith('membership.'))
    t.match(told.at(-1), {
      type: 'membership.granted',
      rule: 'yard',
      policyVersion: 2,
      summary: 'Made member of “Yard” by a rule of groups (“Eng-All”)',
    })
    t.match(told.at(0), {
      type: 'membership.revoked',
      summary: 'No longer member of “Yard”, by a rule of groups',
    })
    await policyInvariants(t, usher)
  },

  'rules that come later are put into effect, for those concerned, with progress': async (t, usher) => {
    const pusher = await usher.makePusher()
    const { scim, organization } = pusher
    const { team } = await makePlaces(usher, pusher)
    const ids = await settle(usher, pusher, 450)
    await group(scim, 'Everybody', ...ids.slice(0, 420))
    const rollout = () => usher.admin('GET', `${organization.path}/policy/rollout`)
    t.match((await rollout()).body, { state: 'done', done: 0 })
    await setRules(t, usher, pusher, [{ id: 'all', group: '*', give: { team, role: 'member' } }])
    t.match((await rollout()).body, { state: 'waiting', policyVersion: 2, done: 0 })
    await work(usher)
    t.match((await rollout()).body, { state: 'done', total: 420, done: 420, waitingGroups: 0 })
    const count = async () =>
      (
        await usher.rows<{ n: number }>(
          `select count(*)::integer as n from team_memberships where team_id = $1`,
          [team],
        )
      )[0]?.n
    t.equal(await count(), 420)
    await setRules(t, usher, pusher, [{ id: 'other', group: 'Nobody', give: { team, role: 'member' } }])
    await setRules(t, usher, pusher, [])
    await work(usher)
    t.match((await rollout()).body, { state: 'done', policyVersion: 4, total: 420 })
    t.equal(await count(), 0)
    await policyInvariants(t, usher)
  },

  'a group of very many is put into effect in the background': async (t, usher) => {
    const pusher = await usher.makePusher()
    const { scim, organization } = pusher
    const { team } = await makePlaces(usher, pusher)
    await setRules(t, usher, pusher, [{ id: 'all', group: 'All', give: { team, role: 'member' } }])
    await work(usher)
    const ids = await settle(usher, pusher, 1001)
    const all = await group(scim, 'All', ...ids)
    const rollout = () => usher.admin('GET', `${organization.path}/policy/rollout`)
    t.match((await rollout()).body, { waitingGroups: 1 })
    await work(usher)
    t.equal((await heldBy(usher, ids[1000] ?? '')).length, 1)
    await asked(usher, pusher, { brake: { most: 2000 } })
    await scim('DELETE', `/Groups/${all}`)
    await work(usher)
    t.match((await rollout()).body, { waitingGroups: 0 })
    t.equal((await heldBy(usher, ids[0] ?? '')).length, 0)
  },

  'what a sign-in names gives roles where SCIM does not, and silence keeps them': async (t, usher) => {
    const organization = await usher.makeOrganization()
    const connection = await usher.makeConnection(organization, {
      oidc: { issuer: 'https://idp.example', clientId: 'c', claims: { groups: 'groups' } },
    })
    const pusher = { organization } as Pusher
    const { workspace } = await makePlaces(usher, pusher)
    await setRules(t, usher, pusher, [{ id: 'yard', group: 'Eng*', give: { workspace, role: 'member' } }])
    t.ok((await usher.signIn(connection, { sub: 'ada', groups: ['Engineers'] })).cookie)
    const [ada] = await usher.rows<{ id: string }>('select id from users where organization_id = $1', [
      organization.id,
    ])
    const held = () => heldBy(usher, ada?.id ?? '')
    t.equal((await held()).length, 1)
    await usher.signIn(connection, { sub: 'ada', hasgroups: true })
    t.equal((await held()).length, 1)
    await setRules(t, usher, pusher, [{ id: 'yard', group: 'Eng*', give: { workspace, role: 'viewer' } }])
    await work(usher)
    t.match(await held(), [{ role: 'viewer' }])
    await usher.signIn(connection, { sub: 'ada', groups: [] })
    t.equal((await held()).length, 0)
  },

  'rules that name what is not there, or would make owners, are refused': async (t, usher) => {
    const pusher = await usher.makePusher()
    const { workspace, team } = await makePlaces(usher, pusher)
    const rule = { id: 'a', group: 'Eng', give: { workspace, role: 'member' } }
    const wrong = {
      'an owner': [{ ...rule, give: { workspace, role: 'owner' } }],
      'a star within': [{ ...rule, group: 'E*g' }],
      'two stars': [{ ...rule, group: 'E**' }],
      'no workspace': [{ ...rule, give: { workspace: team, role: 'member' } }],
      'no team': [{ ...rule, give: { team: workspace, role: 'member' } }],
      'two places': [{ ...rule, give: { workspace, team, role: 'member' } }],
      'no connection': [{ ...rule, connection: team }],
      'an id twice': [rule, rule],
      'too many': Array.from({ length: 501 }, (_, at) => ({ ...rule, id: `r${at}` })),
    }
    for (const [name, groups] of Object.entries(wrong))
      t.equal((await asked(usher, pusher, { groups })).status, 400, name)
    t.equal((await asked(usher, pusher, { groups: [rule] })).status, 200)
  },

  'in any order of changes, arrivals and policies, roles are what the rules say': async (t, usher) => {
    const names = ['Eng-A', 'eng-b', 'Sales', 'All']
    const place = fc.constantFrom('workspace' as const, 'team' as const, 'own' as const)
    const rule = fc.record({
      id: fc.constantFrom('a', 'b', 'c', 'd'),
      group: fc.constantFrom('Eng-A', 'ENG-*', 'sales', '*', 'None'),
      priority: fc.integer({ min: 0, max: 1 }),
      place,
      role: fc.constantFrom('admin' as const, 'member' as const, 'viewer' as const),
    })
    const at = fc.nat(3)
    const step = fc.oneof(
      fc.record({ do: fc.constant('add' as const), group: at, user: at }),
      fc.record({ do: fc.constant('remove' as const), group: at, user: at }),
      fc.record({ do: fc.constant('nest' as const), group: at, user: at }),
      fc.record({ do: fc.constant('arrive' as const) }),
      fc.record({ do: fc.constant('rename' as const), group: at, to: at }),
      fc.record({
        do: fc.constant('policy' as const),
        rules: fc.uniqueArray(rule, { selector: ({ id }) => id, maxLength: 4 }),
      }),
    )
    const steps = fc.array(step, { minLength: 5, maxLength: 15 })
    await fc.assert(
      fc.asyncProperty(steps, (sequence) => play(t, usher, { names, sequence })),
      {
        numRuns: 12,
      },
    )
    await policyInvariants(t, usher)
  },
})

type Step =
  | { do: 'add' | 'remove' | 'nest'; group: number; user: number }
  | { do: 'arrive' }
  | { do: 'rename'; group: number; to: number }
  | { do: 'policy'; rules: { id: string; group: string; priority: number; place: string; role: string }[] }

async function play(t: Test, usher: Usher, { names, sequence }: { names: string[]; sequence: Step[] }) {
  const pusher = await usher.makePusher()
  const { scim, connection } = pusher
  const places = await makePlaces(usher, pusher)
  const users = [await push(scim, 'first@acme.example')]
  const called = [...names]
  const groups: string[] = []
  for (const name of called) groups.push(await group(scim, name))
  const inside = new Map(groups.map((id) => [id, new Set<string>()]))
  const put = new Map<string, Set<string>>(groups.map((id) => [id, new Set()]))
  let rules: GroupRule[] = []
  for (const step of sequence) {
    const id = 'group' in step ? (groups[step.group] ?? '') : ''
    if (step.do === 'arrive') users.push(await push(scim, `u${users.length}@acme.example`))
    else if (step.do === 'policy') {
      rules = step.rules.map(({ place, role, ...rule }) => {
        const { workspace, team } = places
        const where = place === 'workspace' ? { workspace } : place === 'team' ? { team } : {}
        return { ...rule, give: { role, ...where } } as GroupRule
      })
      await setRules(t, usher, pusher, rules)
    } else if (step.do === 'rename') {
      called[step.group] = names[step.to] ?? ''
      const value = { displayName: called[step.group] }
      await scim('PATCH', `/Groups/${id}`, patchOp({ Operations: [{ op: 'replace', value }] }))
    } else if (step.do === 'nest') {
      const inner = groups[step.user] ?? ''
      const answer = await scim('PATCH', `/Groups/${id}`, members('add', inner))
      if (answer.status < 300) inside.get(id)?.add(inner)
    } else {
      const user = users[step.user % users.length] ?? ''
      await scim('PATCH', `/Groups/${id}`, members(step.do, user))
      if (step.do === 'add') put.get(id)?.add(user)
      else put.get(id)?.delete(user)
    }
  }
  await work(usher)
  const holds = (id: string, user: string): boolean =>
    put.get(id)?.has(user) || [...(inside.get(id) ?? [])].some((inner) => holds(inner, user))
  for (const user of users) {
    const [own] = await usher.rows<{ id: string }>('select id from workspaces where default_of = $1', [user])
    const of = groups.flatMap((id, index) =>
      holds(id, user) ? [{ name: called[index] ?? '', connectionId: connection.id }] : [],
    )
    const wanted = wantedOf(matchingOf(rules), { groups: of, defaultWorkspace: own?.id ?? null })
    const told = (rows: readonly { role: string; rule: string; place: string }[]) =>
      rows.map(({ place, role, rule }) => `${rule} ${place} ${role}`).sort()
    const expected = told(wanted.map(({ placeId, role, rule }) => ({ place: placeId, role, rule })))
    t.strictSame(told(await heldBy(usher, user)), expected, JSON.stringify({ sequence }))
  }
}
