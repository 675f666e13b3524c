import { ScimError } from './errors.ts'
import { readFilters } from './filter/across.ts'
import type { AttrPath, Filter } from './filter/ast.ts'
import { isRecord } from './filter/match.ts'
import { parseAttrPath } from './filter/parse.ts'
import { printFilter } from './filter/print.ts'
import { putTogether, shapeOf, takeApart } from './filter/shape.ts'
import type { ListQuery, Profile } from './handler.ts'
import { parameter, type Query } from './page.ts'
import { field } from './patch-request.ts'
import { canonicalPath, findPath, findSub, pathKey, type Schemas } from './schema/lookup.ts'
import type { Json, ResourceType } from './schema/types.ts'
import { parseWanted } from './wanted.ts'

const SEARCH_REQUEST = 'urn:ietf:params:scim:api:messages:2.0:SearchRequest'

const isText = (value: Json) => typeof value === 'string'

const members: Readonly<Record<string, (value: Json) => boolean>> = {
  attributes: (value) => Array.isArray(value) && value.every(isText),
  excludedAttributes: (value) => Array.isArray(value) && value.every(isText),
  filter: isText,
  sortBy: isText,
  sortOrder: isText,
  startIndex: Number.isInteger,
  count: Number.isInteger,
  cursor: isText,
}

/** The body of `/.search` as the query it stands for (RFC 7644 section 3.4.3). */
export function readSearchRequest(body: Json | undefined, profile: Profile): Query {
  if (!isRecord(body)) throw new ScimError('invalidSyntax', 'The body must be an object.')
  const { schemas } = body
  if (profile === 'strict' && !(Array.isArray(schemas) && schemas.includes(SEARCH_REQUEST))) {
    throw new ScimError('invalidSyntax', `"schemas" lacks "${SEARCH_REQUEST}".`)
  }
  const unknown = Object.keys(body).find((name) => name !== 'schemas' && !Object.hasOwn(members, name))
  if (profile === 'strict' && unknown !== undefined) {
    throw new ScimError('invalidSyntax', `There is no parameter "${unknown.slice(0, 100)}".`)
  }
  const query: Record<string, string | string[]> = {}
  for (const [name, fits] of Object.entries(members)) {
    const value = field(body, name, { profile })
    if (value === undefined || value === null) continue
    if (!fits(value) && !(profile === 'lenient' && isText(value))) {
      throw new ScimError('invalidSyntax', `"${name}" is of another type.`)
    }
    query[name] = Array.isArray(value) ? value.map(String) : String(value)
  }
  return query
}

/** What is asked of one type; which page of it is another matter. */
export type Selection = Omit<ListQuery, 'startIndex' | 'count' | 'from'>

function sortPath(schemas: Schemas, text: string): AttrPath | undefined {
  const target = findPath(schemas, parseAttrPath(text), 'lenient')
  const value = target && !target.sub ? findSub(target.attribute, 'value') : undefined
  const by = target && { ...target, ...(value && { sub: value }) }
  if (!by || (by.sub ?? by.attribute).type === 'complex') return undefined
  if (by.attribute.returned === 'never' || by.sub?.returned === 'never') return undefined
  return canonicalPath(by)
}

function sortPaths(types: readonly Schemas[], text: string | undefined): (AttrPath | undefined)[] {
  if (text === undefined) return []
  const paths = types.map((type) => sortPath(type, text))
  if (paths.every((path) => path === undefined)) {
    throw new ScimError('invalidPath', '"sortBy" must name an attribute with a simple value.')
  }
  return paths
}

interface Reader {
  readonly profile: Profile
  readonly sort: boolean
}

function readSelections(
  query: Query,
  types: readonly ResourceType<string>[],
  { profile, sort }: Reader,
): (Selection | null)[] {
  const text = parameter(query, 'filter')
  const filters = text === undefined ? [] : readFilters(text, types, profile)
  const sortBy = sortPaths(types, sort ? parameter(query, 'sortBy') : undefined)
  const sortOrder = parameter(query, 'sortOrder')?.toLowerCase() === 'descending' ? 'descending' : 'ascending'
  return types.map((type, i) => {
    const wanted = parseWanted(query, type)
    const [filter, by] = [filters[i], sortBy[i]]
    if (filter === false) return null
    return {
      ...wanted,
      ...(typeof filter === 'object' && { filter }),
      ...(by && { sortBy: by }),
      sortOrder,
    }
  })
}

/** Of one type; what varies beyond that is read anew each time. */
const MOST_KNOWN = 64

type Known = Selection & { readonly shape: Filter }

/** What else a selection is read from. */
function restOf({ attributes, excludedAttributes, sortBy, sortOrder }: Query): string {
  const any = attributes ?? excludedAttributes ?? sortBy ?? sortOrder
  return any === undefined ? '' : JSON.stringify([attributes, excludedAttributes, sortBy, sortOrder])
}

/** Reads what is asked of a type; `null` where no resource of it can be meant. */
export interface SelectionReader {
  /** The types come one after the other, each in its own order. */
  readonly all: (query: Query, types: readonly ResourceType<string>[]) => (Selection | null)[]
  /** All but the texts that a filter compares with is read once, and remembered. */
  readonly one: (query: Query, type: ResourceType<string>) => Selection | null
}

export function selectionReader(reader: Reader): SelectionReader {
  const knownOf = new WeakMap<ResourceType<string>, Map<string, Known>>()
  const anew: SelectionReader['one'] = (query, type) => readSelections(query, [type], reader)[0] ?? null

  function one(query: Query, type: ResourceType<string>): Selection | null {
    const apart = typeof query.filter === 'string' ? takeApart(query.filter) : undefined
    if (!apart) return anew(query, type)
    const { around, texts } = apart
    const all = knownOf.get(type) ?? new Map<string, Known>()
    const rest = restOf(query)
    const name = rest ? `${rest}\u0000${around}` : around
    const known = all.get(name)
    if (known) return { ...known, filter: putTogether({ shape: known.shape, texts }), texts }
    const selection = anew(query, type)
    const shape = selection?.filter && shapeOf(selection.filter, texts)
    if (!selection || !shape || all.size >= MOST_KNOWN) return selection
    knownOf.set(type, all.set(name, { ...selection, shape }))
    return { ...selection, shape, texts }
  }

  return { all: (query, types) => readSelections(query, types, reader), one }
}

/** What makes two queries the same list in the same order. */
export function nameOf(type: ResourceType<string>, { filter, sortBy, sortOrder }: Selection): string[] {
  return [type.name, filter ? printFilter(filter) : '', sortBy ? pathKey(sortBy) : '', sortOrder]
}
