import { isPrimary, joinElements } from './elements.ts'
import { ScimError } from './errors.ts'
import { isUserName } from './filter/fold.ts'
import { isRecord } from './filter/match.ts'
import { instant } from './filter/value.ts'
import type { Profile } from './handler.ts'
import { isBlank, tolerateList, tolerateValue } from './quirks.ts'
import { findSub } from './schema/lookup.ts'
import type { Attribute, Json } from './schema/types.ts'
import { cleanUserName } from './user-name.ts'

/** What a database can keep in an index, and the address of a page by cursor can hold. */
const MAX_KEY_LENGTH = 1000
const keys = new Set(['displayName', 'externalId', 'userName'])

function mistyped(attribute: Attribute): never {
  const many = attribute.multiValued ? 'a list of ' : ''
  throw new ScimError('invalidValue', `"${attribute.name}" must be ${many}${attribute.type}.`)
}

// RFC 7643 section 2.3.6, either alphabet; certificates come folded into lines.
function isBase64(text: string): boolean {
  return /^[\w+/-]*={0,2}$/.test(text.replaceAll(/\s+/g, ''))
}

function fits({ type }: Attribute, value: Json): boolean {
  switch (type) {
    case 'boolean':
      return typeof value === 'boolean'
    case 'integer':
      return Number.isInteger(value)
    case 'decimal':
      return typeof value === 'number'
    case 'dateTime':
      return typeof value === 'string' && !Number.isNaN(instant(value))
    case 'binary':
      return typeof value === 'string' && isBase64(value)
    default:
      return typeof value === 'string'
  }
}

function cleanSimple(attribute: Attribute, value: Json, profile: Profile): Json {
  if (!fits(attribute, value)) mistyped(attribute)
  if (typeof value !== 'string') return value
  if (keys.has(attribute.name) && value.length > MAX_KEY_LENGTH) {
    throw new ScimError('invalidValue', `"${attribute.name}" is longer than ${MAX_KEY_LENGTH} characters.`)
  }
  if (isUserName(attribute)) return cleanUserName(value, profile)
  if (!attribute.canonicalValues || attribute.caseExact || attribute.canonicalValues.includes(value))
    return value
  const lower = value.toLowerCase()
  return attribute.canonicalValues.find((known) => known.toLowerCase() === lower) ?? value
}

type Complex = { [name: string]: Json }

export function unknown(name: string): never {
  throw new ScimError('invalidSyntax', `There is no attribute "${name.slice(0, 100)}".`)
}

/** Names are told apart regardless of case; which of two were meant is not for us to say. */
export function checkNames(record: { readonly [name: string]: Json }): void {
  const names = new Set<string>()
  for (const name of Object.keys(record)) {
    const lower = name.toLowerCase()
    if (names.has(lower)) throw new ScimError('invalidSyntax', `"${name.slice(0, 100)}" is named twice.`)
    names.add(lower)
  }
}

/** Most values come as they are kept, and need not be copied. */
function isClean(attribute: Attribute, value: Complex, profile: Profile): boolean {
  for (const name of Object.keys(value)) {
    const sub = findSub(attribute, name)
    if (sub?.name !== name || !keeps(sub) || cleanValue(sub, value[name] ?? null, profile) !== value[name])
      return false
  }
  return true
}

function cleanMembers(attribute: Attribute, value: Complex, profile: Profile): Complex {
  const cleaned: Complex = {}
  for (const [name, given] of Object.entries(value)) {
    const sub = findSub(attribute, name)
    if (!sub && profile === 'strict') unknown(`${attribute.name}.${name}`)
    const kept = sub && keeps(sub) ? cleanValue(sub, given, profile) : undefined
    if (sub && kept !== undefined) cleaned[sub.name] = kept
  }
  return cleaned
}

function cleanComplex(attribute: Attribute, value: Json, profile: Profile): Json | undefined {
  if (!isRecord(value)) mistyped(attribute)
  checkNames(value)
  const cleaned = isClean(attribute, value, profile) ? value : cleanMembers(attribute, value, profile)
  const missing = attribute.subAttributes?.find((sub) => sub.required && cleaned[sub.name] === undefined)
  if (missing) throw new ScimError('invalidValue', `"${attribute.name}.${missing.name}" is required.`)
  return Object.keys(cleaned).length > 0 ? cleaned : undefined
}

/** What the server gives itself, and a password, are not taken from a client (RFC 7644 section 3.3). */
export function keeps({ mutability }: Attribute): boolean {
  return mutability !== 'readOnly' && mutability !== 'writeOnly'
}

/** One value of the attribute: of a multi-valued one, one element. `undefined` where it is unassigned. */
export function cleanOne(attribute: Attribute, value: Json, profile: Profile): Json | undefined {
  const given = profile === 'lenient' ? tolerateValue(attribute, value) : value
  if (given === null || (profile === 'lenient' && isBlank(attribute, given))) return undefined
  return attribute.type === 'complex'
    ? cleanComplex(attribute, given, profile)
    : cleanSimple(attribute, given, profile)
}

function cleanMany(attribute: Attribute, value: Json, profile: Profile): Json[] {
  const list = profile === 'lenient' ? tolerateList(value) : value
  if (!Array.isArray(list)) mistyped(attribute)
  const elements = list.map((item) => cleanOne(attribute, item, profile)).filter((item) => item !== undefined)
  const joined = joinElements([], elements)
  if (joined.filter(isPrimary).length > 1) {
    throw new ScimError('invalidValue', `Only one of "${attribute.name}" can be primary.`)
  }
  return joined
}

/** The value of the attribute as it is kept; `undefined` where it is unassigned (null), `[]` where it is emptied. */
export function cleanValue(attribute: Attribute, value: Json, profile: Profile): Json | undefined {
  if (value === null) return undefined
  return attribute.multiValued ? cleanMany(attribute, value, profile) : cleanOne(attribute, value, profile)
}
