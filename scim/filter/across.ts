import type { Profile } from '../handler.ts'
import type { ResourceType } from '../schema/types.ts'
import type { And, Compare, Filter, Or, Present, ValuePath } from './ast.ts'
import { matches } from './match.ts'
import { parseFilter } from './parse.ts'
import { resolveFilter, resourceScope, type Scope } from './resolve.ts'

interface Reading {
  readonly type: ResourceType<string>
  readonly scope: Scope
  /** Those of every type that is asked, this one among them. */
  readonly scopes: readonly Scope[]
}

/** A filter, or what it comes to whatever the resource is. */
type Reduced = Filter | boolean

function leaf(filter: Present | Compare | ValuePath, { type, scope, scopes }: Reading): Reduced {
  if (scope.find(filter.path)) return known(resolveFilter(filter, scope), type)
  const elsewhere = scopes.map(({ find }) => find(filter.path)).find((target) => target !== undefined)
  // RFC 7644 section 3.4.2.1: as if it had no value; of no type at all is an error, which resolving throws.
  if (!elsewhere) return resolveFilter(filter, scope)
  if (filter.kind !== 'compare') return false
  if (filter.value === null) return filter.op === 'eq'
  return filter.op === 'ne' && !elsewhere.attribute.multiValued
}

/** What type a resource has is the same for all of a list, which then need not be looked at. */
function known(filter: Filter, type: ResourceType<string>): Reduced {
  const term = filter.kind === 'not' ? filter.term : filter
  const isType =
    (term.kind === 'compare' || term.kind === 'present') &&
    term.path.name === 'meta' &&
    term.path.sub === 'resourceType'
  return isType ? matches(filter, { meta: { resourceType: type.name } }, type) : filter
}

function joined({ kind, terms }: And | Or, reading: Reading): Reduced {
  const decides = kind === 'or'
  const reduced = terms.map((term) => reduce(term, reading))
  if (reduced.includes(decides)) return decides
  const open = reduced.filter((term) => typeof term !== 'boolean')
  const [first] = open
  if (!first) return !decides
  return open.length === 1 ? first : { kind, terms: open }
}

function reduce(filter: Filter, reading: Reading): Reduced {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return joined(filter, reading)
    case 'not': {
      const term = reduce(filter.term, reading)
      return typeof term === 'boolean' ? !term : { kind: 'not', term }
    }
    default:
      return leaf(filter, reading)
  }
}

/**
 * The text of a filter as it reads for each of the types, or what it comes to for all resources of one. What no type
 * has, or cannot be compared so, is 400 `invalidFilter`.
 */
export function readFilters(
  text: string,
  types: readonly ResourceType<string>[],
  profile: Profile,
): Reduced[] {
  const filter = parseFilter(text)
  const scopes = types.map((type) => resourceScope(type, profile))
  return types.map((type) => reduce(filter, { type, scope: resourceScope(type, profile), scopes }))
}
