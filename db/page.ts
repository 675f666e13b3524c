import { createHash } from 'node:crypto'
import { type Db, query, type Statement } from './connect.ts'

/** A condition made from a client's filter; where its parameters begin is the list's to say. */
export interface Condition {
  readonly text: string
  readonly values: readonly unknown[]
}

export interface Page {
  /** SQL of the order, ending in a key; absent where there is one row at most. */
  readonly orderBy?: string | undefined
  readonly limit: number
  readonly offset: number
  /** SQL of what each row is sorted by, to be read as `sort_value`. */
  readonly sortValue?: string | undefined
  /** True of the rows behind the place where the page begins; its parameters follow those of the condition. */
  readonly beyond?: Condition | undefined
}

/** A row with what it is sorted by, as text, where the page asks for it. */
export type Listed<Row> = Row & { readonly sort_value?: string | null }

/**
 * Where a list by id begins. A condition that may also be absent (`$1 is null or id > $1`) keeps a prepared statement
 * from starting in the middle of an index.
 */
export const beforeEveryId = '00000000-0000-0000-0000-000000000000'

// The few shapes that IdPs keep asking are worth preparing; the bound keeps a client that varies its filters from
// filling every connection with prepared statements.
const MOST_PREPARED = 64
const prepared = new Map<string, Map<string, Statement>>()
let preparedSoFar = 0

interface Shape {
  readonly columns: string
  /** All that follows them, however it is put. */
  readonly rest: string
}

/**
 * The statement that `write` gives, by a name where its shape is one of the first met. Looked up in two steps: the
 * columns are long, and the same text each time.
 */
function named({ columns, rest }: Shape, write: () => string): Statement {
  const ofColumns = prepared.get(columns) ?? new Map<string, Statement>()
  const known = ofColumns.get(rest)
  if (known) return known
  const text = write()
  if (preparedSoFar >= MOST_PREPARED) return { text }
  preparedSoFar++
  const statement = { name: `list_${createHash('sha1').update(text).digest('hex').slice(0, 16)}`, text }
  prepared.set(columns, ofColumns.set(rest, statement))
  return statement
}

interface Select {
  readonly columns: string
  /** The table and its condition. */
  readonly from: string
  /** The table whose rows are listed, and what `columns` and `from` call it. */
  readonly table: string
  readonly alias: string
  readonly values: readonly unknown[]
}

/**
 * One page of a select: its statement and all values. What is skipped is skipped by its key: an index alone can tell
 * which rows a page far behind the start has, and only theirs are read.
 */
export function paged(
  { columns, from, table, alias, values }: Select,
  { orderBy, limit, offset, sortValue, beyond }: Page,
): [Statement, unknown[]] {
  const all = [...values, ...(beyond?.values ?? [])]
  const write = () => {
    const selected = sortValue ? `${columns}, ${sortValue} as sort_value` : columns
    const ordered = orderBy ? ` order by ${orderBy}` : ''
    const rows = `${from}${beyond ? ` and ${beyond.text}` : ''}${ordered} limit $${all.length + 1}`
    if (offset === 0) return `select ${selected} from ${rows}`
    const page = `select ${alias}.id from ${rows} offset $${all.length + 2}`
    const own = `${alias}.organization_id = $1 and ${alias}.id = page.id`
    return `select ${selected} from (${page}) page join ${table} ${alias} on ${own}${ordered}`
  }
  const rest = `${from};${orderBy};${beyond?.text};${sortValue};${offset === 0}`
  return [named({ columns, rest }, write), offset === 0 ? [...all, limit] : [...all, limit, offset]]
}

export async function count(db: Db, from: string, values: unknown[]): Promise<number> {
  const columns = 'count(*)::integer as total'
  const statement = named({ columns, rest: from }, () => `select ${columns} from ${from}`)
  const rows = await query<{ total: number }>(db, statement, values)
  return rows[0]?.total ?? 0
}
