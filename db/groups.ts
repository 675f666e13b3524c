import { query } from './connect.ts'
import { type NewEvent, recording, written } from './events.ts'
import { type Condition, count, type Page, paged } from './page.ts'
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

/** The members of `g` as one jsonb array; members that are deleted do not show. */
const members = `
  coalesce((select jsonb_agg(x.member) from (
    select jsonb_build_object('value', u.id, 'type', 'User', 'display',
      coalesce(u.attributes ->> 'displayName', u.user_name)) as member
    from group_members m join users u on u.organization_id = $1 and u.id = m.user_id and u.deleted_at is null
    where m.organization_id = $1 and m.group_id = g.id
    union all
    select jsonb_build_object('value', s.id, 'type', 'Group', 'display', s.display_name)
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

/** Parameters of a list's condition begin here. */
export const groupListFirstParameter = 3

interface GroupSelection {
  readonly connectionId: string
  readonly where: Condition
}

export function listGroups(
  { db, organizationId }: Scope,
  { connectionId, where, withMembers, ...page }: GroupSelection & Page & { withMembers: boolean },
): Promise<GroupWithMembers[]> {
  const select = `select ${columns(withMembers)} from groups g where ${own} and ${where.text}`
  const values = [organizationId, connectionId, ...where.values]
  return query(db, ...paged({ select, values }, page))
}

export function countGroups(
  { db, organizationId }: Scope,
  { connectionId, where }: GroupSelection,
): Promise<number> {
  return count(db, `groups g where ${own} and ${where.text}`, [organizationId, connectionId, ...where.values])
}

/** Members named by id; which of them are people and which are groups the database knows. */
const newcomers = (ids: string, target: string) => `
  came as (
    insert into group_members (organization_id, group_id, user_id)
    select $1, ${target}.id, u.id from ${target}, users u
    where u.organization_id = $1 and u.id = any(${ids}) and u.deleted_at is null
    on conflict do nothing returning user_id as id
  ), came_groups as (
    insert into group_subgroups (organization_id, group_id, subgroup_id)
    select $1, ${target}.id, s.id from ${target}, groups s
    where s.organization_id = $1 and s.connection_id = $7 and s.id = any(${ids}) and s.deleted_at is null
      and s.id <> ${target}.id
    on conflict do nothing returning subgroup_id as id
  )`

const known = (ids: string) => `
  (select array_agg(x.id) from unnest(${ids}) as x(id)
   where not exists (select from users u where u.organization_id = $1 and u.id = x.id and u.deleted_at is null)
     and not exists (select from groups s where s.organization_id = $1 and s.connection_id = $7 and s.id = x.id
                     and s.deleted_at is null)) as unknown`

export interface NewGroup {
  readonly id: string
  readonly connectionId: string
  readonly record: GroupRecord
  /** UUIDs; those that name nobody are left out. */
  readonly memberIds: readonly string[]
  readonly events: readonly NewEvent[]
}

const insert = {
  name: 'insert_group',
  text: `
  with target as (
    insert into groups (organization_id, id, connection_id, display_name, external_id, attributes, created_at, updated_at)
    values ($1, $6, $7, $8, $9, $10::jsonb, $2, $2)
    on conflict do nothing returning id
  ), ${newcomers('$11::uuid[]', 'target')}, ${recording('target')}
  select ${known('$11::uuid[]')} from target`,
}

export interface GroupWritten {
  /** Ids that were named as members and are nobody's here. */
  readonly unknown: readonly string[]
}

/** Makes a group with its members in one statement; null where the externalId is taken. */
export async function insertGroup(scope: Scope, group: NewGroup): Promise<GroupWritten | null> {
  const { display_name, external_id, attributes } = group.record
  const own = [group.id, group.connectionId, display_name, external_id, JSON.stringify(attributes)]
  const values = [...written(scope, group.events), ...own, group.memberIds]
  const rows = await query<{ unknown: string[] | null }>(scope.db, insert, values)
  return rows[0] ? { unknown: rows[0].unknown ?? [] } : null
}

/** What a request does to the members, as sets: first all leave if `reset`, then some leave, then some come. */
export interface MemberSets {
  readonly reset: boolean
  readonly add: readonly string[]
  readonly remove: readonly string[]
}

export interface GroupChange extends GroupKey {
  readonly members: MemberSets
  /** Present where attributes change too. */
  readonly record?: GroupRecord
  /** Only where the version is one of these. */
  readonly versions?: readonly number[]
  readonly eventId: string
  /** Names of the attributes that change. */
  readonly changed: readonly string[]
}

// The group's row is locked first: two writers that add the same people in different order would deadlock otherwise.
const change = {
  name: 'change_group',
  text: `
  with target as materialized (
    select g.id, g.version from groups g where ${own.replace('$2', '$7')} and g.id = $6 for no key update
  ), allowed as (
    select id from target where $8::integer[] is null or version = any($8)
  ), gone as (
    delete from group_members m using allowed
    where m.organization_id = $1 and m.group_id = allowed.id
      and (m.user_id = any($10::uuid[]) or ($11 and m.user_id <> all($9::uuid[])))
    returning m.user_id as id
  ), gone_groups as (
    delete from group_subgroups m using allowed
    where m.organization_id = $1 and m.group_id = allowed.id
      and (m.subgroup_id = any($10::uuid[]) or ($11 and m.subgroup_id <> all($9::uuid[])))
    returning m.subgroup_id as id
  ), ${newcomers('$9::uuid[]', 'allowed')}, difference as (
    select (select array_agg(id) from (select id from came union all select id from came_groups) a) as added,
           (select array_agg(id) from (select id from gone union all select id from gone_groups) r) as removed
  ), touched as (
    update groups g set version = g.version + 1, updated_at = $2,
      display_name = coalesce($12, g.display_name),
      external_id = case when $12::text is null then g.external_id else $13 end,
      attributes = coalesce($14::jsonb, g.attributes)
    from allowed, difference d
    where g.organization_id = $1 and g.id = allowed.id
      and ($12::text is not null or d.added is not null or d.removed is not null)
    returning g.id
  ), logged as (
    insert into events (organization_id, id, at, type, actor, subject_type, subject_id, changed, request_id, data)
    select $1, $5, $2, 'group.changed', $3, 'group', touched.id,
      $15::text[] || case when d.added is null and d.removed is null then '{}'::text[] else '{members}' end, $4,
      jsonb_strip_nulls(jsonb_build_object('added', to_jsonb(d.added), 'removed', to_jsonb(d.removed)))
    from touched, difference d
  )
  select (select count(*) from allowed)::integer as allowed, ${known('$9::uuid[]')} from target`,
}

export type GroupChanged = GroupWritten | 'version' | null

/**
 * Changes a group in one statement whose cost follows the change, not the group. A change that changes nothing
 * keeps version and time and leaves no event. Null: no such group; `version`: it has another version.
 */
export async function changeGroup(scope: Scope, given: GroupChange): Promise<GroupChanged> {
  const { organizationId, now, actor, requestId } = scope
  const { members, record } = given
  const values: unknown[] = [
    organizationId,
    now,
    actor,
    requestId,
    given.eventId,
    given.id,
    given.connectionId,
  ]
  values.push(given.versions ?? null, members.add, members.remove, members.reset)
  values.push(record?.display_name ?? null, record?.external_id ?? null)
  values.push(record ? JSON.stringify(record.attributes) : null, given.changed)
  const [row] = await query<{ allowed: number; unknown: string[] | null }>(scope.db, change, values)
  if (!row) return null
  return row.allowed === 0 ? 'version' : { unknown: row.unknown ?? [] }
}

const remove = {
  name: 'delete_group',
  text: `
  with target as (
    update groups g set deleted_at = $2, version = version + 1, updated_at = $2
    where ${own.replace('$2', '$7')} and g.id = $6 and ($8::integer[] is null or version = any($8))
    returning id
  ), ${recording('target')}
  select id from target`,
}

/** Hides a group; false where there is none of these versions. */
export async function deleteGroup(
  scope: Scope,
  { id, connectionId, versions }: GroupKey & { versions?: readonly number[] },
  events: readonly NewEvent[],
): Promise<boolean> {
  const values = [...written(scope, events), id, connectionId, versions ?? null]
  return (await query(scope.db, remove, values)).length === 1
}
