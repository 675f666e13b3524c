import type { FastifyReply, FastifyRequest } from 'fastify'
import { findTeam, listTeams, type TeamRow } from '../../db/index.ts'
import { isUuid, NO_ID } from '../ids.ts'
import { changeTeam, makeTeam, removeTeam } from '../structure/teams.ts'
import { type Admin, type AdminHandlers, notFound } from './admin.ts'
import { listOf, pageOf } from './pages.ts'

const view = ({ id, name, home, created_at }: TeamRow) => ({
  id,
  name,
  home,
  createdAt: created_at.toISOString(),
})

export function teamHandlers(admin: Admin): AdminHandlers {
  return {
    async listTeams(request: FastifyRequest) {
      const { limit, after = NO_ID } = pageOf(request)
      return listOf(await listTeams(admin.scopeOf(request), { after, limit: limit + 1 }), limit, view)
    },
    async createTeam(request: FastifyRequest, reply: FastifyReply) {
      const { name } = request.body as { name: string } // as the contract validated it
      return reply.code(201).send(view(await makeTeam(admin.scopeOf(request), name)))
    },
    async getTeam(request: FastifyRequest) {
      const row = await findTeam(admin.scopeOf(request), teamIn(request))
      if (!row) throw notFound('team')
      return view(row)
    },
    async changeTeam(request: FastifyRequest) {
      const scope = admin.scopeOf(request)
      const changed = await changeTeam(scope, teamIn(request), request.body as { name?: string }) // as the contract validated it
      admin.forgetPolicy(scope.organizationId)
      return view(changed)
    },
    async deleteTeam(request: FastifyRequest, reply: FastifyReply) {
      await removeTeam(admin.scopeOf(request), teamIn(request))
      return reply.code(204).send()
    },
  }
}

/** What is no id names nothing. */
export function teamIn(request: FastifyRequest): string {
  const { teamId } = request.params as { teamId: string } // as the path has it
  if (!isUuid(teamId)) throw notFound('team')
  return teamId
}
