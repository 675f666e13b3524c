import type { FastifyRequest } from 'fastify'
import { enterWorkspace, type OwnWorkspaceRow, workspacesOf } from '../../db/index.ts'
import type { Handler } from '../contract.ts'
import { Problem } from '../errors.ts'
import { eventOf } from '../events/record.ts'
import { isUuid } from '../ids.ts'
import { neededSession, type SessionHost, scopeOf } from './current-session.ts'
import { sessionView } from './session.ts'

/** Where somebody has a role. */
export function workspaceHandlers(host: SessionHost): Readonly<Record<string, Handler>> {
  return {
    async listOwnWorkspaces(request: FastifyRequest) {
      const row = await neededSession(host, request)
      const workspaces = await workspacesOf(scopeOf(host, request, row), row.user_id)
      return { items: workspaces.map((workspace) => view(workspace, row.workspace_id)) }
    },
  }
}

/** From one of one's own workspaces to another; the session stays the same. */
export function switchHandlers(host: SessionHost): Readonly<Record<string, Handler>> {
  return {
    async switchWorkspace(request: FastifyRequest) {
      const row = await neededSession(host, request)
      const { workspaceId } = request.body as { workspaceId: string } // as the contract validated it
      const { user_id: userId, session_id: sessionId } = row
      const event = eventOf({
        type: 'session.switched',
        subject: { type: 'user', id: userId },
        data: { sessionId, from: row.workspace_id, to: workspaceId },
      })
      const place = { userId, sessionId, workspaceId }
      if (!isUuid(workspaceId) || !(await enterWorkspace(scopeOf(host, request, row), place, [event])))
        throw new Problem('not_found', 'You have no such workspace.')
      return sessionView(await neededSession(host, request))
    },
  }
}

const view = ({ id, name, role, home_id, home_name }: OwnWorkspaceRow, current: string | null) => ({
  id,
  name,
  role,
  home: { id: home_id, name: home_name },
  current: id === current,
})
