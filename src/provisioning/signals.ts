import { eventsOf, lockUser, type Scope, writeActivity } from '../../db/index.ts'
import { eventOf } from '../events/record.ts'

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
  if (active && !(await wasSuspendedBySignal(scope, userId))) return false
  const event = eventOf({
    type: active ? 'user.reactivated' : 'user.suspended',
    subject: { type: 'user', id: userId },
    changed: ['active'],
    data,
  })
  const { connection_id: connectionId } = current
  return (await writeActivity(scope, { id: userId, connectionId, unmanaged: true, active, event })) !== null
}

/** Further back than that a suspension is not looked for, and stands. */
const EVENTS = 100

async function wasSuspendedBySignal(scope: Scope, userId: string): Promise<boolean> {
  const events = await eventsOf(scope, userId, { limit: EVENTS })
  return events.find(({ type }) => type === 'user.suspended')?.data.via === 'signal'
}
