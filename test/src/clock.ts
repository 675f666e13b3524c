export const MINUTE = 60_000
export const HOUR = 60 * MINUTE
export const DAY = 24 * HOUR

/** A clock that stands still until it is moved. */
export function stoppedClock() {
  let time = Date.parse('2026-03-01T12:00:00Z')
  const pass = (span: number) => {
    time += span
  }
  return { now: () => new Date(time), pass }
}
