import { checkNames, cleanValue, keeps, unknown } from './clean.ts'
import { containerOf } from './container.ts'
import { ScimError } from './errors.ts'
import { isRecord } from './filter/match.ts'
import type { Profile } from './handler.ts'
import { requireAttributes } from './obligations.ts'
import { commonAttributes } from './schema/common.ts'
import { findPath, findSchema, type Schemas, type Target } from './schema/lookup.ts'
import type { Attributes, Json } from './schema/types.ts'

export interface Rules {
  readonly resourceType: Schemas
  readonly profile: Profile
}

export type Record = { [name: string]: Json }

const common = new Set(commonAttributes.map(({ name }) => name).filter((name) => name !== 'externalId'))

/** One member of a body: an attribute and what was given for it. */
export interface Given {
  readonly target: Target
  readonly value: Json
}

function splitUrn(name: string): { urn?: string; rest: string } {
  const colon = name.lastIndexOf(':')
  return colon > 0 ? { urn: name.slice(0, colon), rest: name.slice(colon + 1) } : { rest: name }
}

/** What a key of a body denotes. Lenient keys may be paths: `name.givenName`, `urn:…:User:employeeNumber`. */
export function findKey(
  name: string,
  urn: string | undefined,
  { resourceType, profile }: Rules,
): Target | undefined {
  if (profile === 'strict' || !/[.:]/.test(name)) {
    return findPath(resourceType, urn ? { urn, name } : { name }, profile)
  }
  const split = urn ? { urn, rest: name } : splitUrn(name)
  const [top = '', sub, ...more] = split.rest.split('.')
  if (more.length > 0) return undefined
  return findPath(
    resourceType,
    { ...(split.urn && { urn: split.urn }), name: top, ...(sub && { sub }) },
    profile,
  )
}

/** The attributes that an object names, those of extensions among them. What it may not name is left out. */
export function readMembers(body: Record, rules: Rules, urn?: string): Given[] {
  checkNames(body)
  const given: Given[] = []
  for (const [name, value] of Object.entries(body)) {
    const extension = urn ? undefined : findSchema(rules.resourceType, name)
    // Some clients put the attributes of every schema under its URN, be it the resource's own.
    if (extension === null && rules.profile === 'lenient' && isRecord(value)) {
      given.push(...readMembers(value, rules))
      continue
    }
    if (typeof extension === 'string') {
      if (value === null) continue
      if (!isRecord(value)) throw new ScimError('invalidValue', `"${extension}" must be an object.`)
      given.push(...readMembers(value, rules, extension))
      continue
    }
    const target = findKey(name, urn, rules)
    if (!target && rules.profile === 'strict') unknown(name)
    if (!target || common.has(target.attribute.name)) continue
    if (keeps(target.sub ?? target.attribute) && keeps(target.attribute)) given.push({ target, value })
  }
  return given
}

/** Strict: `schemas` names the resource's own schema, every extension that is used, and none that is unknown. */
function checkSchemas(body: Record, { resourceType }: Rules): void {
  const { schemas } = body
  if (!Array.isArray(schemas) || schemas.some((urn) => typeof urn !== 'string')) {
    throw new ScimError('invalidSyntax', '"schemas" must be a list of URIs.')
  }
  const named = schemas.map((urn) => findSchema(resourceType, String(urn)))
  if (named.includes(undefined))
    throw new ScimError('invalidSyntax', '"schemas" names a schema that is unknown here.')
  if (!named.includes(null))
    throw new ScimError('invalidSyntax', `"schemas" lacks "${resourceType.schema.id}".`)
  for (const name of Object.keys(body)) {
    const extension = findSchema(resourceType, name)
    if (extension && !named.includes(extension)) {
      throw new ScimError('invalidSyntax', `"schemas" lacks "${extension}".`)
    }
  }
}

function assign(attributes: Attributes, { target, value }: Given, profile: Profile): void {
  const { attribute, sub } = target
  const cleaned = cleanValue(sub ?? attribute, value, profile)
  if (cleaned === undefined || (Array.isArray(cleaned) && cleaned.length === 0)) return
  if (sub && attribute.multiValued) {
    attributes[attribute.name] = [{ [sub.name]: cleaned }]
    return
  }
  const container = containerOf(attributes, target)
  const name = (sub ?? attribute).name
  const before = container[name]
  container[name] = isRecord(before) && isRecord(cleaned) ? { ...before, ...cleaned } : cleaned
}

/** The resource in a body of POST or PUT, cleaned: canonical names, right types, nothing that a client may not set. */
export function validate(body: Json | undefined, rules: Rules): Attributes {
  if (!isRecord(body)) throw new ScimError('invalidSyntax', 'The body must be an object.')
  if (rules.profile === 'strict') checkSchemas(body, rules)
  const attributes: Attributes = {}
  for (const given of readMembers(body, rules)) assign(attributes, given, rules.profile)
  requireAttributes(attributes, rules.resourceType, 'invalidValue')
  return attributes
}
