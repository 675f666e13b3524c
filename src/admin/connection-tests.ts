import type { FastifyReply, FastifyRequest } from 'fastify'
import {
  type ConnectionRow,
  type ConnectionTestRow,
  createConnectionTest,
  findConnectionTest,
} from '../../db/index.ts'
import { hashOf, newSecret } from '../auth.ts'
import { Problem } from '../errors.ts'
import { eventOf } from '../events/record.ts'
import { isUuid, newId } from '../ids.ts'
import { type Admin, type AdminHandlers, notFound } from './admin.ts'
import { connectionOf } from './connections.ts'

const MINUTE = 60_000
/** How long the address of a test works. */
const LIFETIME = 15 * MINUTE
/** With what the worker may take until its next round, less than an hour. */
const KEPT = 45 * MINUTE

export function connectionTestHandlers(admin: Admin): AdminHandlers {
  return {
    async previewClaims(request: FastifyRequest) {
      const row = await oidcConnectionOf(admin, request)
      const pasted = request.body as Parameters<Admin['previewClaims']>[2] // as the contract validated it
      return admin.previewClaims(admin.scopeOf(request), row, pasted)
    },
    async testConnection(request: FastifyRequest, reply: FastifyReply) {
      const { id: connectionId } = await oidcConnectionOf(admin, request)
      const scope = admin.scopeOf(request)
      const [id, token, now] = [newId(), newSecret(), scope.now.getTime()]
      const [expiresAt, keptUntil] = [new Date(now + LIFETIME), new Date(now + KEPT)]
      const subject = { type: 'connection', id: connectionId } as const
      const test = { id, connectionId, tokenHash: hashOf(token), expiresAt, keptUntil }
      await createConnectionTest(scope, test, [eventOf({ type: 'connection.test-begun', subject })])
      const url = `${admin.publicUrl}/oidc/${connectionId}/test?token=${token}`
      return reply.code(201).send({ id, url, expiresAt })
    },
    async getConnectionTest(request: FastifyRequest) {
      const { id: connectionId } = await connectionOf(admin, request)
      const { testId } = request.params as { testId: string } // as the path has it
      const row = isUuid(testId) && (await findConnectionTest(admin.scopeOf(request), connectionId, testId))
      if (!row) throw notFound('test')
      return testView(row)
    },
  }
}

/** The connection that the path names, where people sign in by it. */
async function oidcConnectionOf(admin: Admin, request: FastifyRequest): Promise<ConnectionRow> {
  const row = await connectionOf(admin, request)
  if (row.issuer === null) throw new Problem('conflict', 'This connection has no OIDC half.')
  return row
}

function testView({ id, created_at, expires_at, opened_at, finished_at, report }: ConnectionTestRow): object {
  const status = finished_at ? 'over' : opened_at ? 'under way' : 'waiting'
  return {
    id,
    status,
    createdAt: created_at,
    expiresAt: expires_at,
    ...(opened_at && { openedAt: opened_at }),
    ...(finished_at && { finishedAt: finished_at }),
    ...(report && { report }),
  }
}
