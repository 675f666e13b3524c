import type { NewSession, SessionSettings } from '../../db/index.ts'

const MINUTE = 60_000
/** How long a session lasts at most … */
const LONGEST = 12 * 60
/** … and without being used. */
const IDLE = 2 * 60

/** When a session ends that begins now; never later than the provider said it may last. */
export function sessionLimits(
  now: Date,
  { absoluteMinutes = LONGEST, idleMinutes = IDLE }: SessionSettings = {},
  saidByProvider?: Date,
): Pick<NewSession, 'expiresAt' | 'idleAt' | 'touchAt'> {
  const after = (minutes: number) => new Date(now.getTime() + minutes * MINUTE)
  const longest = after(absoluteMinutes)
  return {
    expiresAt: saidByProvider && saidByProvider < longest ? saidByProvider : longest,
    idleAt: after(idleMinutes),
    // So rarely that a check is almost always a read alone; for whoever stops in between, the end is this much early.
    touchAt: after(Math.max(1, idleMinutes / 24)),
  }
}
