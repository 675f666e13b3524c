import { ScimError } from '../errors.ts'
import type { Profile } from '../handler.ts'
import type { Attribute } from '../schema/types.ts'
import type { CompareOp, CompareValue } from './ast.ts'
import { isUserName } from './fold.ts'

const dateTime = /^(\d{4}-\d\d-\d\d)T\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-](\d\d):(\d\d))?$/
const zoned = /(?:Z|[+-]\d\d:\d\d)$/

const FARTHEST_ZONE = 14 * 60
const MAX_LENGTH = 60

/**
 * The instant an xsd:dateTime names, or NaN; a time without a zone is taken as UTC, days must exist. There is no year
 * 0, and no zone is farther than 14 hours away; databases read no other.
 */
export function instant(text: string): number {
  const [, day, hours = 0, minutes = 0] = (text.length <= MAX_LENGTH && dateTime.exec(text)) || []
  if (!day || day.startsWith('0000')) return Number.NaN
  if (Number(hours) * 60 + Number(minutes) > FARTHEST_ZONE) return Number.NaN
  const midnight = new Date(`${day}T00:00:00Z`)
  if (Number.isNaN(midnight.getTime()) || midnight.toISOString().slice(0, 10) !== day) return Number.NaN
  return Date.parse(zoned.test(text) ? text : `${text}Z`)
}

const FIRST = Date.parse('0001-01-01T00:00:00Z')
const LAST = Date.parse('9999-12-31T23:59:59.999Z')

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

function tolerate(attribute: Attribute, op: CompareOp, value: CompareValue): CompareValue {
  const { type } = attribute
  if (type === 'boolean' && typeof value === 'string' && /^(?:true|false)$/i.test(value)) {
    return value.toLowerCase() === 'true'
  }
  if ((type === 'string' || type === 'reference') && typeof value === 'number') return String(value)
  // As it is kept; within a name a space is a space.
  if (typeof value === 'string' && isUserName(attribute) && equality.includes(op)) return value.trim()
  return value
}

function fits({ type }: Attribute, value: CompareValue): boolean {
  if (type === 'boolean') return typeof value === 'boolean'
  if (type === 'integer' || type === 'decimal') return typeof value === 'number'
  if (type === 'dateTime') {
    // In UTC it must have a year of four digits, too.
    const at = typeof value === 'string' ? instant(value) : Number.NaN
    return at >= FIRST && at <= LAST
  }
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
  const given = profile === 'lenient' ? tolerate(attribute, op, value) : value
  if (!fits(attribute, given)) refuse(attribute, 'such a value')
  return given
}
