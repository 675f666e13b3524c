import type { FastifyReply, FastifyRequest } from 'fastify'
import { endSessionOf, endSessions, listSessions } from '../../db/index.ts'
import { eventOf } from '../events/record.ts'
import { isUuid } from '../ids.ts'
import { type Admin, type AdminHandlers, notFound } from './admin.ts'
import { personOf } from './users.ts'
import { sessionView } from './views.ts'

export function sessionHandlers(admin: Admin): AdminHandlers {
  return {
    async listUserSessions(request: FastifyRequest) {
      const { id } = await personOf(admin, request)
      return { items: (await listSessions(admin.scopeOf(request), id)).map(sessionView) }
    },
    async endUserSessions(request: FastifyRequest, reply: FastifyReply) {
      const { id } = await personOf(admin, request)
      const event = eventOf({
        type: 'sessions.ended',
        subject: { type: 'user', id },
        data: { via: 'administrator' },
      })
      await endSessions(admin.scopeOf(request), id, [event])
      return reply.code(204).send()
    },
    async endUserSession(request: FastifyRequest, reply: FastifyReply) {
      const { id: userId } = await personOf(admin, request)
      const { sessionId: id } = request.params as { sessionId: string } // as the path has it
      const event = eventOf({
        type: 'session.ended',
        subject: { type: 'user', id: userId },
        data: { cause: 'administrator', sessionId: id },
      })
      const ended = isUuid(id) && (await endSessionOf(admin.scopeOf(request), { userId, id }, [event]))
      if (!ended) throw notFound('session')
      return reply.code(204).send()
    },
  }
}
