import { createCipheriv, createDecipheriv, createHmac, timingSafeEqual } from 'node:crypto'
import { ScimError } from './errors.ts'
import type { Seek } from './handler.ts'

/** Where a page begins; `part` says in which of the lists that are walked one after the other. */
export interface Mark extends Seek {
  readonly part: number
}

/** What a cursor belongs to: it is worth nothing in any other query, nor for anybody else. */
export interface Walk {
  readonly query: string
  readonly count: number
}

export interface Cursors {
  /** Seconds. */
  readonly timeout: number
  write(mark: Mark, walk: Walk): string
  read(text: string, walk: Walk): Mark
}

export interface CursorOptions {
  /** Secrets that every process knows: the first makes cursors, all of them read. */
  readonly keys: readonly Uint8Array[]
  readonly now: () => Date
  readonly timeout: number
}

type Content = [
  until: number,
  count: number,
  side: Seek['side'],
  part: number,
  id?: string,
  value?: string | null,
]

const TAG_BYTES = 16
/** A value that is sorted by is cut before it gets this long. */
const MAX_LENGTH = 8192

interface Pair {
  readonly authentic: Buffer
  readonly hidden: Buffer
}

function pairOf(key: Uint8Array): Pair {
  const derive = (use: string) => createHmac('sha256', key).update(`SCIM cursor, ${use}`).digest()
  return { authentic: derive('authentication'), hidden: derive('encryption') }
}

function tagOf({ authentic }: Pair, text: string, query: string): Buffer {
  const hmac = createHmac('sha256', authentic).update(JSON.stringify([query, text]))
  return hmac.digest().subarray(0, TAG_BYTES)
}

// The tag is the nonce as well (as in RFC 5297), so that no counter and no random number need be right. What a page
// ended with stays hidden: addresses come to rest in logs (RFC 9865 section 5.2 asks for it).
function seal(pair: Pair, text: string, query: string): string {
  const tag = tagOf(pair, text, query)
  const cipher = createCipheriv('aes-256-ctr', pair.hidden, tag)
  return Buffer.concat([tag, cipher.update(text, 'utf8'), cipher.final()]).toString('base64url')
}

function open(pair: Pair, sealed: Buffer, query: string): string | undefined {
  const tag = sealed.subarray(0, TAG_BYTES)
  const cipher = createDecipheriv('aes-256-ctr', pair.hidden, tag)
  const text = Buffer.concat([cipher.update(sealed.subarray(TAG_BYTES)), cipher.final()]).toString('utf8')
  return timingSafeEqual(tag, tagOf(pair, text, query)) ? text : undefined
}

/** The bytes of a text that is the one spelling of them, so that no cursor has a second form. */
function bytesOf(text: string): Buffer | undefined {
  const bytes = text.length <= MAX_LENGTH ? Buffer.from(text, 'base64url') : Buffer.alloc(0)
  return bytes.length > TAG_BYTES && bytes.toString('base64url') === text ? bytes : undefined
}

/** Cursors of RFC 9865 that need no memory: all they stand for is in them, sealed. */
export function createCursors({ keys, now, timeout }: CursorOptions): Cursors {
  const pairs = keys.map(pairOf)
  const [current] = pairs
  if (!current) throw new TypeError('a key for cursors is needed')
  const seconds = () => Math.floor(now().getTime() / 1000)
  return {
    timeout,
    write({ side, part, place }, { query, count }) {
      const content: Content = [seconds() + timeout, count, side, part]
      if (place) content.push(place.id)
      if (place?.value !== undefined) content.push(place.value)
      return seal(current, JSON.stringify(content), query)
    },
    read(text, { query, count }) {
      const bytes = bytesOf(text)
      const plain =
        bytes && pairs.map((pair) => open(pair, bytes, query)).find((found) => found !== undefined)
      if (plain === undefined) throw new ScimError('invalidCursor')
      const [until, counted, side, part, id, value] = JSON.parse(plain) as Content // we wrote it
      if (until < seconds()) throw new ScimError('expiredCursor')
      if (counted !== count) throw new ScimError('invalidCount')
      const place = id !== undefined && { id, ...(value !== undefined && { value }) }
      return { side, part, ...(place && { place }) }
    },
  }
}
