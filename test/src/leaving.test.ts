import t from 'tap'
import { checkInvariants } from '../../db/index.ts'
import { seeOffIn } from '../../src/provisioning/departures.ts'
import { DAY, stoppedClock } from './clock.ts'
import { holdOnEachLayout } from './layouts.ts'
import { patchUser, person } from './people.ts'
import type { Usher } from './usher.ts'

const clock = stoppedClock()
const OIDC = { issuer: 'https://idp.example', clientId: 'c' }
const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'

async function scene(usher: Usher) {
  const { organization, scim, connection } = await usher.makePusher()
  const { path } = organization
  const rule = async (patch: object) => {
    const answer = await usher.admin('PATCH', `${path}/policy`, patch)
    if (answer.status !== 200) throw new Error(answer.text)
  }
  const push = async (name: string, more: object = {}) => {
    const { status, body, text } = await scim('POST', '/Users', person(name, { externalId: name, ...more }))
    if (status !== 201) throw new Error(text)
    return body.id
  }
  const ask = (id: string, what = '', method: 'GET' | 'POST' | 'PUT' | 'DELETE' = 'GET', body?: object) =>
    usher.admin(method, `${path}/users/${id}${what}`, body)
  const statusOf = async (id: string) => (await ask(id)).body.status
  const remove = async (id: string) => (await scim('DELETE', `/Users/${id}`)).status
  const round = (stop = new AbortController().signal) =>
    seeOffIn(
      { db: usher.db, organizationId: organization.id, now: clock.now(), actor: 'system', requestId: '' },
      stop,
    )
  const workspaces = (owner: string) =>
    usher.rows<{ id: string; status: string; default_of: string | null }>(
      `select w.id, w.status, w.default_of from workspaces w
       join memberships m on m.organization_id = $1 and m.workspace_id = w.id
       where w.organization_id = $1 and m.user_id = $2 and m.role = 'owner' order by w.id`,
      [organization.id, owner],
    )
  const workspace = async (...owners: string[]) => {
    const [row] = await usher.rows<{ id: string }>(
      `insert into workspaces (organization_id, id, team_id, name, created_at)
       select $1, gen_random_uuid(), id, 'Shared', now() from teams where organization_id = $1 and home returning id`,
      [organization.id],
    )
    for (const owner of owners)
      await usher.rows(
        `insert into memberships (organization_id, user_id, workspace_id, role, source, rule, created_at)
         values ($1, $2, $3, 'owner', 'administrator', 'test', now())`,
        [organization.id, owner, row?.id],
      )
    return row?.id ?? ''
  }
  const ownersOf = async (id: string) =>
    (
      await usher.rows<{ user_id: string }>(
        `select user_id from memberships where organization_id = $1 and workspace_id = $2 and role = 'owner'`,
        [organization.id, id],
      )
    ).map(({ user_id }) => user_id)
  const told = async (id: string) =>
    (await ask(id, '/timeline?limit=100')).body.items.map(({ type }) => String(type))
  return {
    ...{ organization, connection, path, scim, rule, push, ask, statusOf, remove, round },
    ...{ workspaces, workspace, ownersOf, told },
  }
}

const scimAgain = (push: (name: string) => Promise<string>) => push('b')

const times = (types: readonly string[], type: string) => types.filter((one) => one === type).length

