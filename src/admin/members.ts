import type { FastifyReply, FastifyRequest } from 'fastify'
import {
  findTeam,
  findWorkspace,
  listMembers,
  type Place,
  type PlaceKey,
  type PlaceMemberRow,
  type Role,
} from '../../db/index.ts'
import { isUuid, NO_ID } from '../ids.ts'
import { giveRole, takeRole } from '../structure/members.ts'
import { type Admin, type AdminHandlers, notFound } from './admin.ts'
import { listOf, pageOf } from './pages.ts'
import { teamIn } from './teams.ts'
import { workspaceIn } from './workspaces.ts'

const view = (row: PlaceMemberRow) => ({
  user: {
    id: row.id,
    userName: row.user_name,
    ...(row.display_name !== null && { displayName: row.display_name }),
    status: row.status,
  },
  role: row.role,
  source: row.source,
  rule: row.rule,
  since: row.created_at.toISOString(),
  beside: row.beside.map(({ role, source, rule }) => ({ role, source, rule })),
})

/** Who has a role in a workspace or a team. */
export function memberHandlers(admin: Admin): AdminHandlers {
  const [workspaces, teams] = [handlersFor(admin, 'workspace'), handlersFor(admin, 'team')]
  return {
    listWorkspaceMembers: workspaces.list,
    putWorkspaceMember: workspaces.put,
    deleteWorkspaceMember: workspaces.remove,
    listTeamMembers: teams.list,
    putTeamMember: teams.put,
    deleteTeamMember: teams.remove,
  }
}

function handlersFor(admin: Admin, place: Place) {
  const keyIn = (request: FastifyRequest): PlaceKey => ({
    place,
    id: place === 'team' ? teamIn(request) : workspaceIn(request),
  })
  const find = place === 'team' ? findTeam : findWorkspace
  return {
    list: async (request: FastifyRequest) => {
      const { limit, after = NO_ID } = pageOf(request)
      const [scope, key] = [admin.scopeOf(request), keyIn(request)]
      if (!(await find(scope, key.id))) throw notFound(place)
      return listOf(await listMembers(scope, key, { after, limit: limit + 1 }), limit, view)
    },
    put: async (request: FastifyRequest, reply: FastifyReply) => {
      const { role } = request.body as { role: Role } // as the contract validated it
      await giveRole(admin.scopeOf(request), { ...keyIn(request), userId: userIn(request) }, role)
      return reply.code(204).send()
    },
    remove: async (request: FastifyRequest, reply: FastifyReply) => {
      await takeRole(admin.scopeOf(request), { ...keyIn(request), userId: userIn(request) })
      return reply.code(204).send()
    },
  }
}

function userIn(request: FastifyRequest): string {
  const { userId } = request.params as { userId: string } // as the path has it
  if (!isUuid(userId)) throw notFound('user')
  return userId
}
