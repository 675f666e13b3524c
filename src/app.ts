import { dirname, join } from 'node:path'
import helmet from '@fastify/helmet'
import Fastify, {
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from 'fastify'
import { type Db, failureOf } from '../db/index.ts'
import { oidcPlugin } from '../oidc/index.ts'
import { parseJson, scimPlugin } from '../scim/index.ts'
import { adminRoutes } from './admin/index.ts'
import type { Config } from './config.ts'
import { loadContract } from './contract.ts'
import { Problem, problemBody, problemOf } from './errors.ts'
import { oidcSignIn } from './gateway/oidc-sign-in.ts'
import { oidcStore } from './gateway/oidc-store.ts'
import { type RefusalLog, refusalLog } from './gateway/refusals.ts'
import { notingRefusals } from './gateway/refused-pushes.ts'
import { inTransaction } from './gateway/scim-atomic.ts'
import { scimAuthenticator } from './gateway/scim-auth.ts'
import { toScimError, unreadableAddress } from './gateway/scim-errors.ts'
import { scimGate } from './gateway/scim-gate.ts'
import { scimGroups } from './gateway/scim-groups.ts'
import { scimMe } from './gateway/scim-me.ts'
import { type Lent, lentCallers, type Send, selfTest } from './gateway/scim-self-test.ts'
import { scimUsers } from './gateway/scim-users.ts'
import { rolesAndEntitlements, scimValues } from './gateway/scim-values.ts'
import { healthRoutes } from './health.ts'
import { newId } from './ids.ts'
import { countFailures, type Failures } from './limits.ts'
import * as pages from './me/pages.ts'
import { personRoutes } from './me/person.ts'
import { sessionOf, sessionRoutes } from './me/session.ts'
import { tokenRoutes } from './me/tokens.ts'
import { oauthRoutes, tokenEndpointOf } from './oauth/index.ts'
import { createOutbound, type Outbound } from './outbound.ts'
import { rememberedPolicies } from './provisioning/policy.ts'
import { keyFor, secretsOf } from './secrets.ts'
import { createSigningKeys, type SigningKeys } from './signing-keys.ts'
import { rememberedTypes } from './translate/types.ts'

export interface AppOptions {
  readonly config: Config
  readonly db: Db
  readonly clock?: () => Date
}

const MAX_BODY = 1024 * 1024
const SCIM = '/scim/v2'

/** Assembles the service; whoever calls it listens. */
export async function buildApp({
  config,
  db,
  clock = () => new Date(),
}: AppOptions): Promise<FastifyInstance> {
  const app = Fastify({
    logger: { level: config.logLevel, stream: process.stderr },
    // A line for every push would cost more than the push; what happened is in the events.
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: MAX_BODY,
    genReqId: () => newId(),
    routerOptions: { maxParamLength: 1000 },
    forceCloseConnections: 'idle',
    frameworkErrors: answerUnreadable,
  })
  const host = { db, clock, secrets: secretsOf(config.secretKeys) }
  const policies = rememberedPolicies()
  answerErrors(app)
  await app.register(healthRoutes, { db })
  const outbound = createOutbound({ allow: config.outboundAllow })
  app.addHook('onClose', () => outbound.close())
  const assembly = {
    config,
    host,
    policies,
    outbound,
    failures: countFailures(),
    refusals: refusalLog(),
    lent: lentCallers(),
    signingKeys: createSigningKeys(host),
  }
  await app.register((scope: FastifyInstance) => scim(scope, assembly), { prefix: SCIM })
  await app.register((scope: FastifyInstance) => oauth(scope, assembly))
  await app.register((scope: FastifyInstance) => people(scope, assembly))
  await app.register((scope: FastifyInstance) =>
    adminRoutes(scope, {
      ...host,
      publicUrl: config.publicUrl,
      selfTest: (at, connection) => selfTest(at, connection, { lent: assembly.lent, send: sender(app) }),
      // beside `src`, and copied beside what it is compiled to
      contract: loadContract(join(dirname(import.meta.dirname), 'openapi.yaml')),
      parseJson: (text) => parseJson(Buffer.from(text)),
    }),
  )
  return app
}

interface Assembly {
  readonly config: Config
  readonly host: Parameters<typeof oidcStore>[0]
  readonly policies: ReturnType<typeof rememberedPolicies>
  readonly outbound: Outbound
  readonly failures: Failures
  readonly refusals: RefusalLog
  readonly lent: Lent
  readonly signingKeys: SigningKeys
}

function scim(app: FastifyInstance, assembly: Assembly): Promise<void> {
  const { config, host, policies, failures, refusals, lent } = assembly
  const typesOf = rememberedTypes()
  const identify = scimAuthenticator({ ...host, failures, typesOf })
  const session = { ...host, sessionCookie: config.sessionCookie }
  const gate = scimGate(host.clock)
  app.addHook('onRequest', (request, reply, done) => {
    // However it ends, be it by the client's going away.
    reply.raw.once('close', () => gate.leave(request))
    done()
  })
  const authenticate = async (request: FastifyRequest) => {
    const caller = lent.callerOf(request.headers.authorization) ?? (await identify(request))
    await gate.push(request, caller)
    return caller
  }
  const meOf = scimMe({ ...host, typesOf }, (request) => sessionOf(session, request))
  const me: typeof meOf = async (request) => {
    const who = await meOf(request)
    if (who) await gate.person(request, who.caller)
    return who
  }
  return scimPlugin(app, {
    handlers: {
      User: notingRefusals(scimUsers(policies), refusals),
      Group: notingRefusals(scimGroups, refusals),
    },
    published: scimValues,
    serviceProviderConfig: rolesAndEntitlements,
    authenticate,
    baseUrl: `${config.publicUrl}${SCIM}`,
    tokenEndpoint: tokenEndpointOf(config.publicUrl),
    toScimError,
    atomic: inTransaction(refusals),
    bodyLimit: MAX_BODY,
    sort: true,
    cursorKeys: config.secretKeys.map((key) => keyFor('SCIM cursors', key)),
    now: host.clock,
    beforeBulk: gate.bulk,
    me,
  })
}

/** Sends what a self-test asks through the routes themselves. */
const sender =
  (app: FastifyInstance): Send =>
  async (token, { method, path, body }) => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/scim+json' }
    const answer = await app.inject({
      method,
      url: `${SCIM}${path}`,
      headers,
      ...(body && { payload: body }),
    })
    return { status: answer.statusCode, body: answer.body ? answer.json() : {} }
  }

