import {
  type Caller,
  groupType,
  type ResourceType,
  type Schema,
  userType,
  withExtensions,
} from '../../scim/index.ts'

export type Types = Required<NonNullable<Caller['resourceTypes']>>

/** The types of an organization, from its schemas as the database writes them; nothing where it has none of its own. */
export type TypesOf = (organizationId: string, schemas: string | null) => Types | undefined

const MOST_REMEMBERED = 1000

interface Entry {
  readonly type: ResourceType['name']
  readonly schema: Schema
}

/** Remembered per process, so that what is made from a type is made once for as long as the text is the same. */
export function rememberedTypes(): TypesOf {
  const remembered = new Map<string, { readonly text: string; readonly types: Types }>()
  return (organizationId, text) => {
    if (text === null) return undefined
    const known = remembered.get(organizationId)
    if (known?.text === text) return known.types
    const types = readTypes(text)
    if (remembered.size >= MOST_REMEMBERED) remembered.clear()
    remembered.set(organizationId, { text, types })
    return types
  }
}

/** The types that have these schemas beside the standard ones. */
export function readTypes(text: string): Types {
  const entries = JSON.parse(text) as Entry[] // as it was validated when it was written
  const of = (name: Entry['type']) => entries.filter(({ type }) => type === name).map(({ schema }) => schema)
  return { User: withExtensions(userType, of('User')), Group: withExtensions(groupType, of('Group')) }
}
