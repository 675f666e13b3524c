import type { Caller } from '../handler.ts'
import type { ResourceType, Schema } from './types.ts'

/** The type with further extensions. What is made from a type is remembered by it, so it should be kept. */
export function withExtensions(type: ResourceType, schemas: readonly Schema[]): ResourceType {
  const added = schemas.map((schema) => ({ schema, required: false }))
  return added.length === 0 ? type : { ...type, extensions: [...type.extensions, ...added] }
}

/** The type as the caller has it. */
export function typeFor(
  { resourceTypes }: Pick<Caller, 'resourceTypes'>,
  standard: ResourceType,
): ResourceType {
  return resourceTypes?.[standard.name] ?? standard
}
