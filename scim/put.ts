import { isRecord } from './filter/match.ts'
import type { Attributes, Json } from './schema/types.ts'
import { type Rules, validate } from './validate.ts'

function givesMembers(body: Json | undefined): boolean {
  if (!isRecord(body)) return false
  return Object.entries(body).some(([name, value]) => name.toLowerCase() === 'members' && value !== null)
}

/**
 * The resource in the body of a PUT. Of a group it also says what becomes of the members: without the key they stay,
 * as a lenient connection has it that never sends them, and `[]` empties the group.
 */
export function readPut(body: Json | undefined, rules: Rules): Attributes {
  const attributes = validate(body, rules)
  const hasMembers = rules.resourceType.schema.attributes.some(({ name }) => name === 'members')
  if (!hasMembers || attributes.members !== undefined) return attributes
  return rules.profile === 'strict' || givesMembers(body) ? { ...attributes, members: [] } : attributes
}
