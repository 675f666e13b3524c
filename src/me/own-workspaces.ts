import type { FastifyReply, FastifyRequest } from 'fastify'
import {
  enterWorkspace,
  type JoinableRow,
  joinableWorkspaces,
  type OwnWorkspaceRow,
  workspacesOf,
} from '../../db/index.ts'
import { listOf, pageOf } from '../contract/pages.ts'
import type { Handler } from '../contract.ts'
import { Problem } from '../errors.ts'
import { eventOf } from '../events/record.ts'
import { isUuid, NO_ID } from '../ids.ts'
import { join, makeOwn, type OwnWish, workspaceRules } from '../structure/joining.ts'
import { leave } from '../structure/members.ts'
import { neededSession, type SessionHost, scopeOf } from './current-session.ts'
import { sessionView } from './session.ts'

/** Where somebody has a role, and where they may have one by their own doing. */
export function workspaceHandlers(host: SessionHost): Readonly<Record<string, Handler>> {
  return {
    async listOwnWorkspaces(request: FastifyRequest) {
      const row = await neededSession(host, request)
      const { limit, after = NO_ID } = pageOf(request)
      const page = { after, limit: limit + 1 }
      const workspaces = await workspacesOf(scopeOf(host, request, row), row.user_id, page)
      return listOf(workspaces, limit, (workspace) => view(workspace, row.workspace_id))
    },
    async listJoinableWorkspaces(request: FastifyRequest) {
      const row = await neededSession(host, request)
      const scope = scopeOf(host, request, row)
      const { limit, after = NO_ID } = pageOf(request)
      const { rules } = await workspaceRules(scope)
      if (rules.join !== 'visible') return { items: [] }
      const rows = await joinableWorkspaces(scope, row.user_id, { after, limit: limit + 1 })
      return listOf(rows, limit, joinableView)
    },
    async createOwnWorkspace(request: FastifyRequest, reply: FastifyReply) {
      const row = await neededSession(host, request)
      const wish = request.body as OwnWish // as the contract validated it
      const made = await makeOwn(scopeOf(host, request, row), row.user_id, wish)
      return reply.code(201).send(view({ ...made, role: 'owner' }, row.workspace_id))
    },
    async joinWorkspace(request: FastifyRequest, reply: FastifyReply) {
      const row = await neededSession(host, request)
      await join(scopeOf(host, request, row), row.user_id, workspaceIn(request))
      return reply.code(204).send()
    },
    async leaveWorkspace(request: FastifyRequest, reply: FastifyReply) {
      const row = await neededSession(host, request)
      const member = { place: 'workspace', id: workspaceIn(request), userId: row.user_id } as const
      await leave(scopeOf(host, request, row), member)
      return reply.code(204).send()
    },
  }
}

/** What is no id names nothing. */
function workspaceIn(request: FastifyRequest): string {
  const { workspaceId } = request.params as { workspaceId: string } // as the path has it
  if (!isUuid(workspaceId)) throw new Problem('not_found', 'You have no such workspace.')
  return workspaceId
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

const joinableView = ({ id, name, visibility, home_id, home_name }: JoinableRow) => ({
  id,
  name,
  visibility,
  home: { id: home_id, name: home_name },
})
