import type { FastifyRequest } from 'fastify'
import { findRequests, listRequests, type RequestRow } from '../../db/index.ts'
import { idAt, isUuid } from '../ids.ts'
import { type Admin, type AdminHandlers, notFound } from './admin.ts'
import { listOf, pageOf } from './pages.ts'

interface Query {
  readonly connectionId?: string
  readonly userId?: string
  readonly status?: string
  readonly since?: string
  readonly until?: string
}

/** After every id there may be. */
const LAST_ID = 'ffffffff-ffff-ffff-ffff-ffffffffffff'

export function requestHandlers(admin: Admin): AdminHandlers {
  return {
    async listRequests(request: FastifyRequest) {
      const { limit, after: cursor } = pageOf(request)
      const { connectionId, userId, status, since, until } = request.query as Query // as the contract validated it
      const end = until === undefined ? LAST_ID : idFrom(until)
      const rows = await listRequests(admin.scopeOf(request), {
        before: cursor !== undefined && cursor < end ? cursor : end,
        after: idFrom(since ?? '1970-01-01'),
        connectionId,
        subjectId: userId,
        status: status === undefined ? undefined : statuses(status),
        limit: limit + 1,
      })
      return listOf(rows, limit, requestView)
    },
    async getRequest(request: FastifyRequest) {
      const { requestId } = request.params as { requestId: string } // as the path has it
      const [row] = isUuid(requestId) ? await findRequests(admin.scopeOf(request), [requestId]) : []
      if (!row) throw notFound('request')
      return requestView(row)
    },
  }
}

/** No id is from before 1970. */
const idFrom = (time: string): string => idAt(new Date(Math.max(0, Date.parse(time))))

/** `4xx` are all of them. */
const statuses = (text: string): [number, number] => [
  Number(text.replace('xx', '00')),
  Number(text.replace('xx', '99')),
]

export function requestView(row: RequestRow): object {
  return {
    id: row.id,
    at: row.at,
    kind: row.kind,
    ...(row.connection_id !== null && { connectionId: row.connection_id }),
    ...(row.credential_id !== null && { credentialId: row.credential_id }),
    ...(row.subject_id !== null && { subjectId: row.subject_id }),
    ...requestLine(row),
    ...(row.query !== null && { query: row.query }),
    ...(row.body !== null && { body: row.body }),
    times: row.times,
  }
}

/** What a request was and what was answered, in short. */
export function requestLine(row: RequestRow): object {
  const { method, path, status, code, detail, duration, connection_id: id, connection_name: name } = row
  return {
    ...(method !== null && { method }),
    ...(path !== null && { path }),
    ...(status !== null && { status }),
    ...(code !== null && { code }),
    ...(detail !== null && { detail }),
    ...(duration !== null && { durationMs: duration }),
    ...(name !== null && { connection: { id, name } }),
  }
}
