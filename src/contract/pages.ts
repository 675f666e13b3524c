import type { FastifyRequest } from 'fastify'
import { Problem } from '../errors.ts'
import { isUuid } from '../ids.ts'

export interface PageQuery {
  readonly after?: string
  readonly limit: number
}

/** `limit` and `cursor` of a list; the cursor is the id after which the page begins. */
export function pageOf(request: FastifyRequest): PageQuery {
  const { limit, cursor } = request.query as { limit: number; cursor?: string } // as the contract validated it
  return cursor === undefined ? { limit } : { limit, after: idIn(cursor) }
}

export const cursorAt = (id: string): string => Buffer.from(id).toString('base64url')

export function idIn(cursor: string): string {
  const id = Buffer.from(cursor, 'base64url').toString()
  if (!isUuid(id)) throw new Problem('invalid_request', 'The cursor is not one that a list has given out.')
  return id
}

/** A list in the form of all lists; `rows` were asked for with one more than `limit`. */
export function listOf<Row extends { readonly id: string }>(
  rows: readonly Row[],
  limit: number,
  view: (row: Row) => object,
): { items: object[]; next?: string } {
  const items = rows.slice(0, limit)
  const last = rows.length > limit ? items.at(-1) : undefined
  return { items: items.map(view), ...(last && { next: cursorAt(last.id) }) }
}
