import { findPath, findSub, type Schemas } from '../schema/lookup.ts'
import type { Attribute, Attributes, Json } from '../schema/types.ts'
import type { AttrPath, Compare, CompareValue, Filter } from './ast.ts'
import { comparisonKey } from './fold.ts'
import { instant } from './value.ts'

/** One attribute as it stands in what is being matched; `values` are its elements where it is multi-valued. */
interface Found {
  readonly attribute: Attribute
  readonly values: readonly (Json | undefined)[]
}

type Find = (path: AttrPath) => Found

/** Order by code point, which is the order of UTF-8 bytes (collation "C"). */
function comparePoints(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}

/** Neither null nor empty (RFC 7644 table 3, "pr"). */
export function isPresent(value: Json | undefined): boolean {
  if (value === undefined || value === null || value === '') return false
  return typeof value !== 'object' || Object.keys(value).length > 0
}

export function isRecord(value: Json | undefined): value is { [name: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function own(container: Json | undefined, name: string): Json | undefined {
  return isRecord(container) && Object.hasOwn(container, name) ? container[name] : undefined
}

/** The value in the form it is compared in, or nothing where it is of another type. */
function keyOf(attribute: Attribute, value: Json | CompareValue | undefined): CompareValue | undefined {
  const { type } = attribute
  if (type === 'boolean') return typeof value === 'boolean' ? value : undefined
  if (type === 'integer' || type === 'decimal') return typeof value === 'number' ? value : undefined
  if (typeof value !== 'string') return undefined
  if (type === 'dateTime') return instant(value)
  return comparisonKey(attribute, value)
}

function ordered(a: CompareValue, b: CompareValue): number {
  return typeof a === 'string' && typeof b === 'string' ? comparePoints(a, b) : Number(a) - Number(b)
}

function holds(op: Compare['op'], a: CompareValue, b: CompareValue): boolean {
  switch (op) {
    case 'eq':
      return a === b
    case 'ne':
      return a !== b
    case 'co':
      return String(a).includes(String(b))
    case 'sw':
      return String(a).startsWith(String(b))
    case 'ew':
      return String(a).endsWith(String(b))
    case 'gt':
      return ordered(a, b) > 0
    case 'ge':
      return ordered(a, b) >= 0
    case 'lt':
      return ordered(a, b) < 0
    case 'le':
      return ordered(a, b) <= 0
  }
}

// An absent value differs from every value, and has no other relation to any.
function compares({ op, value }: Compare, attribute: Attribute, actual: Json | undefined): boolean {
  const a = keyOf(attribute, actual)
  const b = keyOf(attribute, value)
  return a === undefined || b === undefined ? op === 'ne' : holds(op, a, b)
}

function evaluate(filter: Filter, find: Find): boolean {
  switch (filter.kind) {
    case 'and':
      return filter.terms.every((term) => evaluate(term, find))
    case 'or':
      return filter.terms.some((term) => evaluate(term, find))
    case 'not':
      return !evaluate(filter.term, find)
    case 'present':
      return find(filter.path).values.some(isPresent)
    case 'compare': {
      const { attribute, values } = find(filter.path)
      return values.some((value) => compares(filter, attribute, value))
    }
    case 'valuePath': {
      const { attribute, values } = find(filter.path)
      return values.some((value) => matchesElement(filter.filter, value, attribute))
    }
  }
}

/** Whether one element of a complex attribute satisfies the (resolved) filter of a value path. */
export function matchesElement(filter: Filter, element: Json | undefined, parent: Attribute): boolean {
  return evaluate(filter, ({ name }) => {
    const attribute = findSub(parent, name)
    return attribute ? { attribute, values: [own(element, name)] } : { attribute: parent, values: [] }
  })
}

// A multi-valued attribute matches where any of its values does (RFC 7644 section 3.4.2.2).
function valuesAt(
  container: Json | undefined,
  { name, sub }: AttrPath,
  multiValued: boolean,
): Found['values'] {
  const value = own(container, name)
  const items = multiValued ? (Array.isArray(value) ? value : []) : [value]
  return sub === undefined ? items : items.map((item) => own(item, sub))
}

/** Whether the resource, given by its canonical names, satisfies the (resolved) filter. */
export function matches(filter: Filter, resource: Attributes, schemas: Schemas): boolean {
  return evaluate(filter, (path) => {
    const target = findPath(schemas, path, 'strict')
    if (!target) throw new TypeError(`the filter was not resolved: ${path.name}`)
    const container = target.urn ? own(resource, target.urn) : resource
    const values = valuesAt(container, path, target.attribute.multiValued)
    return { attribute: target.sub ?? target.attribute, values }
  })
}
