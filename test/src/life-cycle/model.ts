import type { Action, ConnectionName, Role, Rules, Said } from './actions.ts'

// What DESIGN.md section 3 and docs/ promise, in the fewest words that can be run; nothing of src is read here.

export interface Person {
  connection: ConnectionName
  managed: boolean
  userName: string
  externalId: string | null
  userType: string
  department: string
  status: 'ready' | 'suspended' | 'leaving' | 'archived' | 'erased'
  reason?: string
  /** What they were when they were deleted. */
  was?: Pick<Person, 'status' | 'reason'>
  deletedAt: number
  /** When they came, or last came back. */
  enteredAt: number
  held: boolean
  /** What has been decided about their place, once it has. */
  place?: 'none' | 'joined' | { home: string; role: Role }
  joinedAs?: Role
  byHand?: Role
}

export interface Model {
  now: number
  rules: Rules
  people: Person[]
  /** Whose login it is, by connection and subject. */
  logins: Map<string, Person>
  groups: Map<string, Set<Person>>
  sessions: { of: Person; since: number; used: number; ended: boolean }[]
}

/** What is answered: a status over HTTP, `in` or the reason of a refusal to a sign-in; and whom it is about. */
export interface Outcome {
  readonly answer: number | string
  readonly who?: number
}

const HOUR = 60 * 60_000
const DAY = 24 * HOUR
const ranks: readonly Role[] = ['viewer', 'member', 'admin', 'owner']
export const highest = (roles: readonly Role[]) => ranks.findLast((role) => roles.includes(role))

export const isThere = ({ status }: Person) => status === 'ready' || status === 'suspended'

function endSessions(model: Model, person: Person): void {
  for (const session of model.sessions) if (session.of === person) session.ended = true
}

function suspend(model: Model, person: Person, reason?: string): void {
  if (person.status === 'ready') endSessions(model, person)
  const { reason: _, ...rest } = person
  Object.assign(person, rest, { status: 'suspended' })
  delete person.reason
  if (reason) person.reason = reason
}

function letIn(model: Model, person: Person): void {
  person.status = 'ready'
  delete person.reason
  person.enteredAt = model.now
  givePlace(model, person)
}

/** Whoever has no place gets what the rules give now. */
function givePlace({ rules }: Model, person: Person): void {
  if (person.place && person.place !== 'none') return
  const isGuest = rules.guests && person.userType.toLowerCase() === 'guest'
  const give = isGuest ? 'none' : rules.give
  if (give === 'create') {
    const home = rules.homes && person.department === 'Research' ? 'Research' : 'home'
    person.place = { home, role: rules.role }
  } else if (give === 'join') {
    person.place = 'joined'
    person.joinedAs = 'member'
  } else person.place = 'none'
}

const named = ({ people }: Model, userName: string) =>
  people.find((one) => isThere(one) && one.userName.toLowerCase() === userName.toLowerCase())

const keyed = ({ people }: Model, connection: ConnectionName, externalId: string | null) =>
  people.find(
    (one) =>
      isThere(one) && one.connection === connection && one.externalId === externalId && externalId !== null,
  )

function push(model: Model, said: Said): Outcome {
  const [byKey, byName] = [keyed(model, 'A', said.externalId), named(model, said.userName)]
  const known = byKey ?? byName
  if (known) {
    const isAdopted = known.connection === 'A' && !known.managed && model.rules.adoption === 'adopt'
    if (!isAdopted || (byName && byName !== known)) return { answer: 409 }
    return written(model, known, said)
  }
  const former = formerOf(model, said.externalId)
  if (former) {
    former.enteredAt = model.now
    former.status = 'suspended'
    delete former.reason
    return written(model, former, said)
  }
  const made = makePerson(model, { ...said, connection: 'A', managed: true, status: 'suspended' })
  if (said.active) letIn(model, made)
  return { answer: 201, who: model.people.indexOf(made) }
}

function written(model: Model, person: Person, { active, externalId, ...said }: Said): Outcome {
  Object.assign(person, said, { managed: true, externalId: externalId ?? person.externalId })
  if (!active) suspend(model, person)
  else if (person.status === 'ready') givePlace(model, person)
  else if (person.reason === undefined) letIn(model, person)
  return { answer: 201, who: model.people.indexOf(person) }
}

