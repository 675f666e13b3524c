import { randomBytes } from 'node:crypto'
import type { FastifyBaseLogger, FastifyInstance, FastifyReply, FastifyRequest, HTTPMethods } from 'fastify'
import { type BeforeBulk, type BulkLimits, bulkRoute } from './bulk.ts'
import type { Atomic } from './bulk-perform.ts'
import { type Cursors, createCursors } from './cursor.ts'
import { discoveryRoutes } from './discovery.ts'
import { asScimError, ScimError } from './errors.ts'
import type { Caller, Handlers } from './handler.ts'
import { parseJson } from './json.ts'
import { listRoutes } from './list-routes.ts'
import { meRoutes, type WhoIsMe } from './me.ts'
import { resourcesOf } from './operations.ts'
import { type Published, readableOf } from './published.ts'
import { sendError } from './reply.ts'
import { readRoute, resourceRoutes } from './resource-routes.ts'
import { groupType } from './schema/group.ts'
import type { ResourceType } from './schema/types.ts'
import { userType } from './schema/user.ts'

export interface ScimOptions<C extends Caller = Caller> {
  /** What keeps the resources. */
  readonly handlers: Handlers<C>
  /** What is only read. */
  readonly published?: readonly Published<C>[]
  /** What `ServiceProviderConfig` says beyond the RFCs, to those who have something of `published`. */
  readonly serviceProviderConfig?: object
  /** Who asks; throws a ScimError where nobody does who may. */
  readonly authenticate: (request: FastifyRequest) => C | Promise<C>
  /** Where this plugin is reached from outside: `https://host/scim/v2`. */
  readonly baseUrl: string
  /** What the host's own errors are to the client; what it does not know is a 500 that tells nothing. */
  readonly toScimError?: (error: unknown) => ScimError | undefined
  /** Told of each error that a request is answered by. */
  readonly refused?: (request: FastifyRequest, error: ScimError) => void
  /** Most resources in one page. */
  readonly maxResults?: number
  /** Most bytes in one body. */
  readonly bodyLimit?: number
  /** Whether the handlers heed `sortBy`. */
  readonly sort?: boolean
  /** Secrets of cursors, the first for new ones; to be the same in every process. Without them no cursor outlives this one. */
  readonly cursorKeys?: readonly Uint8Array[]
  /** How many seconds a cursor may be used. */
  readonly cursorTimeout?: number
  /** Who of the people is signed in and asks for `/Me`; without it there is no such alias. */
  readonly me?: WhoIsMe<C>
  readonly now?: () => Date
  /** Where access tokens are to be had by client credentials (RFC 6749 section 4.4), to be told. */
  readonly tokenEndpoint?: string
  /** What one bulk request may ask for. */
  readonly bulk?: BulkLimits
  /** Told how many operations a bulk request has, before any is done; throws where they are too many for now. */
  readonly beforeBulk?: BeforeBulk<C>
  /** Without it, circular references in a bulk request are refused, and none is done wholly or not at all. */
  readonly atomic?: Atomic<C>
}

const resourceTypes: readonly ResourceType[] = [userType, groupType]

/** In seconds. */
const HOUR = 3600

const usualBulk: BulkLimits = { maxOperations: 1000, maxPayloadSize: 4_194_304 }

const jsonType = /^application\/(?:scim\+)?json\s*(?:;|$)/i

/** RFC 9110 section 8.4: what is compressed is not read, and the client is told so. */
function refuseEncoding(encoding: string | undefined): void {
  if (!encoding || /^\s*identity\s*$/i.test(encoding)) return
  const headers = { 'accept-encoding': 'identity' }
  throw new ScimError('unsupportedMediaType', 'The body must not be compressed.', { headers })
}

function parseBodies(app: FastifyInstance, bodyLimit: number): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    jsonType,
    { parseAs: 'buffer', bodyLimit },
    async ({ headers }: FastifyRequest, body: Buffer) => {
      refuseEncoding(headers['content-encoding'])
      return parseJson(body)
    },
  )
}

type ReadError = (error: unknown, log: FastifyBaseLogger) => ScimError

function errorReader(toScimError: ScimOptions['toScimError']): ReadError {
  return (error, log) => {
    const known = error instanceof ScimError ? error : toScimError?.(error)
    const answer = known ?? asScimError(error)
    // What is not implemented has not failed.
    if (answer.status >= 500 && answer.status !== 501)
      log.error({ err: answer.cause ?? error }, 'SCIM request failed')
    return answer
  }
}

function answerErrors(app: FastifyInstance, readError: ReadError, refused: ScimOptions['refused']): void {
  app.setErrorHandler((error: unknown, request: FastifyRequest, reply: FastifyReply) => {
    const answer = readError(error, request.log)
    refused?.(request, answer)
    return sendError(reply, answer)
  })
  app.setNotFoundHandler((_request, reply) => {
    return sendError(reply, new ScimError('notFound', 'There is no such endpoint.'))
  })
}

