import { createHash } from 'node:crypto'
import { type Db, query, type Statement } from './connect.ts'

/** A condition made from a client's filter; where its parameters begin is the list's to say. */
export interface Condition {
  readonly text: string
  readonly values: readonly unknown[]
}

export interface Page {
  /** SQL of the order, ending in a key. */
  readonly orderBy: string
  /** The order is by id, and of most such conditions there are few rows. */
  readonly few?: true | undefined
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
let preparedSoFar = 0

/** As many rows are more than few. */
export const MANY = 100

interface Select {
  readonly columns: string
  /** The table, what is joined to it, and the condition of every row; its parameters come first. */
  readonly from: string
  /** The table whose rows are listed, and what `columns` and `from` call it. */
  readonly table: string
  readonly alias: string
}

/** What is asked of a list: the parameters of its `from`, and a client's condition. */
interface Asked {
  readonly values: readonly unknown[]
  readonly where: Condition
}

type Asking = [Statement, unknown[]]

/** The statements of a list, each with all its values; by a name where its shape is one of the first met. */
export function listing({ columns, from, table, alias }: Select) {
  /** By the client's condition, and then by the rest of what is asked. */
  const prepared = new Map<string, Map<string, Statement>>()

  function named(where: string, rest: string, write: () => string): Statement {
    const ofCondition = prepared.get(where) ?? new Map<string, Statement>()
    const known = ofCondition.get(rest)
    if (known) return known
    const text = write()
    if (preparedSoFar >= MOST_PREPARED) return { text }
    preparedSoFar++
    const statement = { name: `list_${createHash('sha1').update(text).digest('hex').slice(0, 16)}`, text }
    prepared.set(where, ofCondition.set(rest, statement))
    return statement
  }

  const sorted = (where: Condition, { beyond, orderBy }: Page): string =>
    `${from} and ${where.text}${beyond ? ` and ${beyond.text}` : ''} order by ${orderBy}`

  /** What is skipped is skipped by its key: an index alone can tell which rows a page far behind the start has. */
  function write(where: Condition, page: Page, parameters: number): string {
    const { sortValue, orderBy, offset } = page
    const selected = sortValue ? `${columns}, ${sortValue} as sort_value` : columns
    const rows = sorted(where, page)
    if (offset === 0) return `select ${selected} from ${rows} limit $${parameters}`
    const ids = `select ${alias}.id from ${rows} limit $${parameters - 1} offset $${parameters}`
    const own = `${alias}.organization_id = $1 and ${alias}.id = page.id`
    return `select ${selected} from (${ids}) page join ${table} ${alias} on ${own} order by ${orderBy}`
  }

  return {
    page({ values, where }: Asked, page: Page): Asking {
      const { orderBy, beyond, sortValue, limit, offset } = page
      const all = [...values, ...where.values, ...(beyond?.values ?? []), limit]
      if (offset > 0) all.push(offset)
      const rest = `${orderBy};${beyond?.text};${sortValue};${offset > 0}`
      return [named(where.text, rest, () => write(where, page, all.length)), all]
    },
    /** In no order, and where they are many not all of them. */
    few({ values, where }: Asked): Asking {
      const some = () => `select ${columns} from ${from} and ${where.text} limit ${MANY}`
      return [named(where.text, 'few', some), [...values, ...where.values]]
    },
    count({ values, where }: Asked): Asking {
      const counted = () => `select count(*)::integer as total from ${from} and ${where.text}`
      return [named(where.text, 'count', counted), [...values, ...where.values]]
    },
  }
}

export async function count(db: Db, [statement, values]: Asking): Promise<number> {
  return (await query<{ total: number }>(db, statement, values))[0]?.total ?? 0
}
