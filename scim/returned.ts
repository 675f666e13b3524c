import type { AttrPath } from './filter/ast.ts'
import type { Wanted } from './handler.ts'
import { pathKey } from './schema/lookup.ts'
import type { Attribute, ResourceType } from './schema/types.ts'
import { omit, pick, type Resource } from './select.ts'
import { isWritten, type Written } from './written.ts'

/** The attributes that are not returned as any other is (RFC 7643 section 7, "returned"). */
export interface Returned {
  readonly always: readonly AttrPath[]
  readonly never: readonly AttrPath[]
  readonly onRequest: readonly AttrPath[]
}

interface Listed {
  readonly path: AttrPath
  readonly attribute: Attribute
}

function listedIn(attributes: readonly Attribute[], urn?: string): Listed[] {
  return attributes.flatMap((attribute) => {
    const path = { ...(urn && { urn }), name: attribute.name }
    const subs = attribute.subAttributes ?? []
    return [{ path, attribute }, ...subs.map((sub) => ({ path: { ...path, sub: sub.name }, attribute: sub }))]
  })
}

export function returnedOf({ schema, extensions }: ResourceType<string>): Returned {
  const listed = [
    ...listedIn(schema.attributes),
    ...extensions.flatMap((extension) => listedIn(extension.schema.attributes, extension.schema.id)),
  ]
  const pathsOf = (returned: Attribute['returned']) => {
    // What can only be written is not kept.
    const found = listed.filter(
      (one) => one.attribute.returned === returned && one.attribute.mutability !== 'writeOnly',
    )
    return found.map(({ path }) => path)
  }
  return { always: pathsOf('always'), never: pathsOf('never'), onRequest: pathsOf('request') }
}

/** Whether every attribute is returned where the client asks for none by name. */
export function isShownAsKept({ never, onRequest }: Returned): boolean {
  return never.length === 0 && onRequest.length === 0
}

/** Whether one of the paths names this one: an attribute is named by its sub-attributes, too. */
const isNamed = ({ urn, name, sub }: AttrPath, paths: readonly AttrPath[]) =>
  paths.some((one) => one.urn === urn && one.name === name && (sub === undefined || one.sub === sub))

/** A sub-attribute is always returned where anything of its attribute is. */
function alwaysWith(paths: readonly AttrPath[], always: readonly AttrPath[]): AttrPath[] {
  return always.filter(({ sub, ...whole }) => sub === undefined || isNamed(whole, paths))
}

// `id` and `schemas` are always returned (RFC 7643 section 3.1, 7644 section 3.9).
const common: readonly AttrPath[] = [{ name: 'schemas' }, { name: 'id' }]

function selected(resource: Resource, paths: readonly AttrPath[], { always }: Returned): Resource {
  const picked: Resource = {}
  for (const path of [...common, ...alwaysWith(paths, always), ...paths]) pick(resource, picked, path)
  return picked
}

function excluded(resource: Resource, paths: readonly AttrPath[], { always }: Returned): Resource {
  if (paths.length === 0) return resource
  const kept = new Set([...common, ...always].map(pathKey))
  const rest = paths.filter((path) => !kept.has(pathKey(path))).reduce(omit, resource)
  for (const path of always) if (path.urn && path.sub === undefined) pick(resource, rest, path)
  return rest
}

/** What a client is shown: what it asks to see, and what it has just written. */
export interface Shown extends Wanted {
  readonly written?: Written
}

/** What the client sees of a whole resource, by its wish and by what each attribute allows. */
export function view(
  resource: Resource,
  { attributes, excludedAttributes = [], written }: Shown,
  returned: Returned,
): Resource {
  const shown = returned.never.reduce(omit, resource)
  const isAskedFor = (path: AttrPath) =>
    attributes ? isNamed(path, attributes) : written !== undefined && isWritten(written, path)
  const hidden = returned.onRequest.filter((path) => !isAskedFor(path))
  const rest = hidden.reduce(omit, shown)
  return attributes ? selected(rest, attributes, returned) : excluded(rest, excludedAttributes, returned)
}
