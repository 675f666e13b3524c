import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { holdOnEachLayout } from './layouts.ts'
import { patchOp } from './people.ts'
import { type RoleScene, roleScene } from './role-scene.ts'
import type { Usher } from './usher.ts'

async function scene(usher: Usher) {
  const at = await roleScene(usher)
  const simulate = async (body: object) => {
    const answer = await usher.admin('POST', `${at.path}/policies/simulate`, body)
    if (answer.status !== 200) throw new Error(answer.text)
    return answer.body.people as Foretold
  }
  const apply = async (policy: object) => {
    const version = await at.rule(policy)
    await at.work()
    return version
  }
  return { ...at, simulate, apply }
}

interface ForetoldRole {
  readonly userId: string
  readonly userName: string
  readonly change: string
  readonly workspace?: { id: string; name: string }
  readonly team?: { id: string; name: string }
  readonly role: string
  readonly before?: { role: string }
  readonly rule: string
  readonly groups: readonly string[]
}

interface Foretold {
  readonly policyVersion: number
  readonly people: number
  readonly roles: {
    readonly granted: number
    readonly changed: number
    readonly revoked: number
    readonly taken: number
    readonly items: readonly ForetoldRole[]
  }
  readonly next?: string
}

/** What a version has done to roles, as it was foretold. */
async function happened(usher: Usher, { id }: RoleScene, version: number): Promise<unknown[]> {
  return usher.rows(
    `select e.subject_id as "userId", u.user_name as "userName", substr(e.type, 12) as change, e.rule,
       e.data -> 'workspace' as workspace, e.data -> 'team' as team, e.data -> 'role' as role,
       e.data -> 'before' as before, e.data -> 'groups' as groups
     from events e join users u on u.organization_id = e.organization_id and u.id = e.subject_id
     where e.organization_id = $1 and e.policy_version = $2 and e.type like 'membership.%'`,
    [id, version],
  )
}

const key = ({ userId, change, workspace, team, role, before, rule, groups }: ForetoldRole) =>
  JSON.stringify([userId, change, workspace?.id, workspace?.name, team?.id, role, before?.role, rule, groups])

const rule = fc.record({
  id: fc.constantFrom('a', 'b', 'c', 'd'),
  group: fc.constantFrom('Eng-A', 'ENG-*', 'sales', '*', 'None'),
  priority: fc.integer({ min: 0, max: 1 }),
  place: fc.constantFrom('workspace' as const, 'team' as const, 'own' as const),
  role: fc.constantFrom('admin' as const, 'member' as const, 'viewer' as const),
})
const rules = fc.uniqueArray(rule, { selector: ({ id }) => id, maxLength: 4 })
const people = fc.array(
  fc.record({
    groups: fc.uniqueArray(fc.nat(3), { maxLength: 3 }),
    is: fc.constantFrom('ready', 'guest', 'suspended', 'leaving', 'claimed'),
  }),
  { minLength: 3, maxLength: 6 },
)

type Rules = typeof rules extends fc.Arbitrary<infer R> ? R : never
type People = typeof people extends fc.Arbitrary<infer P> ? P : never

const groupsOf = ({ workspace, team }: RoleScene, drawn: Rules) =>
  drawn.map(({ place, role, ...rest }) => {
    const where = place === 'workspace' ? { workspace } : place === 'team' ? { team } : {}
    return { ...rest, give: { role, ...where } }
  })

async function populate(usher: Usher, at: RoleScene, drawn: People): Promise<void> {
  const { scim, organization, id, push, group } = at
  const names = ['Eng-A', 'eng-b', 'Sales', 'All']
  const inside: string[][] = names.map(() => [])
  const said = { oidc: { issuer: 'https://idp.example', clientId: 'c', claims: { groups: 'groups' } } }
  const connection = await usher.makeConnection(organization, said)
  for (const [index, { groups, is }] of drawn.entries()) {
    const claimed = { sub: `p${index}`, groups: groups.map((one) => names[one]) }
    if (is === 'claimed') await usher.signIn(connection, claimed)
    else {
      const userId = await push(`p${index}@acme.example`, is === 'guest' ? { userType: 'Guest' } : {})
      for (const one of groups) inside[one]?.push(userId)
    }
  }
  let inner: string | undefined
  for (const [index, name] of names.entries())
    inner = await group(name, ...(inside[index] ?? []), ...(inner === undefined ? [] : [inner]))
  const others = await usher.rows<{ id: string; user_name: string }>(
    `select id, user_name from users where organization_id = $1 and user_name like '%@%' order by user_name`,
    [id],
  )
  for (const { id: userId, user_name } of others) {
    const is = drawn[Number(user_name.slice(1, user_name.indexOf('@')))]?.is
    if (is === 'leaving') await scim('DELETE', `/Users/${userId}`)
    if (is === 'suspended')
      await scim(
        'PATCH',
        `/Users/${userId}`,
        patchOp({ Operations: [{ op: 'replace', path: 'active', value: false }] }),
      )
  }
}

