import { ScimError } from './errors.ts'
import type { AttrPath } from './filter/ast.ts'
import { parseAttrPath } from './filter/parse.ts'
import type { Wanted } from './handler.ts'
import { parameter, type Query } from './page.ts'
import { canonicalPath, findPath, findSchema, type Schemas } from './schema/lookup.ts'

/** The path of a whole extension: its URN, and no name. */
function wholeExtension(urn: string): AttrPath {
  return { urn, name: '' }
}

/** A name that no schema has names nothing, as a resource without that attribute would answer. */
function readPath(text: string, schemas: Schemas): AttrPath[] {
  const urn = findSchema(schemas, text)
  if (urn) return [wholeExtension(urn)]
  const target = urn === null ? undefined : findPath(schemas, parseAttrPath(text), 'lenient')
  return target ? [canonicalPath(target)] : []
}

function readPaths(text: string, schemas: Schemas): AttrPath[] {
  const names = text.split(',').map((name) => name.trim())
  return names.filter((name) => name !== '').flatMap((name) => readPath(name, schemas))
}

/** `attributes` and `excludedAttributes` (RFC 7644 section 3.9); only one of them can be asked for. */
export function parseWanted(query: Query, schemas: Schemas): Wanted {
  const attributes = parameter(query, 'attributes')
  const excluded = parameter(query, 'excludedAttributes')
  if (attributes !== undefined && excluded !== undefined) {
    throw new ScimError('invalidValue', '"attributes" and "excludedAttributes" exclude each other.')
  }
  return {
    ...(attributes !== undefined && { attributes: readPaths(attributes, schemas) }),
    ...(excluded !== undefined && { excludedAttributes: readPaths(excluded, schemas) }),
  }
}
