import { isRecord } from './filter/match.ts'
import type { Target } from './schema/lookup.ts'
import type { Attributes, Json } from './schema/types.ts'

type Record = { [name: string]: Json }

/** The object that holds the attribute: the resource itself, its extension, or a complex attribute. */
export function containerOf(attributes: Attributes, { urn, attribute, sub }: Target): Record {
  let container: Record = attributes
  for (const name of [urn, sub && attribute.name]) {
    if (!name) continue
    const inner = container[name]
    const copy = isRecord(inner) ? { ...inner } : {}
    container[name] = copy
    container = copy
  }
  return container
}
