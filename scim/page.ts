import { ScimError } from './errors.ts'

export type Query = Readonly<Record<string, string | string[] | undefined>>

const DEFAULT_COUNT = 100
const MAX_INDEX = 2 ** 31 - 1

/** A parameter given more than once counts as a list joined by commas. */
export function parameter(query: Query, name: string): string | undefined {
  const value = query[name]
  const text = Array.isArray(value) ? value.join(',') : value
  return text === '' ? undefined : text
}

function integer(query: Query, name: string): number | undefined {
  const text = parameter(query, name)
  if (text === undefined) return undefined
  if (!/^[+-]?\d+$/.test(text.trim())) throw new ScimError('invalidValue', `"${name}" must be an integer.`)
  return Math.min(Number(text), MAX_INDEX)
}

/** RFC 7644 section 3.4.2.4: a `startIndex` below 1 is 1, a negative `count` is 0. */
export function parsePage(query: Query, maxResults: number): { startIndex: number; count: number } {
  return {
    startIndex: Math.max(1, integer(query, 'startIndex') ?? 1),
    count: Math.min(maxResults, Math.max(0, integer(query, 'count') ?? DEFAULT_COUNT)),
  }
}

interface Page {
  readonly totalResults: number
  readonly startIndex: number
  readonly resources: readonly object[]
}

export function listResponse({ totalResults, startIndex, resources }: Page): object {
  return {
    schemas: ['urn:ietf:params:scim:api:messages:2.0:ListResponse'],
    totalResults,
    itemsPerPage: resources.length,
    startIndex,
    Resources: resources,
  }
}