holdOnEachLayout(
  t,
  {
    'whose grace is over is archived with what was their own, once': async (t, usher) => {
      const { push, remove, round, statusOf, workspaces, told } = await scene(usher)
      const [ada, bob] = [await push('ada'), await push('bob')]
      t.equal(await remove(ada), 204)
      clock.pass(30 * DAY - 1)
      await round()
      t.equal(await statusOf(ada), 'leaving', 'not before its end')
      clock.pass(1)
      await Promise.all([round(), round(), round()])
      t.equal(await statusOf(ada), 'archived')
      t.match(await workspaces(ada), [{ status: 'archived', default_of: ada }])
      t.equal(times(await told(ada), 'user.archived'), 1)
      t.match([await statusOf(bob), await workspaces(bob)], ['ready', [{ status: 'active' }]])
      t.same(await checkInvariants(usher.db), [])
    },
    'how long it is kept is the policy’s to say, and who comes back meanwhile is spared': async (
      t,
      usher,
    ) => {
      const { push, remove, round, statusOf, rule, workspaces, ask } = await scene(usher)
      await rule({ graceDays: 2, leaving: { keepDays: 3 } })
      const [ada, bob] = [await push('ada'), await push('bob')]
      const before = await workspaces(ada)
      await remove(ada)
      await remove(bob)
      clock.pass(DAY)
      t.equal(await push('ada'), ada, 'the same id within the grace')
      clock.pass(3 * DAY)
      await round()
      t.equal(await statusOf(bob), 'leaving')
      t.match(await ask(bob, '/restore', 'POST'), { status: 200, body: { status: 'ready', id: bob } })
      await remove(bob)
      clock.pass(5 * DAY)
      await round()
      t.same([await statusOf(ada), await statusOf(bob)], ['ready', 'archived'])
      t.same(await workspaces(ada), before)
      t.same(await checkInvariants(usher.db), [])
    },
    'who is a member of what somebody leaves is no owner of it': async (t, usher) => {
      const { organization, push, remove, round, workspaces, workspace, ownersOf } = await scene(usher)
      const [ada, bob] = [
        await push('ada', { [ENTERPRISE]: { manager: { value: 'bob' } } }),
        await push('bob'),
      ]
      const shared = await workspace(ada)
      const [own] = await workspaces(ada)
      for (const id of [own?.id, shared])
        await usher.rows(
          `insert into memberships (organization_id, user_id, workspace_id, role, source, rule, created_at)
           values ($1, $2, $3, 'member', 'administrator', 'test', now())`,
          [organization.id, bob, id],
        )
      await remove(ada)
      clock.pass(30 * DAY)
      await round()
      const [row] = await usher.rows('select status from workspaces where organization_id = $1 and id = $2', [
        organization.id,
        own?.id,
      ])
      t.match(row, { status: 'archived' })
      t.same(await ownersOf(shared), [ada], 'nobody to give it to: it waits')
      t.same(await checkInvariants(usher.db), [])
    },
    'whoever is under hold or protected is not archived': async (t, usher) => {
      const { push, remove, round, statusOf, rule, ask, told } = await scene(usher)
      const [ada, bob] = [await push('ada'), await push('bob')]
      await rule({ protected: { users: [bob] } })
      t.match(await ask(ada, '/hold', 'PUT', { reason: 'Case 17' }), {
        status: 200,
        body: { reason: 'Case 17' },
      })
      await ask(ada, '/hold', 'PUT', { reason: 'Case 17' })
      for (const id of [ada, bob]) t.equal(await remove(id), 204)
      clock.pass(31 * DAY)
      await round()
      t.same([await statusOf(ada), await statusOf(bob)], ['leaving', 'leaving'])
      t.match(await ask(ada, '/hold'), { status: 200, body: { reason: 'Case 17', actor: /^admin:/ } })
      t.same((await ask(ada)).body.hold, (await ask(ada, '/hold')).body, 'which the person’s view shows')
      t.notOk((await ask(bob)).body.hold)
      t.same(
        [(await ask(ada, '/hold', 'DELETE')).status, (await ask(ada, '/hold', 'DELETE')).status],
        [204, 404],
      )
      await round()
      t.same([await statusOf(ada), await statusOf(bob)], ['archived', 'leaving'])
      t.equal(times(await told(ada), 'user.hold-placed'), 1)
      await round()
      t.equal(times(await told(bob), 'user.protected-left'), 1, 'which is told once')
      t.same(await checkInvariants(usher.db), [])
    },
    'an administrator suspends and lets in; what SCIM repeats does neither': async (t, usher) => {
      const { push, ask, statusOf, scim, told, workspaces } = await scene(usher)
      const ada = await push('ada')
      const before = await workspaces(ada)
      t.match(await ask(ada, '/suspend', 'POST'), {
        status: 200,
        body: { status: 'suspended', reason: { code: 'suspended_by_administrator' } },
      })
      await ask(ada, '/suspend', 'POST')
      t.equal(times(await told(ada), 'user.suspended'), 1)
      t.match(await patchUser(scim, ada, { active: true }), { status: 200, body: { active: false } })
      t.equal((await patchUser(scim, ada, { title: 'x' })).status, 200)
      t.equal(
        (await scim('PUT', `/Users/${ada}`, person('ada', { externalId: 'ada', active: true }))).status,
        200,
      )
      t.match((await ask(ada)).body, { status: 'suspended', reason: { code: 'suspended_by_administrator' } })
      t.match(await ask(ada, '/reactivate', 'POST'), { status: 200, body: { status: 'ready' } })
      t.same(await workspaces(ada), before)

      await ask(ada, '/suspend', 'POST')
      await patchUser(scim, ada, { active: false })
      t.match((await ask(ada)).body, { reason: { code: 'suspended_by_scim' } }, 'now it is SCIM')
      await patchUser(scim, ada, { active: true })
      t.equal(await statusOf(ada), 'ready')
      t.same(await checkInvariants(usher.db), [])
    },
    'who is shut out stays so when SCIM takes them over': async (t, usher) => {
      const { organization, scim, connection } = await usher.makePusher({ oidc: OIDC, scim: {} })
      await usher.signIn(connection, { sub: 'ada', preferred_username: 'ada' })
      const of = `${organization.path}/users`
      const [{ id } = { id: '' }] = (await usher.admin('GET', of)).body.items
      await usher.admin('POST', `${of}/${id}/suspend`)
      const again = person('ada', { externalId: 'ada', active: true })
      t.match(await scim('POST', '/Users', again), { status: 201, body: { id, active: false } })
      t.match(await usher.signIn(connection, { sub: 'ada' }), { code: 'suspended' })
      await patchUser(scim, id, { active: false })
      t.match(await patchUser(scim, id, { active: true }), { body: { active: true } })
      t.same(await checkInvariants(usher.db), [])
    },
    'who was suspended before comes back suspended; a name that is taken is a conflict': async (t, usher) => {
      const { push, ask, remove, round, statusOf, scim, workspaces } = await scene(usher)
      const [ada, bob] = [await push('ada'), await push('bob')]
      const before = await workspaces(bob)
      await patchUser(scim, ada, { active: false })
      for (const id of [ada, bob]) await remove(id)
      clock.pass(30 * DAY)
      await round()
      const other = await push('ada')
      t.not(other, ada, 'whose time is over is not inherited')
      t.match(await ask(ada, '/restore', 'POST'), { status: 409, body: { code: 'conflict' } })
      await remove(other)
      t.match(await ask(ada, '/restore', 'POST'), { status: 200, body: { status: 'suspended' } })
      t.match(await ask(bob, '/restore', 'POST'), { status: 200, body: { status: 'ready' } })
      t.match(await ask(bob, '/restore', 'POST'), { status: 200, body: { status: 'ready' } }, 'as they are')
      t.same(await workspaces(bob), before, 'what was archived with them is theirs')
      t.equal(await statusOf(other), 'leaving')
      t.same(await checkInvariants(usher.db), [])
    },
    'what a leaver owns alone gets the manager, else another named, or waits': async (t, usher) => {
      const { push, remove, round, rule, workspace, ownersOf, told, ask, workspaces, path, organization } =
        await scene(usher)
      const [boss, heir] = [await push('boss'), await push('heir')]
      const managed = { [ENTERPRISE]: { manager: { value: boss } } }
      const [ada, bob, cid] = [await push('ada', managed), await push('bob'), await push('cid', managed)]
      await rule({ leaving: { workspace: 'transfer', to: ['manager', { user: heir }] } })
      const [alone, shared, bobs] = [await workspace(ada), await workspace(ada, cid), await workspace(bob)]
      const [own] = (await workspaces(ada)).filter(({ default_of }) => default_of !== null)
      for (const id of [ada, bob]) await remove(id)
      clock.pass(30 * DAY)
      await Promise.all([round(), round()])
      t.same((await ownersOf(alone)).includes(boss), true)
      t.same(await ownersOf(own?.id ?? ''), [boss], 'what was their own is wholly another’s')
      t.same((await ownersOf(shared)).toSorted(), [ada, cid].toSorted(), 'a co-owner stays')
      t.ok((await ownersOf(bobs)).includes(heir))
      t.equal(times(await told(ada), 'workspace.transferred'), 2)

      await remove(boss)
      await rule({ leaving: { workspace: 'transfer', to: ['manager'] } })
      await remove(cid)
      clock.pass(30 * DAY)
      await round()
      await round()
      t.equal(times(await told(cid), 'workspace.transfer-pending'), 2, 'once for each workspace')
      t.same(await checkInvariants(usher.db), [])
      const waiting = (await usher.admin('GET', `${path}/transfers`)).body.items
      t.equal(waiting.filter(({ userId }) => userId === cid).length, 2)
      const give = (userId: string) => usher.admin('POST', `${path}/transfers/${shared}`, { userId })
      t.equal((await give(cid)).status, 409, 'only to somebody who is there')
      t.same([(await give(heir)).status, (await give(heir)).status], [204, 404])
      t.ok((await ownersOf(shared)).includes(heir))
      await rule({ leaving: { to: ['team'] } })
      await usher.rows(
        `insert into team_memberships (organization_id, user_id, team_id, role, source, rule, created_at)
         select $1, $2, id, 'admin', 'administrator', 'test', now() from teams where organization_id = $1 and home`,
        [organization.id, heir],
      )
      await round()
      t.same((await usher.admin('GET', `${path}/transfers`)).body.items, [], 'it is tried anew')
      t.equal((await ask(cid)).body.status, 'archived')
      t.same(await checkInvariants(usher.db), [])
    },
    'two owners who leave at once do not leave it to each other': async (t, usher) => {
      const { push, remove, round, rule, workspace, ownersOf } = await scene(usher)
      const [ada, bob, heir] = [await push('ada'), await push('bob'), await push('heir')]
      await rule({ leaving: { to: [{ user: heir }] } })
      const both = await workspace(ada, bob)
      for (const id of [ada, bob]) await remove(id)
      clock.pass(30 * DAY)
      await Promise.all([round(), round(), round()])
      t.ok((await ownersOf(both)).includes(heir))
      t.same(await checkInvariants(usher.db), [])
    },
    'what the long suspended own alone gets an owner beside them': async (t, usher) => {
      const { push, round, rule, workspaces, ownersOf, ask, told, scim } = await scene(usher)
      const [ada, boss] = [await push('ada'), await push('boss')]
      await rule({ suspended: { keepDays: 10 }, leaving: { to: [{ user: boss }] } })
      const before = await workspaces(ada)
      const own = before[0]?.id ?? ''
      await patchUser(scim, ada, { active: false })
      clock.pass(10 * DAY - 1)
      await round()
      t.same(await ownersOf(own), [ada])
      clock.pass(1)
      await Promise.all([round(), round()])
      await round()
      t.same((await ownersOf(own)).toSorted(), [ada, boss].toSorted())
      t.equal(times(await told(ada), 'workspace.transferred'), 1)
      t.equal((await ask(ada)).body.status, 'suspended')
      await patchUser(scim, ada, { active: true })
      t.same(await workspaces(ada), before, 'it is as it was')
      t.same(await checkInvariants(usher.db), [])
    },
    'who was made an owner, and by hand less, is none beside the long suspended': async (t, usher) => {
      const { push, round, rule, workspaces, ownersOf, organization, scim } = await scene(usher)
      const [ada, bob, boss] = [await push('ada'), await push('bob'), await push('boss')]
      await rule({ suspended: { keepDays: 10 }, leaving: { to: [{ user: boss }] } })
      const [{ id } = { id: '' }] = await workspaces(ada)
      await usher.rows(
        `insert into memberships (organization_id, user_id, workspace_id, role, source, rule, created_at)
         values ($1, $2, $3, 'owner', 'person', 'test', now()), ($1, $2, $3, 'member', 'administrator', 'test', now())`,
        [organization.id, bob, id],
      )
      await patchUser(scim, ada, { active: false })
      clock.pass(10 * DAY)
      await round()
      t.ok((await ownersOf(id)).includes(boss))
      t.same(await checkInvariants(usher.db), [])
    },
    'guests are suspended after their time, and anew after they were let in': async (t, usher) => {
      const { push, round, rule, statusOf, ask, told, scim } = await scene(usher)
      await rule({ guests: { userTypes: ['Guest'], expireDays: 5 } })
      const [gus, ada] = [await push('gus', { userType: 'guest ' }), await push('ada')]
      clock.pass(5 * DAY - 1)
      await round()
      t.equal(await statusOf(gus), 'ready')
      clock.pass(1)
      await Promise.all([round(), round()])
      t.match((await ask(gus)).body, { status: 'suspended', reason: { code: 'guest_expired' } })
      t.equal(await statusOf(ada), 'ready')
      const guest = person('gus', { externalId: 'gus', userType: 'guest', active: true })
      t.match(await scim('PUT', `/Users/${gus}`, guest), { status: 200, body: { active: false } })
      t.match((await ask(gus, '/reactivate', 'POST')).body, { status: 'ready' })
      await round()
      t.equal(await statusOf(gus), 'ready')
      clock.pass(5 * DAY)
      await round()
      t.equal(await statusOf(gus), 'suspended')
      t.equal(times(await told(gus), 'user.suspended'), 2)
      t.same(await checkInvariants(usher.db), [])
    },
    'who comes back after being archived is new, or by the policy restored': async (t, usher) => {
      const { push, remove, round, rule, workspaces, scim, statusOf } = await scene(usher)
      const first = await push('ada')
      const before = await workspaces(first)
      await remove(first)
      clock.pass(30 * DAY)
      await round()
      const second = await push('ada')
      t.not(second, first)
      await remove(second)
      clock.pass(30 * DAY)
      await round()
      await rule({ rehire: 'restore' })
      t.equal(await push('ada'), second, 'of two the last')
      await remove(second)
      await rule({ rehire: 'new' })
      clock.pass(30 * DAY)
      await round()
      const recycled = await scim('POST', '/Users', person('ada', { externalId: 'another' }))
      await rule({ rehire: 'restore' })
      t.notOk([first, second].includes(recycled.body.id), 'a name inherits nothing')
      t.equal((await scim('POST', '/Users', person('ada', { externalId: 'ada' }))).status, 409)
      t.equal(await statusOf(second), 'archived')
      t.match(await workspaces(first), [{ ...before[0], status: 'archived' }])
      t.same(await checkInvariants(usher.db), [])
    },
    'of whoever was erased nothing is left but that it was somebody': async (t, usher) => {
      const { push, remove, ask, rule, scim, path, organization, told, statusOf } = await scene(usher)
      await rule({ workspace: { name: '{displayName}’s desk' } })
      const mail = { emails: [{ value: 'ada@lovelace.example' }], displayName: 'Ada Lovelace' }
      const ada = await push('lovelace', mail)
      await scim('POST', '/Groups', { displayName: 'Staff', members: [{ value: ada }] })
      await scim('PUT', `/Users/${ada}`, person('lovelace2', { externalId: 'lovelace', ...mail }))
      t.equal((await ask(ada, '/erase', 'POST')).status, 409, 'who is here is not')
      await remove(ada)
      await ask(ada, '/hold', 'PUT', { reason: 'x' })
      t.equal((await ask(ada, '/erase', 'POST')).status, 409, 'nor who is under hold')
      await ask(ada, '/hold', 'DELETE')
      t.match(await ask(ada, '/erase', 'POST'), { status: 200, body: { status: 'erased' } })
      t.equal((await ask(ada, '/erase', 'POST')).status, 200)
      t.equal((await ask(ada, '/restore', 'POST')).status, 409)
      t.equal(times(await told(ada), 'user.erased'), 1)
      t.ok((await told(ada)).includes('user.created'))
      const shown = JSON.stringify([await ask(ada), await ask(ada, '/timeline'), await ask(ada, '/explain')])
      const kept = await usher.rows(
        `select e.data, w.name, u.*, p.data as personal from users u
         left join events e on e.organization_id = $1 and e.subject_id = u.id
         left join event_personal p on p.organization_id = $1 and p.user_id = u.id
         left join workspaces w on w.organization_id = $1 and w.default_of = u.id
         where u.organization_id = $1 and u.id = $2`,
        [organization.id, ada],
      )
      t.ok(kept.length > 3)
      t.notMatch(shown + JSON.stringify(kept), /lovelace/i)
      t.not(await push('lovelace'), ada)
      await rule({ brake: { most: 1 } })
      const [bob, cid] = [await push('bob'), await push('cid')]
      for (const id of [bob, cid]) await remove(id)
      t.match([(await ask(bob, '/erase', 'POST')).status, await statusOf(cid)], [409, 'leaving'])
      t.equal((await usher.admin('GET', `${path}/brake`)).body.done, 1)
      t.same(await checkInvariants(usher.db), [])
    },
    'a round that is ended leaves the rest to the next': async (t, usher) => {
      const { push, remove, round, statusOf } = await scene(usher)
      const people = [await push('a'), await push('b'), await push('c')]
      for (const id of people) await remove(id)
      clock.pass(30 * DAY)
      await round(AbortSignal.abort())
      t.same(await Promise.all(people.map(statusOf)), ['leaving', 'leaving', 'leaving'])
      const [again] = await Promise.all([scimAgain(push), round(), round()])
      const statuses = await Promise.all(people.map(statusOf))
      t.notOk(statuses.includes('leaving'))
      t.notOk(people.includes(again), 'whose grace is over has no part in it')
      t.same(await checkInvariants(usher.db), [])
    },
    'a policy names people who are there': async (t, usher) => {
      const { path, organization } = await scene(usher)
      const patch = (document: object) => usher.admin('PATCH', `${path}/policy`, document)
      t.match(await patch({ protected: { users: [organization.id] } }), {
        status: 400,
        body: { errors: [{ path: 'body/protected/users/0' }] },
      })
      t.match(await patch({ leaving: { to: ['manager', { user: organization.id }] } }), {
        status: 400,
        body: { errors: [{ path: 'body/leaving/to/1/user' }] },
      })
      t.equal((await patch({ leaving: { to: ['anybody'] } })).status, 400)
    },
    'more than the brake allows waits for an administrator': async (t, usher) => {
      const { push, remove, round, rule, statusOf, organization, path } = await scene(usher)
      await rule({ brake: { most: 2 } })
      const people = await Promise.all(['a', 'b', 'c', 'd'].map((name) => push(name)))
      for (const id of people) await remove(id)
      clock.pass(30 * DAY)
      await round()
      const archived = async () =>
        (await Promise.all(people.map(statusOf))).filter((status) => status === 'archived').length
      t.equal(await archived(), 2)
      clock.pass(DAY)
      await round()
      t.equal(await archived(), 2, 'time alone does not release it')
      const [event] = await usher.rows<{ count: number }>(
        `select count(*)::int from events where organization_id = $1 and type = 'brake.applied'`,
        [organization.id],
      )
      t.equal(event?.count, 1)
      t.match((await usher.admin('GET', `${path}/brake`)).body, { most: 2, waiting: 2, heldSince: /^2/ })
      const released = await usher.admin('POST', `${path}/brake/release`)
      t.match(released, { status: 200, body: { releasedUntil: /^2/ } })
      t.notOk(released.body.heldSince)
      await round()
      t.equal(await archived(), 4)
      t.match((await usher.admin('GET', `${path}/brake`)).body, { waiting: 0 })
      t.same(await checkInvariants(usher.db), [])
    },
  },
  { clock: clock.now },
)
