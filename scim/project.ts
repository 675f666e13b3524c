import { etag } from './etag.ts'
import { isRecord } from './filter/match.ts'
import type { Stored } from './handler.ts'
import { isShownAsKept, returnedOf, type Shown, view } from './returned.ts'
import { enterpriseUserSchema } from './schema/enterprise-user.ts'
import { findSub } from './schema/lookup.ts'
import type { Attribute, Attributes, Json, ResourceType } from './schema/types.ts'
import type { Resource } from './select.ts'

export interface Projection {
  readonly location: (id: string) => string
  /** The resource as the client sees it, in JSON. */
  readonly write: (stored: Stored, shown?: Shown) => string
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

const QUOTED_URN = '"urn:'

/** The URNs of extensions in the text of a document: no other key begins so, and in a value a quote is escaped. */
function extensionsIn(document: string): string[] {
  const found: string[] = []
  for (let at = document.indexOf(QUOTED_URN); at !== -1; at = document.indexOf(QUOTED_URN, at + 1)) {
    const end = document.indexOf('"', at + 1)
    if (/^ *:/.test(document.slice(end + 1, end + 3))) found.push(document.slice(at + 1, end))
  }
  return found
}

interface Viewed {
  readonly type: ResourceType<string>
  readonly references: readonly Reference[]
  readonly baseUrl: string
}

const locationOf = ({ type: { endpoint }, baseUrl }: Viewed, id: string) =>
  `${baseUrl}${endpoint}/${encodeURIComponent(id)}`

function schemasOf({ schema, extensions }: ResourceType<string>, isUsed: (urn: string) => boolean): string[] {
  return [schema.id, ...extensions.map((extension) => extension.schema.id).filter(isUsed)]
}

function wholeOf(viewed: Viewed, stored: Stored, attributes: Attributes): Resource {
  const { type, references, baseUrl } = viewed
  const { id, created, lastModified, version } = stored
  const schemas = schemasOf(type, (urn) => attributes[urn] !== undefined)
  const resource: Resource = {
    schemas,
    id,
    ...attributes,
    meta: {
      resourceType: type.name,
      created: created.toISOString(),
      lastModified: lastModified.toISOString(),
      location: locationOf(viewed, id),
      version: etag(version),
    },
  }
  // Of an extension that is no more, something may be left.
  for (const name in attributes) {
    if (name.charCodeAt(3) === COLON && !schemas.includes(name)) delete resource[name]
  }
  addRefs(resource, references, baseUrl)
  return resource
}

/**
 * What `wholeOf` gives, as text, with the document copied into it. By hand, since it is what most requests ask for;
 * undefined where the document has an extension that is no more.
 */
function copyOf(viewed: Viewed, stored: Stored, document: string): string | undefined {
  const { type, references, baseUrl } = viewed
  const { id, created, lastModified, version } = stored
  const copied = extensionsIn(document)
  const attributes: Resource = { ...stored.attributes }
  const schemas = schemasOf(type, (urn) => attributes[urn] !== undefined || copied.includes(urn))
  if (!copied.every((urn) => schemas.includes(urn))) return undefined
  addRefs(attributes, references, baseUrl)
  const times = `"created":"${created.toISOString()}","lastModified":"${lastModified.toISOString()}"`
  const place = `"location":${JSON.stringify(locationOf(viewed, id))},"version":${JSON.stringify(etag(version))}`
  const meta = `{"resourceType":"${type.name}",${times},${place}}`
  const rest = JSON.stringify(attributes).slice(1)
  const head = `{"schemas":${JSON.stringify(schemas)},"id":${JSON.stringify(id)},"meta":${meta}`
  return `${head},${document.slice(1, -1)}${rest === '}' ? '' : ','}${rest}`
}

/** The view of one resource type; its tables are made once, so that a plain read costs little more than a copy. */
export function createProjection(type: ResourceType<string>, baseUrl: string): Projection {
  const returned = returnedOf(type)
  const references = [
    ...referencesIn(type.schema.attributes),
    ...type.extensions.flatMap(({ schema }) => referencesIn(schema.attributes, schema.id)),
  ]
  const viewed = { type, references, baseUrl }
  const { id: rfcExtension } = enterpriseUserSchema
  const canBeCopied =
    isShownAsKept(returned) && references.every(({ urn = rfcExtension }) => urn === rfcExtension)

  return {
    location: (id) => locationOf(viewed, id),
    write: (stored, shown = {}) => {
      const { document = '{}' } = stored
      const isPlain = canBeCopied && document.length > 2 && !shown.attributes && !shown.excludedAttributes
      const text = isPlain ? copyOf(viewed, stored, document) : undefined
      if (text !== undefined) return text
      const attributes = { ...stored.attributes, ...JSON.parse(document) }
      return JSON.stringify(view(wholeOf(viewed, stored, attributes), shown, returned))
    },
  }
}
