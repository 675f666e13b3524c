import type { AttrPath } from './filter/ast.ts'
import { isRecord } from './filter/match.ts'
import type { Json } from './schema/types.ts'

export type Resource = { [name: string]: Json }

function alter(value: Json | undefined, change: (element: Resource) => Resource): Json | undefined {
  if (Array.isArray(value)) return value.map((element) => (isRecord(element) ? change(element) : element))
  return isRecord(value) ? change(value) : value
}

function only(name: string): (element: Resource) => Resource {
  return (element) => (element[name] === undefined ? {} : { [name]: element[name] as Json })
}

function without(name: string): (element: Resource) => Resource {
  return ({ [name]: _, ...rest }) => rest
}

function join(a: Json | undefined, b: Json): Json {
  if (Array.isArray(a) && Array.isArray(b)) return a.map((element, i) => join(element, b[i] as Json))
  return isRecord(a) && isRecord(b) ? { ...a, ...b } : b
}

/** Copies what the path names from one resource to another, which is a fresh object. */
export function pick(from: Resource, to: Resource, { urn, name, sub }: AttrPath): void {
  if (urn && name !== '') {
    const extension = from[urn]
    const picked: Resource = isRecord(to[urn]) ? { ...to[urn] } : {}
    if (isRecord(extension)) pick(extension, picked, { name, ...(sub && { sub }) })
    if (Object.keys(picked).length > 0) to[urn] = picked
    return
  }
  const key = urn ?? name
  const value = sub === undefined ? from[key] : alter(from[key], only(sub))
  if (value !== undefined) to[key] = join(to[key], value)
}

/** The resource without what the path names. */
export function omit(resource: Resource, { urn, name, sub }: AttrPath): Resource {
  if (urn && name !== '') {
    const extension = resource[urn]
    return isRecord(extension)
      ? { ...resource, [urn]: omit(extension, { name, ...(sub && { sub }) }) }
      : resource
  }
  const key = urn ?? name
  if (sub === undefined) return without(key)(resource)
  const value = alter(resource[key], without(sub))
  return value === undefined ? resource : { ...resource, [key]: value }
}
