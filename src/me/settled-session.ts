import type { FastifyRequest } from 'fastify'
import { leaveLostWorkspace, type SessionRow } from '../../db/index.ts'
import { Problem } from '../errors.ts'
import { eventOf } from '../events/record.ts'
import { neededSession, type SessionHost, scopeOf, sessionOf } from './current-session.ts'

/**
 * The session, out of a workspace that was left, taken or archived: it goes to the person's default one. A check in the
 * middle of something does not, since what was meant for one workspace would be done in another.
 */
export async function settledSession(host: SessionHost, request: FastifyRequest): Promise<SessionRow> {
  const row = await sessionOf(host, request)
  if (!row?.entered_id || row.workspace_id) return row ?? neededSession(host, request)
  const { user_id: userId, session_id: sessionId, entered_id: from } = row
  const event = eventOf({
    type: 'session.switched',
    subject: { type: 'user', id: userId },
    data: { sessionId, from, cause: 'workspace lost' },
  })
  await leaveLostWorkspace(scopeOf(host, request, row), { userId, sessionId, workspaceId: from }, [event])
  const settled = await sessionOf(host, request)
  if (!settled) throw new Problem('unauthorized', 'The session has ended meanwhile.')
  return settled
}
