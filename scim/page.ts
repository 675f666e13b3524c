import { ScimError } from './errors.ts'

export type Query = Readonly<Record<string, string | string[] | undefined>>

export const DEFAULT_COUNT = 100
const MAX_INDEX = 2 ** 31 - 1

/** Everything given under the name. Clients differ in its letter case, and a filter left unread would find all. */
function given(query: Query, name: string): string[] {
  const values: string[] = []
  for (const [key, value] of Object.entries(query)) {
    if (key.length !== name.length || value === undefined) continue
    if (key === name || key.toLowerCase() === name.toLowerCase()) values.push(...[value].flat())
  }
  return values
}

/** A parameter given more than once counts as a list joined by commas. */
export function parameter(query: Query, name: string): string | undefined {
  return given(query, name).join(',') || undefined
}

function integer(
  query: Query,
  name: string,
  code: 'invalidValue' | 'invalidCount' = 'invalidValue',
): number | undefined {
  const text = parameter(query, name)
  if (text === undefined) return undefined
  if (!/^[+-]?\d+$/.test(text.trim())) throw new ScimError(code, `"${name}" must be an integer.`)
  return Math.min(Number(text), MAX_INDEX)
}

/** Which page is asked for; an empty cursor is the first page by cursor (RFC 9865 section 2). */
export type Asked =
  | { readonly count: number; readonly startIndex: number }
  | { readonly count: number; readonly cursor: string }

/** RFC 7644 section 3.4.2.4: a `startIndex` below 1 is 1, a negative `count` is 0. */
export function parsePage(query: Query, maxResults: number): Asked {
  const [cursor] = given(query, 'cursor')
  const asked = integer(query, 'count', cursor === undefined ? 'invalidValue' : 'invalidCount')
  const count = Math.min(maxResults, Math.max(0, asked ?? DEFAULT_COUNT))
  const startIndex = integer(query, 'startIndex')
  if (cursor === undefined) return { startIndex: Math.max(1, startIndex ?? 1), count }
  // The one or the other chooses the method (RFC 9865 section 2.4).
  if (startIndex !== undefined)
    throw new ScimError('invalidValue', '"startIndex" and "cursor" exclude each other.')
  return { cursor, count }
}

const LIST_RESPONSE = 'urn:ietf:params:scim:api:messages:2.0:ListResponse'

export interface Page {
  readonly totalResults?: number | undefined
  readonly startIndex?: number | undefined
  readonly nextCursor?: string | undefined
  readonly previousCursor?: string | undefined
  /** Each in JSON. */
  readonly resources: readonly string[]
}

/** In JSON. Put together by hand: a list of one is what is asked for most. */
export function listResponse({ resources, ...page }: Page): string {
  const { totalResults, startIndex, nextCursor, previousCursor } = page
  const total = totalResults === undefined ? '' : `"totalResults":${totalResults},`
  const start = startIndex === undefined ? '' : `"startIndex":${startIndex},`
  const next = nextCursor === undefined ? '' : `"nextCursor":${JSON.stringify(nextCursor)},`
  const previous = previousCursor === undefined ? '' : `"previousCursor":${JSON.stringify(previousCursor)},`
  const counts = `${total}"itemsPerPage":${resources.length},${start}${next}${previous}`
  return `{"schemas":["${LIST_RESPONSE}"],${counts}"Resources":[${resources.join(',')}]}`
}
