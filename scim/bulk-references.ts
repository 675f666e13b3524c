import type { Filter, PatchPath } from './filter/ast.ts'
import { isRecord } from './filter/match.ts'
import { parsePath } from './filter/parse.ts'
import { printPath } from './filter/print.ts'
import { isReference } from './project.ts'
import { findPath, findSchema, type Target } from './schema/lookup.ts'
import type { Json } from './schema/types.ts'
import { findKey, type Rules } from './validate.ts'

/** The id that stands for a `bulkId`. */
export type Resolve = (bulkId: string) => string

const PREFIX = 'bulkId:'

/** `bulkId:x` in place of an id, or at the end of the URI of a resource (RFC 7644 section 3.7.2). */
function resolveText(text: string, resolve: Resolve): string {
  if (text.startsWith(PREFIX)) return resolve(text.slice(PREFIX.length))
  const at = text.lastIndexOf(`/${PREFIX}`) + 1
  return at === 0 ? text : text.slice(0, at) + resolve(text.slice(at + PREFIX.length))
}

/** Whether any text in it could hold a `bulkId`; most bodies need no closer look. */
export function mayRefer(value: Json): boolean {
  if (typeof value === 'string') return value.includes(PREFIX)
  if (typeof value !== 'object' || value === null) return false
  return Object.values(value).some(mayRefer)
}

/** The id in the path of an operation. */
export function resolveId(id: string, resolve: Resolve): string {
  return id.startsWith(PREFIX) ? resolve(id.slice(PREFIX.length)) : id
}

/** The value of an attribute that refers: an id, an object with it, or a list of these. */
function resolveValue(value: Json, resolve: Resolve): Json {
  if (typeof value === 'string') return resolveText(value, resolve)
  if (Array.isArray(value)) return value.map((item) => resolveValue(item, resolve))
  return mapMembers(value, (inner, name) =>
    /^(?:value|\$ref)$/i.test(name) ? resolveValue(inner, resolve) : inner,
  )
}

/** Of an object, what becomes of its members; `undefined` leaves one out. */
function mapMembers(value: Json, change: (inner: Json, name: string) => Json | undefined): Json {
  if (!isRecord(value)) return value
  const members = Object.entries(value).map(([name, inner]) => [name, change(inner, name)] as const)
  return Object.fromEntries(members.filter(([, inner]) => inner !== undefined)) as { [name: string]: Json } // by the filter
}

/** Whether a client says there whom the resource refers to; what only the server says is not looked at. */
function refers({ attribute, sub }: Target): boolean {
  if (!isReference(attribute) || attribute.mutability === 'readOnly') return false
  return sub === undefined || sub.name === 'value' || sub.name === '$ref'
}

interface Treatment {
  /** Of the value of an attribute that refers; `undefined` leaves it out. */
  readonly references: (value: Json) => Json | undefined
  /** Of any other; kept where there is none. */
  readonly others?: () => undefined
}

function treatResource(body: Json, rules: Rules, treatment: Treatment, urn?: string): Json {
  return mapMembers(body, (value, name) => {
    const extension = urn ? undefined : findSchema(rules.resourceType, name)
    if (typeof extension === 'string') return treatResource(value, rules, treatment, extension)
    const target = findKey(name, urn, rules)
    if (target && refers(target)) return treatment.references(value)
    return treatment.others ? treatment.others() : value
  })
}

function resolveFilter(filter: Filter, resolve: Resolve): Filter {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return { ...filter, terms: filter.terms.map((term) => resolveFilter(term, resolve)) }
    case 'not':
      return { ...filter, term: resolveFilter(filter.term, resolve) }
    case 'compare':
      return typeof filter.value === 'string'
        ? { ...filter, value: resolveText(filter.value, resolve) }
        : filter
    case 'valuePath':
      return { ...filter, filter: resolveFilter(filter.filter, resolve) }
    case 'present':
      return filter
  }
}

/** A path that cannot be read is for the operation itself to refuse. */
function readPath(text: string): PatchPath | undefined {
  try {
    return parsePath(text)
  } catch {
    return undefined
  }
}

/** The path, where it names an attribute that refers. */
function referringPath(text: string, { resourceType, profile }: Rules): PatchPath | undefined {
  const parsed = readPath(text)
  const target = parsed && findPath(resourceType, parsed.path, profile)
  if (!target || !refers(target)) return undefined
  return parsed.sub === undefined || /^(?:value|\$ref)$/i.test(parsed.sub) ? parsed : undefined
}

/** `{"op": "remove", "path": "members[value eq \"bulkId:x\"]"}` and the like. */
function resolvePatchOperation(operation: Json, rules: Rules, resolve: Resolve): Json {
  if (!isRecord(operation)) return operation
  const given = Object.entries(operation).find(([name]) => name.toLowerCase() === 'path')?.[1]
  const text = typeof given === 'string' ? given : ''
  const schema = text === '' ? null : findSchema(rules.resourceType, text)
  const path = schema === undefined ? referringPath(text, rules) : undefined
  return mapMembers(operation, (value, name) => {
    const part = name.toLowerCase()
    if (part === 'path' && path?.filter)
      return printPath({ ...path, filter: resolveFilter(path.filter, resolve) })
    if (part !== 'value') return value
    if (path) return resolveValue(value, resolve)
    if (schema === undefined) return value
    return treatResource(
      value,
      rules,
      { references: (inner) => resolveValue(inner, resolve) },
      schema ?? undefined,
    )
  })
}

/** The body of a PATCH with ids in place of each `bulkId:x`. */
export function resolvePatch(body: Json, rules: Rules, resolve: Resolve): Json {
  return mapMembers(body, (value, name) => {
    if (name.toLowerCase() !== 'operations' || !Array.isArray(value)) return value
    return value.map((operation) => resolvePatchOperation(operation, rules, resolve))
  })
}

/** The body of a POST or PUT with ids in place of each `bulkId:x`. */
export function resolveResource(body: Json, rules: Rules, resolve: Resolve): Json {
  return treatResource(body, rules, { references: (value) => resolveValue(value, resolve) })
}

function mentions(value: Json, bulkIds: ReadonlySet<string>): boolean {
  let found = false
  resolveValue(value, (bulkId) => {
    if (bulkIds.has(bulkId)) found = true
    return bulkId
  })
  return found
}

function choose(value: Json, wanted: (element: Json) => boolean): Json | undefined {
  if (Array.isArray(value)) return value.filter(wanted)
  return wanted(value) ? value : undefined
}

/**
 * The body of a POST without its references to `bulkIds`, and these alone: what can be said of a resource when it is
 * made, and what is added when the others are (RFC 7644 section 3.7.1).
 */
export function withoutReferences(
  body: Json,
  rules: Rules,
  bulkIds: ReadonlySet<string>,
): { first: Json; later: Json } {
  const isLater = (element: Json) => mentions(element, bulkIds)
  return {
    first: treatResource(body, rules, {
      references: (value) => choose(value, (element) => !isLater(element)),
    }),
    later: treatResource(body, rules, {
      references: (value) => choose(value, isLater),
      others: () => undefined,
    }),
  }
}
