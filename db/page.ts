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
  readonly limit: number
  readonly offset: number
}

/**
 * Where a list by id begins. A condition that may also be absent (`$1 is null or id > $1`) keeps a prepared statement
 * from starting in the middle of an index.
 */
export const beforeEveryId = '00000000-0000-0000-0000-000000000000'

// The few shapes that IdPs keep asking are worth preparing; the bound keeps a client that varies its filters from
// filling every connection with prepared statements.
const MOST_PREPARED = 64
const prepared = new Map<string, string>()

/** The statement, by a name where its shape is one of the first met. */
export function named(text: string): Statement {
  const known = prepared.get(text)
  if (known) return { name: known, text }
  if (prepared.size >= MOST_PREPARED) return { text }
  const name = `list_${createHash('sha1').update(text).digest('hex').slice(0, 16)}`
  prepared.set(text, name)
  return { name, text }
}

/** One page of a select: its statement and all values. */
export function paged(
  { select, values }: { select: string; values: readonly unknown[] },
  { orderBy, limit, offset }: Page,
): [Statement, unknown[]] {
  const text = `${select} order by ${orderBy} limit $${values.length + 1} offset $${values.length + 2}`
  return [named(text), [...values, limit, offset]]
}

export async function count(db: Db, from: string, values: unknown[]): Promise<number> {
  const rows = await query<{ total: number }>(
    db,
    named(`select count(*)::integer as total from ${from}`),
    values,
  )
  return rows[0]?.total ?? 0
}
