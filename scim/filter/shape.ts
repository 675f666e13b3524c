import type { CompareValue, Filter } from './ast.ts'

/**
 * A filter apart from the texts it compares with. Clients ask the same with other texts again and again: `shape` is
 * then the same object, by which a host may keep what it makes of it. It holds a mark where each of `texts` belongs.
 */
export interface Shaped {
  readonly shape: Filter
  readonly texts: readonly string[]
}

/** No backslash: every text within is what it looks like. */
const plain = /^[ -[\]-~\u00a0-\ud7ff]{1,1000}$/

/** What is compared with a time must be one, and spaces around a name are none of it: these are looked at each time. */
const special = /^(?:\d{4}-\d\d-\d\dT|\s)|\s$/

/** A filter's text without the texts it compares with, and these; undefined where one is not plain. */
export function takeApart(filter: string): { around: string; texts: string[] } | undefined {
  if (!plain.test(filter)) return undefined
  const parts = filter.split('"')
  const [start = '', first = '', end] = parts
  // What most clients ask, in few steps; no other has this for what is around it, since that ends in a quote.
  if (parts.length === 3 && end === '')
    return special.test(first) ? undefined : { around: start, texts: [first] }
  const texts = parts.filter((_, i) => i % 2 === 1)
  if (parts.length % 2 === 0 || texts.some((text) => special.test(text))) return undefined
  return { around: `${parts.filter((_, i) => i % 2 === 0).join('"')}"`, texts }
}

// No text of a filter has a NUL, so that none is taken for a mark.
const markOf = (index: number): string => `\u0000${index}`

/** Which text belongs here, if it is a mark. */
export function indexOf(value: CompareValue): number | undefined {
  return typeof value === 'string' && value.startsWith('\u0000') ? Number(value.slice(1)) : undefined
}

type Change = (text: string) => string

function changed(filter: Filter, change: Change): Filter {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return { kind: filter.kind, terms: filter.terms.map((term) => changed(term, change)) }
    case 'not':
      return { kind: 'not', term: changed(filter.term, change) }
    case 'valuePath':
      return { kind: 'valuePath', path: filter.path, filter: changed(filter.filter, change) }
    case 'present':
      return filter
    case 'compare': {
      const { path, op, value } = filter
      return { kind: 'compare', path, op, value: typeof value === 'string' ? change(value) : value }
    }
  }
}

/** The shape of a resolved filter; undefined where resolving has changed what it compares with. */
export function shapeOf(filter: Filter, texts: readonly string[]): Filter | undefined {
  const found: string[] = []
  const shape = changed(filter, (text) => markOf(found.push(text) - 1))
  return found.length === texts.length && found.every((text, i) => text === texts[i]) ? shape : undefined
}

/** The filter that a shape and its texts are. */
export function putTogether({ shape, texts }: Shaped): Filter {
  if (shape.kind === 'compare') return { ...shape, value: texts[0] ?? shape.value }
  let next = 0
  return changed(shape, () => texts[next++] ?? '')
}
