import type { Cursors, Mark } from './cursor.ts'
import type { Caller, ListPage, Place, Profile, Stored } from './handler.ts'
import type { Readable } from './operations.ts'
import { type Page, parsePage, type Query } from './page.ts'
import { nameOf, type Selection, type SelectionReader } from './search.ts'

/** What can be asked for lists, and how. */
export interface Lists<C extends Caller> {
  /** One type, or several that are listed one after the other. */
  readonly of: readonly Readable<C>[]
  readonly maxResults: number
  readonly readers: Readonly<Record<Profile, SelectionReader>>
  readonly cursors: Cursors
}

/** The resources of one type that are asked for. */
interface Part<C extends Caller> {
  readonly from: Readable<C>
  readonly selection: Selection
}

interface Row {
  readonly part: number
  readonly stored: Stored
  readonly value: string | null | undefined
}

/** A page of the resources that a query means (RFC 7644 section 3.4.2, RFC 9865); what it cannot mean is thrown. */
export function list<C extends Caller>(lists: Lists<C>, caller: C, query: Query): Promise<Page> {
  const asked = parsePage(query, lists.maxResults)
  const parts = partsOf(lists, caller, query)
  return 'startIndex' in asked ? pageByIndex(parts, caller, asked) : step(parts, caller, { ...asked, lists })
}

async function step<C extends Caller>(
  parts: readonly Part<C>[],
  caller: C,
  { cursor, count, lists: { cursors } }: { cursor: string; count: number; lists: Lists<C> },
): Promise<Page> {
  const walk = { query: JSON.stringify([caller.id, parts.map(nameOfPart)]), count }
  const mark: Mark = cursor === '' ? { side: 'after', part: 0 } : cursors.read(cursor, walk)
  if (count === 0)
    return { ...(await pageByIndex(parts, caller, { startIndex: 1, count })), startIndex: undefined }
  const page = await pageByCursor(parts, caller, { mark, count })
  const write = (to: Mark | undefined) => to && cursors.write(to, walk)
  return { ...page, nextCursor: write(page.next), previousCursor: write(page.previous) }
}

function partsOf<C extends Caller>({ of, readers }: Lists<C>, caller: C, query: Query): Part<C>[] {
  const { all, one } = readers[caller.profile]
  const [only] = of
  if (only && of.length === 1) {
    const from = only.asSeenBy(caller)
    const selection = one(query, from.type)
    return selection ? [{ from, selection }] : []
  }
  const resources = of.map((each) => each.asSeenBy(caller))
  const types = resources.map(({ type }) => type)
  const selections = all(query, types)
  return resources.flatMap((from, i) => (selections[i] ? [{ from, selection: selections[i] }] : []))
}

function nameOfPart<C extends Caller>({ from, selection }: Part<C>): string[] {
  return nameOf(from.type, selection)
}

async function pageByIndex<C extends Caller>(
  parts: readonly Part<C>[],
  caller: C,
  { startIndex, count }: { startIndex: number; count: number },
): Promise<Page> {
  let totalResults = 0
  let resources: string[] = []
  for (const { from, selection } of parts) {
    const rest = Math.max(1, startIndex - totalResults)
    const asked = { ...selection, startIndex: rest, count: count - resources.length }
    const page = await from.handler.list(caller, asked)
    const found = page.resources.map((stored) => from.write(stored, selection))
    resources = resources.length === 0 ? found : [...resources, ...found]
    totalResults += page.totalResults ?? found.length
  }
  return { totalResults, startIndex, resources }
}

interface Walked extends Page {
  readonly next?: Mark | undefined
  readonly previous?: Mark | undefined
}

async function pageByCursor<C extends Caller>(
  parts: readonly Part<C>[],
  caller: C,
  { mark, count }: { mark: Mark; count: number },
): Promise<Walked> {
  // One more than are shown tells whether there are more.
  const rows = await readRows(parts, caller, { mark, count: count + 1 })
  const more = rows.length > count
  const isWhole = !more && !mark.place
  if (more) rows.splice(mark.side === 'after' ? -1 : 0, 1)
  const resources = rows.map(({ part, stored }) => {
    const { from, selection } = parts[part] as Part<C> // it came from there
    return from.write(stored, selection)
  })
  return { ...(isWhole && { totalResults: rows.length }), resources, ...marksOf(rows, mark, more) }
}

/** Where the pages on either side begin; where a page has lost all its rows, the list is entered at its other end. */
function marksOf(
  rows: readonly Row[],
  { side, place }: Mark,
  more: boolean,
): Pick<Walked, 'next' | 'previous'> {
  const [first, last] = [rows.at(0), rows.at(-1)]
  const next: Mark = last ? { side: 'after', ...placeOf(last) } : { side: 'after', part: 0 }
  const previous: Mark = first
    ? { side: 'before', ...placeOf(first) }
    : { side: 'before', part: Number.MAX_SAFE_INTEGER }
  const [ahead, behind] = [more, place !== undefined]
  return side === 'after'
    ? { ...(ahead && { next }), ...(behind && { previous }) }
    : { ...(behind && { next }), ...(ahead && { previous }) }
}

function placeOf({ part, stored, value }: Row): { part: number; place: Place } {
  return { part, place: { id: stored.id, ...(value !== undefined && { value }) } }
}

async function readRows<C extends Caller>(
  parts: readonly Part<C>[],
  caller: C,
  { mark, count }: { mark: Mark; count: number },
): Promise<Row[]> {
  const { side } = mark
  const step = side === 'after' ? 1 : -1
  let rows: Row[] = []
  let place = mark.place
  for (let at = Math.min(mark.part, parts.length - 1); rows.length < count; at += step) {
    const part = parts[at]
    if (!part) break
    const from = { side, ...(place && { place }) }
    const asked = { ...part.selection, startIndex: 1, count: count - rows.length, from }
    const found = rowsOf(await part.from.handler.list(caller, asked), at)
    rows = side === 'after' ? [...rows, ...found] : [...found, ...rows]
    place = undefined
  }
  return rows
}

function rowsOf({ resources, sortValues }: ListPage, part: number): Row[] {
  return resources.map((stored, i) => ({ part, stored, value: sortValues?.[i] }))
}
