import type { FastifyReply, FastifyRequest } from 'fastify'
import {
  findWorkspace,
  listWorkspaces,
  transact,
  type Visibility,
  type WorkspaceRow,
  type WorkspaceStatus,
} from '../../db/index.ts'
import { isUuid } from '../ids.ts'
import { homeTeam } from '../structure/home.ts'
import { changeWorkspace, makeWorkspace, type WorkspaceChange } from '../structure/workspaces.ts'
import { type Admin, type AdminHandlers, notFound } from './admin.ts'
import { listOf, pageOf } from './pages.ts'

const view = (row: WorkspaceRow) => ({
  id: row.id,
  name: row.name,
  status: row.status,
  visibility: row.visibility,
  home: { id: row.home_id, name: row.home_name },
  ...(row.default_of !== null && { defaultOf: row.default_of }),
  createdAt: row.created_at.toISOString(),
})

interface Wish {
  readonly name: string
  readonly teamId?: string
  readonly visibility: Visibility
  readonly ownerId: string
}

interface Asked {
  readonly status?: WorkspaceStatus
  readonly teamId?: string
  readonly default?: boolean
}

export function workspaceHandlers(admin: Admin): AdminHandlers {
  return {
    async listWorkspaces(request: FastifyRequest) {
      const { limit, ...page } = pageOf(request)
      const { status, teamId, default: isDefault } = request.query as Asked // as the contract validated it
      const asked = { status, teamId, isDefault, ...page, limit: limit + 1 }
      return listOf(await listWorkspaces(admin.scopeOf(request), asked), limit, view)
    },
    async createWorkspace(request: FastifyRequest, reply: FastifyReply) {
      const { name, teamId, visibility, ownerId } = request.body as Wish // as the contract validated it
      const scope = admin.scopeOf(request)
      const made = await transact(scope.db, async (db) => {
        const held = { ...scope, db }
        const home = teamId ?? (await homeTeam(held))
        return makeWorkspace(held, { name, teamId: home, visibility, ownerId, source: 'administrator' })
      })
      return reply.code(201).send(view(made))
    },
    async getWorkspace(request: FastifyRequest) {
      const row = await findWorkspace(admin.scopeOf(request), workspaceIn(request))
      if (!row) throw notFound('workspace')
      return view(row)
    },
    async changeWorkspace(request: FastifyRequest) {
      const change = request.body as WorkspaceChange // as the contract validated it
      return view(await changeWorkspace(admin.scopeOf(request), workspaceIn(request), change))
    },
    async archiveWorkspace(request: FastifyRequest, reply: FastifyReply) {
      await changeWorkspace(admin.scopeOf(request), workspaceIn(request), { status: 'archived' })
      return reply.code(204).send()
    },
  }
}

/** What is no id names nothing. */
export function workspaceIn(request: FastifyRequest): string {
  const { workspaceId } = request.params as { workspaceId: string } // as the path has it
  if (!isUuid(workspaceId)) throw notFound('workspace')
  return workspaceId
}
