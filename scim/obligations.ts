import { isDeepStrictEqual } from 'node:util'
import { containerOf } from './container.ts'
import { ScimError } from './errors.ts'
import { isRecord } from './filter/match.ts'
import { characteristicsOf } from './schema/characteristics.ts'
import { canonicalPath, pathKey, type Schemas, type Target } from './schema/lookup.ts'
import type { Attributes, Json } from './schema/types.ts'

type Record = { [name: string]: Json }

/** The objects that must have the attribute where they are there: the resource, its extension, each element. */
function ownersOf(attributes: Attributes, { urn, attribute, sub }: Target): Record[] {
  const container = urn ? attributes[urn] : attributes
  if (!isRecord(container)) return []
  if (!sub) return [container]
  const value = container[attribute.name]
  return (Array.isArray(value) ? value : [value]).filter(isRecord)
}

/** What is required of a resource, of the extensions it uses and of the complex values it has. */
export function requireAttributes(
  attributes: Attributes,
  schemas: Schemas,
  code: 'invalidValue' | 'mutability',
): void {
  for (const target of characteristicsOf(schemas).required) {
    const { name } = target.sub ?? target.attribute
    const isMissing = ({ [name]: value }: Record) =>
      value === undefined || (typeof value === 'string' && value.trim() === '')
    if (ownersOf(attributes, target).some(isMissing))
      throw new ScimError(code, `"${pathKey(canonicalPath(target))}" is required.`)
  }
}

function valueAt(attributes: Attributes, target: Target): Json | undefined {
  return ownersOf(attributes, target)[0]?.[(target.sub ?? target.attribute).name]
}

/** A sub-attribute goes where its whole value goes, as a member of a group does. */
const isGone = (attributes: Attributes, target: Target) =>
  target.sub !== undefined && ownersOf(attributes, target).length === 0

function refuseChange(target: Target): never {
  throw new ScimError('mutability', `"${pathKey(canonicalPath(target))}" cannot be changed.`)
}

/** An immutable attribute that has a value keeps it (RFC 7643 section 7). */
export function checkImmutable(before: Attributes, after: Attributes, schemas: Schemas): void {
  for (const target of characteristicsOf(schemas).immutable) {
    const value = valueAt(before, target)
    if (value === undefined || isGone(after, target)) continue
    if (!isDeepStrictEqual(value, valueAt(after, target))) refuseChange(target)
  }
}

/**
 * What a PUT makes of a resource: what is given, and of the immutable attributes those that are not given again; given
 * another value, they are 400 `mutability` (RFC 7644 section 3.5.1).
 */
export function replaceAttributes(before: Attributes, given: Attributes, schemas: Schemas): Attributes {
  const { immutable } = characteristicsOf(schemas)
  if (immutable.length === 0) return given
  const after = { ...given }
  for (const target of immutable) {
    const value = valueAt(before, target)
    if (value !== undefined && valueAt(after, target) === undefined && !isGone(after, target))
      containerOf(after, target)[(target.sub ?? target.attribute).name] = value
  }
  checkImmutable(before, after, schemas)
  return after
}
