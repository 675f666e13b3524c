import { containerOf } from './container.ts'
import { isPrimary, joinElements, merge } from './elements.ts'
import { ScimError } from './errors.ts'
import type { Filter, PatchPath } from './filter/ast.ts'
import { isRecord, matchesElement } from './filter/match.ts'
import { printPath } from './filter/print.ts'
import type { PatchOperation, Profile } from './handler.ts'
import { checkImmutable, requireAttributes } from './obligations.ts'
import { countWork, startWork, type Work } from './patch-work.ts'
import { findPath, type Target } from './schema/lookup.ts'
import type { Attributes, Json } from './schema/types.ts'
import type { Record, Rules } from './validate.ts'

/** One operation, and what its path denotes. */
interface Step {
  readonly op: PatchOperation['op']
  readonly value: Json | undefined
  readonly path: PatchPath
  readonly target: Target
  readonly profile: Profile
}

type List = readonly Json[]

function noTarget({ path }: Step): never {
  throw new ScimError('noTarget', `"${printPath(path)}" matches nothing.`)
}

/** What an element must have to satisfy the filter, where that says it all: `type eq "work" and primary eq true`. */
function implied(filter: Filter): Record | undefined {
  if (filter.kind === 'compare' && filter.op === 'eq') return { [filter.path.name]: filter.value }
  if (filter.kind !== 'and') return undefined
  const terms = filter.terms.map(implied)
  return terms.includes(undefined) ? undefined : Object.assign({}, ...terms)
}

/** An element of which only labels are left says nothing. */
function isHollow(element: Json): boolean {
  return isRecord(element) && Object.keys(element).every((name) => /^(?:type|primary|display)$/.test(name))
}

function withoutSub(elements: List, name: string): List {
  return elements.flatMap((element) => {
    if (!isRecord(element) || !Object.hasOwn(element, name)) return [element]
    const { [name]: _, ...rest } = element
    return isHollow(rest) ? [] : [rest]
  })
}

// A listed element names what it is by its value, or by all that it gives.
function isListed(element: Json, listed: Json): boolean {
  if (!isRecord(element) || !isRecord(listed)) return element === listed
  const names = listed.value === undefined ? Object.keys(listed) : ['value', 'type']
  return names.every((name) => listed[name] === undefined || listed[name] === element[name])
}

function changeList(before: List, { op, value }: Step): List {
  if (op === 'remove') {
    if (value === undefined) return []
    const listed = Array.isArray(value) ? value : []
    return before.filter((element) => !listed.some((item) => isListed(element, item)))
  }
  const given = Array.isArray(value) ? value : []
  return op === 'add' && value !== null ? joinElements(before, given) : given
}

/** `emails.value`: the sub-attribute of every element. */
function changeEvery(before: List, { op, value, target }: Step): List {
  const name = target.sub?.name ?? ''
  if (op === 'remove' || value === undefined || value === null) return withoutSub(before, name)
  return before.length === 0
    ? [{ [name]: value }]
    : before.map((element) => merge(element, { [name]: value }))
}

function removeMatching(before: List, matching: ReadonlySet<Json>, { path: { sub } }: Step): List {
  if (sub === undefined) return before.filter((element) => !matching.has(element))
  return before.flatMap((element) => (matching.has(element) ? withoutSub([element], sub) : [element]))
}

// An add creates what it adds to (RFC 7644 section 3.5.2.1); of replace, clients of a lenient connection expect it too.
function create(before: List, step: Step, value: Json): List {
  const base = step.path.filter && implied(step.path.filter)
  if (!base || (step.op === 'replace' && step.profile === 'strict')) noTarget(step)
  return [...before, merge(base, value)]
}

/** `emails[type eq "work"]`, with or without a sub-attribute of these. */
function changeMatching(before: List, step: Step, filter: Filter): List {
  const { op, path, target, value, profile } = step
  const matching = new Set(before.filter((element) => matchesElement(filter, element, target.attribute)))
  if (op === 'remove' || value === undefined || value === null) {
    if (matching.size > 0) return removeMatching(before, matching, step)
    return op === 'remove' || profile === 'strict' ? noTarget(step) : before
  }
  const given = path.sub === undefined ? value : { [path.sub]: value }
  if (matching.size === 0) return create(before, step, given)
  const whole = op === 'replace' && path.sub === undefined
  const base = whole ? implied(filter) : undefined
  return before.map((element) => (matching.has(element) ? merge(whole ? base : element, given) : element))
}

/** A new primary takes the place of the old one (RFC 7644 section 3.5.2). */
function settlePrimary(before: List, after: List): List {
  const known = new Set(before)
  const fresh = after.filter((element) => isPrimary(element) && !known.has(element))
  if (fresh.length > 1) throw new ScimError('invalidValue', 'Only one element can be primary.')
  if (fresh.length === 0) return after
  return after.map((element) => {
    return isPrimary(element) && element !== fresh[0] ? merge(element, { primary: false }) : element
  })
}

function applyToList(attributes: Attributes, step: Step, work: Work): void {
  const { urn, attribute, sub } = step.target
  const container = containerOf(attributes, { ...(urn && { urn }), attribute })
  const current = container[attribute.name]
  const before = Array.isArray(current) ? current : []
  countWork(work, {
    elements: before.length,
    value: step.op === 'remove' ? step.value : undefined,
    filter: step.path.filter,
  })
  const change = step.path.filter
    ? changeMatching(before, step, step.path.filter)
    : (sub ? changeEvery : changeList)(before, step)
  const after = settlePrimary(before, joinElements([], change))
  if (after.length > 0) container[attribute.name] = [...after]
  else delete container[attribute.name]
}

function applyToOne(attributes: Attributes, { op, value, target }: Step): void {
  const { name } = target.sub ?? target.attribute
  const container = containerOf(attributes, target)
  if (op === 'remove' || value === undefined || value === null) delete container[name]
  else container[name] = merge(container[name], value)
}

function pruneAt(container: Record, name: string | undefined): void {
  const inner = name === undefined ? undefined : container[name]
  if (name !== undefined && isRecord(inner) && Object.keys(inner).length === 0) delete container[name]
}

// A complex attribute or extension with nothing in it is unassigned.
function prune(attributes: Attributes, { urn, attribute }: Target): void {
  const container = urn ? attributes[urn] : attributes
  if (isRecord(container)) pruneAt(container, attribute.name)
  pruneAt(attributes, urn)
}

function stepOf({ op, path, value }: PatchOperation, { resourceType, profile }: Rules): Step {
  if (!path) throw new ScimError('noTarget')
  const target = findPath(resourceType, path.path, 'strict')
  if (!target) throw new ScimError('invalidPath', `There is no attribute "${path.path.name}".`)
  return { op, value, path, target, profile }
}

/**
 * The attributes after the operations, which come from `parsePatch`. Nothing that is given is changed; where one
 * operation fails, all do (RFC 7644 section 3.5.2).
 */
export function applyPatch(
  attributes: Attributes,
  operations: readonly PatchOperation[],
  rules: Rules,
): Attributes {
  const result = { ...attributes }
  const work = startWork()
  for (const operation of operations) {
    const step = stepOf(operation, rules)
    if (step.target.attribute.multiValued) applyToList(result, step, work)
    else applyToOne(result, step)
    prune(result, step.target)
  }
  requireAttributes(result, rules.resourceType, 'mutability')
  checkImmutable(attributes, result, rules.resourceType)
  return result
}
