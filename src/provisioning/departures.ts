import {
  dropNeedless,
  holdSuccessor,
  listTransfers,
  lockTransfer,
  type Scope,
  transact,
} from '../../db/index.ts'
import { Problem } from '../errors.ts'
import { allowanceOf, passBrake } from './brake.ts'
import { archiveLeavers, underBrake } from './leaving.ts'
import { alarmForProtected, expireGuests, settleSuspended } from './overdue.ts'
import { type Policy, policyInForce } from './policy.ts'
import { handOver, heirOf } from './settling.ts'

/** One round in one organization; each step is a transaction, so that a round which ends early has lost nothing. */
export async function seeOffIn(scope: Scope, stop: AbortSignal): Promise<void> {
  const policy = await policyInForce(scope)
  await alarmForProtected(scope, policy, stop)
  await expireGuests(scope, policy, stop)
  await archiveLeavers(scope, policy, stop)
  await settleSuspended(scope, policy, stop)
  await settlePending(scope, policy, stop)
}

const PAGE = 100

/** Looks anew for somebody who can take what nobody could. */
async function settlePending(scope: Scope, policy: Policy, stop: AbortSignal): Promise<void> {
  const most = await allowanceOf(scope, policy)
  let after: string | undefined
  do {
    const page = await listTransfers(scope, { limit: PAGE, ...(after && { after }) })
    for (const { workspace_id: workspaceId } of page) {
      if (stop.aborted) return
      const settle = (held: Scope) => settleOne(held, policy, { workspaceId, most })
      if (!(await underBrake(scope, { policy, most }, settle))) return
    }
    after = page.length === PAGE ? page.at(-1)?.workspace_id : undefined
  } while (after)
}

async function settleOne(
  scope: Scope,
  policy: Policy,
  { workspaceId, most }: { workspaceId: string; most: number },
): Promise<void> {
  const pending = await lockTransfer(scope, workspaceId)
  if (!pending || (await dropNeedless(scope, workspaceId))) return
  const userId = pending.user_id
  const heir = await heirOf(scope, policy, { workspaceId, userId })
  if (!heir) return
  await passBrake(scope, { count: 1, most })
  await handOver(scope, policy, { workspaceId, userId, heir })
}

/** Has somebody own what waits for an owner, as an administrator says; false where it does not wait. */
export function giveAway(
  scope: Scope,
  { workspaceId, userId }: { workspaceId: string; userId: string },
): Promise<boolean> {
  return transact(scope.db, async (db) => {
    const held = { ...scope, db }
    const pending = await lockTransfer(held, workspaceId)
    if (!pending) return false
    if ((await holdSuccessor(held, [userId])) === null)
      throw new Problem('conflict', 'Only somebody who is ready can be made owner.')
    const { version } = await policyInForce(held)
    const heir = { id: userId, rule: 'by an administrator' }
    await handOver(held, { version }, { workspaceId, userId: pending.user_id, heir })
    return true
  })
}
