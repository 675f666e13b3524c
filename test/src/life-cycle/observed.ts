import assert from 'node:assert/strict'
import type { Body } from '../api.ts'
import { highest, isLive, isThere, type Model, type Person, ruledRoles } from './model.ts'
import type { World } from './world.ts'

/** One person, by all that can be asked about them. */
interface Seen {
  readonly status: string
  readonly reason: string
  /** As SCIM shows them. */
  readonly scim: { active: boolean; userName: string; externalId: string; groups: string } | null
  readonly own: string
  readonly shared: string
  readonly sessions: number
}

export interface Observed {
  readonly people: readonly Seen[]
  /** Members by name. */
  readonly groups: Readonly<Record<string, string>>
}

const NONE = 'none'

/** What the model says is to be seen. */
export function expected(model: Model): Observed {
  const live = model.sessions.filter((session) => isLive(model, session)).map(({ of }) => of)
  const groups = [...model.groups].map(([name, members]) => [name, indexes(model, members)] as const)
  return {
    people: model.people.map((person) => seen(model, person, live.filter((of) => of === person).length)),
    groups: Object.fromEntries(groups.sort()),
  }
}

const indexes = ({ people }: Model, members: ReadonlySet<Person>) =>
  people.flatMap((person, index) => (members.has(person) && isThere(person) ? [index] : [])).join(' ')

function seen(model: Model, person: Person, sessions: number): Seen {
  const { status, reason, place, userName, externalId, byHand } = person
  const names = [...model.groups].filter(([, members]) => members.has(person)).map(([name]) => name)
  const scim = {
    active: status === 'ready',
    userName,
    externalId: externalId ?? NONE,
    groups: names.sort().join(' '),
  }
  return {
    status,
    reason: status === 'ready' ? NONE : (reason ?? (status === 'suspended' ? 'suspended_by_scim' : status)),
    scim: isThere(person) ? scim : null,
    own: typeof place === 'object' && isThere(person) ? `${place.role} in ${place.home}` : NONE,
    shared: isThere(person) ? (byHand ?? highest(ruledRoles(model, person)) ?? NONE) : NONE,
    sessions,
  }
}

/** What the service shows. */
export async function observe(world: World): Promise<Observed> {
  const { usher, path, scim, people, shared } = world
  const [users, groups] = [await scim('GET', '/Users?count=100'), await scim('GET', '/Groups?count=100')]
  const members = await usher.admin('GET', `${path}/workspaces/${shared}/members?limit=100`)
  const records = await usher.admin('GET', `${path}/users?limit=100`)
  const roles = new Map(members.body.items.map((one) => [(one.user as Body).id, String(one.role)]))
  const live = await liveSessions(world)
  const told = people.map((id, index) => {
    const record = records.body.items.find((one) => one.id === id)
    const resource = users.body.Resources.find((one) => one.id === id)
    return {
      status: String(record?.status),
      reason: record?.reason ? String((record.reason as Body).code) : NONE,
      scim: resource ? shownBy(resource) : null,
      own: resource && record ? placeOf(record) : NONE,
      shared: (resource && roles.get(id)) ?? NONE,
      sessions: live.filter((at) => at === index).length,
    }
  })
  return { people: told, groups: Object.fromEntries(groups.body.Resources.map(membersOf(people)).sort()) }
}

/** What has ended is looked at no more than `bygone` does. */
async function liveSessions({ usher, sessions }: World): Promise<number[]> {
  const live: number[] = []
  for (const session of sessions.filter(({ ended }) => !ended)) {
    const { cookie, at } = session
    const { status } = await usher.call({ method: 'GET', url: '/session/verify', headers: { cookie } })
    if (status === 200) live.push(at)
    else session.ended = true
  }
  return live
}

/** Asks at the end for what must not be there any more. */
export async function bygone({ usher, scim, people, sessions }: World, model: Model): Promise<void> {
  for (const [index, id] of people.entries()) {
    const person = model.people[index]
    const { status } = await scim('GET', `/Users/${id}`)
    assert.equal(status, person && isThere(person) ? 200 : 404)
    const { userName } = person ?? {}
    const found = await scim('GET', `/Users?filter=${encodeURIComponent(`userName eq "${userName}"`)}`)
    const there = model.people.findIndex((one) => isThere(one) && one.userName === userName)
    assert.deepEqual(
      found.body.Resources.map((one) => one.id),
      there < 0 ? [] : [people[there]],
    )
  }
  for (const { cookie, ended } of sessions) {
    const { status } = await usher.call({ method: 'GET', url: '/session/verify', headers: { cookie } })
    assert.equal(status, ended ? 401 : 200)
  }
}

const sorted = (values: unknown) =>
  (Array.isArray(values) ? values : []).map(({ display }) => String(display)).sort()

const shownBy = ({ active, userName, externalId = NONE, groups }: Body) => ({
  active: Boolean(active),
  userName: String(userName),
  externalId: String(externalId),
  groups: sorted(groups).join(' '),
})

function placeOf({ workspace }: Body): string {
  if (!workspace) return NONE
  const { role, home } = workspace as { role: string; home: { name: string } }
  return `${role} in ${home.name === 'Research' ? 'Research' : 'home'}`
}

const membersOf = (people: readonly string[]) => (group: Body) => {
  const members = (group.members ?? []) as readonly { value: string }[]
  const numbers = members.map(({ value }) => people.indexOf(value)).sort((a, b) => a - b)
  return [String(group.displayName), numbers.join(' ')] as const
}
