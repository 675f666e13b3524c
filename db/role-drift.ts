import { query } from './connect.ts'
import { countingFirst, type MembershipSource } from './memberships.ts'
import type { Scope } from './scope.ts'
import type { Role } from './users.ts'

/** Places that rules of groups name. */
export interface NamedPlaces {
  readonly workspaces: readonly string[]
  readonly teams: readonly string[]
}

const holding = (table: string, condition: string) =>
  `(select 1 from ${table} m where m.organization_id = $1 and m.user_id = u.id and ${condition} limit 1) is not null`

const concerned = {
  name: 'next_of_roles',
  text: `
  select u.id from users u
  where u.organization_id = $1 and u.id > $2 and u.status not in ('archived', 'erased') and (
    ${holding('group_members', 'true')} or ${holding('claimed_groups', 'true')}
    or ${holding('memberships', `(m.source = 'group-rule' or m.workspace_id = any($4::uuid[]))`)}
    or ${holding('team_memberships', `(m.source = 'group-rule' or m.team_id = any($5::uuid[]))`)})
  order by u.id limit $3`,
}

/** Who is in a group, or has a role that rules of groups give or might have given; the next after a person. */
export async function nextOfRoles(
  { db, organizationId }: Scope,
  { after, limit }: { readonly after: string; readonly limit: number },
  { workspaces, teams }: NamedPlaces,
): Promise<string[]> {
  const values = [organizationId, after, limit, workspaces, teams]
  return (await query<{ id: string }>(db, concerned, values)).map(({ id }) => id)
}

/** A role that counts, and that no rule of groups gives. */
export interface RoleBesideRow {
  readonly user_id: string
  readonly place: 'workspace' | 'team'
  readonly place_id: string
  readonly role: Role
  readonly source: Exclude<MembershipSource, 'group-rule'>
  readonly rule: string
}

// Whoever has a workspace of their own is its owner whatever groups say, so that one is none of these.
const beside = {
  name: 'roles_beside_rules',
  text: `
  select * from (
    select distinct on (m.user_id, m.workspace_id) m.user_id, 'workspace' as place, m.workspace_id as place_id, m.role,
      m.source, m.rule
    from memberships m
    where m.organization_id = $1 and m.user_id = any($2::uuid[]) and m.workspace_id = any($3::uuid[])
      and not exists (select from workspaces w where w.organization_id = $1 and w.id = m.workspace_id
                      and w.default_of = m.user_id)
    order by m.user_id, m.workspace_id, ${countingFirst}, m.source = 'group-rule' desc) w
  where source <> 'group-rule'
  union all
  select * from (
    select distinct on (m.user_id, m.team_id) m.user_id, 'team', m.team_id, m.role, m.source, m.rule
    from team_memberships m
    where m.organization_id = $1 and m.user_id = any($2::uuid[]) and m.team_id = any($4::uuid[])
    order by m.user_id, m.team_id, ${countingFirst}, m.source = 'group-rule' desc) t
  where source <> 'group-rule'`,
}

/** What these people are in places that rules name, where something else than a rule makes them so. */
export function rolesBeside(
  { db, organizationId }: Scope,
  ids: readonly string[],
  { workspaces, teams }: NamedPlaces,
): Promise<RoleBesideRow[]> {
  return query(db, beside, [organizationId, ids, workspaces, teams])
}
