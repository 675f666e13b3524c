import type { FastifyReply, FastifyRequest } from 'fastify'
import {
  countDueDepartures,
  countHeldReevaluations,
  findBrake,
  listTransfers,
  type Scope,
  type TransferRow,
} from '../../db/index.ts'
import { isUuid } from '../ids.ts'
import { allowanceOf, liftBrake } from '../provisioning/brake.ts'
import { giveAway } from '../provisioning/departures.ts'
import { timeIsOver } from '../provisioning/leaving.ts'
import { policyInForce } from '../provisioning/policy.ts'
import { type Admin, type AdminHandlers, notFound } from './admin.ts'
import { listOf, pageOf } from './pages.ts'

const MOST_COUNTED = 10_000

async function brakeView(scope: Scope): Promise<object> {
  const policy = await policyInForce(scope)
  const row = await findBrake(scope)
  const due = { until: timeIsOver(policy, scope.now), spared: policy.protected.users, limit: MOST_COUNTED }
  return {
    most: await allowanceOf(scope, policy),
    done: row?.done ?? 0,
    waiting: await countDueDepartures(scope, due),
    heldRollouts: await countHeldReevaluations(scope),
    ...(row && { hourFrom: row.hour_from }),
    ...(row?.held_since && { heldSince: row.held_since }),
    ...(row?.released_until && { releasedUntil: row.released_until }),
  }
}

const transferView = ({ workspace_id, workspace_name, user_id, created_at }: TransferRow) => ({
  workspace: { id: workspace_id, name: workspace_name },
  userId: user_id,
  since: created_at,
})

/** What waits for an administrator: too much at once, and workspaces without an owner. */
export function brakeHandlers(admin: Admin): AdminHandlers {
  return {
    getBrake: (request: FastifyRequest) => brakeView(admin.scopeOf(request)),
    async releaseBrake(request: FastifyRequest) {
      const scope = admin.scopeOf(request)
      await liftBrake(scope)
      return brakeView(scope)
    },
    async listTransfers(request: FastifyRequest) {
      const { limit, after } = pageOf(request)
      const page = { limit: limit + 1, ...(after && { after }) }
      const rows = await listTransfers(admin.scopeOf(request), page)
      return listOf(
        rows.map((row) => ({ ...row, id: row.workspace_id })),
        limit,
        transferView,
      )
    },
    async settleTransfer(request: FastifyRequest, reply: FastifyReply) {
      const { workspaceId } = request.params as { workspaceId: string } // as the path has it
      const { userId } = request.body as { userId: string } // as the contract validated it
      const isThere = isUuid(workspaceId) && (await giveAway(admin.scopeOf(request), { workspaceId, userId }))
      if (!isThere) throw notFound('transfer')
      return reply.code(204).send()
    },
  }
}
