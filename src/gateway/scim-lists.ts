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

/** The page that was asked for; one by cursor is not counted. A promise only where there is something to wait for. */
export function pageOf<Row>(
  query: ListQuery,
  { rows, stored, count }: Found<Row>,
): ListPage | Promise<ListPage> {
  const { startIndex, from, sortBy } = query
  const resources = rows.map(stored)
  if (!from) {
    // A page that is not full, and not beyond the end, has told how many there are.
    const told = rows.length < query.count && (rows.length > 0 || startIndex === 1)
    if (told) return { totalResults: startIndex - 1 + rows.length, resources }
    return count().then((totalResults) => ({ totalResults, resources }))
  }
  const isBackward = from.side === 'before'
  return {
    resources: isBackward ? resources.reverse() : resources,
    ...(sortBy && { sortValues: sortValuesOf(isBackward ? rows.toReversed() : rows) }),
  }
}

const sortValuesOf = (rows: readonly { readonly sort_value?: string | null }[]) =>
  rows.map(({ sort_value = null }) => sort_value)
