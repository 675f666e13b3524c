import fc from 'fast-check'
import t from 'tap'
import { checkInvariants } from '../../db/index.ts'
import { type GroupRule, matchingOf, wantedOf } from '../../src/provisioning/group-rules.ts'
import { holdOnEachLayout } from './layouts.ts'
import { members, type RoleScene, roleScene, rolesOf } from './role-scene.ts'
import type { Usher } from './usher.ts'

async function scene(usher: Usher, count: number) {
  const at = await roleScene(usher)
  const people: string[] = []
  for (let n = 0; n < count; n++) people.push(await at.push(`u${n}@acme.example`))
  const roles = async () => {
    const held = await Promise.all(people.map((id) => rolesOf(usher, id)))
    return held.map(({ length }) => length)
  }
  const brake = async () => (await usher.admin('GET', `${at.path}/brake`)).body
  const rollout = async () => (await usher.admin('GET', `${at.path}/policy/rollout`)).body
  const release = async () => {
    await usher.admin('POST', `${at.path}/brake/release`)
    await at.work()
  }
  const applied = async () =>
    usher.rows(`select from events where organization_id = $1 and type = 'brake.applied'`, [at.id])
  return { ...at, people, roles, brake, rollout, release, applied }
}

/** But that the yard of the scene has no owner. */
const brokenOf = async (usher: Usher) =>
  (await checkInvariants(usher.db)).filter(({ name }) => !name.startsWith('a workspace has an owner'))

const yard = ({ workspace }: Pick<RoleScene, 'workspace'>) => ({
  id: 'yard',
  group: 'Eng',
  give: { workspace, role: 'member' },
})

holdOnEachLayout(t, {
  'a policy that takes more roles than the brake allows waits, and goes on when released': async (
    t,
    usher,
  ) => {
    const at = await scene(usher, 4)
    const { rule, group, work, people, roles, brake, rollout, release, applied } = at
    await group('Eng', ...people)
    await rule({ brake: { most: 2 }, groups: [yard(at)] })
    await work()
    t.strictSame(await roles(), [1, 1, 1, 1], 'granting is no matter of the brake')
    t.match(await brake(), { done: 0, heldRollouts: 0 })
    const ops = { id: 'ops', group: 'Ops', give: { team: at.team, role: 'viewer' } }
    await rule({ groups: [ops] })
    await work()
    await work()
    t.strictSame(await roles(), [1, 1, 1, 1])
    t.match(await rollout(), { state: 'held', policyVersion: 3, done: 0, total: 4 })
    t.match(await brake(), { most: 2, heldSince: /^2/, heldRollouts: 1 })
    t.equal((await applied()).length, 1)
    await group('Ops', people[0] ?? '')
    t.strictSame(await roles(), [2, 1, 1, 1], 'who comes into a group gets what it gives meanwhile')
    t.same(await brokenOf(usher), [])
    await release()
    t.strictSame(await roles(), [1, 0, 0, 0])
    t.match(await rollout(), { state: 'done', done: 4, waitingGroups: 0 })
    t.match(await brake(), { heldRollouts: 0, releasedUntil: /^2/ })
    t.same(await brokenOf(usher), [])
  },
  'a change that was a mistake is taken back before it has done anything': async (t, usher) => {
    const at = await scene(usher, 3)
    const { rule, group, work, people, roles, brake, rollout } = at
    await group('Eng', ...people)
    await rule({ brake: { most: 1 }, groups: [yard(at)] })
    await work()
    await rule({ groups: [{ ...yard(at), give: { workspace: at.workspace, role: 'admin' } }] })
    await work()
    t.match(await rollout(), { state: 'held' })
    await rule({ groups: [yard(at)] })
    await work()
    t.match(await rollout(), { state: 'done', policyVersion: 4 })
    t.strictSame(await roles(), [1, 1, 1])
    t.match(await brake(), { done: 0, heldRollouts: 0, heldSince: /^2/ })
  },
  'a group is what the provider says at once; what its change takes beyond the brake waits': async (
    t,
    usher,
  ) => {
    const at = await scene(usher, 5)
    const { scim, rule, group, work, people, roles, brake, rollout, release, applied } = at
    await rule({ brake: { most: 1 }, groups: [yard(at)] })
    await work()
    const eng = await group('Eng', ...people.slice(0, 4))
    const [a = '', b = '', c = '', d = '', e = ''] = people
    const remove = async (...ids: string[]) =>
      (await scim('PATCH', `/Groups/${eng}`, members('remove', ...ids))).status
    t.equal(await remove(a), 204)
    t.match([await roles(), await brake()], [[0, 1, 1, 1, 0], { done: 1 }])
    const swap = { displayName: 'Eng', members: [{ value: d }, { value: e }] }
    t.equal((await scim('PUT', `/Groups/${eng}`, swap)).status, 200)
    const { body } = await scim('GET', `/Groups/${eng}`)
    t.strictSame((body.members as { value: string }[]).map(({ value }) => value).sort(), [d, e].sort())
    t.strictSame(await roles(), [0, 1, 1, 1, 1], 'who came has a role, who went keeps theirs')
    t.match([await rollout(), await brake()], [{ waitingGroups: 1 }, { heldSince: /^2/ }])
    await work()
    t.equal(await remove(e), 204)
    t.match([await rollout(), await brake()], [{ waitingGroups: 1 }, { heldRollouts: 1 }])
    t.equal((await applied()).length, 1)
    await scim('PATCH', `/Groups/${eng}`, members('add', c))
    await release()
    t.strictSame(await roles(), [0, 0, 1, 1, 0], 'who is back by then loses nothing')
    t.match([await rollout(), (await rolesOf(usher, b)).length], [{ waitingGroups: 0 }, 0])
    t.equal(await remove(c, d), 204)
    t.strictSame(await roles(), [0, 0, 0, 0, 0], 'for an hour nothing is held')
  },
  'so does what a sign-in says no more': async (t, usher) => {
    const { organization, rule, work, release, ...at } = await scene(usher, 0)
    const said = { oidc: { issuer: 'https://idp.example', clientId: 'c', claims: { groups: 'groups' } } }
    const connection = await usher.makeConnection(organization, said)
    await rule({ brake: { most: 1 }, groups: [yard(at)] })
    await work()
    for (const sub of ['ada', 'bob']) await usher.signIn(connection, { sub, groups: ['Eng'] })
    for (const sub of ['ada', 'bob'])
      t.ok((await usher.signIn(connection, { sub, groups: [] })).cookie, 'nobody is kept out by it')
    const held = async () =>
      (await usher.rows('select from memberships where workspace_id = $1', [at.workspace])).length
    t.equal(await held(), 1)
    await release()
    t.equal(await held(), 0)
  },
  'whatever was held, once it is released roles are what the rules say': async (t, usher) => {
    const role = fc.constantFrom('admin' as const, 'member' as const)
    const at = fc.nat(2)
    const step = fc.oneof(
      fc.record({ do: fc.constantFrom('add' as const, 'remove' as const), group: fc.nat(1), user: at }),
      fc.record({ do: fc.constant('policy' as const), roles: fc.array(role, { maxLength: 2 }) }),
      fc.constantFrom({ do: 'work' as const }, { do: 'release' as const }),
    )
    const steps = fc.array(step, { minLength: 8, maxLength: 20 })
    await fc.assert(
      fc.asyncProperty(steps, (sequence) => play(usher, sequence)),
      { numRuns: 8 },
    )
    t.same(await brokenOf(usher), [])
  },
})