function formerOf({ people, rules, now }: Model, externalId: string | null): Person | undefined {
  if (externalId === null) return undefined
  const isBack = ({ status, deletedAt }: Person) =>
    status === 'leaving'
      ? deletedAt + rules.graceDays * DAY > now
      : status === 'archived' && rules.rehire === 'restore'
  return people
    .filter((one) => one.connection === 'A' && one.externalId === externalId && isBack(one))
    .sort((a, b) => b.deletedAt - a.deletedAt)[0]
}

function makePerson(
  model: Model,
  what: Partial<Person> & Pick<Person, 'connection' | 'managed' | 'userName'>,
) {
  const {
    connection,
    managed,
    userName,
    externalId = null,
    userType = '',
    department = '',
    status = 'ready',
  } = what
  const person = { connection, managed, userName, externalId, userType, department, status, held: false }
  const made: Person = { ...person, deletedAt: 0, enteredAt: model.now }
  model.people.push(made)
  return made
}

function change(model: Model, person: Person, said: Partial<Said>): Outcome {
  if (!isThere(person)) return { answer: 404 }
  if (person.connection !== 'A' || (!person.managed && model.rules.adoption === 'reject'))
    return { answer: 403 }
  const { active, ...values } = said
  const isTaken = (other: Person | undefined) => other !== undefined && other !== person
  if (isTaken(named(model, said.userName ?? '')) || isTaken(keyed(model, 'A', said.externalId ?? null)))
    return { answer: 409 }
  Object.assign(person, values, { managed: true })
  if (active === false) suspend(model, person)
  // As they were: whoever was given none gets one at their next sign-in, not by this.
  const wasGivenNone = person.place === 'none'
  if (active && person.status === 'suspended' && !person.reason) letIn(model, person)
  if (wasGivenNone) {
    person.place = 'none'
    delete person.joinedAs
  }
  return { answer: 200 }
}

function remove(model: Model, person: Person): Outcome {
  if (!isThere(person)) return { answer: 404 }
  if (person.connection !== 'A') return { answer: 403 }
  const { status, reason } = person
  endSessions(model, person)
  delete person.reason
  Object.assign(person, {
    status: 'leaving',
    deletedAt: model.now,
    was: { status, ...(reason && { reason }) },
  })
  return { answer: 204 }
}

function signIn(model: Model, { by, sub, name }: Extract<Action, { do: 'sign-in' }>): Outcome {
  const login = `${by} ${sub}`
  const known = model.logins.get(login)
  if (known && isThere(known)) return admit(model, known, login)
  const byKey = keyed(model, by, sub)
  const hasLogin = (person: Person) =>
    [...model.logins].some(([one, of]) => of === person && one.startsWith(`${by} `))
  if (byKey) return hasLogin(byKey) ? { answer: 'login_taken' } : admit(model, byKey, login)
  const byName = named(model, name)
  if (byName) {
    const isOurs = by === 'A' && byName.managed && byName.connection === 'A' && !hasLogin(byName)
    return isOurs ? admit(model, byName, login) : { answer: 'user_name_taken' }
  }
  const former = ({ connection, externalId, status }: Person) =>
    connection === by && externalId === sub && status !== 'erased'
  if (known || model.people.some(former)) return { answer: 'deprovisioned' }
  if (model.rules.justInTime === 'off') return { answer: 'just_in_time_off' }
  if (model.rules.justInTime === 'only-if-pushed') return { answer: 'not_pushed' }
  const made = makePerson(model, { connection: by, managed: false, userName: name, externalId: sub })
  return admit(model, made, login)
}

function admit(model: Model, person: Person, login: string): Outcome {
  if (person.status === 'suspended') return { answer: 'suspended' }
  model.logins.set(login, person)
  givePlace(model, person)
  model.sessions.push({ of: person, since: model.now, used: model.now, ended: false })
  return { answer: 'in', who: model.people.indexOf(person) }
}

function restore(model: Model, person: Person): Outcome {
  if (person.status === 'erased') return { answer: 409 }
  if (isThere(person)) return { answer: 200 }
  if (named(model, person.userName) || keyed(model, person.connection, person.externalId))
    return { answer: 409 }
  person.enteredAt = model.now
  if (person.was?.status !== 'suspended') letIn(model, person)
  else {
    delete person.reason
    Object.assign(person, person.was)
  }
  return { answer: 200 }
}

function erase(model: Model, person: Person): Outcome {
  if (person.status === 'erased') return { answer: 200 }
  if (isThere(person) || person.held) return { answer: 409 }
  for (const members of model.groups.values()) members.delete(person)
  for (const [login, of] of model.logins) if (of === person) model.logins.delete(login)
  delete person.byHand
  Object.assign(person, { status: 'erased', externalId: null, place: 'none' })
  return { answer: 200 }
}