holdOnEachLayout(t, {
  'for any rules, groups and people, what is foretold of roles is what is done': async (t, usher) => {
    let done = 0
    await fc.assert(
      fc.asyncProperty(rules, people, rules, async (before, drawn, after) => {
        const at = await scene(usher)
        await at.apply({ groups: groupsOf(at, before), guests: { userTypes: ['guest'] } })
        await populate(usher, at, drawn)
        const policy = { groups: groupsOf(at, after) }
        const { roles, policyVersion } = await at.simulate({ policy, limit: 1000 })
        const version = await at.apply(policy)
        const real = (await happened(usher, at, version)) as ForetoldRole[]
        // What is no change makes no version.
        const told = version === policyVersion ? [] : real.map(key)
        t.strictSame(roles.items.map(key).sort(), told.sort(), JSON.stringify({ before, drawn, after }))
        t.equal(roles.granted + roles.changed + roles.revoked, roles.items.length)
        const taken = roles.items.filter(
          ({ before, role, change }) => before && (before.role !== role || change === 'revoked'),
        )
        t.equal(roles.taken, taken.length)
        done += told.length
        t.match(await at.simulate({}), { roles: { granted: 0, changed: 0, revoked: 0 } })
      }),
      { numRuns: 10 },
    )
    t.ok(done > 0, 'there was something to foretell')
  },
  'one person is looked at alone, and a list has as many as are asked for': async (t, usher) => {
    const { push, group, simulate, workspace, apply, path } = await scene(usher)
    const [ada, bob] = [await push('ada@acme.example'), await push('bob@acme.example')]
    await group('Eng', ada, bob)
    const policy = { groups: [{ id: 'eng', group: 'Eng', give: { workspace, role: 'member' } }] }
    const one = await simulate({ policy, user: bob })
    t.match(one, { people: 1, roles: { granted: 1, changed: 0, revoked: 0 } })
    t.strictSame(one.roles.items, [
      {
        userId: bob,
        userName: 'bob@acme.example',
        change: 'granted',
        workspace: { id: workspace, name: 'Yard' },
        role: 'member',
        rule: 'eng',
        groups: ['Eng'],
      },
    ])
    const both = await simulate({ policy, limit: 1 })
    t.match(both, { policyVersion: 1, people: 2, roles: { granted: 2, items: [{ userId: ada }] } })
    t.equal(both.roles.items.length, 1)
    t.notOk(both.next)
    await apply(policy)
    t.match(await simulate({ policy: { groups: [] }, user: ada }), { roles: { granted: 0, revoked: 1 } })
    const ask = (body: object) => usher.admin('POST', `${path}/policies/simulate`, body)
    t.equal((await ask({ user: randomUUID() })).status, 404)
    const stranger = await (await scene(usher)).push('eve@acme.example')
    t.equal((await ask({ user: stranger })).status, 404)
    t.equal((await ask({ user: ada, cursor: 'x' })).status, 400)
    t.equal((await ask({ cursor: 'x' })).status, 400)
  },
  'more people than one answer covers are looked at page by page': async (t, usher) => {
    const { id, simulate, workspace } = await scene(usher)
    await usher.rows(
      `with made as (
         insert into users (organization_id, id, managed, user_name, user_name_key, status, attributes, email_keys,
                            created_at, updated_at)
         select $1, gen_random_uuid(), true, n::text, n::text, 'suspended', '{}', '[]', now(), now()
         from generate_series(1, 10500) n returning id
       ), c as (
         select id from connections where organization_id = $1
       ), g as (
         insert into groups (organization_id, id, connection_id, display_name, attributes, created_at, updated_at)
         select $1, gen_random_uuid(), id, 'All', '{}', now(), now() from c returning id
       )
       insert into group_members (organization_id, group_id, user_id) select $1, g.id, made.id from g, made`,
      [id],
    )
    const policy = { groups: [{ id: 'all', group: 'All', give: { workspace, role: 'viewer' } }] }
    const first = await simulate({ policy, limit: 0 })
    const rest = await simulate({ policy, limit: 0, cursor: first.next })
    t.match([first.people, rest.people], [10_000, 500])
    t.match([first.roles.granted, rest.roles.granted], [10_000, 500])
    t.notOk(rest.next)
  },
})
