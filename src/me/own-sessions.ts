import type { FastifyReply, FastifyRequest } from 'fastify'
import { endSessionOf, listSessions, type UserSessionRow } from '../../db/index.ts'
import type { Handler } from '../contract.ts'
import { Problem } from '../errors.ts'
import { eventOf } from '../events/record.ts'
import { isUuid } from '../ids.ts'
import { neededSession, type SessionHost, scopeOf } from './current-session.ts'

/** Where else somebody is signed in, and the end of it. */
export function ownSessionHandlers(host: SessionHost): Readonly<Record<string, Handler>> {
  return {
    async listOwnSessions(request: FastifyRequest) {
      const row = await neededSession(host, request)
      const sessions = await listSessions(scopeOf(host, request, row), row.user_id)
      return { items: sessions.map((session) => view(session, row.session_id)) }
    },
    async endOwnSession(request: FastifyRequest, reply: FastifyReply) {
      const row = await neededSession(host, request)
      const { sessionId: id } = request.params as { sessionId: string } // as the path has it
      const event = eventOf({
        type: 'session.ended',
        subject: { type: 'user', id: row.user_id },
        data: { cause: 'person', sessionId: id },
      })
      const one = { userId: row.user_id, id }
      if (!isUuid(id) || !(await endSessionOf(scopeOf(host, request, row), one, [event])))
        throw new Problem('not_found', 'You have no such session.')
      return reply.code(204).send()
    },
  }
}

const view = (row: UserSessionRow, current: string) => ({
  id: row.id,
  createdAt: row.created_at,
  lastSeenAt: row.seen_at,
  expiresAt: row.expires_at,
  idleExpiresAt: row.idle_at,
  connectionId: row.connection_id,
  current: row.id === current,
})
