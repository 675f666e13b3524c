import { query } from './connect.ts'
import { type NewEvent, recording, written } from './events.ts'
import { countingFirst } from './memberships.ts'
import { beforeEveryId } from './page.ts'
import type { Scope } from './scope.ts'
import type { Role } from './users.ts'

const own = {
  name: 'workspaces_of_user',
  text: `select distinct on (m.workspace_id) w.id, w.name, m.role, t.id as home_id, t.name as home_name
         from memberships m
         join workspaces w on w.organization_id = m.organization_id and w.id = m.workspace_id and w.status = 'active'
         join teams t on t.organization_id = w.organization_id and t.id = w.team_id
         where m.organization_id = $1 and m.user_id = $2 and m.workspace_id > $3
         order by m.workspace_id, ${countingFirst} limit $4`,
}

export interface OwnWorkspaceRow {
  readonly id: string
  readonly name: string
  readonly role: Role
  readonly home_id: string
  readonly home_name: string
}

interface PageAfter {
  readonly after: string
  readonly limit: number
}

const MANY = 1000

/** Where a person has a role, in order of making. */
export function workspacesOf(
  { db, organizationId }: Scope,
  userId: string,
  { after = beforeEveryId, limit = MANY }: Partial<PageAfter> = {},
): Promise<OwnWorkspaceRow[]> {
  return query(db, own, [organizationId, userId, after, limit])
}

// Few are seen by others than their members, so these are read, and not the workspaces.
const visible = (columns: string, condition: string) => `
  select ${columns} from visible_workspaces v
  join workspaces w on w.organization_id = $1 and w.id = v.workspace_id and w.status = 'active'
  join teams t on t.organization_id = $1 and t.id = w.team_id
  where v.organization_id = $1 and ${condition}
    and (v.visibility = 'organization' or t.home or exists (
      select from team_memberships m where m.organization_id = $1 and m.user_id = $2 and m.team_id = t.id))
    and not exists (
      select from memberships m where m.organization_id = $1 and m.user_id = $2 and m.workspace_id = w.id)`

const joinable = {
  name: 'joinable_workspaces',
  text: `${visible(
    'w.id, w.name, v.visibility, t.id as home_id, t.name as home_name',
    'v.workspace_id > $3',
  )} order by v.workspace_id limit $4`,
}

export interface JoinableRow extends Omit<OwnWorkspaceRow, 'role'> {
  readonly visibility: 'team' | 'organization'
}

/** What a person sees without having a role in it, in order of making. */
export function joinableWorkspaces(
  { db, organizationId }: Scope,
  userId: string,
  { after, limit }: PageAfter,
): Promise<JoinableRow[]> {
  return query(db, joinable, [organizationId, userId, after, limit])
}

const joinableOne = { name: 'joinable_workspace', text: visible('w.id', 'v.workspace_id = $3') }

export async function joinableWorkspace(
  { db, organizationId }: Scope,
  userId: string,
  id: string,
): Promise<boolean> {
  return (await query(db, joinableOne, [organizationId, userId, id])).length === 1
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

const fallBack = {
  name: 'fall_back',
  text: `
  with moved as (
    update sessions s set workspace_id = (
      select w.id from workspaces w
      where w.organization_id = $1 and w.default_of = $6 and w.status = 'active' and exists (
        select from memberships m where m.organization_id = $1 and m.user_id = $6 and m.workspace_id = w.id))
    where s.organization_id = $1 and s.id = $7 and s.user_id = $6 and s.workspace_id = $8
    returning s.id
  ), ${recording('moved')}
  select id from moved`,
}

/** Takes a session out of a workspace that its person has no more, into their default one or none. */
export async function leaveLostWorkspace(
  scope: Scope,
  { userId, sessionId, workspaceId }: { userId: string; sessionId: string; workspaceId: string },
  events: readonly NewEvent[],
): Promise<void> {
  await query(scope.db, fallBack, [...written(scope, events), userId, sessionId, workspaceId])
}
