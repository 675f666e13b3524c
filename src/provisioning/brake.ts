import {
  countChanges,
  countPeople,
  holdBrake,
  releaseBrake,
  resumeReevaluations,
  type Scope,
  transact,
} from '../../db/index.ts'
import { eventOf } from '../events/record.ts'
import type { PolicyDocument } from './policy.ts'

/** More would be done within an hour than the policy allows: nothing of it was. */
export class Braked extends Error {
  override readonly name = 'Braked'
}

const HOUR = 3_600_000

/** How many archives, transfers, erasures and changes of roles by rule there may be within an hour; one at least. */
export async function allowanceOf(scope: Scope, { brake }: Pick<PolicyDocument, 'brake'>): Promise<number> {
  if (brake.percent === 100) return brake.most
  const people = await countPeople(scope, Math.ceil((brake.most * 100) / brake.percent))
  return Math.min(brake.most, Math.max(1, Math.floor((people * brake.percent) / 100)))
}

/** Within the transaction that does them. Throws `Braked` where they are to wait for an administrator. */
export async function passBrake(scope: Scope, change: { count: number; most: number }): Promise<void> {
  if (!(await countChanges(scope, change))) throw new Braked()
}

/** Within the transaction that takes so many roles: false where they are to wait, and the brake is on from then. */
export async function mayTakeRoles(
  scope: Scope,
  { version, brake, count }: Pick<PolicyDocument, 'brake'> & { version: number; count: number },
): Promise<boolean> {
  if (count === 0) return true
  const most = await allowanceOf(scope, { brake })
  if (await countChanges(scope, { count, most })) return true
  await applyBrake(scope, { version, most })
  return false
}

/** Puts the brake on: from now on all such changes wait. */
export async function applyBrake(
  scope: Scope,
  { version, most }: { version: number; most: number },
): Promise<void> {
  const event = eventOf({
    type: 'brake.applied',
    subject: { type: 'organization', id: scope.organizationId },
    by: { policyVersion: version, rule: 'brake' },
    data: { most },
  })
  await holdBrake(scope, [event])
}

/** What waits may be done, and for an hour nothing is held. */
export function liftBrake(scope: Scope): Promise<boolean> {
  const subject = { type: 'organization', id: scope.organizationId } as const
  const until = new Date(scope.now.getTime() + HOUR)
  const event = eventOf({ type: 'brake.released', subject, data: { until } })
  return transact(scope.db, async (db) => {
    const held = { ...scope, db }
    const isLifted = await releaseBrake(held, until, [event])
    // A statement of its own, which sees what was held until the one before could have the brake.
    if (isLifted) await resumeReevaluations(held)
    return isLifted
  })
}
