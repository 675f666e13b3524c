import { eventsOf, lockUser, type Scope, writeActivity } from '../../db/index.ts'
import { eventOf } from '../events/record.ts'
import { type Placed, standingBy } from './placed.ts'
import { writePerson } from './reevaluate.ts'
import { placeAgain } from './standing.ts'

export interface Switch {
  readonly userId: string
  readonly active: boolean
  readonly data: Readonly<Record<string, unknown>>
}

/**
 * Suspends a person because a signal says so, or reactivates whom a signal suspended: what SCIM or an administrator
 * has suspended stays so. Within a transaction. Whether anything changed.
 */
export async function switchUser(scope: Scope, { userId, active, data }: Switch): Promise<boolean> {
  const current = await lockUser(scope, userId)
  if (!current?.connection_id || (current.status === 'suspended') !== active) return false
  if (active && (current.reason !== null || !(await wasSuspendedBySignal(scope, userId)))) return false
  const event = eventOf({
    type: active ? 'user.reactivated' : 'user.suspended',
    subject: { type: 'user', id: userId },
    changed: ['active'],
    data,
  })
  const { connection_id: connectionId } = current
  if (await writeActivity(scope, { id: userId, connectionId, unmanaged: true, active, event })) return true
  // That is for the many: who is held, or has no workspace of their own, is written as a whole.
  const { told, ...given }: Placed = active ? await placeAgain(scope, current, 'signal') : { told: [] }
  const standing = active ? standingBy(given) : ({ status: 'suspended', reason: null } as const)
  const { version, status: was } = current
  const record = { ...current, ...standing }
  return writePerson(scope, { id: userId, version, was, record, ...given, events: [event, ...told] })
}

/** Further back than that a suspension is not looked for, and stands. */
const EVENTS = 100

async function wasSuspendedBySignal(scope: Scope, userId: string): Promise<boolean> {
  const events = await eventsOf(scope, userId, { limit: EVENTS })
  return events.find(({ type }) => type === 'user.suspended')?.data.via === 'signal'
}
