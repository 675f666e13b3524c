import { query } from './connect.ts'
import { beforeEveryId } from './page.ts'
import type { Scope } from './scope.ts'
import type { Role } from './users.ts'

/** Who or what gives a role: a decision at arrival, a rule of groups, the person by joining, or an administrator. */
export type MembershipSource = 'provisioning' | 'group-rule' | 'person' | 'administrator'

const firstOf = (rows: string) => `${rows}.source <> 'administrator', ${rows}.role`

/**
 * Of the rows of `m`, one person's in one place, that which counts comes first: what an administrator says, and else
 * the highest role that anything gives.
 */
export const countingFirst = firstOf('m')

// Nobody else calls a table `counting`: what is asked about may be a column of any that a statement names.
/** SQL of the role that somebody has in a workspace; null where they have none. */
export const countingRole = (organization: string, user: string, workspace: string) => `
  (select counting.role from memberships counting
   where counting.organization_id = ${organization} and counting.user_id = ${user}
     and counting.workspace_id = ${workspace}
   order by ${firstOf('counting')} limit 1)`

/** Where people have roles. */
export type Place = 'workspace' | 'team'

export interface PlaceKey {
  readonly place: Place
  readonly id: string
}

/** Both tables have one shape. */
const tables = {
  workspace: { table: 'memberships', column: 'workspace_id' },
  team: { table: 'team_memberships', column: 'team_id' },
} as const

/** One row for each source that gives the role. */
export interface MembershipRow {
  readonly role: Role
  readonly source: MembershipSource
  readonly rule: string
  readonly created_at: Date
}

export interface PlaceMemberRow extends MembershipRow {
  readonly id: string
  readonly user_name: string
  readonly display_name: string | null
  readonly status: string
  /** What stands beside what counts, and is in force where that ends. */
  readonly beside: readonly Pick<MembershipRow, 'role' | 'source' | 'rule'>[]
}

const perPlace = <T>(make: (of: (typeof tables)[Place], place: Place) => T): Record<Place, T> => ({
  workspace: make(tables.workspace, 'workspace'),
  team: make(tables.team, 'team'),
})

// The ids of a page first: whoever has several rows is one member.
const membersOf = perPlace(({ table, column }, place) => ({
  name: `members_of_${place}`,
  text: `
  select u.id, u.user_name, u.display_name, u.status, held.rows[1] ->> 'role' as role,
    held.rows[1] ->> 'source' as source, held.rows[1] ->> 'rule' as rule,
    (held.rows[1] ->> 'created_at')::timestamptz as created_at, held.rows[2:] as beside
  from (
    select distinct user_id from ${table}
    where organization_id = $1 and ${column} = $2 and user_id > $3 order by user_id limit $4) page
  join users u on u.organization_id = $1 and u.id = page.user_id
  cross join lateral (
    select array_agg(jsonb_build_object('role', m.role, 'source', m.source, 'rule', m.rule, 'created_at', m.created_at)
                     order by ${countingFirst}, m.source) as rows
    from ${table} m where m.organization_id = $1 and m.user_id = page.user_id and m.${column} = $2) held
  order by page.user_id`,
}))

/** Members in order of their making, from after the person `after`. */
export function listMembers(
  { db, organizationId }: Scope,
  { place, id }: PlaceKey,
  { after, limit }: { after: string; limit: number },
): Promise<PlaceMemberRow[]> {
  return query(db, membersOf[place], [organizationId, id, after, limit])
}

const rowsOf = perPlace(({ table, column }, place) => ({
  name: `memberships_in_${place}`,
  text: `select m.role, m.source, m.rule, m.created_at from ${table} m
         where m.organization_id = $1 and m.user_id = $2 and m.${column} = $3 order by ${countingFirst}, m.source`,
}))

/** What gives somebody a role in a place: what counts comes first. */
export function membershipsIn(
  { db, organizationId }: Scope,
  { place, id }: PlaceKey,
  userId: string,
): Promise<MembershipRow[]> {
  return query(db, rowsOf[place], [organizationId, userId, id])
}

export interface MembershipWrite extends PlaceKey {
  readonly userId: string
  readonly role: Role
  readonly source: MembershipSource
  readonly rule: string
}

const put = perPlace(({ table, column }, place) => ({
  name: `put_membership_in_${place}`,
  text: `insert into ${table} (organization_id, user_id, ${column}, role, source, rule, created_at)
         values ($1, $2, $3, $4, $5, $6, $7)
         on conflict (organization_id, user_id, ${column}, source)
           do update set role = excluded.role, rule = excluded.rule, created_at = excluded.created_at`,
}))

/** Gives a role by a source, in place of what the same source gave. */
export async function putMembership(scope: Scope, write: MembershipWrite): Promise<void> {
  const { place, id, userId, role, source, rule } = write
  await query(scope.db, put[place], [scope.organizationId, userId, id, role, source, rule, scope.now])
}

const remove = perPlace(({ table, column }, place) => ({
  name: `delete_memberships_in_${place}`,
  text: `delete from ${table}
         where organization_id = $1 and user_id = $2 and ${column} = $3 and source = any($4::membership_source[])`,
}))

export async function deleteMemberships(
  { db, organizationId }: Scope,
  { place, id, userId }: PlaceKey & { readonly userId: string },
  sources: readonly MembershipSource[],
): Promise<void> {
  await query(db, remove[place], [organizationId, userId, id, `{${sources.join(',')}}`])
}

const owner = {
  name: 'has_owner',
  text: `
  select from memberships owner
  join users u on u.organization_id = $1 and u.id = owner.user_id and u.status = 'ready'
  where owner.organization_id = $1 and owner.workspace_id = $2 and owner.user_id <> $3 and owner.role = 'owner'
    and ${countingRole('$1', 'owner.user_id', '$2')} = 'owner'
  limit 1`,
}

/** Whether somebody who is active owns the workspace, besides that person. */
export async function hasOwner(
  { db, organizationId }: Scope,
  workspaceId: string,
  besides = beforeEveryId,
): Promise<boolean> {
  return (await query(db, owner, [organizationId, workspaceId, besides])).length === 1
}

const owned = {
  name: 'count_owned_workspaces',
  text: `
  select count(*)::integer as total from (
    select distinct on (m.workspace_id) m.role, w.status
    from memberships m join workspaces w on w.organization_id = $1 and w.id = m.workspace_id
    where m.organization_id = $1 and m.user_id = $2
    order by m.workspace_id, ${countingFirst}) held
  where role = 'owner' and status = 'active'`,
}

/** How many active workspaces somebody owns, their own included. */
export async function countOwned({ db, organizationId }: Scope, userId: string): Promise<number> {
  return (await query<{ total: number }>(db, owned, [organizationId, userId]))[0]?.total ?? 0
}
