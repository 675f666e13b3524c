import { isRecord } from './filter/match.ts'
import type { Json } from './schema/types.ts'

/** What makes two elements the same: type and value, or else all of it (RFC 7643 section 2.4). */
function elementKey(element: Json): string {
  if (!isRecord(element) || element.value === undefined) return JSON.stringify(element)
  if (typeof element.value !== 'string') return JSON.stringify([element.value, element.type ?? null])
  return `=${element.value}\n${element.type ?? ''}`
}

/** The element with what the value gives it. */
export function merge(element: Json | undefined, value: Json): Json {
  return isRecord(element) && isRecord(value) ? { ...element, ...value } : value
}

/** Adds elements to a list without duplicates: what is there already takes what is new about it. */
export function joinElements(before: readonly Json[], added: readonly Json[]): Json[] {
  if (before.length + added.length < 2) return [...before, ...added]
  const elements = new Map(before.map((element) => [elementKey(element), element]))
  for (const element of added) {
    const key = elementKey(element)
    elements.set(key, merge(elements.get(key), element))
  }
  return [...elements.values()]
}

export function isPrimary(element: Json): boolean {
  return isRecord(element) && element.primary === true
}
