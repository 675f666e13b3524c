import { query } from './connect.ts'
import { type NewEvent, recording, written } from './events.ts'
import { type GroupKey, type GroupRecord, type GroupRow, groupColumns } from './groups.ts'
import type { Scope } from './scope.ts'

/** What a request does to the members, as sets: first all leave if `reset`, then some leave, then some come. */
export interface MemberSets {
  readonly reset: boolean
  /** UUIDs of people and groups. */
  readonly add: readonly string[]
  readonly remove: readonly string[]
  /** What was named as a member and cannot be an id here; told in the event. */
  readonly strangers: readonly string[]
}

export interface GroupWritten {
  readonly group: GroupRow
  /** What was named as a member and is nobody's id here. */
  readonly unknown: readonly string[]
}

// Parameters of both statements: $1 organization, $2 now, $3 actor, $4 request, $5 event, $6 group, $7 connection,
// $8 display name, $9 external id, $10 attributes, $11 who comes, $12 strangers.

/** The members of `$11` join `target`; ids that are nobody's here are `unknown`. */
const joining = (target: string) => `
  came as (
    insert into group_members (organization_id, group_id, user_id)
    select $1, ${target}.id, u.id from ${target}, users u
    where u.organization_id = $1 and u.id = any($11::uuid[]) and u.deleted_at is null
    on conflict do nothing returning user_id as id
  ), came_groups as (
    insert into group_subgroups (organization_id, group_id, subgroup_id)
    select $1, ${target}.id, s.id from ${target}, groups s
    where s.organization_id = $1 and s.connection_id = $7 and s.id = any($11::uuid[]) and s.deleted_at is null
      and s.id <> ${target}.id
    on conflict do nothing returning subgroup_id as id
  ), unknown as (
    select $12::text[] || coalesce(array_agg(x.id::text), '{}') as ids from unnest($11::uuid[]) as x(id)
    where not exists (select from users u where u.organization_id = $1 and u.id = x.id and u.deleted_at is null)
      and not exists (select from groups s where s.organization_id = $1 and s.connection_id = $7 and s.id = x.id
                      and s.deleted_at is null)
  )`

const all = (...sources: string[]) =>
  `(select jsonb_agg(id) from (${sources.map((source) => `select id from ${source}`).join(' union all ')}) x)`

/** The event, where `touched` has the group's row: who came and who went, by id. */
const logging = (type: string, { changed, removed }: { changed: string; removed: string }) => `
  logged as (
    insert into events (organization_id, id, at, type, actor, subject_type, subject_id, changed, request_id, data)
    select $1, $5, $2, '${type}', $3, 'group', touched.id, ${changed}, $4,
      jsonb_strip_nulls(jsonb_build_object('connectionId', $7::uuid, 'added', ${all('came', 'came_groups')},
        'removed', ${removed}, 'unknown', (select nullif(to_jsonb(ids), '[]') from unknown)))
    from touched
  )`

const insert = {
  name: 'insert_group',
  text: `
  with touched as (
    insert into groups as g (organization_id, id, connection_id, display_name, external_id, attributes,
                             created_at, updated_at)
    values ($1, $6, $7, $8, $9, $10::jsonb, $2, $2)
    on conflict do nothing returning ${groupColumns}
  ), ${joining('touched')},
  ${logging('group.created', { changed: "'{displayName,members}'", removed: 'null' })}
  select touched.*, unknown.ids as unknown from touched, unknown`,
}

export interface NewGroup extends GroupKey {
  readonly record: GroupRecord
  readonly members: Pick<MemberSets, 'add' | 'strangers'>
  readonly eventId: string
}

/** Makes a group with its members in one statement; null where the externalId is taken. */
export async function insertGroup(scope: Scope, group: NewGroup): Promise<GroupWritten | null> {
  const [row] = await query<GroupRow & Unknown>(scope.db, insert, parameters(scope, group))
  return row ? { group: row, unknown: row.unknown } : null
}

interface Unknown {
  unknown: string[]
}

