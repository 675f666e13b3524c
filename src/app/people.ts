import helmet from '@fastify/helmet'
import type { FastifyInstance } from 'fastify'
import { createSignalPoller, type OidcOptions, oidcPlugin } from '../../oidc/index.ts'
import type { Config } from '../config.ts'
import { connectionTests } from '../gateway/connection-tests.ts'
import type { EnteredSignIn } from '../gateway/oidc-sign-in.ts'
import { oidcSignals } from '../gateway/oidc-signals.ts'
import { oidcStore } from '../gateway/oidc-store.ts'
import { signIns } from '../gateway/public-sign-in.ts'
import type { RefusalLog } from '../gateway/refusals.ts'
import type { RequestLog } from '../gateway/request-log.ts'
import { paceLookups, pacePushes, paceRedemptions } from '../limits.ts'
import { assetRoutes } from '../me/assets.ts'
import { checklistForms } from '../me/checklist-page.ts'
import { languageCookie } from '../me/messages.ts'
import { pagesFor } from '../me/pages.ts'
import { personRoutes } from '../me/person.ts'
import { type ProductHost, productRoutes } from '../me/product.ts'
import type { Metrics } from '../metrics.ts'
import type { Outbound } from '../outbound.ts'
import type { Policies } from '../provisioning/policy.ts'
import { answerErrorsByPage, prepare } from './failures.ts'
import { pollWhileListening } from './polling.ts'
import { signInNotes } from './sign-in-notes.ts'

export interface PeopleOptions {
  readonly config: Config
  readonly host: Parameters<typeof oidcStore>[0]
  readonly policies: Policies
  readonly outbound: Outbound
  readonly refusals: RefusalLog
  readonly product: ProductHost
  readonly metrics: Metrics
  readonly requests: RequestLog
}

/** What people and the product meet: pages without any script, and the session. */
export async function people(app: FastifyInstance, options: PeopleOptions): Promise<void> {
  const { config, host, policies, outbound, refusals, product, metrics, requests } = options
  const { publicUrl, sessionCookie } = config
  const [lookups, pushes, redemptions] = [paceLookups(), pacePushes(), paceRedemptions()]
  await app.register((scope: FastifyInstance) => productRoutes(scope, product))
  await app.register(async (scope: FastifyInstance) => {
    await scope.register(helmet, helmetOptions(publicUrl))
    answerErrorsByPage(scope)
    scope.addHook('onRequest', async (request, reply) => {
      const cookie = languageCookie(request, { secure: publicUrl.startsWith('https:') })
      if (cookie !== undefined) reply.header('set-cookie', cookie)
    })
    await personRoutes(scope, product)
    await scope.register((inner: FastifyInstance) => checklistForms(inner, product))
    await assetRoutes(scope, product)
    const notes = signInNotes(scope, requests, refusals)
    const signIn = signIns(host, policies)
    const ports: OidcOptions = {
      ...oidcStore(host, notes.refusals, metrics.applied),
      async signIn(person, context) {
        const entered: EnteredSignIn = await signIn(person, context)
        notes.entered(person, entered, { ...context, now: host.clock() })
        return entered
      },
      clientKey: async () => {
        const { privateKey: key, kid } = await product.signingKeys.signer('RS256')
        return { key, kid }
      },
      signal: oidcSignals(host, metrics.applied),
      tests: connectionTests(host, policies),
      fetch: outbound.fetch,
      allowInsecure: outbound.allowInsecure,
      publicUrl,
      sessionCookie,
      now: host.clock,
      pages: pagesFor,
      failure: prepare,
      lookupWait: ({ ip }) => lookups({ address: ip, now: host.clock() }),
      pushWait: ({ ip }, { id }) => pushes({ address: ip, connectionId: id, now: host.clock() }),
      redeemWait: ({ ip }, { id }) => redemptions.wait({ address: ip, connectionId: id, now: host.clock() }),
      redeemed: ({ ip }, { id }) => redemptions.succeeded({ address: ip, connectionId: id }),
    }
    await scope.register((inner: FastifyInstance) => oidcPlugin(inner, ports))
    const poll = createSignalPoller(ports)
    pollWhileListening(app, { ...host, store: ports.store, poll, log: app.log })
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
    xFrameOptions: { action: 'deny' as const },
    // A form's POST must say which origin it comes from, and an address with a code goes to no other site.
    referrerPolicy: { policy: 'same-origin' as const },
    strictTransportSecurity: secure && { maxAge: 31_536_000 },
  }
}
