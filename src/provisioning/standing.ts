import {
  failureOf,
  forgetDeparture,
  hasPlace,
  lastTold,
  liftHold,
  lockAnybody,
  lockUser,
  placeHold,
  reviveWorkspaces,
  type Scope,
  transact,
  type UserRow,
  updateUser,
} from '../../db/index.ts'
import { Problem } from '../errors.ts'
import { eventOf } from '../events/record.ts'
import { type Placed, placed, standingBy } from './placed.ts'
import { placingOf } from './placing.ts'
import { policyInForce } from './policy.ts'
import type { Suspension } from './reasons.ts'
import { writePerson } from './reevaluate.ts'
import { renewPolicyNaming } from './renewal.ts'

const ADMINISTRATOR: Suspension = 'suspended_by_administrator'

const happened = (type: 'user.suspended' | 'user.reactivated', id: string) =>
  eventOf({
    type,
    subject: { type: 'user', id },
    changed: ['active'],
    data: { via: 'administrator' },
  })

/** Suspends somebody until an administrator, or a change of mind of SCIM, lets them in again. False: there is nobody. */
export function suspend(scope: Scope, userId: string): Promise<boolean> {
  return withPerson(scope, userId, async (held, user) => {
    if (user.status === 'suspended' && user.reason === ADMINISTRATOR) return
    const record = { ...user, status: 'suspended' as const, reason: ADMINISTRATOR }
    const events = [happened('user.suspended', userId)]
    await updateUser(held, { id: userId, version: user.version, was: user.status, record, events })
  })
}

/** Lets somebody in again, whoever has suspended them; with the place that they did not get before, or held. */
export function reactivate(scope: Scope, userId: string): Promise<boolean> {
  return withPerson(scope, userId, async (held, user) => {
    if (user.status !== 'suspended') return
    const { told, ...given } = await placeAgain(held, user)
    const record = { ...user, ...standingBy(given) }
    const events = [happened('user.reactivated', userId), ...told]
    await writePerson(held, { id: userId, version: user.version, was: user.status, record, ...given, events })
  })
}

function withPerson(
  scope: Scope,
  userId: string,
  work: (held: Scope, user: UserRow) => Promise<void>,
): Promise<boolean> {
  return transact(scope.db, async (db) => {
    const held = { ...scope, db }
    const user = await lockUser(held, userId)
    if (user) await work(held, user)
    return user !== null
  })
}

/** The place of somebody who comes back, where they have none. */
export async function placeAgain(
  scope: Scope,
  user: UserRow,
  via: 'administrator' | 'signal' = 'administrator',
): Promise<Placed> {
  if (await hasPlace(scope, user.id)) return { told: [] }
  const policy = await policyInForce(scope)
  const identity = { via, connectionId: user.connection_id ?? '' }
  const placing = placingOf(policy, { userName: user.user_name, attributes: user.attributes })
  return placed(user.id, { policy, identity, placing })
}

/**
 * Brings back somebody who was deleted, archived or not, as they were, with what is still theirs. Whoever was not
 * deleted stays as they are. Throws where another has their name by now, or they were erased.
 */
export async function restore(scope: Scope, userId: string): Promise<boolean> {
  try {
    return await transact(scope.db, async (db) => {
      const held = { ...scope, db }
      const user = await lockAnybody(held, userId)
      if (user?.status === 'erased') throw new Problem('conflict', 'Whoever was erased cannot be restored.')
      if (user?.deleted_at) await bringBack(held, user)
      return user !== null
    })
  } catch (error) {
    if (failureOf(error)?.kind !== 'conflict') throw error
    throw new Problem('conflict', 'Another person has the userName or the externalId by now.', {
      cause: error,
    })
  }
}

async function bringBack(scope: Scope, user: UserRow): Promise<void> {
  if (user.status === 'archived') await reviveArchived(scope, user.id)
  await forgetDeparture(scope, user.id)
  const { was, reason } = await lastTold(scope, user.id, 'user.deleted')
  const isSuspended = was === 'suspended'
  const { told, ...given }: Placed = isSuspended ? { told: [] } : await placeAgain(scope, user)
  const suspended = { status: 'suspended' as const, reason: typeof reason === 'string' ? reason : null }
  const record = { ...user, ...(isSuspended ? suspended : standingBy(given)) }
  const event = eventOf({
    type: 'user.restored',
    subject: { type: 'user', id: user.id },
    data: { via: 'administrator', active: !isSuspended },
  })
  const about = { id: user.id, version: user.version, was: user.status }
  if (!(await writePerson(scope, { ...about, record, ...given, events: [event, ...told] })))
    throw new TypeError('a held row has changed')
}

/** What was archived with somebody is theirs again. */
export async function reviveArchived(scope: Scope, userId: string): Promise<void> {
  const { archived } = await lastTold(scope, userId, 'user.archived')
  if (!Array.isArray(archived)) return
  await reviveWorkspaces(scope, archived)
  await renewPolicyNaming(scope, archived)
}

/** Under legal hold, for that reason; false where there is nobody to be. */
export function hold(scope: Scope, userId: string, reason: string): Promise<boolean> {
  return transact(scope.db, async (db) => {
    const held = { ...scope, db }
    const user = await lockAnybody(held, userId)
    if (!user) return false
    if (user.status === 'erased')
      throw new Problem('conflict', 'Of whoever was erased there is nothing to hold.')
    const event = eventOf({ type: 'user.hold-placed', subject: { type: 'user', id: userId } })
    await placeHold(held, { userId, reason }, [event])
    return true
  })
}

/** Whether there was one to lift. */
export const lift = (scope: Scope, userId: string): Promise<boolean> =>
  liftHold(scope, userId, [eventOf({ type: 'user.hold-lifted', subject: { type: 'user', id: userId } })])
