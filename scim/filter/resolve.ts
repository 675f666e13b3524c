import { ScimError } from '../errors.ts'
import type { Profile } from '../handler.ts'
import { canonicalPath, findPath, findSub, pathKey, type Schemas, type Target } from '../schema/lookup.ts'
import type { Attribute } from '../schema/types.ts'
import type { AttrPath, Compare, Filter, ValuePath } from './ast.ts'
import { parseFilter } from './parse.ts'
import { comparable } from './value.ts'

/** Where the names of a filter are looked up: in the schemas of a resource, or in one complex attribute. */
export interface Scope {
  readonly profile: Profile
  readonly find: (path: AttrPath) => Target | undefined
}

export function resourceScope(schemas: Schemas, profile: Profile): Scope {
  return { profile, find: (path) => findPath(schemas, path, profile) }
}

/** Within `emails[…]` the names are those of the sub-attributes. */
export function elementScope(parent: Attribute, profile: Profile): Scope {
  const find = ({ urn, name, sub }: AttrPath) => {
    const attribute = urn || sub ? undefined : findSub(parent, name)
    return attribute && { attribute }
  }
  return { profile, find }
}

function locate({ find }: Scope, path: AttrPath): Target {
  const target = find(path)
  if (!target) throw new ScimError('invalidFilter', `There is no attribute "${pathKey(path)}" to filter by.`)
  // A filter would tell, question by question, what is never returned.
  if (target.attribute.returned === 'never' || target.sub?.returned === 'never') {
    throw new ScimError('invalidFilter', `"${path.name}" cannot be filtered by.`)
  }
  return target
}

/** `emails eq "x"` means `emails.value eq "x"`. */
function withValue(target: Target): Target {
  const value = target.sub ? undefined : findSub(target.attribute, 'value')
  return value ? { ...target, sub: value } : target
}

function compare(scope: Scope, { path, op, value }: Compare): Filter {
  const named = locate(scope, path)
  if (value === null) return compareNull(named, op)
  const target = withValue(named)
  const given = comparable(target.sub ?? target.attribute, { op, value }, scope.profile)
  return { kind: 'compare', path: canonicalPath(target), op, value: given }
}

// Metadata is kept in parts, and never without its type.
function presentFilter(target: Target): Filter {
  const { sub, name, ...path } = canonicalPath(target)
  const part = sub ?? (name === 'meta' && !path.urn ? 'resourceType' : undefined)
  return { kind: 'present', path: { ...path, name, ...(part && { sub: part }) } }
}

// null is the same as unassigned (RFC 7643 section 2.5).
function compareNull(target: Target, op: string): Filter {
  const present = presentFilter(target)
  if (op === 'ne') return present
  if (op === 'eq') return { kind: 'not', term: present }
  throw new ScimError('invalidFilter', `null cannot be compared by "${op}".`)
}

function valuePath(scope: Scope, { path, filter }: ValuePath): Filter {
  const target = locate(scope, path)
  if (target.sub || target.attribute.type !== 'complex') {
    throw new ScimError('invalidFilter', `"${path.name}" has no sub-attributes to filter by.`)
  }
  const inner = resolveFilter(filter, elementScope(target.attribute, scope.profile))
  return { kind: 'valuePath', path: canonicalPath(target), filter: inner }
}

/** The filter with every name in canonical spelling and every value of its attribute's type. */
export function resolveFilter(filter: Filter, scope: Scope): Filter {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return { kind: filter.kind, terms: filter.terms.map((term) => resolveFilter(term, scope)) }
    case 'not':
      return { kind: 'not', term: resolveFilter(filter.term, scope) }
    case 'present':
      return presentFilter(locate(scope, filter.path))
    case 'compare':
      return compare(scope, filter)
    case 'valuePath':
      return valuePath(scope, filter)
  }
}

/** The text of a filter as a tree that fits the schemas; anything else is 400 `invalidFilter`. */
export function readFilter(text: string, schemas: Schemas, profile: Profile): Filter {
  return resolveFilter(parseFilter(text), resourceScope(schemas, profile))
}
