import { isDeepStrictEqual } from 'node:util'
import {
  failureOf,
  findUser,
  isPlaced,
  lockUser,
  type NewEvent,
  type ResourceRow,
  type Scope,
  type ShownRow,
  transact,
  type UserRecord,
  type UserStatus,
  updateUser,
  writeActivity,
} from '../../db/index.ts'
import { Problem } from '../errors.ts'
import { eventOf, type Happening } from '../events/record.ts'
import { heardPush } from './overrides.ts'
import { type Placed, placed, standingBy } from './placed.ts'
import { placingOf } from './placing.ts'
import { type Policies, policyInForce } from './policy.ts'
import { writePerson } from './reevaluate.ts'
import { Refused } from './refused.ts'
import { type Effective, otherwiseHeard, ownWords } from './sources.ts'

const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'

/** What SCIM may say of a person. */
export interface Saying {
  readonly userName: string
  readonly userNameKey: string
  readonly externalId: string | null
  readonly active: boolean
  readonly attributes: Readonly<Record<string, unknown>>
}

export interface Change {
  readonly userId: string
  readonly connectionId: string
  /** From the record as it stands to what it should say; throws to refuse. */
  readonly edit: (current: ResourceRow, scope: Scope) => Promise<Saying>
}

/**
 * Changes a person as SCIM asks, and takes the transition that follows from `active`. The record is read, computed,
 * and written where its version is unchanged; a writer that loses once holds the row for its second try. Null where
 * there is no such person.
 */
export async function changeUser(
  scope: Scope,
  change: Change,
  policies: Policies,
): Promise<ResourceRow | null> {
  const current = await findUser(scope, change.userId)
  if (!current) return null
  const changed = await changeRow(scope, { ...change, current }, policies)
  if (changed) return changed
  return transact(scope.db, async (db) => {
    const held = { ...scope, db }
    const locked = await lockUser(held, change.userId)
    return locked && ((await changeRow(held, { ...change, current: locked }, policies)) ?? null)
  })
}

export interface Switch {
  readonly userId: string
  readonly connectionId: string
  readonly active: boolean
  /** Only where the version is one of these. */
  readonly versions?: readonly number[] | undefined
}

/**
 * Suspends somebody or makes them ready again, in one round trip. Null where that cannot be told without a look at the
 * record; nothing has changed then, and `changeUser` says what there is to say.
 */
export function switchActivity(
  scope: Scope,
  { userId, connectionId, active, versions }: Switch,
): Promise<ShownRow | null> {
  const event = switchedEvent(userId, active, connectionId)
  return writeActivity(scope, { id: userId, connectionId, active, versions, event })
}

const switchedEvent = (id: string, active: boolean, connectionId: string): NewEvent =>
  eventOf({
    type: active ? 'user.reactivated' : 'user.suspended',
    subject: { type: 'user', id },
    changed: ['active'],
    data: { via: 'scim', connectionId },
  })

async function changeRow(
  scope: Scope,
  { current, connectionId, edit }: Change & { current: ResourceRow },
  policies: Policies,
): Promise<ResourceRow | undefined> {
  assertOwn(current, connectionId)
  if (!current.managed) await assertAdoption(scope, policies)
  const saying = await edit({ ...current, attributes: ownWords(current) }, scope)
  const heard = await heardPush(scope, { current, pushed: saying.attributes }, policies)
  const said = recordAfter(current, { ...saying, ...heard }, connectionId)
  const otherwise = otherwiseHeard(current, said)
  const changed = [...new Set([...differences(current, said), ...otherwise.heard])]
  const events = eventsOf(current, { record: said, changed, beneath: otherwise.beneath, connectionId })
  const { told, ...given } = await placeOnArrival(scope, current, said)
  if (changed.length + otherwise.beneath.length + told.length === 0 && current.managed) return current
  const record = { ...said, ...(given.withheld && standingBy(given)) }
  const after = { ...current, ...record, version: current.version + 1, updated_at: scope.now }
  const { id, version, status: was } = current
  const write = { id, version, was, record, ...given, events: [...events, ...told] }
  if (!(await written(scope, write))) return undefined
  // It has the manager, whose name is of another record.
  if (changed.includes(ENTERPRISE)) return (await findUser(scope, current.id)) ?? undefined
  return after
}

async function written(scope: Scope, write: Parameters<typeof updateUser>[1]): Promise<boolean> {
  try {
    return await writePerson(scope, write)
  } catch (error) {
    const failure = failureOf(error)
    if (failure?.kind !== 'conflict') throw error
    const code = failure.constraint?.includes('external_id') ? 'external_id_taken' : 'user_name_taken'
    throw new Refused({ code, rule: 'already there' })
  }
}

function assertOwn({ connection_id }: ResourceRow, connectionId: string): void {
  if (connection_id !== connectionId)
    throw new Problem('forbidden', 'This person is managed by another connection.')
}

