import { findPath, type ResourceType, userType } from '../../scim/index.ts'
import { readTypes } from './types.ts'

/** What tells people apart, lets them in, or is the server's own. */
const unspoken: ReadonlySet<string> = new Set([
  'id',
  'externalId',
  'meta',
  'schemas',
  'userName',
  'active',
  'password',
  'groups',
])

/** An attribute of people that several sources may speak of. */
export interface Spoken {
  /** With the URN of its extension, where it is of one. */
  readonly fullName: string
  readonly urn?: string
  readonly name: string
}

/** The type of people in an organization that has these schemas of its own. */
export const peopleType = (schemas: string | null): ResourceType =>
  schemas === null ? userType : readTypes(schemas).User

/** What a name or path denotes, in any letter case; nothing where no two sources are to speak of it. */
export function spokenAttribute(said: string, type: ResourceType): Spoken | undefined {
  const colon = said.lastIndexOf(':')
  const path = colon > 0 ? { urn: said.slice(0, colon), name: said.slice(colon + 1) } : { name: said }
  const found = findPath(type, path, 'strict')
  if (!found) return undefined
  const { urn, attribute } = found
  const { name, mutability, returned } = attribute
  if (mutability === 'readOnly' || mutability === 'writeOnly' || returned === 'never') return undefined
  if (urn === undefined) return unspoken.has(name) ? undefined : { fullName: name, name }
  return { fullName: `${urn}:${name}`, urn, name }
}
