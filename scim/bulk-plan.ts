import { orderOf } from './bulk-order.ts'
import type { BulkAsked, BulkOperation } from './bulk-request.ts'
import { ScimError } from './errors.ts'
import { userNameKey } from './filter/fold.ts'
import { isRecord } from './filter/match.ts'
import type { Caller } from './handler.ts'

/** Operations that are done together: one that needs nobody who needs it, or POSTs that need each other. */
export interface Step<C extends Caller> {
  readonly operations: readonly BulkOperation<C>[]
  readonly circular: boolean
}

const isPost = <C extends Caller>({ method }: BulkOperation<C>) => method?.toUpperCase() === 'POST'

/** Where each `bulkId` is made; the RFC has them unique within a request. */
function makersOf<C extends Caller>(operations: readonly BulkOperation<C>[]): Map<string, number> {
  const makers = new Map<string, number>()
  for (const { bulkId, index } of operations.filter(isPost)) {
    if (bulkId === undefined) continue
    if (makers.has(bulkId))
      throw new ScimError('invalidValue', `The bulkId "${bulkId}" is given to two POSTs.`)
    makers.set(bulkId, index)
  }
  return makers
}

function checked<C extends Caller>(
  operation: BulkOperation<C>,
  makers: ReadonlyMap<string, number>,
): BulkOperation<C> {
  const { asked } = operation
  if (asked instanceof ScimError) return operation
  const unknown = [...asked.references].find((bulkId) => !makers.has(bulkId))
  if (unknown === undefined) return operation
  return { ...operation, asked: new ScimError('invalidValue', `No POST has the bulkId "${unknown}".`) }
}

/**
 * The operations in an order in which each comes after those that make what it refers to; otherwise that of the
 * request, so that the same comes of it (RFC 7644 section 3.7).
 */
export function planBulk<C extends Caller>(given: readonly BulkOperation<C>[]): Step<C>[] {
  const makers = makersOf(given)
  const operations = given.map((operation) => checked(operation, makers))
  const needs = operations.map(({ asked }) => {
    const references = asked instanceof ScimError ? [] : [...asked.references]
    return new Set(references.flatMap((bulkId) => makers.get(bulkId) ?? []))
  })
  return orderOf(needs).map(({ members, circular }) => {
    return { operations: members.flatMap((index) => operations[index] ?? []), circular }
  })
}

/** What nobody else may have, as far as a create says it. */
function keysOf<C extends Caller>({ at, data }: BulkAsked<C>): string[] {
  if (data === undefined || !isRecord(data)) return []
  const keys: string[] = []
  for (const name of Object.keys(data)) {
    const key = /(?:^|:)(userName|externalId)$/i.exec(name)?.[1]?.toLowerCase()
    if (key) keys.push(`${at.type.name} ${key} ${userNameKey(String(data[name]).trim())}`)
  }
  return keys
}

/** The create that is all of a step. */
function createIn<C extends Caller>(step: Step<C> | undefined): BulkAsked<C> | undefined {
  const asked = step?.circular ? undefined : step?.operations[0]?.asked
  return asked === undefined || asked instanceof ScimError || asked.method !== 'POST' ? undefined : asked
}

/**
 * The steps that can be under way at once without a difference to one after the other: the next alone, or up to
 * `most` creates of one type that follow upon each other, where none refers to another or wants the same name.
 */
export function nextTogether<C extends Caller>(
  steps: readonly Step<C>[],
  { from, most }: { from: number; most: number },
): readonly Step<C>[] {
  const taken = new Set<string>()
  const type = createIn(steps[from])?.at
  let end = from
  for (; end < from + most; end++) {
    const create = createIn(steps[end])
    if (!create || create.at !== type) break
    const keys = keysOf(create)
    const needed = [...create.references].map((bulkId) => `bulkId ${bulkId}`)
    if ([...keys, ...needed].some((name) => taken.has(name))) break
    for (const key of [...keys, `bulkId ${steps[end]?.operations[0]?.bulkId}`]) taken.add(key)
  }
  return steps.slice(from, Math.max(end, from + 1))
}
