import {
  archiveWorkspaces,
  giveWorkspace,
  headsOf,
  holdOwned,
  holdSuccessor,
  leaveOwn,
  managerIdOf,
  type OwnedRow,
  pendTransfer,
  type Scope,
} from '../../db/index.ts'
import { eventOf } from '../events/record.ts'
import type { Policy } from './policy.ts'
import { renewPolicyNaming } from './renewal.ts'

/** Somebody whose workspaces need another owner. */
export interface Owner {
  readonly userId: string
  /** A leaver loses what is their own; whoever is suspended has it back with an owner beside them. */
  readonly leaves: boolean
}

/** What becomes of what somebody owns alone. */
export interface Settlement {
  readonly archived: readonly string[]
  readonly transferred: readonly OwnedRow[]
}

/** A leaver's co-owners count while their own time is not over; beside the long suspended, only who is at work. */
const staying = { leaver: ['staged', 'held', 'ready', 'suspended', 'leaving'], suspended: ['ready'] }

/** Within a transaction, which then holds the workspaces. */
export async function settlementOf(scope: Scope, policy: Policy, owner: Owner): Promise<Settlement> {
  const statuses = owner.leaves ? staying.leaver : staying.suspended
  const sole = (await holdOwned(scope, owner.userId, statuses)).filter(({ shared }) => !shared)
  const isArchived = ({ own }: OwnedRow) => owner.leaves && own && policy.leaving.workspace === 'archive'
  return {
    archived: sole.filter(isArchived).map(({ id }) => id),
    transferred: sole.filter((row) => !isArchived(row)),
  }
}

/** Archives and gives away as planned; what nobody can take stays pending. Within the same transaction. */
export async function settle(
  scope: Scope,
  policy: Policy,
  { owner, archived, transferred }: Settlement & { owner: Owner },
): Promise<void> {
  await archiveWorkspaces(scope, archived)
  await renewPolicyNaming(scope, archived)
  for (const { id: workspaceId, own } of transferred) {
    const heir = await heirOf(scope, policy, { workspaceId, userId: owner.userId })
    await handOver(scope, policy, { workspaceId, userId: owner.userId, heir })
    if (own && owner.leaves) await leaveOwn(scope, { workspaceId, userId: owner.userId })
  }
}

export interface Heir {
  readonly id: string
  readonly rule: string
}

/** The first that the policy names who is there, held until the transaction ends. */
export async function heirOf(
  scope: Scope,
  { leaving }: Policy,
  from: { workspaceId: string; userId: string },
): Promise<Heir | null> {
  const named = await Promise.all(leaving.to.map((way) => heirsBy(scope, way, from)))
  const heirs = named.flat().filter(({ id }) => id !== from.userId)
  const ids = heirs.map(({ id }) => id)
  const id = ids.length > 0 ? await holdSuccessor(scope, ids) : null
  return heirs.find((heir) => heir.id === id) ?? null
}

async function heirsBy(
  scope: Scope,
  way: Policy['leaving']['to'][number],
  from: { workspaceId: string; userId: string },
): Promise<Heir[]> {
  if (way === 'manager') {
    const id = await managerIdOf(scope, from.userId)
    return id === null ? [] : [{ id, rule: 'to the manager' }]
  }
  if (way === 'team') return (await headsOf(scope, from)).map((id) => ({ id, rule: 'to a head of the team' }))
  return [{ id: way.user, rule: 'to a named person' }]
}

export interface HandOver {
  readonly workspaceId: string
  /** Whose it was. */
  readonly userId: string
  readonly heir: Heir | null
}

export async function handOver(
  scope: Scope,
  policy: Pick<Policy, 'version'>,
  { workspaceId, userId, heir }: HandOver,
): Promise<void> {
  const rule = heir?.rule ?? 'nobody to give it to'
  const event = eventOf({
    type: heir ? 'workspace.transferred' : 'workspace.transfer-pending',
    subject: { type: 'user', id: userId },
    by: { policyVersion: policy.version, rule },
    data: { workspaceId, ...(heir && { to: heir.id }) },
  })
  if (heir) await giveWorkspace(scope, { workspaceId, toId: heir.id, rule }, [event])
  else await pendTransfer(scope, { workspaceId, userId }, [event])
}
