import { ScimError } from '../errors.ts'
import type { Profile } from '../handler.ts'
import type { Attribute } from '../schema/types.ts'
import type { CompareOp, CompareValue } from './ast.ts'

const dateTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)?$/

/** The instant an xsd:dateTime names, or NaN; a time without a zone is taken as UTC, days must exist. */
export function instant(text: string): number {
  if (!dateTime.test(text)) return Number.NaN
  const day = new Date(`${text.slice(0, 10)}T00:00:00Z`)
  if (Number.isNaN(day.getTime()) || day.toISOString().slice(0, 10) !== text.slice(0, 10)) return Number.NaN
  return Date.parse(/(?:Z|[+-]\d\d:\d\d)$/.test(text) ? text : `${text}Z`)
}

const equality: readonly CompareOp[] = ['eq', 'ne']
const text: readonly CompareOp[] = ['co', 'sw', 'ew']
const order: readonly CompareOp[] = ['gt', 'ge', 'lt', 'le']

/** What may be asked of a type (RFC 7644 table 3): order of booleans and binaries is refused there. */
function operatorsOf({ type }: Attribute): readonly CompareOp[] {
  if (type === 'boolean') return equality
  if (type === 'binary') return [...equality, ...text]
  if (type === 'string' || type === 'reference') return [...equality, ...text, ...order]
  return [...equality, ...order]
}

function refuse({ name, type }: Attribute, what: string): never {
  throw new ScimError('invalidFilter', `"${name}" is of type ${type} and cannot be compared by ${what}.`)
}

function tolerate({ type }: Attribute, value: CompareValue): CompareValue {
  if (type === 'boolean' && typeof value === 'string' && /^(?:true|false)$/i.test(value)) {
    return value.toLowerCase() === 'true'
  }
  if ((type === 'string' || type === 'reference') && typeof value === 'number') return String(value)
  return value
}

function fits({ type }: Attribute, value: CompareValue): boolean {
  if (type === 'boolean') return typeof value === 'boolean'
  if (type === 'integer' || type === 'decimal') return typeof value === 'number'
  if (type === 'dateTime') return typeof value === 'string' && !Number.isNaN(instant(value))
  return typeof value === 'string'
}

/** The value as the attribute's type has it; a comparison the type does not know is 400 `invalidFilter`. */
export function comparable(
  attribute: Attribute,
  { op, value }: { op: CompareOp; value: CompareValue },
  profile: Profile,
): CompareValue {
  if (attribute.type === 'complex') refuse(attribute, 'a simple value')
  if (!operatorsOf(attribute).includes(op)) refuse(attribute, `"${op}"`)
  const given = profile === 'lenient' ? tolerate(attribute, value) : value
  if (!fits(attribute, given)) refuse(attribute, 'such a value')
  return given
}
