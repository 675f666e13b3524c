import type { FastifyReply, FastifyRequest } from 'fastify'
import { findHold, forgetProgress, type HoldRow, type Scope } from '../../db/index.ts'
import { erase } from '../provisioning/erasure.ts'
import { hold, lift, reactivate, restore, suspend } from '../provisioning/standing.ts'
import { type Admin, type AdminHandlers, notFound } from './admin.ts'
import { personOf } from './users.ts'
import { personView } from './views.ts'

const holdView = ({ reason, actor, created_at }: HoldRow) => ({ reason, actor, since: created_at })

/** The checklist is apart, so it comes after; whoever was erased and asks again has it done again. */
async function eraseWhole(scope: Scope, userId: string): Promise<boolean> {
  const isThere = await erase(scope, userId)
  if (isThere) await forgetProgress(scope, userId)
  return isThere
}

/** What administrators do about who leaves, and who comes back. */
export function leavingHandlers(admin: Admin): AdminHandlers {
  const turning =
    (turn: (scope: Scope, userId: string) => Promise<boolean>) => async (request: FastifyRequest) => {
      const { id } = await personOf(admin, request)
      if (!(await turn(admin.scopeOf(request), id))) throw notFound('user')
      return personView(await personOf(admin, request))
    }
  return {
    suspendUser: turning(suspend),
    reactivateUser: turning(reactivate),
    restoreUser: turning(restore),
    eraseUser: turning(eraseWhole),
    async getHold(request: FastifyRequest) {
      const { id } = await personOf(admin, request)
      const row = await findHold(admin.scopeOf(request), id)
      if (!row) throw notFound('hold')
      return holdView(row)
    },
    async putHold(request: FastifyRequest) {
      const scope = admin.scopeOf(request)
      const { id } = await personOf(admin, request)
      const { reason } = request.body as { reason: string } // as the contract validated it
      const row = (await hold(scope, id, reason)) ? await findHold(scope, id) : null
      if (!row) throw notFound('user')
      return holdView(row)
    },
    async deleteHold(request: FastifyRequest, reply: FastifyReply) {
      const { id } = await personOf(admin, request)
      if (!(await lift(admin.scopeOf(request), id))) throw notFound('hold')
      return reply.code(204).send()
    },
  }
}
