import type { FastifyReply, FastifyRequest } from 'fastify'
import type { ProviderOf } from './clients.ts'
import { OidcError, refused } from './errors.ts'
import type { Demand, Failure, OidcConnection, OidcOptions, Refusal, RefusalContext } from './ports.ts'
import type { Progress } from './progress.ts'
import { startPath } from './start-path.ts'

/** What all endpoints share, made once. */
export interface Service {
  readonly options: OidcOptions
  readonly providerOf: ProviderOf
  readonly now: () => Date
}

/** One request, and what became known of it on the way, for the page where it is refused. */
export interface Visit extends Service {
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  connection?: OidcConnection
  returnTo?: string
  demand?: Demand
  /** The test that the sign-in is. */
  test?: string
  readonly progress: Progress
}

export type Endpoint = (visit: Visit) => Promise<unknown>

/** How an endpoint says no: to a person by a page, unless it is made for machines. */
export interface Manner {
  readonly of: RefusalContext['of']
  /** Whether what is refused is nobody's but the answer's. */
  readonly untold?: (visit: Visit) => boolean
  readonly answer: (visit: Visit, refusal: Refusal) => unknown
  /** What it says where something failed, or the request could not be read; absent: what the host says. */
  readonly failed?: (reply: FastifyReply, failure: Failure) => FastifyReply
}

export async function loadConnection(visit: Visit): Promise<OidcConnection> {
  const connection = await visit.options.store.connection(pathParameter(visit, 'connection'))
  if (!connection) throw refused('unknown_connection')
  visit.connection = connection
  return connection
}

export function pathParameter({ request }: Visit, name: string): string {
  const { params } = request
  const value: unknown = typeof params === 'object' && params !== null ? Reflect.get(params, name) : undefined
  return typeof value === 'string' ? value : ''
}

/** The parameters of the query, or of the form where there is one; none may come twice (RFC 6749 section 3.1). */
export function parameters({ request }: Visit): URLSearchParams {
  return request.body instanceof URLSearchParams ? request.body : new URLSearchParams(queryOf(request))
}

export function queryOf(request: FastifyRequest): string {
  const at = request.url.indexOf('?')
  return at < 0 ? '' : request.url.slice(at)
}

export function single(from: URLSearchParams, name: string): string | undefined {
  const values = from.getAll(name)
  if (values.length > 1) throw refused('invalid_request', `${name} repeated`)
  return values[0] || undefined
}

/** `Sec-Fetch-Site` decides where it is sent; `Origin` is `null` on pages with a strict referrer policy. */
export function checkSameOrigin({ request, options }: Visit): void {
  const site = request.headers['sec-fetch-site']
  const { origin } = request.headers
  const same = site === undefined ? origin === new URL(options.publicUrl).origin : site === 'same-origin'
  if (!same) throw refused('cross_site')
}

/** Refuses whoever asked too often: `wait` is how many seconds to come back after, 0 or nothing where it is not so. */
export function checkPace({ reply }: Visit, wait = 0): void {
  if (wait === 0) return
  reply.header('retry-after', wait)
  throw refused('too_many_requests')
}

const TO_PEOPLE: Manner = { of: 'sign-in', answer: refusedPage }

/** Runs an endpoint; where it refuses: one event, one line in the log, one answer, and no session. */
export async function serve(visit: Visit, endpoint: Endpoint, manner = TO_PEOPLE): Promise<unknown> {
  try {
    return await endpoint(visit)
  } catch (error) {
    if (!(error instanceof OidcError)) throw error
    if (!manner.untold?.(visit)) await tell(visit, error.refusal, manner.of)
    return manner.answer(visit, error.refusal)
  }
}

async function tell({ options, request, connection }: Visit, refusal: Refusal, of: Manner['of']) {
  const connectionId = connection?.id
  request.log.warn({ refusal: refusal.code, detail: refusal.detail, connectionId }, `${of} refused`)
  const context = { of, requestId: request.id, ...(connectionId !== undefined && { connectionId }) }
  // The answer does not depend on the event being stored.
  await options.store.recordRefusal(refusal, context).catch((error: unknown) => {
    request.log.error({ err: error }, 'refusal not recorded')
  })
}

export function refusedPage(
  { options, request, reply, connection, returnTo, demand }: Visit,
  refusal: Refusal,
) {
  const known = connection && { organization: connection.organization }
  const again = connection && startPath(connection, { returnTo, demand })
  const retry = refusal.elsewhere ?? again ?? elsewhere(refusal)
  const page = options.pages(request).refused(refusal, {
    requestId: request.id,
    ...known,
    ...(retry !== undefined && { retry }),
  })
  return html(reply.code(refusal.status), page)
}

/** Whoever has the wrong address is asked for their own. */
const elsewhere = ({ code }: Refusal) => (code === 'unknown_organization' ? '/login' : undefined)

export function html(reply: FastifyReply, page: string): FastifyReply {
  return reply.type('text/html; charset=utf-8').send(page)
}
