import { query } from './connect.ts'
import { beforeEveryId, listing } from './page.ts'
import type { Scope } from './scope.ts'

export type WorkspaceStatus = 'active' | 'archived'
/** Who sees a workspace, and may join it where the policy lets them: its members, those of its team, or everybody. */
export type Visibility = 'private' | 'team' | 'organization'

export interface WorkspaceRow {
  readonly id: string
  readonly name: string
  readonly status: WorkspaceStatus
  readonly visibility: Visibility
  /** Whose default workspace it is. */
  readonly default_of: string | null
  readonly created_at: Date
  readonly home_id: string
  readonly home_name: string
}

const columns = `w.id, w.name, w.status, coalesce(v.visibility, 'private') as visibility, w.default_of, w.created_at,
  t.id as home_id, t.name as home_name`

const from = `workspaces w
  join teams t on t.organization_id = w.organization_id and t.id = w.team_id
  left join visible_workspaces v on v.organization_id = w.organization_id and v.workspace_id = w.id`

const workspaces = listing({
  columns,
  from: `${from} where w.organization_id = $1 and w.id > $2`,
  table: 'workspaces',
  alias: 'w',
})

export interface WorkspaceQuery {
  readonly status?: WorkspaceStatus | undefined
  readonly teamId?: string | undefined
  /** Whether they are somebody's default. */
  readonly isDefault?: boolean | undefined
  readonly after?: string | undefined
  readonly limit: number
}

/** In order of their making, from after the workspace `after`. */
export function listWorkspaces(
  { db, organizationId }: Scope,
  { status, teamId, isDefault, after = beforeEveryId, limit }: WorkspaceQuery,
): Promise<WorkspaceRow[]> {
  const values: unknown[] = []
  const parameter = (value: unknown) => `$${values.push(value) + 2}`
  const conditions = [
    ...(status === undefined ? [] : [`w.status = ${parameter(status)}::workspace_status`]),
    ...(teamId === undefined ? [] : [`w.team_id = ${parameter(teamId)}::uuid`]),
    ...(isDefault === undefined ? [] : [`w.default_of is ${isDefault ? 'not ' : ''}null`]),
  ]
  const where = { text: conditions.length > 0 ? conditions.join(' and ') : 'true', values }
  const asked = { values: [organizationId, after], where }
  return query(db, ...workspaces.page(asked, { orderBy: 'w.id', limit, offset: 0 }))
}

const find = {
  name: 'find_workspace',
  text: `select ${columns} from ${from} where w.organization_id = $1 and w.id = $2`,
}

export async function findWorkspace({ db, organizationId }: Scope, id: string): Promise<WorkspaceRow | null> {
  return (await query<WorkspaceRow>(db, find, [organizationId, id]))[0] ?? null
}

const hold = {
  name: 'hold_workspace',
  text: 'select from workspaces where organization_id = $1 and id = $2 for no key update',
}

/** Reads a workspace that nobody else changes, nor who has a role in it by hand, until the transaction ends. */
export async function holdWorkspace(scope: Scope, id: string): Promise<WorkspaceRow | null> {
  const rows = await query(scope.db, hold, [scope.organizationId, id])
  return rows.length === 1 ? findWorkspace(scope, id) : null
}

const insert = {
  name: 'insert_workspace',
  text: 'insert into workspaces (organization_id, id, team_id, name, created_at) values ($1, $2, $3, $4, $5)',
}

/** Makes a workspace that is nobody's default. */
export async function insertWorkspace(
  { db, organizationId, now }: Scope,
  { id, teamId, name }: { id: string; teamId: string; name: string },
): Promise<void> {
  await query(db, insert, [organizationId, id, teamId, name, now])
}

const update = {
  name: 'update_workspace',
  text: `update workspaces set name = $3, team_id = $4, status = $5 where organization_id = $1 and id = $2`,
}

export async function updateWorkspace(
  { db, organizationId }: Scope,
  { id, name, teamId, status }: { id: string; name: string; teamId: string; status: WorkspaceStatus },
): Promise<void> {
  await query(db, update, [organizationId, id, name, teamId, status])
}

const hide = {
  name: 'hide_workspace',
  text: 'delete from visible_workspaces where organization_id = $1 and workspace_id = $2',
}
const show = {
  name: 'show_workspace',
  text: `insert into visible_workspaces (organization_id, workspace_id, visibility) values ($1, $2, $3)
         on conflict (organization_id, workspace_id) do update set visibility = excluded.visibility`,
}

export async function putVisibility(
  { db, organizationId }: Scope,
  id: string,
  visibility: Visibility,
): Promise<void> {
  if (visibility === 'private') await query(db, hide, [organizationId, id])
  else await query(db, show, [organizationId, id, visibility])
}
