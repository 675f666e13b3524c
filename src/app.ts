import { dirname, join } from 'node:path'
import Fastify, { type FastifyInstance, type FastifyRequest, LogController } from 'fastify'
import type { Db } from '../db/index.ts'
import { type Json, parseJson, scimPlugin } from '../scim/index.ts'
import { adminRoutes } from './admin/index.ts'
import { answerErrors, answerUnreadable, SCIM } from './app/failures.ts'
import { people } from './app/people.ts'
import { scimNotes } from './app/request-notes.ts'
import type { Config } from './config.ts'
import { loadContract } from './contract.ts'
import { dnsRecords, type ResolveTxt } from './domains/records.ts'
import { readAttribute } from './gateway/attribute-value.ts'
import { previewClaims } from './gateway/claims-preview.ts'
import type { oidcStore } from './gateway/oidc-store.ts'
import { previewPush } from './gateway/push-preview.ts'
import { type RefusalLog, refusalLog } from './gateway/refusals.ts'
import { notingRefusals } from './gateway/refused-pushes.ts'
import { type RequestLog, requestLog } from './gateway/request-log.ts'
import { inTransaction } from './gateway/scim-atomic.ts'
import { type ScimCallerContext, scimAuthenticator } from './gateway/scim-auth.ts'
import { toScimError } from './gateway/scim-errors.ts'
import { scimGate } from './gateway/scim-gate.ts'
import { scimGroups } from './gateway/scim-groups.ts'
import { scimMe } from './gateway/scim-me.ts'
import { type Lent, lentCallers, type Send, selfTest } from './gateway/scim-self-test.ts'
import { scimUsers } from './gateway/scim-users.ts'
import { rolesAndEntitlements, scimValues } from './gateway/scim-values.ts'
import { timingDepartures } from './gateway/timed-departures.ts'
import { healthRoutes } from './health.ts'
import { newId } from './ids.ts'
import { countFailures, type Failures } from './limits.ts'
import { noteUses, sessionOf } from './me/current-session.ts'
import type { ProductHost } from './me/product.ts'
import { createMetrics, type Metrics } from './metrics.ts'
import { oauthRoutes, tokenEndpointOf } from './oauth/index.ts'
import { createOutbound, type Outbound } from './outbound.ts'
import { rememberedPolicies } from './provisioning/policy.ts'
import { keyFor, secretsOf } from './secrets.ts'
import { createSigningKeys } from './signing-keys.ts'
import { rememberedTypes } from './translate/types.ts'

export interface AppOptions {
  readonly config: Config
  readonly db: Db
  readonly clock?: () => Date
  /** Where domains show whose they are; absent: the name servers of this machine. */
  readonly resolveTxt?: ResolveTxt
}

const MAX_BODY = 1024 * 1024
/** Milliseconds in which a whole request must come: one that waits for its body keeps a place from others. */
const MAX_ARRIVAL = 60_000

/** Assembles the service; whoever calls it listens. */
export async function buildApp({
  config,
  db,
  clock = () => new Date(),
  resolveTxt = dnsRecords(),
}: AppOptions): Promise<FastifyInstance> {
  const app = Fastify({
    logger: { level: config.logLevel, stream: process.stderr },
    // A line for every push would cost more than the push; what happened is in the events.
    logController: new LogController({ disableRequestLogging: true }),
    trustProxy: config.trustedProxies.length > 0 && [...config.trustedProxies],
    bodyLimit: MAX_BODY,
    requestTimeout: MAX_ARRIVAL,
    genReqId: () => newId(),
    routerOptions: { maxParamLength: 1000 },
    forceCloseConnections: 'idle',
    frameworkErrors: answerUnreadable,
  })
  const host = { db, clock, secrets: secretsOf(config.secretKeys) }
  const policies = rememberedPolicies()
  answerErrors(app)
  const metrics = createMetrics(clock)
  await app.register(healthRoutes, { db, metrics })
  const outbound = createOutbound({ allow: config.outboundAllow })
  app.addHook('onClose', () => outbound.close())
  const requests = requestLog({ db, clock, lost: metrics.requestsLost, log: app.log })
  app.addHook('onClose', () => requests.written())
  const product = productHost(app, config, host)
  const assembly = {
    config,
    host,
    policies,
    outbound,
    failures: countFailures(),
    refusals: refusalLog(),
    lent: lentCallers(),
    product,
    metrics,
    requests,
  }
  await app.register((scope: FastifyInstance) => scim(scope, assembly), { prefix: SCIM })
  await app.register((scope: FastifyInstance) => oauth(scope, assembly))
  await app.register((scope: FastifyInstance) => people(scope, assembly))
  await app.register((scope: FastifyInstance) => administration(scope, assembly, resolveTxt))
  return app
}

