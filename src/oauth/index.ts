import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type Db, failureOf, grantScimToken, type Scope } from '../../db/index.ts'
import { newToken } from '../auth.ts'
import { newId } from '../ids.ts'
import { SIGNING_ALGORITHMS } from '../keys.ts'
import type { Failures } from '../limits.ts'
import type { Spent } from './assertion.ts'
import { type KnownClient, knownClient, organizationOf, type ProofHost, prove } from './client.ts'
import { ClientRefused, OAuthError } from './errors.ts'
import { keySets } from './key-sets.ts'
import { checkGrant, SCOPE, type Shown, shownBy } from './request.ts'

export interface OAuthOptions {
  readonly db: Db
  readonly clock: () => Date
  readonly failures: Failures
  /** Reaches the addresses of keys. */
  readonly fetch: typeof fetch
  readonly publicUrl: string
  /** Tells of a known client that was not believed. */
  readonly recordRefusal: (scope: Scope, refusal: ClientRefused, connectionId: string) => Promise<void>
}

const TOKEN_PATH = '/oauth2/token'
export const tokenEndpointOf = (publicUrl: string): string => `${publicUrl}${TOKEN_PATH}`

/** Seconds that an access token lives. */
const LIFETIME = 3600
const BODY_LIMIT = 32 * 1024
const METHODS = ['client_secret_basic', 'client_secret_post', 'private_key_jwt']

/** Access tokens for `/scim/v2` by client credentials (RFC 6749 section 4.4). Register it without a prefix. */
export async function oauthRoutes(app: FastifyInstance, options: OAuthOptions): Promise<void> {
  const tokenEndpoint = tokenEndpointOf(options.publicUrl)
  const host: Host = { ...options, keySets: keySets(options), audiences: [tokenEndpoint, options.publicUrl] }
  acceptForms(app)
  answerErrors(app)
  app.post(TOKEN_PATH, async (request, reply) => {
    reply.header('cache-control', 'no-store').header('pragma', 'no-cache') // RFC 6749 section 5.1
    return answerToken(request, host)
  })
  app.get('/.well-known/oauth-authorization-server', async () => metadata(options.publicUrl, tokenEndpoint))
}

type Host = OAuthOptions & ProofHost

/** RFC 8414 section 2. There is no authorization endpoint, so no response type; the member is required all the same. */
const metadata = (issuer: string, tokenEndpoint: string) => ({
  issuer,
  token_endpoint: tokenEndpoint,
  grant_types_supported: ['client_credentials'],
  response_types_supported: [],
  scopes_supported: [SCOPE],
  token_endpoint_auth_methods_supported: METHODS,
  token_endpoint_auth_signing_alg_values_supported: SIGNING_ALGORITHMS,
})

async function answerToken(request: FastifyRequest, host: Host): Promise<object> {
  const form = request.body instanceof URLSearchParams ? request.body : new URLSearchParams()
  checkGrant(form)
  const shown = shownBy(form, request.headers.authorization)
  const now = host.clock()
  try {
    const client = await knownClient(shown, { db: host.db, now, requestId: request.id })
    return await grantTo(client, shown, host)
  } catch (error) {
    if (!(error instanceof OAuthError) || error.code !== 'invalid_client') throw error
    throw tooMany(host.failures, { address: request.ip, now, shown }) ?? error
  }
}

async function grantTo(client: KnownClient, shown: Shown, host: Host): Promise<object> {
  try {
    const spent = await prove(client, shown, host)
    return await grant(client, spent)
  } catch (error) {
    if (error instanceof ClientRefused)
      await host.recordRefusal(client.scope, error, client.row.connection_id)
    throw error
  }
}

async function grant({ row, scope }: KnownClient, spent: Spent | undefined): Promise<object> {
  const { token, secretHash } = newToken(scope.organizationId)
  const expiresAt = new Date(scope.now.getTime() + LIFETIME * 1000)
  const made = { id: newId(), clientId: row.id, secretHash, expiresAt, ...(spent && { spent }) }
  if (!(await grantScimToken(scope, made)))
    throw new ClientRefused('assertion_replayed', 'The assertion has been used before.')
  return { access_token: token, token_type: 'Bearer', expires_in: LIFETIME, scope: SCOPE }
}

function tooMany(
  failures: Failures,
  { address, now, shown }: { address: string; now: Date; shown: Shown },
): OAuthError | null {
  const organizationId = organizationOf(shown)
  const retryAfter = failures.count({ address, now, ...(organizationId && { organizationId }) })
  if (retryAfter === 0) return null
  const sentence = 'There were too many failed attempts; try again later.'
  return new OAuthError('temporarily_unavailable', sentence, { status: 429, retryAfter })
}

function acceptForms(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string', bodyLimit: BODY_LIMIT },
    (_request, body, done) => done(null, new URLSearchParams(body.toString())),
  )
}

function answerErrors(app: FastifyInstance): void {
  app.setErrorHandler((error: unknown, request, reply: FastifyReply) => {
    const { code, status, message, retryAfter, cause } = fromFailure(error)
    if (status >= 500) request.log.error({ err: cause }, message)
    // RFC 9110 section 15.5.2: a 401 says how to do better
    if (status === 401) reply.header('www-authenticate', 'Basic realm="oauth2"')
    if (retryAfter !== undefined) reply.header('retry-after', retryAfter)
    reply.header('cache-control', 'no-store').header('pragma', 'no-cache')
    return reply.code(status).send({ error: code, error_description: message })
  })
}

function fromFailure(error: unknown): OAuthError {
  if (error instanceof OAuthError) return error
  const failure = failureOf(error)?.kind
  if (failure === 'invalid') return new OAuthError('invalid_request', undefined, { cause: error })
  if (failure && failure !== 'conflict')
    return new OAuthError('temporarily_unavailable', undefined, { cause: error, retryAfter: 1 })
  const { statusCode } = (error ?? {}) as { statusCode?: unknown } // as the framework throws it
  if (typeof statusCode !== 'number' || statusCode >= 500)
    return new OAuthError('server_error', undefined, { cause: error })
  const sentence = 'The body must be application/x-www-form-urlencoded, and not long.'
  return new OAuthError('invalid_request', sentence, { cause: error })
}
