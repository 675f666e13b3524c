import {
  type Columns,
  type Filter,
  type ListPage,
  type ListQuery,
  type Schemas,
  type Stored,
  toOrder,
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
function conditionOf(filter: Filter | undefined, { columns, schemas, firstParameter }: Table) {
  return filter ? toSql(filter, { columns, schemas, firstParameter }) : everything
}

/** Which rows a client asks for, and which page of them. */
export function selectionOf(query: ListQuery, table: Table) {
  const where = conditionOf(query.filter, table)
  const { count, startIndex } = query
  const order = toOrder(query, { ...table, firstParameter: table.firstParameter + where.values.length })
  const { by: orderBy, value: sortValue, beyond } = order
  return { where, page: { orderBy, sortValue, beyond, limit: count, offset: startIndex - 1 } }
}

interface Found<Row> {
  readonly rows: readonly (Row & { readonly sort_value?: string | null })[]
  readonly stored: (row: Row) => Stored
  readonly count: () => Promise<number>
}

/** The page that was asked for; one by cursor is not counted. */
export async function pageOf<Row>(query: ListQuery, { rows, stored, count }: Found<Row>): Promise<ListPage> {
  const { startIndex, from, sortBy } = query
  if (!from) {
    const totalResults = await totalOf({ found: rows.length, startIndex, count: query.count }, count)
    return { totalResults, resources: rows.map(stored) }
  }
  const ordered = from.side === 'before' ? rows.toReversed() : rows
  return {
    resources: ordered.map(stored),
    ...(sortBy && { sortValues: ordered.map((row) => row.sort_value ?? null) }),
  }
}

/**
 * How many there are: a page that is not full, and not beyond the end, has told it already. `count` is asked only
 * where it has not.
 */
async function totalOf(
  page: { found: number; startIndex: number; count: number },
  count: () => Promise<number>,
): Promise<number> {
  const { found, startIndex } = page
  const told = found < page.count && (found > 0 || startIndex === 1)
  return told ? startIndex - 1 + found : count()
}
