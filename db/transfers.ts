import { query } from './connect.ts'
import { type NewEvent, recording, written } from './events.ts'
import { idIn } from './filter-columns.ts'
import { countingFirst, countingRole } from './memberships.ts'
import type { Scope } from './scope.ts'

/** A workspace that somebody owns or that is their own, and what there is to know before it loses them. */
export interface OwnedRow {
  readonly id: string
  readonly name: string
  /** Whether it is their default workspace. */
  readonly own: boolean
  /** Whether others own it who stay, or whose own time is not over. */
  readonly shared: boolean
}

const ofPerson = `
  from workspaces w
  where w.organization_id = $1 and w.status = 'active' and w.id in (
    select m.workspace_id from memberships m where m.organization_id = $1 and m.user_id = $2
      and ${countingRole('$1', '$2', 'm.workspace_id')} = 'owner'
    union select d.id from workspaces d where d.organization_id = $1 and d.default_of = $2)`

const hold = { name: 'hold_owned', text: `select w.id ${ofPerson} order by w.id for update of w` }

const owned = {
  name: 'owned_workspaces',
  text: `
  select w.id, w.name, w.default_of is not distinct from $2 as own, exists (
    select from memberships m join users u on u.organization_id = $1 and u.id = m.user_id
    where m.organization_id = $1 and m.workspace_id = w.id and m.user_id <> $2
      and ${countingRole('$1', 'm.user_id', 'w.id')} = 'owner'
      and u.status = any($3::user_status[])) as shared
  ${ofPerson} order by w.id`,
}

/**
 * What somebody owns, held until the transaction ends: two owners who leave at once see one another go. Another owner
 * counts who has one of these statuses.
 */
export async function holdOwned(
  { db, organizationId }: Scope,
  userId: string,
  statuses: readonly string[],
): Promise<OwnedRow[]> {
  await query(db, hold, [organizationId, userId])
  return query<OwnedRow>(db, owned, [organizationId, userId, statuses])
}

const manager = {
  name: 'manager_of',
  text: `select m.id from users u join users m on m.organization_id = $1 and m.id = ${idIn('u.manager')}
         where u.organization_id = $1 and u.id = $2 and m.id <> u.id`,
}

export async function managerIdOf({ db, organizationId }: Scope, userId: string): Promise<string | null> {
  return (await query<{ id: string }>(db, manager, [organizationId, userId]))[0]?.id ?? null
}

const heads = {
  name: 'heads_of_home',
  text: `select m.user_id as id from workspaces w
         join teams t on t.organization_id = $1 and (t.id = w.team_id or t.home)
         join lateral (
           select distinct on (m.user_id) m.user_id, m.role from team_memberships m
           where m.organization_id = $1 and m.team_id = t.id order by m.user_id, ${countingFirst}) m
           on m.role in ('owner', 'admin') and m.user_id <> $3
         join users u on u.organization_id = $1 and u.id = m.user_id and u.status = 'ready'
         where w.organization_id = $1 and w.id = $2
         order by t.id <> w.team_id, m.role, m.user_id limit 20`,
}

/** Owners and administrators of the team where a workspace is at home, then those of the organization's own. */
export async function headsOf(
  { db, organizationId }: Scope,
  { workspaceId, userId }: { workspaceId: string; userId: string },
): Promise<string[]> {
  const rows = await query<{ id: string }>(db, heads, [organizationId, workspaceId, userId])
  return rows.map(({ id }) => id)
}

const successor = {
  name: 'hold_successor',
  text: `select id from users where organization_id = $1 and id = any($2::uuid[]) and status = 'ready'
         order by array_position($2::uuid[], id) limit 1 for share`,
}

/** The first of these who is there, who then stays so until the transaction ends. */
export async function holdSuccessor(
  { db, organizationId }: Scope,
  ids: readonly string[],
): Promise<string | null> {
  return (await query<{ id: string }>(db, successor, [organizationId, ids]))[0]?.id ?? null
}

const archive = {
  name: 'archive_workspaces',
  text: `update workspaces set status = 'archived' where organization_id = $1 and id = any($2::uuid[])`,
}

export async function archiveWorkspaces(
  { db, organizationId }: Scope,
  ids: readonly string[],
): Promise<void> {
  if (ids.length > 0) await query(db, archive, [organizationId, ids])
}

const revive = {
  name: 'revive_workspaces',
  text: `update workspaces set status = 'active' where organization_id = $1 and id = any($2::uuid[])`,
}

export async function reviveWorkspaces({ db, organizationId }: Scope, ids: readonly string[]): Promise<void> {
  if (ids.length > 0) await query(db, revive, [organizationId, ids])
}

const give = {
  name: 'give_workspace',
  text: `
  with given as (
    insert into memberships (organization_id, user_id, workspace_id, role, source, rule, created_at)
    values ($1, $7, $6, 'owner', 'administrator', $8, $2)
    on conflict (organization_id, user_id, workspace_id, source) do update
      set role = 'owner', rule = excluded.rule
    returning workspace_id
  ), settled as (
    delete from transfers where organization_id = $1 and workspace_id = $6
  ), ${recording('given')}
  select workspace_id from given`,
}

export interface Gift {
  readonly workspaceId: string
  readonly toId: string
  readonly rule: string
}

/** Makes somebody owner of a workspace, which is then not pending any more. */
export async function giveWorkspace(
  scope: Scope,
  { workspaceId, toId, rule }: Gift,
  events: readonly NewEvent[],
): Promise<void> {
  await query(scope.db, give, [...written(scope, events), workspaceId, toId, rule])
}

const leave = {
  name: 'leave_own_workspace',
  text: `
  with freed as (
    update workspaces set default_of = null where organization_id = $1 and id = $2 and default_of = $3 returning id
  )
  delete from memberships m using freed
  where m.organization_id = $1 and m.workspace_id = freed.id and m.user_id = $3`,
}

/** What was somebody's own is another's: they have no role in it any more. */
export async function leaveOwn(
  { db, organizationId }: Scope,
  { workspaceId, userId }: { workspaceId: string; userId: string },
): Promise<void> {
  await query(db, leave, [organizationId, workspaceId, userId])
}

const pend = {
  name: 'pend_transfer',
  text: `
  with pending as (
    insert into transfers (organization_id, workspace_id, user_id, created_at) values ($1, $6, $7, $2)
    on conflict do nothing returning workspace_id
  ), ${recording('pending')}
  select workspace_id from pending`,
}

/** Notes, once, that nobody can be made owner yet. */
export async function pendTransfer(
  scope: Scope,
  { workspaceId, userId }: { workspaceId: string; userId: string },
  events: readonly NewEvent[],
): Promise<void> {
  await query(scope.db, pend, [...written(scope, events), workspaceId, userId])
}
