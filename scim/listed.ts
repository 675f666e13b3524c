import type { AttrPath } from './filter/ast.ts'
import { comparisonKey } from './filter/fold.ts'
import { isRecord, matches } from './filter/match.ts'
import type { ListPage, ListQuery, Stored } from './handler.ts'
import { findPath } from './schema/lookup.ts'
import type { Attributes, Json, ResourceType } from './schema/types.ts'

interface Row {
  readonly stored: Stored
  /** What it is sorted by; null where it has none. */
  readonly value: string | null
}

function asResource(
  { id, attributes, created, lastModified, version }: Stored,
  { name, schema, extensions }: ResourceType<string>,
): Attributes {
  const meta = {
    resourceType: name,
    created: created.toISOString(),
    lastModified: lastModified.toISOString(),
    version: `W/"${version}"`,
  }
  const used = extensions
    .map((extension) => extension.schema.id)
    .filter((urn) => attributes[urn] !== undefined)
  return { ...attributes, id, schemas: [schema.id, ...used], meta }
}

const inside = (value: Json | undefined, name: string): Json | undefined =>
  isRecord(value) ? value[name] : undefined

/** Text in the form it is ordered in; true comes behind false, and instants are written alike. */
export function sortValue(resource: Attributes, path: AttrPath, type: ResourceType<string>): string | null {
  const target = findPath(type, path, 'strict')
  const outer = target?.urn ? inside(resource, target.urn) : resource
  const whole = target && inside(outer, target.attribute.name)
  const elements: Json[] = Array.isArray(whole) ? whole : []
  const one = target?.attribute.multiValued
    ? (elements.find((element) => inside(element, 'primary') === true) ?? elements[0])
    : whole
  const value = path.sub ? inside(one, path.sub) : one
  if (value === undefined || value === null) return null
  const attribute = target?.sub ?? target?.attribute
  return attribute && typeof value === 'string' ? comparisonKey(attribute, value) : String(value)
}

const compare = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b))

/** Ascending; what has no value comes last. */
function ordered(a: Row, b: Row): number {
  if (a.value === null || b.value === null) {
    return a.value === b.value ? compare(a.stored.id, b.stored.id) : a.value === null ? 1 : -1
  }
  return compare(a.value, b.value) || compare(a.stored.id, b.stored.id)
}

function rowsBeyond(rows: readonly Row[], { from, sortOrder, sortBy, count }: ListQuery): Row[] {
  const place = from?.place
  if (!place) return from?.side === 'before' ? rows.slice(-count) : rows.slice(0, count)
  const edge = { stored: { id: place.id } as Stored, value: place.value ?? null } // no more of it is compared
  const turn = sortBy && sortOrder === 'descending' ? -1 : 1
  const beyond = (row: Row) => ordered(row, edge) * turn * (from.side === 'after' ? 1 : -1) > 0
  const found = rows.filter(beyond)
  return from.side === 'after' ? found.slice(0, count) : found.slice(-count)
}

/** A page of what a host holds in memory. */
export function listed(type: ResourceType<string>, kept: Iterable<Stored>, query: ListQuery): ListPage {
  const { filter, sortBy, sortOrder, startIndex, count, from } = query
  const rows = [...kept].flatMap((stored) => {
    const resource = asResource(stored, type)
    if (filter && !matches(filter, resource, type)) return []
    return [{ stored, value: sortBy ? sortValue(resource, sortBy, type) : null }]
  })
  if (sortBy || from) rows.sort(ordered)
  if (sortBy && sortOrder === 'descending') rows.reverse()
  if (from) {
    const found = rowsBeyond(rows, query)
    const sortValues = sortBy && found.map(({ value }) => value)
    return { resources: found.map(({ stored }) => stored), ...(sortValues && { sortValues }) }
  }
  const page = rows.slice(startIndex - 1, startIndex - 1 + count)
  return { totalResults: rows.length, resources: page.map(({ stored }) => stored) }
}