function parameters(
  { organizationId, now, actor, requestId }: Scope,
  {
    eventId,
    id,
    connectionId,
    record,
    members,
  }: GroupKey & {
    eventId: string
    record?: GroupRecord | undefined
    members: Pick<MemberSets, 'add' | 'strangers'>
  },
): unknown[] {
  const { display_name, external_id, attributes } = record ?? {}
  const document = attributes && JSON.stringify(attributes)
  const own = [eventId, id, connectionId, display_name, external_id, document, members.add, members.strangers]
  return [organizationId, now, actor, requestId, ...own]
}

// The group's row is locked first: two writers adding the same people in different order would deadlock otherwise.
const change = {
  name: 'change_group',
  text: `
  with target as materialized (
    select ${groupColumns} from groups g
    where g.organization_id = $1 and g.connection_id = $7 and g.id = $6 and g.deleted_at is null
    for no key update
  ), allowed as (
    select id from target where $13::integer[] is null or version = any($13)
  ), gone as (
    delete from group_members m using allowed
    where m.organization_id = $1 and m.group_id = allowed.id
      and (m.user_id = any($14::uuid[]) or ($15::boolean and m.user_id <> all($11::uuid[])))
    returning m.user_id as id
  ), gone_groups as (
    delete from group_subgroups m using allowed
    where m.organization_id = $1 and m.group_id = allowed.id
      and (m.subgroup_id = any($14::uuid[]) or ($15::boolean and m.subgroup_id <> all($11::uuid[])))
    returning m.subgroup_id as id
  ), ${joining('allowed')}, moved as (
    select exists (select from came union all select from came_groups
                   union all select from gone union all select from gone_groups) as members
  ), touched as (
    update groups g set version = g.version + 1, updated_at = $2,
      display_name = coalesce($8, g.display_name),
      external_id = case when $10::jsonb is null then g.external_id else $9 end,
      attributes = coalesce($10::jsonb, g.attributes)
    from allowed, moved
    where g.organization_id = $1 and g.id = allowed.id and ($10::jsonb is not null or moved.members)
    returning ${groupColumns}
  ), ${logging('group.changed', {
    changed: "$16::text[] || case when (select members from moved) then '{members}' else '{}'::text[] end",
    removed: all('gone', 'gone_groups'),
  })}
  select g.*, unknown.ids as unknown, exists (select from allowed) as allowed
  from (select * from touched union all select * from target where not exists (select from touched)) g, unknown`,
}

export interface GroupChange extends GroupKey {
  readonly members: MemberSets
  /** Present where attributes change too. */
  readonly record?: GroupRecord | undefined
  /** Only where the version is one of these. */
  readonly versions?: readonly number[] | undefined
  readonly eventId: string
  /** Names of the attributes that change. */
  readonly changed: readonly string[]
}

/**
 * Changes a group in one statement whose cost follows the change, not the group. A change that changes nothing
 * keeps version and time and leaves no event. Null: no such group; `version`: it has another version.
 */
export async function changeGroup(
  scope: Scope,
  given: GroupChange,
): Promise<GroupWritten | 'version' | null> {
  const { remove, reset } = given.members
  const values = [...parameters(scope, given), given.versions, remove, reset, given.changed]
  const [row] = await query<GroupRow & Unknown & { allowed: boolean }>(scope.db, change, values)
  if (!row) return null
  return row.allowed ? { group: row, unknown: row.unknown } : 'version'
}

const remove = {
  name: 'delete_group',
  text: `
  with target as (
    update groups g set deleted_at = $2, version = version + 1, updated_at = $2
    where g.organization_id = $1 and g.connection_id = $7 and g.id = $6 and g.deleted_at is null
      and ($8::integer[] is null or version = any($8))
    returning id
  ), ${recording('target')}
  select id from target`,
}

/** Hides a group; false where there is none of these versions. */
export async function deleteGroup(
  scope: Scope,
  { id, connectionId, versions }: GroupKey & { versions?: readonly number[] | undefined },
  events: readonly NewEvent[],
): Promise<boolean> {
  const values = [...written(scope, events), id, connectionId, versions]
  return (await query(scope.db, remove, values)).length === 1
}
