import { isRecord } from './filter/match.ts'
import { parseJson } from './json.ts'
import { findSub } from './schema/lookup.ts'
import type { Attribute, Json } from './schema/types.ts'

/** What a client may send for an attribute, and how it is meant. Each quirk is one of a named identity provider. */
type Quirk = (value: Json, attribute: Attribute) => Json

// Entra writes booleans as "True" and "False".
const booleanAsText: Quirk = (value) => {
  if (typeof value !== 'string' || !/^(?:true|false)$/i.test(value.trim())) return value
  return value.trim().toLowerCase() === 'true'
}

const numberAsText: Quirk = (value) => {
  return typeof value === 'string' && /^-?\d+(?:\.\d+)?$/.test(value) ? Number(value) : value
}

// Numeric ids stay strings. A number too large to be exact is no longer what was sent: it may be somebody else's.
const textAsNumber: Quirk = (value) => {
  const isExact = typeof value === 'number' && Math.abs(value) <= Number.MAX_SAFE_INTEGER
  return isExact ? String(value) : value
}

// `manager` comes as a bare id, as an array of one, or as "" to take it away; members as bare ids.
const complexAsValue: Quirk = (value, attribute) => {
  if (isRecord(value) || value === null || !findSub(attribute, 'value')) return value
  if (Array.isArray(value)) return value.length === 0 ? null : value.length === 1 ? (value[0] as Json) : value
  return value === '' ? null : { value }
}

// Entra's app roles: the value is itself JSON, `{"id":"…","value":"Admin","displayName":"Admin"}`.
const roleAsJson: Quirk = (value, { name }) => {
  if (name !== 'roles' || !isRecord(value) || typeof value.value !== 'string') return value
  const inner = readObject(value.value)
  if (!inner || inner.value === undefined) return value
  return {
    ...value,
    value: inner.value,
    ...(inner.displayName !== undefined && { display: inner.displayName }),
  }
}

function readObject(text: string): { [name: string]: Json } | undefined {
  if (!text.startsWith('{')) return undefined
  try {
    const value = parseJson(Buffer.from(text))
    return isRecord(value) ? value : undefined
  } catch {
    return undefined
  }
}

// A member without a type says it in its URI.
const memberByRef: Quirk = (value, { name }) => {
  if (name !== 'members' || !isRecord(value) || value.type || typeof value.$ref !== 'string') return value
  const kind = /\/(User|Group)s\//.exec(value.$ref)?.[1]
  return kind ? { ...value, type: kind } : value
}

const byType: Readonly<Record<Attribute['type'], readonly Quirk[]>> = {
  string: [textAsNumber],
  reference: [textAsNumber],
  boolean: [booleanAsText],
  integer: [numberAsText],
  decimal: [numberAsText],
  dateTime: [],
  binary: [],
  complex: [complexAsValue, roleAsJson, memberByRef],
}

/** One value of the attribute, as a lenient connection means it. */
export function tolerateValue(attribute: Attribute, value: Json): Json {
  let given = value
  for (const quirk of byType[attribute.type]) given = quirk(given, attribute)
  return given
}

/** One value where a list is expected is a list of one. */
export function tolerateList(value: Json): Json {
  return Array.isArray(value) ? value : value === '' ? [] : [value]
}

/** Whether a `manager: {"value": ""}` and the like says that there is none. */
export function isBlank(attribute: Attribute, value: Json): boolean {
  return !attribute.multiValued && isRecord(value) && value.value === '' && Object.keys(value).length === 1
}
