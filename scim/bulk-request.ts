import { mayRefer, type Resolve, resolveId, resolvePatch, resolveResource } from './bulk-references.ts'
import { ScimError } from './errors.ts'
import { ifMatch } from './etag.ts'
import { isRecord } from './filter/match.ts'
import type { Caller, Precondition, Profile } from './handler.ts'
import type { Resources } from './operations.ts'
import { field } from './patch-request.ts'
import type { Json } from './schema/types.ts'
import type { Record } from './validate.ts'

const BULK_REQUEST = 'urn:ietf:params:scim:api:messages:2.0:BulkRequest'

const methods = ['POST', 'PUT', 'PATCH', 'DELETE'] as const
export type Method = (typeof methods)[number]

/** One operation, as a request of its own would ask it. */
export interface BulkAsked<C extends Caller> {
  readonly method: Method
  readonly at: Resources<C>
  /** Empty of a POST. */
  readonly id: string
  readonly data?: Json | undefined
  readonly when: Precondition
  /** The `bulkId`s it refers to. */
  readonly references: ReadonlySet<string>
}

export interface BulkOperation<C extends Caller> {
  /** Its place in the request. */
  readonly index: number
  /** As they were given, for the answer. */
  readonly method?: string | undefined
  readonly bulkId?: string | undefined
  /** What is asked, or why it cannot be. */
  readonly asked: BulkAsked<C> | ScimError
}

export interface BulkRequest<C extends Caller> {
  readonly operations: readonly BulkOperation<C>[]
  /** How many may fail before the rest is left undone. */
  readonly failOnErrors: number
}

/** What a request is read by. */
export interface BulkRules<C extends Caller> {
  readonly resources: readonly Resources<C>[]
  readonly profile: Profile
  readonly maxOperations: number
}

const invalid = (detail: string) => new ScimError('invalidSyntax', detail)

type Unread<C extends Caller> = Omit<BulkAsked<C>, 'references'>

/** The operation with ids in place of each `bulkId:x`. */
export function resolveAsked<C extends Caller>(
  asked: Unread<C>,
  profile: Profile,
  resolve: Resolve,
): Unread<C> {
  const { method, at, id, data } = asked
  const rules = { resourceType: at.type, profile }
  const change = method === 'PATCH' ? resolvePatch : resolveResource
  return {
    ...asked,
    id: resolveId(id, resolve),
    ...(data !== undefined && { data: change(data, rules, resolve) }),
  }
}

function readMethod(given: Json | undefined, profile: Profile): Method {
  const name = profile === 'lenient' && typeof given === 'string' ? given.toUpperCase() : given
  const method = methods.find((known) => known === name)
  if (!method) throw new ScimError('methodNotAllowed', 'An operation is a POST, PUT, PATCH or DELETE.')
  return method
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch (cause) {
    throw new ScimError('invalidPath', undefined, { cause })
  }
}

/** `/Users` or `/Users/{id}`, and nothing that a URL could make of it (RFC 7644 section 3.7). */
function readPath<C extends Caller>(
  given: Json | undefined,
  resources: readonly Resources<C>[],
): { at: Resources<C>; id: string } {
  const [, endpoint, id = ''] = /^(\/\w+)(?:\/([^/?#]+))?$/.exec(typeof given === 'string' ? given : '') ?? []
  const at = resources.find(({ type }) => type.endpoint === endpoint)
  if (!at) {
    const known = resources.map(({ type }) => `"${type.endpoint}"`).join(' or ')
    throw new ScimError('invalidPath', `"path" must be ${known}, with the id of one behind it.`)
  }
  return { at, id: decoded(id) }
}

function readVersion(given: Json | undefined): Precondition {
  if (given === undefined || given === null) return {}
  if (typeof given !== 'string') throw invalid('"version" must be an entity tag.')
  return ifMatch(given)
}

function readBulkId(given: Json | undefined, profile: Profile): string | undefined {
  const text = profile === 'lenient' && typeof given === 'number' ? String(given) : given
  return typeof text === 'string' && text !== '' ? text : undefined
}

function readAsked<C extends Caller>(operation: Record, { resources, profile }: BulkRules<C>): BulkAsked<C> {
  const given = (name: string) => field(operation, name, { profile })
  const method = readMethod(given('method'), profile)
  const { at, id } = readPath(given('path'), resources)
  if ((method === 'POST') !== (id === '')) throw new ScimError('methodNotAllowed')
  if (method === 'POST' && readBulkId(given('bulkId'), profile) === undefined)
    throw invalid('A POST needs a "bulkId".')
  const data = method === 'DELETE' ? undefined : given('data')
  if (method !== 'DELETE' && data === undefined) throw invalid(`A ${method} needs "data".`)
  const when = method === 'POST' ? {} : readVersion(given('version'))
  const asked = { method, at, id, data, when }
  return { ...asked, references: referencesOf(asked, profile) }
}

function referencesOf<C extends Caller>(asked: Unread<C>, profile: Profile): Set<string> {
  const references = new Set<string>()
  if (!mayRefer(asked.id) && !mayRefer(asked.data ?? null)) return references
  resolveAsked(asked, profile, (bulkId) => {
    references.add(bulkId)
    return bulkId
  })
  return references
}

function readOperation<C extends Caller>(
  operation: Json,
  index: number,
  rules: BulkRules<C>,
): BulkOperation<C> {
  if (!isRecord(operation)) throw invalid('An operation must be an object.')
  const method = field(operation, 'method', rules)
  const named = {
    index,
    method: typeof method === 'string' ? method : undefined,
    bulkId: readBulkId(field(operation, 'bulkId', rules), rules.profile),
  }
  try {
    return { ...named, asked: readAsked(operation, rules) }
  } catch (error) {
    if (error instanceof ScimError) return { ...named, asked: error }
    throw error
  }
}

function readFailOnErrors(given: Json | undefined, profile: Profile): number {
  if (given === undefined || given === null) return Number.POSITIVE_INFINITY
  const count = profile === 'lenient' && typeof given === 'string' ? Number(given) : given
  if (typeof count !== 'number' || !Number.isInteger(count) || count < 1)
    throw new ScimError('invalidValue', '"failOnErrors" must be a positive integer.')
  return count
}

/** A request that is not one as a whole is refused; an operation that is not one fails by itself. */
export function readBulk<C extends Caller>(body: Json | undefined, rules: BulkRules<C>): BulkRequest<C> {
  const { profile, maxOperations } = rules
  if (!isRecord(body)) throw invalid('The body must be an object.')
  const { schemas } = body
  if (profile === 'strict' && !(Array.isArray(schemas) && schemas.includes(BULK_REQUEST)))
    throw invalid(`"schemas" must be ["${BULK_REQUEST}"].`)
  const failOnErrors = readFailOnErrors(field(body, 'failOnErrors', rules), profile)
  const given = field(body, 'Operations', rules)
  if (!Array.isArray(given)) throw invalid('"Operations" must be a list.')
  if (given.length > maxOperations) {
    throw new ScimError(
      'payloadTooLarge',
      `The request has ${given.length} operations; the most (maxOperations) is ${maxOperations}.`,
    )
  }
  return { operations: given.map((operation, index) => readOperation(operation, index, rules)), failOnErrors }
}
