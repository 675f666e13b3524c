import { query } from './connect.ts'
import { countingRole } from './memberships.ts'
import type { Scope } from './scope.ts'

/** A workspace that waits for an owner, and who was the last. */
export interface TransferRow {
  readonly workspace_id: string
  readonly workspace_name: string
  readonly user_id: string
  readonly created_at: Date
}

const columns = `t.workspace_id, w.name as workspace_name, t.user_id, t.created_at`
const from = `transfers t join workspaces w on w.organization_id = t.organization_id and w.id = t.workspace_id`

const list = {
  name: 'list_transfers',
  text: `select ${columns} from ${from}
         where t.organization_id = $1 and t.workspace_id > $2 order by t.workspace_id limit $3`,
}

const FIRST = '00000000-0000-0000-0000-000000000000'

export function listTransfers(
  { db, organizationId }: Scope,
  { after = FIRST, limit }: { after?: string; limit: number },
): Promise<TransferRow[]> {
  return query(db, list, [organizationId, after, limit])
}

const lock = {
  name: 'lock_transfer',
  text: `select ${columns} from ${from} where t.organization_id = $1 and t.workspace_id = $2 for update`,
}

export async function lockTransfer(
  { db, organizationId }: Scope,
  workspaceId: string,
): Promise<TransferRow | null> {
  return (await query<TransferRow>(db, lock, [organizationId, workspaceId]))[0] ?? null
}

const drop = {
  name: 'drop_needless_transfer',
  text: `
  delete from transfers t where t.organization_id = $1 and t.workspace_id = $2 and (
    exists (select from workspaces w where w.organization_id = $1 and w.id = $2 and w.status <> 'active')
    or exists (select from memberships m join users u on u.organization_id = $1 and u.id = m.user_id
               where m.organization_id = $1 and m.workspace_id = $2 and u.status = 'ready'
                 and ${countingRole('$1', 'm.user_id', '$2')} = 'owner'))
  returning workspace_id`,
}

/** Forgets one whose workspace has an owner again, or has ended; whether it has. */
export async function dropNeedless({ db, organizationId }: Scope, workspaceId: string): Promise<boolean> {
  return (await query(db, drop, [organizationId, workspaceId])).length === 1
}
