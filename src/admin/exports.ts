import { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { recordEvents, type Scope } from '../../db/index.ts'
import { Problem } from '../errors.ts'
import { eventOf } from '../events/record.ts'
import { personExport } from '../reports/person-export.ts'
import type { Admin, AdminHandlers } from './admin.ts'
import { personOf } from './users.ts'

/** At once in a process: each holds a connection to the database for as long as its reader takes. */
const MOST = 2

export function exportHandlers(admin: Admin): AdminHandlers {
  let running = 0
  return {
    async exportUser(request: FastifyRequest, reply: FastifyReply) {
      const { id, status } = await personOf(admin, request)
      const erased = 'Of whoever was erased there is nothing but that they were.'
      if (status === 'erased') throw new Problem('conflict', erased)
      const busy = 'Other exports are under way: try again.'
      if (running >= MOST) throw new Problem('unavailable', busy, { retryAfter: 5 })
      running++
      const ended = () => void running--
      const out = await begun(admin.scopeOf(request), id).catch((error: unknown) => {
        ended()
        throw error
      })
      out.once('close', ended)
      return reply
        .header('content-disposition', `attachment; filename="person-${id}.json"`)
        .header('cache-control', 'no-store')
        .type('application/json; charset=utf-8')
        .send(out)
    },
  }
}

/** Once it is told, and there is something to send. */
async function begun(scope: Scope, userId: string): Promise<Readable> {
  await recordEvents(scope, [eventOf({ type: 'user.exported', subject: { type: 'user', id: userId } })])
  const pieces = personExport(scope, userId)
  const { value } = await pieces.next()
  const out = Readable.from(onwards(value ?? '', pieces))
  // Be it that nobody has read from it, its connection is given back. Nothing was written that could be lost.
  out.once('close', () => void pieces.return(undefined).catch(() => {}))
  return out
}

async function* onwards(first: string, rest: AsyncGenerator<string>): AsyncGenerator<string> {
  yield first
  yield* rest
}
