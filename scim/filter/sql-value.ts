import type { Attribute } from '../schema/types.ts'
import type { Compare, CompareValue } from './ast.ts'
import type { Column } from './columns.ts'
import { userNameKey } from './fold.ts'
import { instant } from './value.ts'

/** Where a value is: a column of the host, or a jsonb expression. */
export interface Place {
  readonly attribute: Attribute
  readonly column?: Column
  /** The value as jsonb; nothing where it is a column. */
  readonly json: string
}

/** Puts a value among the parameters, as what `to` makes of it, and gives its place in the text. */
export type Bind = (value: CompareValue, to?: (value: CompareValue) => CompareValue) => string

export function quote(name: string): string {
  return `'${name.replaceAll("'", "''")}'`
}

const isoDate = "'^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d+)?(Z|[+-]\\d\\d:\\d\\d)?$'"

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** The value in its own SQL type. A document may hold anything: what is of another type is null, never an error. */
export function valueSql({ attribute, column, json }: Place): string {
  if (column) return column.type === 'uuid' ? `(${column.sql})::text` : column.sql
  const text = `(${json} #>> '{}')`
  switch (attribute.type) {
    case 'boolean':
      return `(case ${json} when 'true'::jsonb then true when 'false'::jsonb then false end)`
    case 'integer':
    case 'decimal':
      return `(case when jsonb_typeof(${json}) = 'number' then ${text}::numeric end)`
    case 'dateTime':
      // To the millisecond, which is how exactly what it is compared with is known.
      return `(case when ${text} ~ ${isoDate} then date_trunc('milliseconds', ${text}::timestamptz) end)`
    default:
      return text
  }
}

function isText({ type }: Attribute): boolean {
  return type === 'string' || type === 'reference' || type === 'binary'
}

const lowered = ({ caseExact }: Attribute, sql: string) => (caseExact ? sql : `lower(${sql})`)

/** Text in the form it is compared in: the host's indexes are on `lower(<column>)`, or on its key. */
export function folded(place: Place): string {
  return place.column?.key ?? lowered(place.attribute, valueSql(place))
}

const orders = { gt: '>', ge: '>=', lt: '<', le: '<=' } as const

function compareText({ op, value }: Compare, place: Place, bind: Bind): string {
  const { attribute, column } = place
  const a = folded(place)
  const b = column?.key
    ? `${bind(value, (given) => userNameKey(String(given)))}::text`
    : lowered(attribute, `${bind(value)}::text`)
  switch (op) {
    case 'eq':
      return `${a} = ${b}`
    case 'ne':
      return `${a} is distinct from ${b}`
    case 'co':
      return `strpos(${a}, ${b}) > 0`
    case 'sw':
      return `starts_with(${a}, ${b})`
    case 'ew':
      return `right(${a}, length(${b})) = ${b}`
    default:
      return `${a} collate "C" ${orders[op]} ${b}`
  }
}

/** What is no UUID is null, which such a column never is. */
function compareUuid({ op, value }: Compare, { attribute, column }: Place, bind: Bind): string {
  const place = bind(value, (given) => {
    const text = attribute.caseExact ? String(given) : String(given).toLowerCase()
    return uuid.test(text) ? text : null
  })
  return `${column?.sql} ${op === 'eq' ? '=' : 'is distinct from'} ${place}::uuid`
}

const toInstant = (value: CompareValue) => new Date(instant(String(value))).toISOString()

function parameter({ type }: Attribute, value: CompareValue, bind: Bind): string {
  if (type === 'boolean') return `${bind(value)}::boolean`
  if (type === 'dateTime') return `${bind(value, toInstant)}::timestamptz`
  return `${bind(value)}::numeric`
}

/** One comparison of one value. Null counts as false, and is nothing but false below `not`. */
export function compareSql(compare: Compare, place: Place, bind: Bind): string {
  const { op, value } = compare
  if (place.column?.type === 'uuid' && (op === 'eq' || op === 'ne')) return compareUuid(compare, place, bind)
  if (isText(place.attribute)) return compareText(compare, place, bind)
  const a = valueSql(place)
  const b = parameter(place.attribute, value, bind)
  if (op === 'ne') return `${a} is distinct from ${b}`
  return `${a} ${op in orders ? orders[op as keyof typeof orders] : '='} ${b}`
}

/** `pr`: neither null nor empty. */
export function presentSql({ attribute, column, json }: Place): string {
  if (!column) return `${json} not in ('null'::jsonb, '""'::jsonb, '[]'::jsonb, '{}'::jsonb)`
  return isText(attribute) && column.type !== 'uuid' ? `${column.sql} <> ''` : `${column.sql} is not null`
}
