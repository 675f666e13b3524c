import type { ListQuery } from '../handler.ts'
import { findPath, pathKey } from '../schema/lookup.ts'
import type { Attribute } from '../schema/types.ts'
import type { AttrPath, Filter } from './ast.ts'
import { type SqlOptions, sortExpression } from './sql.ts'

export interface OrderOptions extends SqlOptions {
  /** SQL of the id, which makes every order total. */
  readonly key: string
}

/** A condition with its parameters. */
interface Beyond {
  readonly text: string
  readonly values: readonly (string | null)[]
}

/** The order of a list in SQL. */
export interface Order {
  readonly by: string
  /** By id, and of rows that hardly ever are many. */
  readonly few?: true
  /** What a row is sorted by, as text: the `value` of its place. Absent where that is its id alone. */
  readonly value?: string
  /** True of the rows behind the place where the page begins (those before it, where it goes backward). */
  readonly beyond?: Beyond
}

/** What is sorted by beside the id. */
interface Sorted {
  readonly sql: string
  readonly type: string
  readonly nullable: boolean
}

const types: Partial<Record<Attribute['type'], string>> = {
  boolean: 'boolean',
  decimal: 'numeric',
  integer: 'numeric',
  dateTime: 'timestamptz',
}

function sortedBy(path: AttrPath, { columns, schemas }: OrderOptions): Sorted | undefined {
  const key = pathKey(path)
  if (key === 'id') return undefined
  const sql = sortExpression(path, { columns, schemas })
  const target = findPath(schemas, path, 'strict')
  const type = types[(target?.sub ?? target?.attribute)?.type ?? 'string'] ?? 'text'
  return { sql, type, nullable: !columns.paths[key]?.required }
}

interface Beginning extends Pick<OrderOptions, 'key' | 'firstParameter'> {
  readonly isUp: boolean
  readonly id: string
}

/**
 * Upwards null comes last, as PostgreSQL has it and the RFC wants it. Where there is no null, one comparison of rows
 * is all that is left, by which an index can be entered in its middle.
 */
function beyondValue({ sql, type, nullable }: Sorted, value: string | null, at: Beginning): Beyond {
  const { key, firstParameter = 1, isUp, id } = at
  const [first, second] = [`$${firstParameter}`, `$${firstParameter + 1}`]
  const sign = isUp ? '>' : '<'
  if (value === null) {
    const text = isUp ? `(${sql} is null and ${key} > ${first})` : `(${sql} is not null or ${key} < ${first})`
    return { text, values: [id] }
  }
  const rows = `(${sql}, ${key}) ${sign} (${first}::${type}, ${second})`
  return { text: nullable && isUp ? `(${rows} or ${sql} is null)` : rows, values: [value, id] }
}

function beyondId({ key, firstParameter = 1, isUp, id }: Beginning): Beyond {
  return { text: `${key} ${isUp ? '>' : '<'} $${firstParameter}`, values: [id] }
}

/** Whether a resource must equal what few do; within `within[…]` the paths are those of its sub-attributes. */
function isFew(filter: Filter, { columns }: Pick<OrderOptions, 'columns'>, within?: AttrPath): boolean {
  switch (filter.kind) {
    case 'and':
      return filter.terms.some((term) => isFew(term, { columns }, within))
    case 'valuePath':
      return isFew(filter.filter, { columns }, filter.path)
    case 'compare': {
      const path = within ? { ...within, sub: filter.path.name } : filter.path
      return filter.op === 'eq' && columns.paths[pathKey(path)]?.distinctive === true
    }
    default:
      return false
  }
}

/**
 * How to find a page: rows come in the order of the list, or in its reverse where the page ends before a place. By
 * id where nothing is sorted by. RFC 7644 section 3.4.2.3: what has no value is last, and first where descending.
 */
export function toOrder(
  { filter, sortBy, sortOrder, from }: Pick<ListQuery, 'filter' | 'sortBy' | 'sortOrder' | 'from'>,
  options: OrderOptions,
): Order {
  const { key, firstParameter } = options
  const isUp = (sortBy !== undefined && sortOrder === 'descending') === (from?.side === 'before')
  const direction = isUp ? 'asc' : 'desc'
  const sorted = sortBy && sortedBy(sortBy, options)
  const at = from?.place && { key, ...(firstParameter && { firstParameter }), isUp, id: from.place.id }
  if (!sorted) {
    const few = !sortBy && !from && filter !== undefined && isFew(filter, options)
    return { by: `${key} ${direction}`, ...(few && { few }), ...(at && { beyond: beyondId(at) }) }
  }
  const beyond = at && beyondValue(sorted, from?.place?.value ?? null, at)
  return {
    by: `${sorted.sql} ${direction}, ${key} ${direction}`,
    ...(from && { value: `(${sorted.sql})::text` }),
    ...(beyond && { beyond }),
  }
}
