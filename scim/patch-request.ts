import { cleanOne, cleanValue, keeps } from './clean.ts'
import { ScimError } from './errors.ts'
import type { PatchPath } from './filter/ast.ts'
import { isRecord } from './filter/match.ts'
import { parsePath } from './filter/parse.ts'
import { elementScope, resolveFilter } from './filter/resolve.ts'
import type { PatchOperation } from './handler.ts'
import { isBlank, tolerateList, tolerateValue } from './quirks.ts'
import { canonicalPath, findPath, findSchema, findSub, pathKey, type Target } from './schema/lookup.ts'
import type { Attribute, Json } from './schema/types.ts'
import { type Given, type Record, type Rules, readMembers } from './validate.ts'

export const PATCH_OP = 'urn:ietf:params:scim:api:messages:2.0:PatchOp'

type Op = PatchOperation['op']

interface RawOperation {
  readonly op: Op
  readonly path?: string
  /** Absent where the client sent no `value` key. */
  readonly value?: Json
}

const invalid = (detail: string) => new ScimError('invalidSyntax', detail)

/** A member of a message; a lenient connection may spell its name in any case. */
export function field(record: Record, name: string, { profile }: Pick<Rules, 'profile'>): Json | undefined {
  if (Object.hasOwn(record, name)) return record[name]
  if (profile === 'strict') return undefined
  const key = Object.keys(record).find((given) => given.toLowerCase() === name.toLowerCase())
  return key === undefined ? undefined : record[key]
}

function readOp(given: Json | undefined, { profile }: Rules): Op {
  const op = profile === 'lenient' && typeof given === 'string' ? given.toLowerCase() : given
  if (op !== 'add' && op !== 'remove' && op !== 'replace')
    throw invalid('"op" must be add, remove or replace.')
  return op
}

function readRaw(given: Json, rules: Rules): RawOperation {
  if (!isRecord(given)) throw invalid('An operation must be an object.')
  const op = readOp(field(given, 'op', rules), rules)
  const path = field(given, 'path', rules) ?? undefined
  const value = field(given, 'value', rules)
  if (path !== undefined && typeof path !== 'string') throw new ScimError('invalidPath')
  return { op, ...(path && { path }), ...(value !== undefined && { value }) }
}

function sinceReadOnly(name: string): never {
  throw new ScimError('mutability', `"${name}" cannot be changed.`)
}

// Only the server says what these are; a client that repeats them means no harm.
function isIgnored({ name, mutability }: Attribute, { profile }: Rules): boolean {
  if (name === 'schemas' || mutability === 'writeOnly') return true
  return profile === 'lenient' && (name === 'id' || name === 'meta')
}

interface Place {
  readonly target: Target
  readonly path: PatchPath
}

function resolveElements({ path, filter, sub }: PatchPath, target: Target, rules: Rules): PatchPath {
  if (!filter) return { path: canonicalPath(target) }
  if (target.sub || !target.attribute.multiValued || target.attribute.type !== 'complex') {
    throw new ScimError('invalidPath', `"${path.name}" has no elements to choose from.`)
  }
  const found = sub === undefined ? undefined : findSub(target.attribute, sub)
  if (sub !== undefined && !found) throw new ScimError('invalidPath', `There is no "${path.name}.${sub}".`)
  return {
    path: canonicalPath(target),
    filter: resolveFilter(filter, elementScope(target.attribute, rules.profile)),
    ...(found && { sub: found.name }),
  }
}

/** The path in canonical names; a path the schemas do not know is 400 `invalidPath`. */
function resolvePath(text: string, rules: Rules): Place | undefined {
  const parsed = parsePath(text)
  const target = findPath(rules.resourceType, parsed.path, rules.profile)
  if (!target) throw new ScimError('invalidPath', `There is no attribute "${pathKey(parsed.path)}".`)
  if (isIgnored(target.attribute, rules)) return undefined
  const path = resolveElements(parsed, target, rules)
  const subName = path.sub ?? path.path.sub
  const sub = subName === undefined ? undefined : findSub(target.attribute, subName)
  if (!keeps(target.attribute)) sinceReadOnly(target.attribute.name)
  if (sub && (!keeps(sub) || sub.mutability === 'immutable'))
    sinceReadOnly(`${target.attribute.name}.${sub.name}`)
  return { target: { ...target, ...(sub && { sub }) }, path }
}

