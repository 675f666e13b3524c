import { query } from './connect.ts'
import { type Condition, count, type Listed, listing, type Page } from './page.ts'
import type { Scope } from './scope.ts'

export interface GroupRecord {
  readonly display_name: string
  readonly external_id: string | null
  /** The SCIM attributes that have no column of their own. */
  readonly attributes: Readonly<Record<string, unknown>>
}

export interface GroupRow extends GroupRecord {
  readonly id: string
  readonly version: number
  readonly created_at: Date
  readonly updated_at: Date
}

export interface MemberRow {
  readonly value: string
  readonly type: 'User' | 'Group'
  readonly display: string | null
}

export interface GroupWithMembers extends GroupRow {
  /** Null where they were not asked for. */
  readonly members: MemberRow[] | null
}

export const groupColumns = `g.id, g.display_name, g.external_id, g.attributes, g.version, g.created_at, g.updated_at`

/** The members of `g` as one jsonb array in a stable order, people first; members that are deleted do not show. */
const members = `
  coalesce((select jsonb_agg(x.member order by x.place, x.id) from (
    select 1 as place, u.id, jsonb_build_object('value', u.id, 'type', 'User', 'display',
      coalesce(u.attributes ->> 'displayName', u.user_name)) as member
    from group_members m join users u on u.organization_id = $1 and u.id = m.user_id and u.deleted_at is null
    where m.organization_id = $1 and m.group_id = g.id
    union all
    select 2, s.id, jsonb_build_object('value', s.id, 'type', 'Group', 'display', s.display_name)
    from group_subgroups m join groups s on s.organization_id = $1 and s.id = m.subgroup_id and s.deleted_at is null
    where m.organization_id = $1 and m.group_id = g.id) x), '[]')`

const columns = (withMembers: boolean): string =>
  `${groupColumns}, ${withMembers ? members : 'null::jsonb'} as members`

const own = 'g.organization_id = $1 and g.connection_id = $2 and g.deleted_at is null'

const byId = {
  name: 'group_by_id',
  text: `select ${columns(false)} from groups g where ${own} and g.id = $3`,
}
const byIdWithMembers = {
  name: 'group_by_id_with_members',
  text: `select ${columns(true)} from groups g where ${own} and g.id = $3`,
}

/** Which connection's group; groups are seen by their own connection only. */
export interface GroupKey {
  readonly connectionId: string
  readonly id: string
}

export async function findGroup(
  { db, organizationId }: Scope,
  { connectionId, id }: GroupKey,
  withMembers: boolean,
): Promise<GroupWithMembers | null> {
  const statement = withMembers ? byIdWithMembers : byId
  return (await query<GroupWithMembers>(db, statement, [organizationId, connectionId, id]))[0] ?? null
}

const byIdLocked = { name: 'group_by_id_locked', text: `${byId.text} for no key update of g` }

/** As `findGroup`, and holds the row until the transaction ends: for a writer that lost to another. */
export async function lockGroup(
  { db, organizationId }: Scope,
  { connectionId, id }: GroupKey,
): Promise<GroupRow | null> {
  return (await query<GroupRow>(db, byIdLocked, [organizationId, connectionId, id]))[0] ?? null
}

/** Parameters of a list's condition begin here. */
export const groupListFirstParameter = 3

interface GroupSelection {
  readonly connectionId: string
  readonly where: Condition
}

const listed = (withMembers: boolean) =>
  listing({ columns: columns(withMembers), from: `groups g where ${own}`, table: 'groups', alias: 'g' })
const groups = listed(false)
const groupsWithMembers = listed(true)

export function listGroups(
  { db, organizationId }: Scope,
  { connectionId, where, withMembers, page }: GroupSelection & { page: Page; withMembers: boolean },
): Promise<Listed<GroupWithMembers>[]> {
  const asked = { values: [organizationId, connectionId], where }
  return query(db, ...(withMembers ? groupsWithMembers : groups).page(asked, page))
}

export function countGroups(
  { db, organizationId }: Scope,
  { connectionId, where }: GroupSelection,
): Promise<number> {
  return count(db, groups.count({ values: [organizationId, connectionId], where }))
}
