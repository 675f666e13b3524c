import type { Schemas, Target } from './lookup.ts'
import type { Attribute } from './types.ts'

/** The attributes of which something is to be checked once a resource is whole. */
export interface Characteristics {
  readonly required: readonly Target[]
  /** Those that stand still once they have a value; elements of a list have no identity by which theirs could. */
  readonly immutable: readonly Target[]
}

const known = new WeakMap<Schemas, Characteristics>()

function targetsIn(attributes: readonly Attribute[], urn?: string): Target[] {
  return attributes.flatMap((attribute) => {
    const whole = { ...(urn && { urn }), attribute }
    return [whole, ...(attribute.subAttributes ?? []).map((sub) => ({ ...whole, sub }))]
  })
}

function read({ schema, extensions }: Schemas): Characteristics {
  const targets = [
    ...targetsIn(schema.attributes),
    ...extensions.flatMap((extension) => targetsIn(extension.schema.attributes, extension.schema.id)),
  ]
  return {
    required: targets.filter(({ attribute, sub }) => (sub ?? attribute).required),
    immutable: targets.filter(({ attribute, sub }) => {
      return sub
        ? sub.mutability === 'immutable' && !attribute.multiValued
        : attribute.mutability === 'immutable'
    }),
  }
}

export function characteristicsOf(schemas: Schemas): Characteristics {
  const found = known.get(schemas) ?? read(schemas)
  known.set(schemas, found)
  return found
}
