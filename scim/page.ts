import { ScimError } from './errors.ts'

export type Query = Readonly<Record<string, string | string[] | undefined>>

export const DEFAULT_COUNT = 100
const MAX_INDEX = 2 ** 31 - 1

const names = new Map(
  [
    'attributes',
    'excludedAttributes',
    'filter',
    'sortBy',
    'sortOrder',
    'startIndex',
    'count',
    'cursor',
    'atomic',
  ].map((name) => [name.toLowerCase(), name]),
)

/**
 * A query with its parameters by the names they have here. Clients differ in their letter case, and a filter left
 * unread would find all.
 */
export function readQuery(query: Query): Query {
  let read: Record<string, string | string[] | undefined> | undefined
  for (const key of Object.keys(query)) {
    const name = names.get(key.toLowerCase())
    if (name === undefined || name === key) continue
    read ??= { ...query }
    const values = [read[name] ?? [], query[key] ?? []].flat()
    read[name] = values.length === 1 ? values[0] : values
  }
  return read ?? query
}

/** A parameter given more than once counts as a list joined by commas. */
export function parameter(query: Query, name: string): string | undefined {
  const value = query[name]
  const text = Array.isArray(value) ? value.join(',') : value
  return text === '' ? undefined : text
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
  const { cursor } = query
  const asked = integer(query, 'count', cursor === undefined ? 'invalidValue' : 'invalidCount')
  const count = Math.min(maxResults, Math.max(0, asked ?? DEFAULT_COUNT))
  const startIndex = integer(query, 'startIndex')
  if (cursor === undefined) return { startIndex: Math.max(1, startIndex ?? 1), count }
  // The one or the other chooses the method (RFC 9865 section 2.4).
  if (startIndex !== undefined)
    throw new ScimError('invalidValue', '"startIndex" and "cursor" exclude each other.')
  return { cursor: String(cursor), count }
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
