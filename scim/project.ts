import { etag } from './etag.ts'
import { isRecord } from './filter/match.ts'
import type { Stored } from './handler.ts'
import { returnedOf, type Shown, view } from './returned.ts'
import { findSub } from './schema/lookup.ts'
import type { Attribute, Attributes, Json, ResourceType } from './schema/types.ts'
import type { Resource } from './select.ts'

export interface Projection {
  readonly location: (id: string) => string
  /** The resource as the client sees it. */
  readonly project: (stored: Stored, wanted?: Shown) => Resource
}

/** An attribute whose elements refer to resources of this server. */
interface Reference {
  readonly urn?: string
  readonly name: string
  readonly kind: string
}

/** Whether the values of the attribute refer to resources of this server. */
export function isReference(attribute: Attribute): boolean {
  const ref = findSub(attribute, '$ref')
  // One that a client may write is the client's to say.
  return ref?.mutability === 'readOnly' && /^(?:User|Group)$/.test(ref.referenceTypes?.[0] ?? '')
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

/** Where `urn:` has its colon; no other name has one. */
const COLON = 0x3a

/** The view of one resource type; its tables are made once, so that a plain read costs little more than a copy. */
export function createProjection(type: ResourceType<string>, baseUrl: string): Projection {
  const urns = type.extensions.map(({ schema }) => schema.id)
  const returned = returnedOf(type)
  const references = [
    ...referencesIn(type.schema.attributes),
    ...type.extensions.flatMap(({ schema }) => referencesIn(schema.attributes, schema.id)),
  ]
  const location = (id: string) => `${baseUrl}${type.endpoint}/${encodeURIComponent(id)}`
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
    // Of an extension that is no more, something may be left.
    for (const name in attributes) {
      if (name.charCodeAt(3) === COLON && !urns.includes(name)) delete resource[name]
    }
    addRefs(resource, references, baseUrl)
    return resource
  }

  const project = (stored: Stored, wanted: Shown = {}): Resource => view(whole(stored), wanted, returned)
  return { location, project }
}
