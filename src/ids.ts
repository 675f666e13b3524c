import { randomUUID } from 'node:crypto'

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** Whether a text may be one of our ids: a UUID in the form we give them out. What is not names nothing. */
export const isUuid = (text: string): boolean => uuid.test(text)

const MOST_IN_A_MILLISECOND = 0xfff

let time = 0
let prefix = ''
let count = 0

/**
 * A UUIDv7 that is greater than all that this process has made before: 12 bits count within a millisecond (RFC 9562
 * section 6.2, method 1). The rest is that of a UUIDv4, whose random bytes node fetches for many at once.
 */
export function newId(now = Date.now()): string {
  if (now > time) startAt(now)
  else if (count === MOST_IN_A_MILLISECOND) startAt(time + 1)
  else count++
  return `${prefix}${count.toString(16).padStart(3, '0')}-${randomUUID().slice(19)}`
}

function startAt(millisecond: number): void {
  time = millisecond
  count = 0
  const hex = millisecond.toString(16).padStart(12, '0')
  prefix = `${hex.slice(0, 8)}-${hex.slice(8)}-7`
}

/** Before every id: where a list begins. */
export const NO_ID = '00000000-0000-0000-0000-000000000000'

/** Less than every id that is made at that time or later, and greater than those from before. */
export const idAt = (time: Date): string =>
  `${time
    .getTime()
    .toString(16)
    .padStart(12, '0')
    .replace(/^(.{8})/, '$1-')}-7000-8000-000000000000`