/** A write to a person whom a sign-in made takes them over, as a create would. */
async function assertAdoption(scope: Scope, policies: Policies): Promise<void> {
  const { adoption } = await policies.current(scope)
  if (adoption === 'reject')
    throw new Problem('forbidden', 'The policy keeps SCIM from taking over people whom a sign-in made.')
}

function recordAfter(current: ResourceRow, saying: Saying & Effective, connectionId: string): UserRecord {
  return {
    connection_id: connectionId,
    managed: true,
    user_name: saying.userName,
    user_name_key: saying.userNameKey,
    external_id: saying.externalId,
    status: statusAfter(current, saying.active),
    reason: saying.active && current.status === 'suspended' ? current.reason : null,
    attributes: saying.attributes,
    sources: saying.sources,
  }
}

/** Whom an administrator or a rule has suspended, with a reason, comes back when SCIM has shut them out and let them in. */
function statusAfter({ status, reason }: ResourceRow, active: boolean): UserStatus {
  if (!active) return 'suspended'
  return (status === 'suspended' && reason === null) || status === 'held' ? 'ready' : status
}

/** SCIM names of what a record would change. */
function differences(current: ResourceRow, record: UserRecord): string[] {
  const names = new Set([...Object.keys(current.attributes), ...Object.keys(record.attributes)])
  const isDifferent = (name: string) => !isDeepStrictEqual(current.attributes[name], record.attributes[name])
  return [
    ...(current.user_name === record.user_name ? [] : ['userName']),
    ...(current.external_id === record.external_id ? [] : ['externalId']),
    ...(isOut(current) === isOut(record) && !isShutOutAnew(current, record) ? [] : ['active']),
    ...[...names].filter(isDifferent),
  ]
}

const isOut = ({ status }: Pick<UserRecord, 'status'>) => status === 'suspended'

/** From now on it is SCIM that keeps them suspended. */
const isShutOutAnew = (current: ResourceRow, { reason }: UserRecord) =>
  isOut(current) && current.reason !== reason

/** Who was made inactive, or is held, gets their place when they are active and nothing is in the way any more. */
async function placeOnArrival(scope: Scope, current: ResourceRow, said: UserRecord): Promise<Placed> {
  const arrives = current.status !== said.status && said.status === 'ready'
  if (!arrives || (await isPlaced(scope, current.id))) return { told: [] }
  const policy = await policyInForce(scope)
  const identity = { via: 'scim' as const, connectionId: said.connection_id ?? '' }
  const { user_name: userName, attributes } = said
  const placing = placingOf(policy, { userName, attributes })
  return placed(current.id, { policy, identity, placing, before: current })
}

interface Told {
  readonly record: UserRecord
  readonly changed: readonly string[]
  /** What is kept, and not heard. */
  readonly beneath: readonly string[]
  readonly connectionId: string
}

function eventsOf(current: ResourceRow, { record, changed, beneath, connectionId }: Told): NewEvent[] {
  const subject = { type: 'user' as const, id: current.id }
  const data = { via: 'scim', connectionId }
  const other = changed.filter((name) => name !== 'active')
  const kept = { ...data, ...(beneath.length > 0 && { beneath }) }
  return [
    ...(current.managed ? [] : [eventOf({ type: 'user.adopted', subject, data })]),
    ...(other.length + beneath.length > 0
      ? [eventOf({ type: 'user.changed', subject, changed: other, data: kept, ...replaced(current, record) })]
      : []),
    ...(changed.includes('active')
      ? [switchedEvent(current.id, record.status !== 'suspended', connectionId)]
      : []),
  ]
}

/** The names somebody had before: the only values an event keeps, since the record no longer does. */
function replaced(current: ResourceRow, record: UserRecord): Pick<Happening, 'personal'> {
  const before = {
    ...(current.user_name !== record.user_name && { userName: current.user_name }),
    ...(current.external_id !== record.external_id && { externalId: current.external_id }),
  }
  return Object.keys(before).length > 0 ? { personal: { before } } : {}
}

export interface Removal {
  readonly userId: string
  readonly connectionId: string
  /** Throws where the caller's precondition does not hold. */
  readonly check: (current: ResourceRow) => void
  /** What the event tells of it, where SCIM did not ask. */
  readonly data?: Readonly<Record<string, unknown>>
}

/** Hides a person and ends every session; the record stays restorable. False where there is no such person. */
export async function removeUser(
  scope: Scope,
  { userId, connectionId, check, data = { via: 'scim', connectionId } }: Removal,
): Promise<boolean> {
  return transact(scope.db, async (db) => {
    const held = { ...scope, db }
    const current = await lockUser(held, userId)
    if (!current) return false
    assertOwn(current, connectionId)
    check(current)
    const event = eventOf({
      type: 'user.deleted',
      subject: { type: 'user', id: userId },
      data: { ...data, was: current.status, reason: current.reason },
    })
    const record = { ...current, status: 'leaving' as const, reason: null }
    return updateUser(held, {
      ...{ id: userId, version: current.version, was: current.status },
      ...{ record, events: [event] },
    })
  })
}
