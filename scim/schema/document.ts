import { isRecord } from '../filter/match.ts'
import { attribute, commonAttributes } from './common.ts'
import type { Attribute, AttributeType, Json, Schema } from './types.ts'

/** What is wrong with one place of a document: `attributes/0/name`; the empty path is all of it. */
export interface SchemaProblem {
  readonly path: string
  readonly message: string
}

type Problems = Generator<SchemaProblem, void, undefined>
type Record = { [name: string]: Json }

/** What is wrong with a value, as the end of a sentence that begins with its path. */
type Check = (value: Json) => string | undefined

const MAX_SIZE = 65_536
const MAX_ATTRIBUTES = 100
const MAX_LISTED = 100
const MAX_URN = 200
const MAX_NAME = 100
const MAX_TEXT = 1000

const isText =
  (most: number): Check =>
  (value) =>
    typeof value === 'string' && value.length <= most
      ? undefined
      : `must be text of at most ${most} characters`

const isBoolean: Check = (value) => (typeof value === 'boolean' ? undefined : 'must be true or false')

const isOneOf =
  (values: readonly string[]): Check =>
  (value) =>
    typeof value === 'string' && values.includes(value)
      ? undefined
      : `must be one of ${values.map((one) => `"${one}"`).join(', ')}`

const isTexts: Check = (value) => {
  const fits =
    Array.isArray(value) && value.length <= MAX_LISTED && value.every((one) => !isText(MAX_URN)(one))
  return fits ? undefined : `must be a list of at most ${MAX_LISTED} texts of at most ${MAX_URN} characters`
}

const isList: Check = (value) => (Array.isArray(value) ? undefined : 'must be a list')

// ATTRNAME of RFC 7643 section 2.1, and the `$ref` of section 2.4. What every object has is no name for data.
const isName: Check = (value) => {
  if (value === '$ref') return undefined
  if (typeof value !== 'string' || value.length > MAX_NAME || !/^[A-Za-z][\w$-]*$/.test(value))
    return `must be a letter followed by letters, digits, "_", "-" and "$", ${MAX_NAME} at most`
  return value in Object.prototype ? 'is a reserved name' : undefined
}

const isMutability: Check = (value) =>
  value === 'writeOnly'
    ? '"writeOnly" is not supported: what nobody may read is not kept'
    : isOneOf(['readWrite', 'immutable', 'readOnly'])(value)

const isUniqueness: Check = (value) =>
  value === 'server' || value === 'global'
    ? `"${value}" is not supported: only userName is kept unique`
    : isOneOf(['none'])(value)

const types: readonly AttributeType[] = [
  'string',
  'boolean',
  'decimal',
  'integer',
  'dateTime',
  'reference',
  'binary',
  'complex',
]

/** The members of an attribute (RFC 7643 section 7). */
const attributeChecks: Readonly<{ [name: string]: Check }> = {
  name: isName,
  type: isOneOf(types),
  multiValued: isBoolean,
  description: isText(MAX_TEXT),
  required: isBoolean,
  caseExact: isBoolean,
  mutability: isMutability,
  returned: isOneOf(['always', 'never', 'default', 'request']),
  uniqueness: isUniqueness,
  canonicalValues: isTexts,
  referenceTypes: isTexts,
  subAttributes: isList,
}

// Namespaces of the IETF hold what it has registered; Entra has its users put their own below `…:extension:`.
const isUrn: Check = (value) => {
  if (
    typeof value !== 'string' ||
    value.length > MAX_URN ||
    !/^urn:[a-z0-9][a-z0-9-]{0,31}(?::[\w.-]+)+$/i.test(value)
  )
    return `must be a URN of letters, digits, ".", "_" and "-", ${MAX_URN} characters at most`
  const isFree = !/^urn:ietf:/i.test(value) || /^urn:ietf:params:scim:schemas:extension:/i.test(value)
  return isFree ? undefined : 'is in a namespace of the IETF'
}

const schemaChecks: Readonly<{ [name: string]: Check }> = {
  schemas: isTexts,
  id: isUrn,
  name: isText(MAX_NAME),
  description: isText(MAX_TEXT),
  attributes: isList,
  meta: () => undefined,
}

function* checkMembers(given: Record, checks: typeof schemaChecks, path: string): Problems {
  for (const [name, value] of Object.entries(given)) {
    const check = Object.hasOwn(checks, name) ? checks[name] : undefined
    const message = check ? check(value) : 'is not known'
    if (message) yield { path: `${path}${name.slice(0, MAX_NAME)}`, message }
  }
}

/** What the members say of each other. */
function* checkTogether(given: Record, path: string, isSub: boolean): Problems {
  const { type = 'string' } = given
  if (given.name === undefined) yield { path: `${path}name`, message: 'is missing' }
  if (given.name === '$ref' && !isSub) yield { path: `${path}name`, message: 'is a reserved name' }
  if (given.required === true && given.mutability === 'readOnly')
    yield { path: `${path}required`, message: 'asks for what no client may give, since it is "readOnly"' }
  if (given.canonicalValues !== undefined && type !== 'string')
    yield { path: `${path}canonicalValues`, message: 'are for the type "string"' }
  if (given.referenceTypes !== undefined && type !== 'reference')
    yield { path: `${path}referenceTypes`, message: 'are for the type "reference"' }
  if (isSub && type === 'complex')
    yield { path: `${path}type`, message: 'cannot be "complex" within "complex"' }
  if (isSub && given.multiValued === true)
    yield { path: `${path}multiValued`, message: 'is not supported for a sub-attribute' }
  const isEmpty = !Array.isArray(given.subAttributes) || given.subAttributes.length === 0
  if (!isSub && type === 'complex' && isEmpty) yield { path: `${path}subAttributes`, message: 'are missing' }
  if (type !== 'complex' && given.subAttributes !== undefined)
    yield { path: `${path}subAttributes`, message: 'are for the type "complex"' }
}

