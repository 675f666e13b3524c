import type { FastifyReply, FastifyRequest } from 'fastify'
import { createScimClient, listScimClients, type NewScimClient, revokeScimClient } from '../../db/index.ts'
import { hashOf, newSecret } from '../auth.ts'
import { Problem } from '../errors.ts'
import { eventOf } from '../events/record.ts'
import { isUuid, newId } from '../ids.ts'
import { strictKeySet } from '../keys.ts'
import { type Admin, type AdminHandlers, notFound } from './admin.ts'
import { scimConnectionOf } from './connections.ts'
import { clientView } from './views.ts'

/** How the client will prove itself, as the contract lets it in; absent: by a secret. */
interface Assertions {
  readonly jwks?: unknown
  readonly jwksUrl?: string
  readonly issuer?: string
  readonly subject?: string
  readonly audience?: string
}

export function scimClientHandlers(admin: Admin): AdminHandlers {
  const viewOf = (request: FastifyRequest) => (client: Parameters<typeof clientView>[0]) =>
    clientView(client, { organizationId: admin.scopeOf(request).organizationId, publicUrl: admin.publicUrl })
  return {
    async createScimClient(request: FastifyRequest, reply: FastifyReply) {
      const { id: connectionId } = await scimConnectionOf(admin, request)
      const { assertion } = request.body as { assertion?: Assertions } // as the contract validated it
      const scope = admin.scopeOf(request)
      const secret = assertion ? undefined : newSecret()
      const proof = assertion
        ? proofByAssertion(assertion)
        : { ...nothing, secret_hash: hashOf(secret ?? '') }
      const client = { id: newId(), connection_id: connectionId, ...proof }
      const event = eventOf({
        type: 'scim-client.created',
        subject: { type: 'connection', id: connectionId },
        data: { clientId: client.id, method: assertion ? 'private_key_jwt' : 'client_secret' },
      })
      await createScimClient(scope, client, [event])
      const made = { ...client, created_at: scope.now, revoked_at: null, last_used_at: null }
      return reply.code(201).send({ ...viewOf(request)(made), ...(secret && { clientSecret: secret }) })
    },
    async listScimClients(request: FastifyRequest) {
      const { id } = await scimConnectionOf(admin, request)
      return { items: (await listScimClients(admin.scopeOf(request), id)).map(viewOf(request)) }
    },
    async revokeScimClient(request: FastifyRequest, reply: FastifyReply) {
      const { id: connectionId } = await scimConnectionOf(admin, request)
      const { clientId: id } = request.params as { clientId: string } // as the path has it
      const event = eventOf({
        type: 'scim-client.revoked',
        subject: { type: 'connection', id: connectionId },
        data: { clientId: id },
      })
      const revoked =
        isUuid(id) && (await revokeScimClient(admin.scopeOf(request), { id, connectionId }, [event]))
      if (!revoked) throw notFound('client')
      return reply.code(204).send()
    },
  }
}

const nothing = { secret_hash: null, jwks: null, jwks_url: null, issuer: null, subject: null, audience: null }

function proofByAssertion(wish: Assertions): Omit<NewScimClient, 'id' | 'connection_id'> {
  const jwks = wish.jwks === undefined ? null : strictKeySet(wish.jwks)
  if (wish.jwks !== undefined && !jwks)
    throw new Problem(
      'invalid_request',
      'assertion.jwks must hold public keys for signing only, RSA of 2048 bits or more.',
    )
  return {
    ...nothing,
    jwks,
    jwks_url: wish.jwksUrl ?? null,
    issuer: wish.issuer ?? null,
    subject: wish.subject ?? null,
    // Entra shows the scope that it asks its own token by; the token's audience is without the ending.
    audience: wish.audience?.replace(/\/\.default$/, '') ?? null,
  }
}