/** Every known URL answers the methods it has no use for by 405, with those it has. */
function refuseOtherMethods(
  app: FastifyInstance,
  urls: Readonly<Record<string, readonly HTTPMethods[]>>,
): void {
  const methods: readonly HTTPMethods[] = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE']
  for (const [url, allowed] of Object.entries(urls)) {
    const error = new ScimError('methodNotAllowed', undefined, { headers: { allow: allowed.join(', ') } })
    const method = methods.filter((name) => !allowed.includes(name))
    app.route({
      method,
      url,
      onRequest: (_request, reply) => void sendError(reply, error),
      handler: () => {},
    })
  }
}

/** Many clients end an address with a slash: it is the same one, whoever is asked before it and after. */
function serveWithSlash(app: FastifyInstance): void {
  app.addHook('onRoute', function again(this: FastifyInstance, { method, url, prefix, ...route }) {
    // HEAD comes with its GET, and the root is there both ways.
    if (method === 'HEAD' || url.endsWith('/') || url === prefix) return
    this.route({ ...route, method, url: `${url.slice(prefix.length)}/` })
  })
}

function endpointMethods(
  published: readonly Pick<Published, 'type'>[],
): Record<string, readonly HTTPMethods[]> {
  const readable = [
    '/ServiceProviderConfig',
    '/ResourceTypes',
    '/ResourceTypes/:id',
    '/Schemas',
    '/Schemas/:id',
    ...published.flatMap(({ type: { endpoint } }) => [endpoint, `${endpoint}/:id`]),
  ]
  return {
    '/Bulk': ['POST'],
    ...Object.fromEntries(readable.map((url) => [url, ['GET']])),
    ...Object.fromEntries(resourceTypes.map(({ endpoint }) => [endpoint, ['GET', 'POST']])),
    '/': ['GET'],
    ...Object.fromEntries(
      ['', ...[...resourceTypes, ...published.map(({ type }) => type)].map(({ endpoint }) => endpoint)].map(
        (url) => [`${url}/.search`, ['POST']],
      ),
    ),
    ...Object.fromEntries(
      resourceTypes.map(({ endpoint }) => [`${endpoint}/:id`, ['GET', 'PUT', 'PATCH', 'DELETE']]),
    ),
  }
}

/** Asks who the caller is before a body is read; gives what tells a handler. */
function rememberCaller<C extends Caller>(
  app: FastifyInstance,
  authenticate: ScimOptions<C>['authenticate'],
) {
  type Known = FastifyRequest & { scimCaller: C } // by the decoration below, which only these routes have
  app.decorateRequest('scimCaller', null)
  app.addHook('onRequest', (request, _reply, done) => {
    const remember = (caller: C): void => {
      ;(request as Known).scimCaller = caller
      done()
    }
    const caller = authenticate(request)
    if (caller instanceof Promise) caller.then(remember, done)
    else remember(caller)
  })
  return (request: FastifyRequest) => (request as Known).scimCaller
}

function cursorsOf<C extends Caller>({ cursorKeys, cursorTimeout, now }: ScimOptions<C>): Cursors {
  return createCursors({
    keys: cursorKeys ?? [randomBytes(32)],
    timeout: cursorTimeout ?? HOUR,
    now: now ?? (() => new Date()),
  })
}

/**
 * The endpoints of RFC 7644, below the prefix they are registered with; parsers and error handlers stay inside.
 *
 * ```ts
 * app.register(async (scope) => scimPlugin(scope, { handlers, authenticate, baseUrl }), { prefix: '/scim/v2' })
 * ```
 */
export async function scimPlugin<C extends Caller>(
  app: FastifyInstance,
  options: ScimOptions<C>,
): Promise<void> {
  const { handlers, published = [], authenticate, baseUrl, toScimError, atomic, beforeBulk, me } = options
  const { maxResults = 1000, bodyLimit = 1_048_576, sort = false, bulk = usualBulk } = options
  const readError = errorReader(toScimError)
  parseBodies(app, bodyLimit)
  answerErrors(app, readError, options.refused)
  serveWithSlash(app)
  refuseOtherMethods(app, endpointMethods(published))
  const cursors = cursorsOf(options)
  await app.register(async (open) => {
    const { tokenEndpoint, serviceProviderConfig: ofPublished = {} } = options
    const limits = { maxResults, bulk, cursorTimeout: cursors.timeout }
    const types = { resourceTypes, published, ofPublished }
    discoveryRoutes(open, { baseUrl, ...types, authenticate, sort, tokenEndpoint, ...limits })
  })
  const users = resourcesOf(userType, handlers.User, baseUrl)
  const groups = resourcesOf(groupType, handlers.Group, baseUrl)
  meRoutes(app, { users, authenticate, me })
  await app.register(async (closed) => {
    const callerOf = rememberCaller(closed, authenticate)
    const resources = [users, groups]
    for (const one of resources) resourceRoutes(closed, { ...one, callerOf })
    const readable = published.map((one) => readableOf(one, baseUrl))
    for (const one of readable) readRoute(closed, { ...one, callerOf })
    listRoutes(closed, { of: [...resources, ...readable], callerOf, maxResults, sort, cursors })
    bulkRoute(closed, { ...bulk, resources, callerOf, readError, atomic, beforeBulk })
  })
}