/** A single complex attribute is changed by its sub-attributes: those not given stay (RFC 7644 section 3.5.2.3). */
function changeComplex(op: Op, { target, value }: Given, rules: Rules): PatchOperation[] {
  const { attribute } = target
  const given = rules.profile === 'lenient' ? tolerateValue(attribute, value) : value
  if (given === null || (rules.profile === 'lenient' && isBlank(attribute, given))) {
    return [{ op, path: { path: canonicalPath(target) }, value: null }]
  }
  if (!isRecord(given)) throw new ScimError('invalidValue', `"${attribute.name}" must be an object.`)
  return Object.entries(given).flatMap(([name, inner]) => {
    const sub = findSub(attribute, name)
    if (!sub && rules.profile === 'strict')
      throw invalid(`There is no "${attribute.name}.${name.slice(0, 100)}".`)
    if (!sub || !keeps(sub)) return []
    return change(op, { target: { ...target, sub }, value: inner }, rules)
  })
}

function change(op: Op, given: Given, rules: Rules): PatchOperation[] {
  const { attribute, sub } = given.target
  const path = { path: canonicalPath(given.target) }
  if (!sub && attribute.type === 'complex' && !attribute.multiValued) return changeComplex(op, given, rules)
  // Null would empty the group; nobody who means that says it so.
  if (attribute.name === 'members' && given.value === null) return []
  return [{ op, path, value: cleanValue(sub ?? attribute, given.value, rules.profile) ?? null }]
}

function changeElements(op: Op, { target, path }: Place, value: Json, rules: Rules): PatchOperation[] {
  const { attribute, sub } = target
  return [
    {
      op,
      path,
      value:
        (sub ? cleanValue(sub, value, rules.profile) : cleanOne(attribute, value, rules.profile)) ?? null,
    },
  ]
}

/** Without a path the value is an object of attributes, each an operation of its own; Entra has paths among them. */
function changeMany(op: Op, value: Json | undefined, rules: Rules, urn?: string): PatchOperation[] {
  if (!isRecord(value))
    throw new ScimError('invalidValue', 'Without "path" the value must be an object of attributes.')
  const paths =
    rules.profile === 'lenient' ? Object.entries(value).filter(([name]) => name.includes('[')) : []
  return [
    ...readMembers(value, rules, urn).flatMap((given) => change(op, given, rules)),
    ...paths.flatMap(([path, inner]) => readOperation({ op, path, value: inner }, rules)),
  ]
}

function removeExtension(urn: string, { resourceType }: Rules): PatchOperation[] {
  const extension = resourceType.extensions.find(({ schema }) => schema.id === urn)
  return (extension?.schema.attributes ?? []).map(({ name }) => ({
    op: 'remove',
    path: { path: { urn, name } },
  }))
}

/** A `value` lists the elements to take away, and none else; the RFC knows no such list, identity providers do. */
function remove({ target, path }: Place, { value }: RawOperation, rules: Rules): PatchOperation {
  const { attribute, sub } = target
  if (value === undefined || sub || path.filter || !attribute.multiValued) return { op: 'remove', path }
  const list = value === null ? [] : rules.profile === 'lenient' ? tolerateList(value) : value
  return { op: 'remove', path, value: cleanValue(attribute, list, rules.profile) ?? [] }
}

function readOperation(given: Json, rules: Rules): PatchOperation[] {
  const raw = readRaw(given, rules)
  const { op, path: text, value } = raw
  const schema = text === undefined ? null : findSchema(rules.resourceType, text)
  if (op === 'remove' && schema === null) throw new ScimError('noTarget', 'A remove needs a "path".')
  if (op === 'remove' && schema) return removeExtension(schema, rules)
  if (schema !== undefined) return changeMany(op, value, rules, schema ?? undefined)
  const place = resolvePath(text ?? '', rules)
  if (!place) return []
  if (op === 'remove') return [remove(place, raw, rules)]
  if (value === undefined) throw new ScimError('invalidValue', `"${op}" needs a "value".`)
  return place.path.filter
    ? changeElements(op, place, value, rules)
    : change(op, { target: place.target, value }, rules)
}

/**
 * The operations in the body of a PATCH (RFC 7644 section 3.5.2): each with a path in canonical names and a value of
 * the type found there, null where it is unassigned.
 */
export function parsePatch(body: Json | undefined, rules: Rules): PatchOperation[] {
  if (!isRecord(body)) throw invalid('The body must be an object.')
  const { schemas } = body
  if (rules.profile === 'strict' && !(Array.isArray(schemas) && schemas.includes(PATCH_OP))) {
    throw invalid(`"schemas" must be ["${PATCH_OP}"].`)
  }
  const operations = field(body, 'Operations', rules)
  if (!Array.isArray(operations)) throw invalid('"Operations" must be a list.')
  return operations.flatMap((operation) => readOperation(operation, rules))
}
