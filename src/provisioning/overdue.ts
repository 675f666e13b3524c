import {
  expiredGuests,
  findHold,
  leftUntold,
  lockAnybody,
  lockUser,
  longSuspended,
  recordEvents,
  type Scope,
  transact,
  updateUser,
} from '../../db/index.ts'
import { eventOf } from '../events/record.ts'
import { NO_ID } from '../ids.ts'
import { allowanceOf, passBrake } from './brake.ts'
import { underBrake } from './leaving.ts'
import type { Policy } from './policy.ts'
import type { Suspension } from './reasons.ts'
import { settle, settlementOf } from './settling.ts'

const DAY = 24 * 60 * 60_000
const PAGE = 100

/** Of every id in turn, until told to stop, or `work` says that it is enough. */
async function each(
  pages: (after: string) => Promise<string[]>,
  stop: AbortSignal,
  work: (id: string) => Promise<boolean>,
): Promise<void> {
  for (let after = NO_ID; ; ) {
    const page = await pages(after)
    for (const id of page) if (stop.aborted || !(await work(id))) return
    if (page.length < PAGE) return
    after = page.at(-1) ?? after
  }
}

/** What people own alone who have been suspended for as long as the policy allows gets another owner beside them. */
export async function settleSuspended(scope: Scope, policy: Policy, stop: AbortSignal): Promise<void> {
  const { keepDays } = policy.suspended
  if (keepDays === undefined) return
  const most = await allowanceOf(scope, policy)
  const since = new Date(scope.now.getTime() - keepDays * DAY)
  const pages = (after: string) => longSuspended(scope, { since, after, limit: PAGE }, policy.protected.users)
  await each(pages, stop, (userId) =>
    underBrake(scope, { policy, most }, async (held) => {
      const user = await lockAnybody(held, userId)
      if (user?.status !== 'suspended' || (await findHold(held, userId))) return
      const owner = { userId, leaves: false }
      const settlement = await settlementOf(held, policy, owner)
      if (settlement.transferred.length === 0) return
      await passBrake(held, { count: settlement.transferred.length, most })
      await settle(held, policy, { ...settlement, owner })
    }),
  )
}

/** Suspends guests whose time is over. */
export async function expireGuests(scope: Scope, policy: Policy, stop: AbortSignal): Promise<void> {
  const { expireDays, userTypes } = policy.guests
  if (expireDays === undefined) return
  const since = new Date(scope.now.getTime() - expireDays * DAY)
  const types = userTypes.map((type) => type.trim().toLowerCase())
  const pages = (after: string) => expiredGuests(scope, { since, after, limit: PAGE }, types)
  await each(pages, stop, async (userId) => {
    await expire(scope, policy, userId)
    return true
  })
}

const EXPIRED: Suspension = 'guest_expired'

function expire(scope: Scope, { version, guests }: Policy, userId: string): Promise<unknown> {
  return transact(scope.db, async (db) => {
    const held = { ...scope, db }
    const user = await lockUser(held, userId)
    if (!user || user.status === 'suspended') return
    const event = eventOf({
      type: 'user.suspended',
      subject: { type: 'user', id: userId },
      changed: ['active'],
      by: { policyVersion: version, rule: 'guests expire' },
      data: { via: 'rule', expireDays: guests.expireDays },
    })
    const record = { ...user, status: 'suspended' as const, reason: EXPIRED }
    const { version: read, status: was } = user
    await updateUser(held, { id: userId, version: read, was, record, events: [event] })
  })
}

/** Tells, once, of each protected person who was suspended or deleted nevertheless, whoever has done it. */
export async function alarmForProtected(scope: Scope, policy: Policy, stop: AbortSignal): Promise<void> {
  for (const userId of policy.protected.users) {
    if (stop.aborted) return
    await transact(scope.db, async (db) => {
      const held = { ...scope, db }
      const user = await lockAnybody(held, userId)
      if (user?.status !== 'suspended' && user?.status !== 'leaving') return
      if (!(await leftUntold(held, userId))) return
      const event = eventOf({
        type: 'user.protected-left',
        subject: { type: 'user', id: userId },
        by: { policyVersion: policy.version, rule: 'protected' },
        data: { status: user.status },
      })
      await recordEvents(held, [event])
    })
  }
}
