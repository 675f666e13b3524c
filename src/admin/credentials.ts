import type { FastifyReply, FastifyRequest } from 'fastify'
import { v7 as uuidv7 } from 'uuid'
import { createScimCredential, listScimCredentials, revokeScimCredential } from '../../db/index.ts'
import { newToken } from '../auth.ts'
import { Problem } from '../errors.ts'
import { eventOf } from '../events/record.ts'
import { isUuid } from '../ids.ts'
import { type Admin, type AdminHandlers, notFound } from './admin.ts'
import { connectionOf } from './connections.ts'
import { credentialView } from './views.ts'

export function credentialHandlers(admin: Admin): AdminHandlers {
  return {
    async createScimCredential(request: FastifyRequest, reply: FastifyReply) {
      const { id: connectionId, scimProfile } = await connectionOf(admin, request)
      if (scimProfile === null) throw new Problem('conflict', 'This connection has no SCIM half.')
      const scope = admin.scopeOf(request)
      const expiresAt = expiryOf(request, scope.now)
      const { token, secretHash } = newToken(scope.organizationId)
      const id = uuidv7()
      const event = eventOf({
        type: 'scim-credential.created',
        subject: { type: 'connection', id: connectionId },
        data: { credentialId: id },
      })
      await createScimCredential(scope, { id, connectionId, secretHash, expiresAt }, [event])
      return reply.code(201).send({ id, token, ...(expiresAt && { expiresAt }) })
    },
    async listScimCredentials(request: FastifyRequest) {
      const { id } = await connectionOf(admin, request)
      return { items: (await listScimCredentials(admin.scopeOf(request), id)).map(credentialView) }
    },
    async revokeScimCredential(request: FastifyRequest, reply: FastifyReply) {
      const { id: connectionId } = await connectionOf(admin, request)
      const { credentialId: id } = request.params as { credentialId: string } // as the path has it
      const event = eventOf({
        type: 'scim-credential.revoked',
        subject: { type: 'connection', id: connectionId },
        data: { credentialId: id },
      })
      const revoked =
        isUuid(id) && (await revokeScimCredential(admin.scopeOf(request), { id, connectionId }, [event]))
      if (!revoked) throw notFound('credential')
      return reply.code(204).send()
    },
  }
}

function expiryOf(request: FastifyRequest, now: Date): Date | null {
  const { expiresAt } = request.body as { expiresAt?: string } // as the contract validated it
  if (expiresAt === undefined) return null
  const date = new Date(expiresAt)
  if (date <= now) throw new Problem('invalid_request', 'expiresAt must lie in the future.')
  return date
}