function* checkAttribute(given: Json, path: string, isSub: boolean): Problems {
  if (!isRecord(given)) return yield { path, message: 'must be an object' }
  yield* checkMembers(given, attributeChecks, `${path}/`)
  yield* checkTogether(given, `${path}/`, isSub)
  if (!isSub && Array.isArray(given.subAttributes))
    yield* checkAttributes(given.subAttributes, `${path}/subAttributes`, true)
}

function* checkAttributes(list: readonly Json[], path: string, isSub: boolean): Problems {
  const seen = new Set<string>()
  for (const [index, given] of list.entries()) {
    yield* checkAttribute(given, `${path}/${index}`, isSub)
    const name = isRecord(given) && typeof given.name === 'string' ? given.name.toLowerCase() : undefined
    if (name !== undefined && seen.has(name))
      yield { path: `${path}/${index}/name`, message: 'is there twice' }
    if (name !== undefined) seen.add(name)
  }
}

function countAttributes(list: readonly Json[]): number {
  return list.reduce<number>((count, given) => {
    const subs = isRecord(given) && Array.isArray(given.subAttributes) ? given.subAttributes.length : 0
    return count + 1 + subs
  }, 0)
}

function* checkDocument(given: Json | undefined): Problems {
  if (!isRecord(given)) return yield { path: '', message: 'must be an object' }
  if (JSON.stringify(given).length > MAX_SIZE)
    return yield { path: '', message: `must not be longer than ${MAX_SIZE} characters` }
  yield* checkMembers(given, schemaChecks, '')
  for (const name of ['id', 'attributes'])
    if (given[name] === undefined) yield { path: name, message: 'is missing' }
  const { attributes } = given
  if (!Array.isArray(attributes)) return
  const count = countAttributes(attributes)
  if (count === 0 || count > MAX_ATTRIBUTES)
    return yield { path: 'attributes', message: `must be 1 to ${MAX_ATTRIBUTES}, with their sub-attributes` }
  yield* checkAttributes(attributes, 'attributes', false)
}

/** Standard names are taken, since a client may leave out the URN, and so is a URN that reads as that of an attribute. */
function* checkTaken(
  { id, attributes }: Schema,
  others: readonly Schema[],
  standard: readonly Schema[],
): Problems {
  const urn = id.toLowerCase()
  const names = new Set([commonAttributes, ...standard.map((one) => one.attributes)].flat().map(nameOf))
  const urns = new Set([...standard, ...others].map((one) => one.id.toLowerCase()))
  const paths = new Set(
    [...standard, ...others].flatMap((one) => one.attributes.map((a) => pathOf(one.id, a))),
  )
  if (urns.has(urn)) yield { path: 'id', message: 'is the URN of another schema' }
  if (paths.has(urn)) yield { path: 'id', message: 'reads as the path of an attribute of another schema' }
  for (const [index, one] of attributes.entries()) {
    const path = `attributes/${index}/name`
    if (names.has(nameOf(one))) yield { path, message: 'is that of a standard attribute' }
    if (urns.has(pathOf(id, one))) yield { path, message: 'makes a path that is the URN of another schema' }
  }
}

const nameOf = ({ name }: Attribute) => name.toLowerCase()
const pathOf = (urn: string, { name }: Attribute) => `${urn}:${name}`.toLowerCase()

/** An attribute with the defaults of RFC 7643 section 2.2; what refers or is binary is compared as it is. */
function toAttribute(given: Json): Attribute {
  const { name, description, subAttributes, ...rest } = given as unknown as Partial<Attribute> // as checked
  const caseExact = rest.type === 'reference' || rest.type === 'binary'
  const subs = subAttributes && {
    subAttributes: (subAttributes as readonly unknown[] as Json[]).map(toAttribute),
  }
  return attribute(name ?? '', description ?? '', { caseExact, ...rest, ...subs })
}

export interface Surroundings {
  /** The schemas that are always there: no name of theirs can be taken. */
  readonly standard: readonly Schema[]
  /** Further ones; names within them are their own. */
  readonly others: readonly Schema[]
}

/** A schema document (RFC 7643 section 7) as a client gives it, or everything that is wrong with it. */
export function readSchema(
  document: Json | undefined,
  { standard, others }: Surroundings,
): { readonly schema: Schema } | { readonly problems: readonly SchemaProblem[] } {
  const problems = [...checkDocument(document)]
  if (problems.length > 0) return { problems }
  const { id, name = '', description = '', attributes } = document as Record // as checked
  const schema = {
    id: String(id),
    name: String(name),
    description: String(description),
    attributes: (attributes as Json[]).map(toAttribute),
  }
  const taken = [...checkTaken(schema, others, standard)]
  return taken.length > 0 ? { problems: taken } : { schema }
}
