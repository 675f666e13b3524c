import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { ScimError } from './errors.ts'
import { etag, isKnown } from './etag.ts'
import type { Caller } from './handler.ts'
import { found, type Resources } from './operations.ts'
import { type Query, readQuery } from './page.ts'
import { send } from './reply.ts'
import { parseWanted } from './wanted.ts'

/** Who is signed in: the id of their User, and as whom it is read. */
export interface Me<C extends Caller> {
  readonly caller: C
  readonly id: string
}

/** Tells who is signed in; null where nobody is. */
export type WhoIsMe<C extends Caller> = (request: FastifyRequest) => Promise<Me<C> | null>

interface MeOptions<C extends Caller> {
  readonly users: Resources<C>
  /** Who asks by the credential of a client; throws where nobody does. */
  readonly authenticate: (request: FastifyRequest) => C | Promise<C>
  readonly me: WhoIsMe<C> | undefined
}

async function show<C extends Caller>(
  { caller, id }: Me<C>,
  { handler, type, write, location }: Resources<C>,
  { request, reply }: { request: FastifyRequest; reply: FastifyReply },
): Promise<FastifyReply> {
  const wanted = parseWanted(readQuery(request.query as Query), type) // what Fastify's parser gives
  const stored = found(await handler.get(caller, id, wanted))
  // Whoever keeps answers by their address would give one person's to another.
  reply.headers({ etag: etag(stored.version), location: location(id), 'cache-control': 'no-store' })
  if (isKnown(request.headers['if-none-match'], etag(stored.version))) return reply.code(304).send()
  return send(reply, 200, write(stored, wanted))
}

/**
 * `/Me` (RFC 7644 section 3.11): whoever is signed in may read their User; what it says is for the provider to change.
 * The credential of a client is nobody's, so that for it the alias is not implemented.
 */
export function meRoutes<C extends Caller>(
  app: FastifyInstance,
  { users, authenticate, me }: MeOptions<C>,
): void {
  app.get('/Me', async (request, reply) => {
    const who = await me?.(request)
    if (who) return show(who, users.asSeenBy(who.caller), { request, reply })
    await authenticate(request)
    throw new ScimError(
      'notImplemented',
      'This credential is that of a client; "/Me" is for a signed-in user.',
    )
  })
  app.route({
    method: ['POST', 'PUT', 'PATCH', 'DELETE'],
    url: '/Me',
    onRequest: async () => {
      throw new ScimError('notImplemented', '"/Me" can only be read.')
    },
    handler: () => {},
  })
}