/** What an administrator does to one person. */
const administration: Readonly<Record<string, (model: Model, person: Person) => Outcome>> = {
  suspend(model, person) {
    if (!isThere(person)) return { answer: 404 }
    suspend(model, person, 'suspended_by_administrator')
    return { answer: 200 }
  },
  reactivate(model, person) {
    if (!isThere(person)) return { answer: 404 }
    if (person.status === 'suspended') letIn(model, person)
    return { answer: 200 }
  },
  restore,
  erase,
  'end sessions'(model, person) {
    endSessions(model, person)
    return { answer: 204 }
  },
  hold(_, person) {
    if (person.status === 'erased') return { answer: 409 }
    person.held = true
    return { answer: 200 }
  },
  lift(_, person) {
    if (!person.held) return { answer: 404 }
    person.held = false
    return { answer: 204 }
  },
}

function giveRole({ person, role }: { person: Person; role: Role | null }, ruled: readonly Role[]): Outcome {
  if (role !== null) {
    if (!isThere(person)) return { answer: 404 }
    person.byHand = role
    return { answer: 204 }
  }
  if (!person.byHand) return { answer: ruled.length > 0 ? 409 : 404 }
  delete person.byHand
  return { answer: 204 }
}

/** What the rules of groups and the policy give in the shared workspace. */
export function ruledRoles({ groups, rules }: Model, person: Person): Role[] {
  const isIn = (name: string) => groups.get(name)?.has(person) ?? false
  const byGroup: Role[] = !rules.groups ? [] : isIn('Leads') ? ['viewer'] : isIn('Engineers') ? ['admin'] : []
  return [...(person.joinedAs ? [person.joinedAs] : []), ...byGroup]
}

function changeGroup(model: Model, action: Extract<Action, { do: 'group' }>): Outcome {
  const members = model.groups.get(action.group)
  if (action.op === 'make') {
    model.groups.set(action.group, new Set())
    return { answer: 201 }
  }
  if (action.op === 'delete') model.groups.delete(action.group)
  const person = model.people[action.at % model.people.length]
  if (action.op === 'remove' && person) members?.delete(person)
  if (action.op === 'add' && person && isThere(person)) members?.add(person)
  return { answer: 204 }
}

/** Whoever comes back after that has what was archived with them; what was given away is another's. */
function archive({ rules }: Model, person: Person): void {
  person.status = 'archived'
  if (rules.leaving === 'transfer' && typeof person.place === 'object') delete person.place
}

/** What a round of the worker does. */
function work(model: Model): Outcome {
  const { rules, now, people } = model
  const isExpired = ({ status, userType, enteredAt }: Person) =>
    rules.guests && status === 'ready' && userType.toLowerCase() === 'guest' && enteredAt + 5 * DAY <= now
  for (const guest of people.filter(isExpired)) suspend(model, guest, 'guest_expired')
  for (const person of people)
    if (
      person.status === 'leaving' &&
      !person.held &&
      person.deletedAt + (rules.graceDays + rules.keepDays) * DAY <= now
    )
      archive(model, person)
  return { answer: 'done' }
}

export function apply(model: Model, action: Action): Outcome {
  model.now += 1000
  const at = 'at' in action ? action.at % Math.max(1, model.people.length) : 0
  const person = model.people[at]
  switch (action.do) {
    case 'push':
      return push(model, action.said)
    case 'sign-in':
      return signIn(model, action)
    case 'policy':
      Object.assign(model.rules, action.rules)
      return { answer: 200 }
    case 'pass':
      model.now += action.hours * HOUR
      return { answer: 'done' }
    case 'work':
      return work(model)
    case 'group':
      return changeGroup(model, action)
  }
  if (!person) throw new TypeError('there is nobody yet')
  switch (action.do) {
    case 'put':
    case 'patch':
      return change(model, person, action.said)
    case 'delete':
      return remove(model, person)
    case 'role':
      return giveRole({ person, role: action.role }, ruledRoles(model, person))
    case 'administer':
      return administration[action.what]?.(model, person) ?? { answer: 'unknown' }
  }
}

/** Whether it counts now; to look is to use it, which is noted every five minutes. */
export function isLive(model: Model, session: Model['sessions'][number]): boolean {
  const { of, since, used, ended } = session
  const { now } = model
  const live = !ended && of.status === 'ready' && now < since + 12 * HOUR && now < used + 2 * HOUR
  if (live && now >= used + HOUR / 12) session.used = now
  return live
}
