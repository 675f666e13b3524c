import { etag } from './etag.ts'
import type { AttrPath } from './filter/ast.ts'
import { isRecord } from './filter/match.ts'
import type { Stored, Wanted } from './handler.ts'
import { findSub } from './schema/lookup.ts'
import type { Attribute, Attributes, Json, ResourceType } from './schema/types.ts'

type Resource = { [name: string]: Json }

export interface Projection {
  readonly location: (id: string) => string
  /** The resource as the client sees it. */
  readonly project: (stored: Stored, wanted?: Wanted) => Resource
}

/** An attribute whose elements refer to resources of this server. */
interface Reference {
  readonly urn?: string
  readonly name: string
  readonly kind: string
}

/** Whether the values of the attribute refer to resources of this server. */
export function isReference({ subAttributes }: Attribute): boolean {
  return (
    subAttributes?.some(
      ({ name, referenceTypes: [kind] = [] }) => name === '$ref' && /^(?:User|Group)$/.test(kind ?? ''),
    ) ?? false
  )
}

function referencesIn(attributes: readonly Attribute[], urn?: string): Reference[] {
  return attributes.filter(isReference).map((attribute) => {
    const kind = findSub(attribute, '$ref')?.referenceTypes?.[0] ?? 'User'
    return { ...(urn && { urn }), name: attribute.name, kind }
  })
}

function withRef(element: Json, { kind }: Reference, baseUrl: string): Json {
  if (!isRecord(element) || typeof element.value !== 'string') return element
  const type = element.type === 'User' || element.type === 'Group' ? element.type : kind
  return { ...element, $ref: `${baseUrl}/${type}s/${encodeURIComponent(element.value)}` }
}

/** Puts the URI beside every id; `resource` is a fresh object, its extensions are not. */
function addRefs(resource: Resource, references: readonly Reference[], baseUrl: string): void {
  for (const reference of references) {
    const { urn, name } = reference
    const outer = urn === undefined ? resource : resource[urn]
    const value = isRecord(outer) ? outer[name] : undefined
    if (value === undefined || !isRecord(outer)) continue
    const linked = Array.isArray(value)
      ? value.map((element) => withRef(element, reference, baseUrl))
      : withRef(value, reference, baseUrl)
    if (urn === undefined) resource[name] = linked
    else resource[urn] = { ...outer, [name]: linked }
  }
}

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

/** Copies what the path names from one resource to another. */
function pick(from: Resource, to: Resource, { urn, name, sub }: AttrPath): void {
  if (urn && name !== '') {
    const extension = from[urn]
    const picked: Resource = isRecord(to[urn]) ? to[urn] : {}
    if (isRecord(extension)) pick(extension, picked, { name, ...(sub && { sub }) })
    if (Object.keys(picked).length > 0) to[urn] = picked
    return
  }
  const key = urn ?? name
  const value = sub === undefined ? from[key] : alter(from[key], only(sub))
  if (value !== undefined) to[key] = join(to[key], value)
}

function omit(resource: Resource, { urn, name, sub }: AttrPath): Resource {
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

// `id` and `schemas` are always returned (RFC 7643 section 3.1, 7644 section 3.9).
function selected(resource: Resource, paths: readonly AttrPath[]): Resource {
  const picked: Resource = {}
  for (const path of [{ name: 'schemas' }, { name: 'id' }, ...paths]) pick(resource, picked, path)
  return picked
}

function excluded(resource: Resource, paths: readonly AttrPath[]): Resource {
  const asked = paths.filter(({ urn, name }) => urn || (name !== 'id' && name !== 'schemas'))
  return asked.reduce(omit, resource)
}

/** What is returned on request only (RFC 7643 section 7). */
function hiddenIn({ schema, extensions }: ResourceType): AttrPath[] {
  const onRequest = ({ returned }: Attribute) => returned === 'request'
  return [
    ...schema.attributes.filter(onRequest).map(({ name }) => ({ name })),
    ...extensions.flatMap(({ schema: { id, attributes } }) => {
      return attributes.filter(onRequest).map(({ name }) => ({ urn: id, name }))
    }),
  ]
}

/** The view of one resource type; its tables are made once, so that a plain read costs little more than a copy. */
export function createProjection(type: ResourceType, baseUrl: string): Projection {
  const urns = type.extensions.map(({ schema }) => schema.id)
  const hidden = hiddenIn(type)
  const references = [
    ...referencesIn(type.schema.attributes),
    ...type.extensions.flatMap(({ schema }) => referencesIn(schema.attributes, schema.id)),
  ]
  const location = (id: string) => `${baseUrl}${type.endpoint}/${id}`
  const schemasOf = (attributes: Attributes) => [
    type.schema.id,
    ...urns.filter((urn) => attributes[urn] !== undefined),
  ]

  const whole = ({ id, attributes, created, lastModified, version }: Stored): Resource => {
    const resource: Resource = {
      schemas: schemasOf(attributes),
      id,
      ...attributes,
      meta: {
        resourceType: type.name,
        created: created.toISOString(),
        lastModified: lastModified.toISOString(),
        location: location(id),
        version: etag(version),
      },
    }
    addRefs(resource, references, baseUrl)
    return resource
  }

  const project = (stored: Stored, { attributes, excludedAttributes = [] }: Wanted = {}): Resource => {
    const resource = whole(stored)
    if (attributes) return selected(resource, attributes)
    return excluded(resource, [...hidden, ...excludedAttributes])
  }
  return { location, project }
}