/** What the routes for the product are made with. */
function productHost(
  app: FastifyInstance,
  config: Config,
  host: Parameters<typeof oidcStore>[0],
): ProductHost {
  const uses = noteUses((err) => app.log.warn({ err }, 'the use of a session was not noted'))
  app.addHook('onClose', () => uses.written())
  return {
    ...host,
    // beside `src`, and copied beside what it is compiled to
    contract: loadContract(join(dirname(import.meta.dirname), 'openapi.yaml')),
    parseJson: (text) => parseJson(Buffer.from(text)),
    publicUrl: config.publicUrl,
    sessionCookie: config.sessionCookie,
    signingKeys: createSigningKeys(host),
    uses,
  }
}

interface Assembly {
  readonly config: Config
  readonly host: Parameters<typeof oidcStore>[0]
  readonly policies: ReturnType<typeof rememberedPolicies>
  readonly outbound: Outbound
  readonly failures: Failures
  readonly refusals: RefusalLog
  readonly lent: Lent
  readonly product: ProductHost
  readonly metrics: Metrics
  readonly requests: RequestLog
}

function scim(app: FastifyInstance, assembly: Assembly): Promise<void> {
  const { config, host, policies, failures, refusals, lent, product, metrics, requests } = assembly
  const typesOf = rememberedTypes()
  const identify = scimAuthenticator({ ...host, failures, typesOf })
  const gate = scimGate(host.clock)
  const notes = scimNotes(requests)
  app.addHook('onRequest', (request, reply, done) => {
    // However it ends, be it by the client's going away.
    reply.raw.once('close', () => {
      gate.leave(request)
      notes.over(request, reply)
    })
    done()
  })
  const enter = (request: FastifyRequest, caller: ScimCallerContext) => {
    notes.asked(request, caller)
    const waiting = gate.push(request, caller)
    return waiting ? waiting.then(() => caller) : caller
  }
  const authenticate = (request: FastifyRequest) => {
    const caller = lent.callerOf(request.headers.authorization) ?? identify(request)
    return caller instanceof Promise ? caller.then((known) => enter(request, known)) : enter(request, caller)
  }
  const meOf = scimMe({ ...host, typesOf }, (request) => sessionOf(product, request))
  const me: typeof meOf = async (request) => {
    const who = await meOf(request)
    if (who) await gate.person(request, who.caller)
    return who
  }
  return scimPlugin(app, {
    handlers: {
      User: notingRefusals(timingDepartures(scimUsers(policies), metrics.applied), refusals),
      Group: notingRefusals(scimGroups(policies), refusals),
    },
    published: scimValues,
    serviceProviderConfig: rolesAndEntitlements,
    authenticate,
    baseUrl: `${config.publicUrl}${SCIM}`,
    tokenEndpoint: tokenEndpointOf(config.publicUrl),
    toScimError,
    refused: notes.refused,
    atomic: inTransaction(refusals),
    bodyLimit: MAX_BODY,
    sort: true,
    cursorKeys: config.secretKeys.map((key) => keyFor('SCIM cursors', key)),
    now: host.clock,
    beforeBulk: gate.bulk,
    me,
  })
}

/** What administrators look on and steer by. */
function administration(app: FastifyInstance, assembly: Assembly, resolveTxt: ResolveTxt): Promise<void> {
  const { config, host, policies, lent, product } = assembly
  return adminRoutes(app, {
    ...host,
    publicUrl: config.publicUrl,
    resolveTxt,
    makeClientKey: () => product.signingKeys.signer('RS256'),
    forgetPolicy: policies.forget,
    selfTest: (at, connection) => selfTest(at, connection, { lent, send: sender(app) }),
    previewClaims: (at, connection, pasted) => previewClaims(at, connection, { policies, ...pasted }),
    previewPush: (at, connection, { body, ...push }) =>
      previewPush(at, connection, { ...push, body: body as Json }), // read from JSON
    readAttribute: (at, person, { attribute, value }) =>
      readAttribute(at, person, { attribute, value: value as Json }), // read from JSON
    contract: product.contract,
    parseJson: product.parseJson,
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
