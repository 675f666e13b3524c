import {
  type Columns,
  type Filter,
  type ListPage,
  type ListQuery,
  type Order,
  type PreparedSql,
  prepareSql,
  type Schemas,
  type Stored,
  toOrder,
} from '../../scim/index.ts'

interface Table {
  readonly columns: Columns
  readonly schemas: Schemas
  readonly firstParameter: number
  /** The key that makes every order total. */
  readonly key: string
}

/** What is made of a query. */
interface Made {
  readonly where: PreparedSql
  readonly order: Order
}

const everything: PreparedSql = { text: 'true', values: () => [] }

/** By the shape of the query, which is that of one type and one order. */
const remembered = new WeakMap<Filter, Made>()

function make({ filter, shape, texts = [], ...query }: ListQuery, table: Table): Made {
  const asked = shape ?? filter
  const where = asked ? prepareSql(asked, table) : everything
  const firstParameter = table.firstParameter + where.values(texts).length
  const order = toOrder({ ...query, ...(asked && { filter: asked }) }, { ...table, firstParameter })
  return { where, order }
}

/** A page by cursor begins elsewhere each time. */
function madeOf(query: ListQuery, table: Table): Made {
  const { shape, from } = query
  if (!shape || from) return make(query, table)
  const made = remembered.get(shape) ?? make(query, table)
  remembered.set(shape, made)
  return made
}

/** Which rows a client asks for, and which page of them. */
export function selectionOf(query: ListQuery, table: Table) {
  const { where, order } = madeOf(query, table)
  const { count, startIndex, texts = [] } = query
  const { by: orderBy, few, value: sortValue, beyond } = order
  return {
    where: { text: where.text, values: where.values(texts) },
    page: { orderBy, few, sortValue, beyond, limit: count, offset: startIndex - 1 },
  }
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
