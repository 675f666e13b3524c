import type { AttrPath } from '../filter/ast.ts'
import type { Profile } from '../handler.ts'
import { commonAttributes } from './common.ts'
import type { Attribute, ResourceType } from './types.ts'

/** The schemas that a path is looked up in. */
export type Schemas = Pick<ResourceType, 'schema' | 'extensions'>

/** What a path denotes; `urn` is given for an attribute of an extension. */
export interface Target {
  readonly urn?: string
  readonly attribute: Attribute
  readonly sub?: Attribute
}

type Targets = ReadonlyMap<string, Target>

interface Index {
  readonly core: Targets
  readonly coreUrn: string
  readonly extensions: ReadonlyMap<string, { readonly urn: string; readonly targets: Targets }>
}

const indexes = new WeakMap<Schemas, Index>()

function byName(attributes: readonly Attribute[], urn?: string): Targets {
  return new Map(
    attributes.map((attribute) => [attribute.name.toLowerCase(), { ...(urn && { urn }), attribute }]),
  )
}

function buildIndex({ schema, extensions }: Schemas): Index {
  return {
    core: byName([...commonAttributes, ...schema.attributes]),
    coreUrn: schema.id.toLowerCase(),
    extensions: new Map(
      extensions.map(({ schema: { id, attributes } }) => [
        id.toLowerCase(),
        { urn: id, targets: byName(attributes, id) },
      ]),
    ),
  }
}

function indexOf(schemas: Schemas): Index {
  const known = indexes.get(schemas)
  if (known) return known
  const index = buildIndex(schemas)
  indexes.set(schemas, index)
  return index
}

export function findSub(attribute: Attribute, name: string): Attribute | undefined {
  const subs = attribute.subAttributes ?? []
  const lower = name.toLowerCase()
  return subs.find((sub) => sub.name === name) ?? subs.find((sub) => sub.name.toLowerCase() === lower)
}

/** Attribute names and URNs are case-insensitive (RFC 7643 section 2.1); some clients leave the URN out. */
function findTop(index: Index, { urn, name }: AttrPath, profile: Profile): Target | undefined {
  const lower = name.toLowerCase()
  const schema = urn?.toLowerCase()
  if (schema === undefined || schema === index.coreUrn) {
    const target = index.core.get(lower)
    if (target) return target
  }
  for (const [id, extension] of index.extensions) {
    if (schema === undefined ? profile === 'strict' : schema !== id) continue
    const target = extension.targets.get(lower)
    if (target) return target
  }
  return undefined
}

/** What the path denotes among the schemas, if anything. */
export function findPath(schemas: Schemas, path: AttrPath, profile: Profile): Target | undefined {
  const top = findTop(indexOf(schemas), path, profile)
  if (!top || path.sub === undefined) return top
  const sub = findSub(top.attribute, path.sub)
  return sub && { ...top, sub }
}

/** The extension that a whole URN names; `null` for the core schema. */
export function findSchema(schemas: Schemas, urn: string): string | null | undefined {
  if (!urn.includes(':')) return undefined
  const index = indexOf(schemas)
  const lower = urn.toLowerCase()
  return lower === index.coreUrn ? null : index.extensions.get(lower)?.urn
}

/** The path in canonical spelling, the core URN left out. */
export function canonicalPath({ urn, attribute, sub }: Target): AttrPath {
  return { ...(urn && { urn }), name: attribute.name, ...(sub && { sub: sub.name }) }
}

/** `userName`, `emails.value`, `urn:…:User:manager.value`: the key of a column map. */
export function pathKey({ urn, name, sub }: AttrPath): string {
  return `${urn ? `${urn}:` : ''}${name}${sub ? `.${sub}` : ''}`
}
