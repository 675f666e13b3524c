import { isUtf8 } from 'node:buffer'
import { ScimError } from './errors.ts'
import type { Json } from './schema/types.ts'

const MAX_DEPTH = 32

const invalid = (detail: string) => new ScimError('invalidSyntax', detail)

/** The position after the string that opens at `at`. */
function endOfString(text: string, at: number): number {
  for (let end = text.indexOf('"', at + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let escapes = 0
    while (text[end - 1 - escapes] === '\\') escapes++
    if (escapes % 2 === 0) return end + 1
  }
  return text.length
}

/** How many members the text writes; nesting is bounded here, before anything recurses over it. */
function countMembers(text: string): number {
  let members = 0
  let depth = 0
  for (let at = 0; at < text.length; ) {
    const char = text.charCodeAt(at)
    if (char === 0x22) {
      at = endOfString(text, at)
      continue
    }
    if (char === 0x3a) members++
    else if (char === 0x7b || char === 0x5b) {
      if (++depth > MAX_DEPTH) throw invalid(`The body is nested deeper than ${MAX_DEPTH} levels.`)
    } else if (char === 0x7d || char === 0x5d) depth--
    at++
  }
  return members
}

/** Neither NUL nor half a surrogate pair: what PostgreSQL can store. */
export function isStorable(text: string): boolean {
  return !text.includes('\0') && !/\p{Surrogate}/u.test(text)
}

function checkStrings(value: Json): void {
  if (typeof value === 'string' && !isStorable(value)) {
    throw invalid('The body holds a NUL or half a surrogate pair.')
  }
  if (typeof value !== 'object' || value === null) return
  for (const [name, inner] of Object.entries(value)) {
    checkStrings(name)
    checkStrings(inner)
  }
}

/** How many members the value has; a number too large for one is refused on the way. */
function countKept(value: Json): number {
  if (typeof value === 'number' && !Number.isFinite(value))
    throw invalid('The body holds a number out of range.')
  if (typeof value !== 'object' || value === null) return 0
  let members = 0
  if (Array.isArray(value)) {
    for (const item of value) members += countKept(item)
    return members
  }
  for (const name of Object.keys(value)) members += 1 + countKept(value[name] as Json)
  return members
}

function parse(text: string): Json {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new ScimError('invalidSyntax', 'The body is not valid JSON.', { cause })
  }
}

/** .NET writes a byte order mark where it is not told otherwise (RFC 8259 section 8.1 lets it be ignored). */
const withoutMark = (text: string) => (text.charCodeAt(0) === 0xfeff ? text.slice(1) : text)

/** A request body; `undefined` where there is none. A name given twice shows in fewer members than were written. */
export function parseJson(body: Buffer): Json | undefined {
  if (body.length === 0) return undefined
  if (!isUtf8(body)) throw invalid('The body is not UTF-8.')
  const text = withoutMark(body.toString('utf8'))
  const written = countMembers(text)
  const value = parse(text)
  if (countKept(value) !== written) throw invalid('The body names a member twice.')
  // Of UTF-8 that is JSON, only an escape can give what is not storable.
  if (text.includes('\\u')) checkStrings(value)
  return value
}
