import type { FastifyBaseLogger, FastifyInstance, FastifyRequest } from 'fastify'
import type { Atomic, Done, Progress } from './bulk-perform.ts'
import { resolveId } from './bulk-references.ts'
import { type BulkOperation, readBulk } from './bulk-request.ts'
import { runBulk } from './bulk-run.ts'
import { createTurns, waitingIn } from './bulk-turns.ts'
import { asScimError, errorBody, ScimError } from './errors.ts'
import { etag } from './etag.ts'
import type { Caller } from './handler.ts'
import type { Resources } from './operations.ts'
import { parameter, type Query, readQuery } from './page.ts'
import { send } from './reply.ts'
import type { Json } from './schema/types.ts'

/** Most requests whose bodies are in memory, each worth several times its bytes. */
const MOST_AT_ONCE = { ofAll: 4, ofOne: 2 }

/** What one request may ask for, as `ServiceProviderConfig` announces it. */
export interface BulkLimits {
  readonly maxOperations: number
  /** In bytes. */
  readonly maxPayloadSize: number
}

export type BeforeBulk<C extends Caller> = (caller: C, operations: number) => Promise<void> | undefined

export interface Bulk<C extends Caller> extends BulkLimits {
  readonly resources: readonly Resources<C>[]
  readonly callerOf: (request: FastifyRequest) => C
  /** What an error is to the client; the log hears of what is not the client's fault. */
  readonly readError: (error: unknown, log: FastifyBaseLogger) => ScimError
  readonly atomic?: Atomic<C> | undefined
  readonly beforeBulk?: BeforeBulk<C> | undefined
}

/** Of a POST that has failed there is no location. */
function locationOf<C extends Caller>(
  { asked }: BulkOperation<C>,
  outcome: Done | ScimError,
  made: Progress['made'],
): string | undefined {
  if (asked instanceof ScimError) return undefined
  const id =
    outcome instanceof ScimError ? resolveId(asked.id, (bulkId) => made.get(bulkId) ?? '') : outcome.id
  return id === '' ? undefined : asked.at.location(id)
}

/** RFC 7644 section 3.7.3. */
function answerTo<C extends Caller>(operation: BulkOperation<C>, { outcomes, made }: Progress): object[] {
  const outcome = outcomes.get(operation.index)
  if (!outcome) return []
  const failed = outcome instanceof ScimError
  return [
    {
      location: locationOf(operation, outcome, made),
      method: operation.method,
      bulkId: operation.bulkId,
      version: failed || outcome.version === undefined ? undefined : etag(outcome.version),
      status: String(outcome.status),
      ...(failed && { response: errorBody(outcome) }),
    },
  ]
}

/** `atomic=true` makes the whole request one transaction: a parameter of ours, the RFC has none. */
function wantsAll(query: Query): boolean {
  const text = parameter(query, 'atomic')?.toLowerCase()
  if (text !== undefined && text !== 'true' && text !== 'false')
    throw new ScimError('invalidValue', '"atomic" must be true or false.')
  return text === 'true'
}

async function answerBulk<C extends Caller>(bulk: Bulk<C>, request: FastifyRequest): Promise<object> {
  const { maxOperations, atomic, beforeBulk } = bulk
  const caller = bulk.callerOf(request)
  const resources = bulk.resources.map((one) => one.asSeenBy(caller))
  const whole = wantsAll(readQuery(request.query as Query)) // what Fastify's parser gives
  if (whole && !atomic) throw new ScimError('notImplemented', 'There is no transaction for all of a request.')
  // what our content type parser gives
  const body = request.body as Json | undefined
  const asked = readBulk(body, { resources, maxOperations, profile: caller.profile })
  await beforeBulk?.(caller, asked.operations.length)
  const toScimError = (error: unknown) => bulk.readError(error, request.log)
  const progress = await runBulk({ ...asked, caller, atomic, toScimError }, whole ? atomic : undefined)
  refuseWhereAway(progress)
  return {
    schemas: ['urn:ietf:params:scim:api:messages:2.0:BulkResponse'],
    Operations: asked.operations.flatMap((operation) => answerTo(operation, progress)),
  }
}

/** Where nothing at all could be served, the client is to come again with all of it. */
function refuseWhereAway({ outcomes }: Progress): void {
  const [first] = outcomes.values()
  const all = [...outcomes.values()].every((outcome) => 'code' in outcome && outcome.code === 'unavailable')
  if (all && first instanceof ScimError) throw first
}

/** RFC 7644 section 3.7.4: the answer says which limit was exceeded. */
const namingLimit = (maxPayloadSize: number) => (error: unknown) => {
  if (asScimError(error).code !== 'payloadTooLarge' || error instanceof ScimError) throw error
  const detail = `The request is larger than ${maxPayloadSize} bytes, the most (maxPayloadSize).`
  throw new ScimError('payloadTooLarge', detail, { cause: error })
}

/** `POST /Bulk`: many operations in one request (RFC 7644 section 3.7). */
export function bulkRoute<C extends Caller>(app: FastifyInstance, bulk: Bulk<C>): void {
  const { maxPayloadSize, callerOf } = bulk
  const turns = createTurns(MOST_AT_ONCE)
  const options = {
    bodyLimit: maxPayloadSize,
    errorHandler: namingLimit(maxPayloadSize),
    onRequest: waitingIn(turns, (request) => callerOf(request).id),
  }
  app.post('/Bulk', options, async (request, reply) => {
    return send(reply, 200, await turns.serve(request, () => answerBulk(bulk, request)))
  })
}
