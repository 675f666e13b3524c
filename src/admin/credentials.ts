import type { FastifyReply, FastifyRequest } from 'fastify'
import {
  createScimCredential,
  listScimCredentials,
  revokeScimCredential,
  rotateScimCredential,
} from '../../db/index.ts'
import { newToken } from '../auth.ts'
import { Problem } from '../errors.ts'
import { eventOf } from '../events/record.ts'
import { isUuid, newId } from '../ids.ts'
import { type Admin, type AdminHandlers, notFound } from './admin.ts'
import { connectionOf, scimConnectionOf } from './connections.ts'
import { credentialView } from './views.ts'

const OVERLAP = 24 * 60 * 60_000

export function credentialHandlers(admin: Admin): AdminHandlers {
  return {
    async createScimCredential(request: FastifyRequest, reply: FastifyReply) {
      const { id: connectionId } = await scimConnectionOf(admin, request)
      const scope = admin.scopeOf(request)
      const expiresAt = futureOf(request, 'expiresAt', scope.now)
      const { token, secretHash } = newToken(scope.organizationId)
      const id = newId()
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
    rotateScimCredential: (request, reply) => rotate(admin, request, reply),
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

/** A new one in the place of another, which works for a while longer. */
async function rotate(admin: Admin, request: FastifyRequest, reply: FastifyReply) {
  const { id: connectionId } = await scimConnectionOf(admin, request)
  const { credentialId: replaced } = request.params as { credentialId: string } // as the path has it
  const scope = admin.scopeOf(request)
  const expiresAt = futureOf(request, 'expiresAt', scope.now)
  const overlapEndsAt =
    futureOf(request, 'overlapEndsAt', scope.now) ?? new Date(scope.now.getTime() + OVERLAP)
  const { token, secretHash } = newToken(scope.organizationId)
  const id = newId()
  const event = eventOf({
    type: 'scim-credential.rotated',
    subject: { type: 'connection', id: connectionId },
    data: { credentialId: id, replaced },
  })
  const replacement = { id, connectionId, secretHash, expiresAt }
  const ends =
    isUuid(replaced) && (await rotateScimCredential(scope, { replaced, overlapEndsAt, replacement }, [event]))
  if (!ends) throw notFound('credential in use')
  const replaces = { id: replaced, expiresAt: ends }
  return reply.code(201).send({ id, token, ...(expiresAt && { expiresAt }), replaces })
}

function futureOf(request: FastifyRequest, name: 'expiresAt' | 'overlapEndsAt', now: Date): Date | null {
  const { [name]: text } = request.body as { [name]?: string } // as the contract validated it
  if (text === undefined) return null
  const date = new Date(text)
  if (date <= now) throw new Problem('invalid_request', `${name} must lie in the future.`)
  return date
}