type Step =
  | { do: 'add' | 'remove'; group: number; user: number }
  | { do: 'policy'; roles: ('admin' | 'member')[] }
  | { do: 'work' }
  | { do: 'release' }

async function play(usher: Usher, sequence: readonly Step[]): Promise<void> {
  const { scim, rule, group, work, people, release, workspace, connection } = await scene(usher, 3)
  await rule({ brake: { most: 1 } })
  const names = ['Eng', 'Ops']
  const groups = [await group('Eng', ...people), await group('Ops')]
  const inside = [new Set(people), new Set<string>()]
  let rules: GroupRule[] = []
  for (const step of sequence) {
    if (step.do === 'work') await work()
    else if (step.do === 'release') await release()
    else if (step.do === 'policy') {
      rules = step.roles.map((role, n) => ({
        ...{ id: `r${n}`, group: names[n] ?? '', give: { workspace, role } },
      }))
      await rule({ groups: rules })
    } else {
      const user = people[step.user] ?? ''
      const { status } = await scim('PATCH', `/Groups/${groups[step.group]}`, members(step.do, user))
      if (status !== 204) throw new Error(`a change of a group was answered by ${status}`)
      if (step.do === 'add') inside[step.group]?.add(user)
      else inside[step.group]?.delete(user)
    }
  }
  await work()
  await release()
  for (const user of people) {
    const of = names
      .filter((_, n) => inside[n]?.has(user))
      .map((name) => ({ name, connectionId: connection.id }))
    const wanted = wantedOf(matchingOf(rules), { groups: of, defaultWorkspace: null })
    const expected = wanted.map(({ rule: id, placeId, role }) => `${id} ${placeId} ${role}`).sort()
    const found = await rolesOf(usher, user)
    if (JSON.stringify(found) !== JSON.stringify(expected)) throw new Error(`${found}, not ${expected}`)
  }
}
