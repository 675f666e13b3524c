// Where Entra puts an application into quarantine: one cycle a day, and after four weeks none.
const RATIO = 0.4
const FROM = 5000
const FAILURES = 40_000

/** Half way there an administrator is warned. */
const NEAR = 0.5

export type Quarantine = 'clear' | 'near' | 'reached'

/** How far a connection is from the line. */
export function quarantineOf({ attempts, failures }: { attempts: number; failures: number }): Quarantine {
  const passes = (share: number) =>
    failures >= FAILURES * share || (attempts >= FROM * share && failures > attempts * RATIO * share)
  if (passes(1)) return 'reached'
  return passes(NEAR) ? 'near' : 'clear'
}
