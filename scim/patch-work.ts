import { ScimError } from './errors.ts'
import type { Filter } from './filter/ast.ts'
import type { Json } from './schema/types.ts'

/** What is left of the work that one PATCH may ask for. */
export interface Work {
  left: number
}

/** Half a second; five hundred changes of a list of a thousand. */
const MOST_WORK = 2_000_000
/** Every change of a list looks at each of its elements so many times. */
const PASSES = 3

export const startWork = (): Work => ({ left: MOST_WORK })

function sizeOf(filter: Filter): number {
  if (filter.kind === 'and' || filter.kind === 'or')
    return filter.terms.reduce((size, term) => size + sizeOf(term), 0)
  return filter.kind === 'not' ? sizeOf(filter.term) : 1
}

/** Counts a change of a list: a short request can ask for very much, and all else would wait for it. */
export function countWork(
  work: Work,
  { elements, value, filter }: { elements: number; value: Json | undefined; filter: Filter | undefined },
): void {
  const given = Array.isArray(value) ? value.length : 1
  work.left -= (elements + 1) * (PASSES + given + (filter ? sizeOf(filter) : 0))
  if (work.left < 0)
    throw new ScimError(
      'payloadTooLarge',
      'These are too many changes of so long a list; send fewer at once.',
    )
}
