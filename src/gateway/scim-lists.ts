import {
  type Columns,
  type Filter,
  type ListQuery,
  type Schemas,
  sortExpression,
  toSql,
} from '../../scim/index.ts'

interface Table {
  readonly columns: Columns
  readonly schemas: Schemas
  readonly firstParameter: number
  /** The key that makes every order total. */
  readonly key: string
}

const everything = { text: 'true', values: [] }

/** A client's filter as a condition on the table. */
export function conditionOf(filter: Filter | undefined, { columns, schemas, firstParameter }: Table) {
  return filter ? toSql(filter, { columns, schemas, firstParameter }) : everything
}

/** A client's order; always total, so that pages do not overlap. */
export function orderOf({ sortBy, sortOrder }: ListQuery, { columns, schemas, key }: Table): string {
  if (!sortBy) return key
  const direction = sortOrder === 'descending' ? 'desc' : 'asc'
  return `${sortExpression(sortBy, { columns, schemas })} ${direction} nulls last, ${key}`
}

/**
 * How many there are: a page that is not full, and not beyond the end, has told it already. `count` is asked only
 * where it has not.
 */
export async function totalOf(
  page: { found: number; startIndex: number; count: number },
  count: () => Promise<number>,
): Promise<number> {
  const { found, startIndex } = page
  const told = found < page.count && (found > 0 || startIndex === 1)
  return told ? startIndex - 1 + found : count()
}
