import cookie from '@fastify/cookie'
import type { FastifyInstance, HTTPMethods, RouteShorthandOptions } from 'fastify'
import { backchannelLogout, TO_PROVIDERS } from './backchannel-logout.ts'
import { callback } from './callback.ts'
import { createProviders } from './clients.ts'
import { askAddress, findConnection } from './find.ts'
import { frontchannelLogout, IN_A_FRAME } from './frontchannel-logout.ts'
import { initiate } from './initiate.ts'
import { login, start } from './login.ts'
import { askToLogOut, loggedOut, logout } from './logout.ts'
import type { OidcOptions } from './ports.ts'
import { receiveSignals, TO_TRANSMITTERS } from './signals.ts'
import { askToTest, beginTest, MAYBE_A_TEST } from './test.ts'
import { type Endpoint, type Manner, type Service, serve } from './visit.ts'

/** Signing in and out by OpenID Connect, for any number of connections. Register it without a prefix. */
export async function oidcPlugin(app: FastifyInstance, options: OidcOptions): Promise<void> {
  if (!app.hasReplyDecorator('setCookie')) await app.register(cookie)
  acceptForms(app)
  acceptSignals(app)
  forbidStoring(app)

  const now = options.now ?? (() => new Date())
  const service: Service = { options, now, providerOf: createProviders(options, now) }
  const route = (method: HTTPMethods | HTTPMethods[], url: string, endpoint: Endpoint, manner?: Manner) =>
    app.route({
      method,
      url,
      // A HEAD request is a preview: it must not use up a sign-in.
      exposeHeadRoute: false,
      // A URL here may carry a code, or somebody's address.
      logSerializers: { req: withoutQuery },
      ...failing(options, manner),
      handler: (request, reply) =>
        serve({ ...service, request, reply, progress: { stage: 'discovery' } }, endpoint, manner),
    })

  route('GET', '/login', askAddress)
  route('POST', '/login', findConnection)
  route('GET', '/login/:organization', login)
  route('GET', '/oidc/:connection/start', start)
  route('GET', '/oidc/:connection/callback', callback, MAYBE_A_TEST)
  if (options.tests) {
    route('GET', '/oidc/:connection/test', askToTest)
    route('POST', '/oidc/:connection/test', beginTest, MAYBE_A_TEST)
  }
  route(['GET', 'POST'], '/oidc/:connection/initiate', initiate)
  route('POST', '/oidc/:connection/backchannel-logout', backchannelLogout, TO_PROVIDERS)
  route('GET', '/oidc/:connection/frontchannel-logout', frontchannelLogout, IN_A_FRAME)
  route('POST', '/oidc/:connection/signals', receiveSignals, TO_TRANSMITTERS)
  route('GET', '/logout', askToLogOut)
  route('POST', '/logout', logout)
  route('GET', '/logout/done', loggedOut)
}

/** Machines get no page of the host's. */
function failing(
  { failure }: OidcOptions,
  manner: Manner | undefined,
): Pick<RouteShorthandOptions, 'errorHandler'> {
  const failed = manner?.failed
  if (!failure || !failed) return {}
  return { errorHandler: (error, request, reply) => void failed(reply, failure(error, request, reply)) }
}

function withoutQuery({ method, url }: { readonly method: string; readonly url: string }): object {
  return { method, url: url.replace(/\?.*/s, '') }
}

function acceptForms(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string', bodyLimit: 16 * 1024 },
    (_request, body, done) => done(null, new URLSearchParams(body.toString())),
  )
}

function acceptSignals(app: FastifyInstance): void {
  const limits = { parseAs: 'string', bodyLimit: 64 * 1024 } as const
  app.addContentTypeParser('application/secevent+jwt', limits, (_request, body, done) => done(null, body))
}

function forbidStoring(app: FastifyInstance): void {
  app.addHook('onRequest', async (_request, reply) => {
    // Addresses here carry codes: they go to no other site.
    reply.header('cache-control', 'no-store').header('referrer-policy', 'same-origin')
  })
}
