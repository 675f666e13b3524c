import type { FastifyInstance } from 'fastify'
import { type Contract, type Handler, jsonBodies, operationRoutes } from '../contract.ts'
import { checklistHandlers } from './checklist.ts'
import { checkSameOrigin, noStore } from './current-session.ts'
import { ownSessionHandlers } from './own-sessions.ts'
import { switchHandlers, workspaceHandlers } from './own-workspaces.ts'
import { sessionRoutes } from './session.ts'
import { type TokenHost, tokenRoutes } from './tokens.ts'

export interface ProductHost extends TokenHost {
  readonly contract: Contract
  /** Reads a JSON body; throws with a message that may be shown. */
  readonly parseJson: (text: string) => unknown
}

/** What the product asks with the cookie of whoever is signed in. */
export async function productRoutes(app: FastifyInstance, host: ProductHost): Promise<void> {
  await app.register((scope: FastifyInstance) => sessionRoutes(scope, host))
  await app.register((scope: FastifyInstance) => tokenRoutes(scope, host))
  await app.register((scope: FastifyInstance) =>
    described(scope, host, {
      prefix: '/v1/me',
      handlers: { ...checklistHandlers(host), ...ownSessionHandlers(host), ...workspaceHandlers(host) },
    }),
  )
  await app.register((scope: FastifyInstance) =>
    described(scope, host, { prefix: '/session/workspace', handlers: switchHandlers(host) }),
  )
}

interface Part {
  readonly prefix: string
  readonly handlers: Readonly<Record<string, Handler>>
}

/** Routes by the contract; what changes something is done for pages of this origin only. */
async function described(app: FastifyInstance, host: ProductHost, part: Part): Promise<void> {
  jsonBodies(app, host.parseJson)
  app.addHook('onRequest', async (request, reply) => {
    noStore(reply)
    if (!safe.includes(request.method)) checkSameOrigin(host, request)
  })
  operationRoutes(app, host.contract, part)
}

const safe = ['GET', 'HEAD']