/** Where identity providers get what they push with. */
function oauth(
  app: FastifyInstance,
  { config, host, outbound, failures, refusals }: Assembly,
): Promise<void> {
  return oauthRoutes(app, {
    ...host,
    failures,
    fetch: outbound.fetch,
    publicUrl: config.publicUrl,
    recordRefusal: (scope, { reason }, connectionId) =>
      refusals.record(scope, { type: 'scim-client.refused', refusal: { code: reason }, connectionId }),
  })
}

/** What people and the product meet: pages without any script, and the session. */
async function people(app: FastifyInstance, assembly: Assembly): Promise<void> {
  const { config, host, policies, outbound, refusals, signingKeys } = assembly
  const { publicUrl, sessionCookie } = config
  const session = { db: host.db, clock: host.clock, sessionCookie }
  await app.register((scope: FastifyInstance) => sessionRoutes(scope, session))
  await app.register((scope: FastifyInstance) => tokenRoutes(scope, { ...session, signingKeys, publicUrl }))
  await app.register(async (scope: FastifyInstance) => {
    await scope.register(helmet, helmetOptions(publicUrl))
    await personRoutes(scope, session)
    await scope.register((inner: FastifyInstance) =>
      oidcPlugin(inner, {
        store: oidcStore(host, refusals),
        signIn: oidcSignIn(host, policies),
        fetch: outbound.fetch,
        allowInsecure: outbound.allowInsecure,
        publicUrl,
        sessionCookie,
        now: host.clock,
        pages: {
          refused: pages.refusedPage,
          signedOut: pages.signedOutPage,
          confirmSignOut: pages.confirmSignOutPage,
          choose: pages.choosePage,
        },
      }),
    )
  })
}

function helmetOptions(publicUrl: string) {
  const secure = publicUrl.startsWith('https:')
  return {
    // A form may end at the provider that signs the person out: its origin is the connection's to say.
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        styleSrc: ["'self'"],
        imgSrc: ["'self'"],
        baseUri: ["'none'"],
        frameAncestors: ["'none'"],
      },
    },
    // A form's POST must say which origin it comes from, and an address with a code goes to no other site.
    referrerPolicy: { policy: 'same-origin' as const },
    strictTransportSecurity: secure && { maxAge: 31_536_000 },
  }
}

/** Seconds after which to try again while the database is away. */
const RETRY_AFTER = 1

function answerErrors(app: FastifyInstance): void {
  app.setErrorHandler((error: FastifyError, request, reply) =>
    answer(fromDatabase(error) ?? error, request, reply),
  )
  app.setNotFoundHandler((request, reply) =>
    answer(new Problem('not_found', 'There is nothing at this address.'), request, reply),
  )
}

/** What the framework refuses before any plugin comes to see it: an address that is no text, or too long. */
function answerUnreadable(error: FastifyError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  if (!request.url.startsWith(SCIM)) return answer(error, request, reply)
  const { statusCode = 400 } = error
  return reply.code(statusCode).type('application/scim+json').send(unreadableAddress(statusCode))
}

function answer(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const problem = problemOf(error)
  if (problem.status >= 500) request.log.error({ err: problem.cause ?? problem }, problem.message)
  if (problem.status === 401) reply.header('www-authenticate', 'Bearer')
  if (problem.retryAfter !== undefined) reply.header('retry-after', problem.retryAfter)
  return reply.code(problem.status).type('application/problem+json').send(problemBody(problem))
}

function fromDatabase(error: unknown): Problem | undefined {
  const kind = failureOf(error)?.kind
  if (kind === undefined || kind === 'conflict') return undefined
  if (kind === 'invalid')
    return new Problem(
      'invalid_request',
      'A value is too long, or holds a character that cannot be stored.',
      {
        cause: error,
      },
    )
  const sentence = 'The service is briefly unavailable; try again later.'
  return new Problem('unavailable', sentence, { cause: error, retryAfter: RETRY_AFTER })
}
