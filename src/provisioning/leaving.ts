import {
  archiveUser,
  dueDepartures,
  findHold,
  forgetDeparture,
  lockAnybody,
  type Scope,
  transact,
} from '../../db/index.ts'
import { eventOf } from '../events/record.ts'
import { allowanceOf, applyBrake, Braked, passBrake } from './brake.ts'
import type { Policy, PolicyDocument } from './policy.ts'
import { type Settlement, settle, settlementOf } from './settling.ts'

const DAY = 24 * 60 * 60_000
const MOST_AT_ONCE = 100

/** Whoever left by then has had their time. */
export const timeIsOver = ({ graceDays, leaving }: PolicyDocument, now: Date): Date =>
  new Date(now.getTime() - (graceDays + leaving.keepDays) * DAY)

/** Archives everybody whose time is over, each in a transaction of their own, until told to stop or braked. */
export async function archiveLeavers(scope: Scope, policy: Policy, stop: AbortSignal): Promise<void> {
  const most = await allowanceOf(scope, policy)
  const until = timeIsOver(policy, scope.now)
  const spared = policy.protected.users
  for (;;) {
    const due = await dueDepartures(scope, { until, spared, limit: MOST_AT_ONCE })
    for (const userId of due) {
      if (stop.aborted) return
      if (
        !(await underBrake(scope, { policy, most }, (held) => archiveLeaver(held, policy, { userId, most })))
      )
        return
    }
    if (due.length < MOST_AT_ONCE) return
  }
}

/** One transaction; false where it was braked, and the brake is on from then. */
export async function underBrake(
  scope: Scope,
  { policy: { version }, most }: { policy: Policy; most: number },
  work: (held: Scope) => Promise<unknown>,
): Promise<boolean> {
  try {
    await transact(scope.db, (db) => work({ ...scope, db }))
    return true
  } catch (error) {
    if (!(error instanceof Braked)) throw error
    await applyBrake(scope, { version, most })
    return false
  }
}

/** Within a transaction: nothing where they came back, are under hold by now, or were archived already. */
async function archiveLeaver(
  scope: Scope,
  policy: Policy,
  { userId, most }: { userId: string; most: number },
): Promise<void> {
  const leaver = await lockAnybody(scope, userId)
  if (leaver?.status !== 'leaving') return forgetDeparture(scope, userId)
  const isDue = leaver.deleted_at !== null && leaver.deleted_at <= timeIsOver(policy, scope.now)
  if (!isDue || (await findHold(scope, userId))) return
  await archive(scope, policy, { userId, most, rule: 'grace is over' })
}

/** Somebody who is leaving and held: archives them, and settles what they own. */
export async function archive(
  scope: Scope,
  policy: Policy,
  { userId, most, rule }: { userId: string; most: number; rule: string },
): Promise<void> {
  const owner = { userId, leaves: true }
  const settlement = await settlementOf(scope, policy, owner)
  await passBrake(scope, { count: 1 + settlement.transferred.length, most })
  await settle(scope, policy, { ...settlement, owner })
  await archiveUser(scope, userId, [archivedEvent(policy, { userId, rule, settlement })])
}

const archivedEvent = (
  { version, graceDays, leaving: { keepDays } }: Policy,
  { userId, rule, settlement }: { userId: string; rule: string; settlement: Settlement },
) =>
  eventOf({
    type: 'user.archived',
    subject: { type: 'user', id: userId },
    by: { policyVersion: version, rule },
    data: { via: 'rule', graceDays, keepDays, archived: settlement.archived },
  })
