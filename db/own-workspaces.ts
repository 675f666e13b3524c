import { query } from './connect.ts'
import { type NewEvent, recording, written } from './events.ts'
import { countingFirst } from './memberships.ts'
import type { Scope } from './scope.ts'
import type { Role } from './users.ts'

const own = {
  name: 'workspaces_of_user',
  text: `select distinct on (m.workspace_id) w.id, w.name, m.role, t.id as home_id, t.name as home_name
         from memberships m
         join workspaces w on w.organization_id = m.organization_id and w.id = m.workspace_id and w.status = 'active'
         join teams t on t.organization_id = w.organization_id and t.id = w.team_id
         where m.organization_id = $1 and m.user_id = $2 order by m.workspace_id, ${countingFirst}`,
}

export interface OwnWorkspaceRow {
  readonly id: string
  readonly name: string
  readonly role: Role
  readonly home_id: string
  readonly home_name: string
}

/** Where a person has a role, in order of making. */
export function workspacesOf({ db, organizationId }: Scope, userId: string): Promise<OwnWorkspaceRow[]> {
  return query(db, own, [organizationId, userId])
}

const enter = {
  name: 'enter_workspace',
  text: `
  with place as (
    select w.id from memberships m
    join workspaces w on w.organization_id = m.organization_id and w.id = m.workspace_id and w.status = 'active'
    where m.organization_id = $1 and m.user_id = $6 and m.workspace_id = $8 limit 1
  ), switched as (
    update sessions s set workspace_id = place.id from place
    where s.organization_id = $1 and s.id = $7 and s.user_id = $6 and s.workspace_id is distinct from place.id
    returning s.id
  ), ${recording('switched')}
  select id from place`,
}

/** Puts a session into a workspace of its person; false where they have no role in it. Told where it changes. */
export async function enterWorkspace(
  scope: Scope,
  { userId, sessionId, workspaceId }: { userId: string; sessionId: string; workspaceId: string },
  events: readonly NewEvent[],
): Promise<boolean> {
  const values = [...written(scope, events), userId, sessionId, workspaceId]
  return (await query(scope.db, enter, values)).length === 1
}
