import { query, type Statement } from './connect.ts'
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

// Parameters of all statements: $1 organization, $2 now, $3 actor, $4 request, $5 event, $6 group, $7 connection,
// $8 display name, $9 external id, $10 attributes, $11 who comes, $12 by which version of the policy. A statement is there for each shape of a change, and
// carries no more than that shape needs: its further parameters come in the order in which they are needed.

const comingPeople = (target: string, people: string) => `
  came as (
    insert into group_members (organization_id, group_id, user_id)
    select $1, ${target}.id, u.id from ${target}, ${people}
    on conflict do nothing returning user_id as id
  )`

/** What came of a change under a policy that is no longer the newest would never be seen to. */
const isNewest = (version: string) =>
  `not exists (select from policies p where p.organization_id = $1 and p.version > ${version}::integer)`

const isPerson = 'u.organization_id = $1 and u.id = any($11::uuid[]) and u.deleted_at is null'

/** The people and groups of `$11` join `target`; ids that are nobody's here are `unknown`, and so are `strangers`. */
const coming = (target: string, strangers: string) => `
  ${comingPeople(target, `users u where ${isPerson}`)}, came_groups as (
    insert into group_subgroups (organization_id, group_id, subgroup_id)
    select $1, ${target}.id, s.id from ${target}, groups s
    where s.organization_id = $1 and s.connection_id = $7 and s.id = any($11::uuid[]) and s.deleted_at is null
      and s.id <> ${target}.id
    on conflict do nothing returning subgroup_id as id
  ), unknown as (
    select ${strangers}::text[] || coalesce(array_agg(x.id::text), '{}') as ids from unnest($11::uuid[]) as x(id)
    where not exists (select from users u where u.organization_id = $1 and u.id = x.id and u.deleted_at is null)
      and not exists (select from groups s where s.organization_id = $1 and s.connection_id = $7 and s.id = x.id
                      and s.deleted_at is null)
  )`

const all = (sources: readonly string[]) =>
  `(select jsonb_agg(id) from (${sources.map((source) => `select id from ${source}`).join(' union all ')}) x)`

interface Logged {
  readonly changed: string
  /** Where the ids are of who came and of who went. */
  readonly came: readonly string[]
  readonly gone?: readonly string[]
  /** Whether `unknown` says who is nobody here. */
  readonly unknown: boolean
}

/** The event, where `touched` has the group's row: who came and who went, by id. */
const logging = (type: string, { changed, came, gone, unknown }: Logged) => `
  logged as (
    insert into events (organization_id, id, at, type, actor, subject_type, subject_id, changed, request_id, data)
    select $1, $5, $2, '${type}', $3, 'group', touched.id, ${changed}, $4,
      jsonb_strip_nulls(jsonb_build_object('connectionId', $7::uuid, 'added', ${all(came)}
        ${gone ? `, 'removed', ${all(gone)}` : ''}
        ${unknown ? ", 'unknown', (select nullif(to_jsonb(ids), '[]') from unknown)" : ''}))
    from touched
  )`

const insert = {
  name: 'insert_group',
  text: `
  with touched as (
    insert into groups as g (organization_id, id, connection_id, display_name, external_id, attributes,
                             created_at, updated_at)
    select $1, $6::uuid, $7::uuid, $8, $9, $10::jsonb, $2, $2 where ${isNewest('$12')}
    on conflict do nothing returning ${groupColumns}
  ), ${coming('touched', '$13')},
  ${logging('group.created', { changed: "'{displayName,members}'", came: ['came', 'came_groups'], unknown: true })}
  select touched.*, unknown.ids as unknown, newest.is_so as newest
  from (select ${isNewest('$12')} as is_so) newest left join touched on true left join unknown on true`,
}

export interface NewGroup extends GroupKey {
  readonly record: GroupRecord
  readonly members: Pick<MemberSets, 'add' | 'strangers'>
  readonly eventId: string
  /** Only where no policy is newer. */
  readonly policyVersion: number
}

/** Makes a group with its members in one statement; null where the externalId is taken. */
export async function insertGroup(scope: Scope, group: NewGroup): Promise<GroupWritten | 'policy' | null> {
  const values = [...parameters(scope, group), group.members.strangers]
  const [row] = await query<GroupRow & Unknown>(scope.db, insert, values)
  if (!row?.newest) return 'policy'
  return row.id === null ? null : { group: row, unknown: row.unknown }
}

interface Unknown {
  unknown: string[]
  newest: boolean
}

interface Written extends GroupKey {
  readonly eventId: string
  readonly record?: GroupRecord | undefined
  readonly members: Pick<MemberSets, 'add'>
  /** Only where no policy is newer. */
  readonly policyVersion: number
}

function parameters(
  { organizationId, now, actor, requestId }: Scope,
  { eventId, id, connectionId, record, members, policyVersion }: Written,
): unknown[] {
  const { display_name, external_id, attributes } = record ?? {}
  const document = attributes && JSON.stringify(attributes)
  const own = [eventId, id, connectionId, display_name, external_id, document, members.add, policyVersion]
  return [organizationId, now, actor, requestId, ...own]
}

/** Who goes: nobody, those named in `$15`, or all but those of `$11`. */
type Going = 'nobody' | 'named' | 'others'

// One condition for both would have to read every member to take out one.
const goes: Readonly<Record<Exclude<Going, 'nobody'>, (id: string) => string>> = {
  named: (id) => `${id} = any($15::uuid[])`,
  // As a join: an array that is no constant is searched from its beginning for each row.
  others: (id) => `not exists (select from unnest($11::uuid[]) as k(id) where k.id = ${id})`,
}

/** Who leaves the group that `allowed` has. */
function leaving(going: Going): string {
  if (going === 'nobody') return ''
  return `
  gone as (
    delete from group_members m using allowed
    where m.organization_id = $1 and m.group_id = allowed.id and ${goes[going]('m.user_id')}
    returning m.user_id as id
  ), gone_groups as (
    delete from group_subgroups m using allowed
    where m.organization_id = $1 and m.group_id = allowed.id and ${goes[going]('m.subgroup_id')}
    returning m.subgroup_id as id
  ),`
}

const everybody = '(select count(*) from known) = cardinality($11::uuid[])'

// The group's row is locked first: two writers adding the same people in different order would deadlock otherwise.
function changing(name: string, { going, nest = false }: { going: Going; nest?: boolean }): Statement {
  const leave = going !== 'nobody'
  const strangers = going === 'named' ? '$16' : '$15'
  const came = nest ? ['came', 'came_groups'] : ['came']
  const gone = leave ? ['gone', 'gone_groups'] : []
  const moved = [...came, ...gone].map((source) => `exists (select from ${source})`).join(' or ')
  const changed = `$14::text[] || case when ${moved} then '{members}' else '{}'::text[] end`
  const text = `
  with target as materialized (
    select ${groupColumns} from groups g
    where g.organization_id = $1 and g.connection_id = $7 and g.id = $6 and g.deleted_at is null
    for no key update
  ), ${nest ? '' : `known as materialized (select u.id from users u where ${isPerson}),`} allowed as (
    select id from target where ($13::integer[] is null or version = any($13)) and ${isNewest('$12')} ${nest ? '' : `and ${everybody}`}
  ), ${leaving(going)} ${nest ? coming('allowed', strangers) : comingPeople('allowed', 'known u')}, touched as (
    update groups g set version = g.version + 1, updated_at = $2,
      display_name = coalesce($8, g.display_name),
      external_id = case when $10::jsonb is null then g.external_id else $9 end,
      attributes = coalesce($10::jsonb, g.attributes)
    from allowed
    where g.organization_id = $1 and g.id = allowed.id and ($10::jsonb is not null or ${moved})
    returning ${groupColumns}
  ), ${logging('group.changed', { changed, came, ...(leave && { gone }), unknown: nest })}
  select g.*, ${nest ? 'true' : everybody} as complete, exists (select from allowed) as allowed, ${isNewest('$12')} as newest,
    ${nest ? '(select ids from unknown)' : "'{}'::text[]"} as unknown
  from (select * from touched union all select * from target where not exists (select from touched)) g`
  return { name, text }
}

const ofPeople = {
  nobody: changing('change_group_coming', { going: 'nobody' }),
  named: changing('change_group_going', { going: 'named' }),
  others: changing('change_group_whole', { going: 'others' }),
}
const ofAll = {
  named: changing('change_group_nested', { going: 'named', nest: true }),
  others: changing('change_group_nested_whole', { going: 'others', nest: true }),
}

export interface GroupChange extends GroupKey {
  readonly members: MemberSets
  /** Present where attributes change too. */
  readonly record?: GroupRecord | undefined
  /** Only where the version is one of these. */
  readonly versions?: readonly number[] | undefined
  readonly eventId: string
  /** Only where no policy is newer. */
  readonly policyVersion: number
  /** Names of the attributes that change. */
  readonly changed: readonly string[]
  /** Whether groups may come too; the caller then sees to it that none comes to be in itself. */
  readonly nested: boolean
}

/**
 * Changes a group in one statement whose cost follows the change, not the group. A change that changes nothing
 * keeps version and time and leaves no event. Null: no such group; `version`: it has another version; `others`: not
 * only people come; `policy`: there is a newer policy. Then nothing was done.
 */
export async function changeGroup(
  scope: Scope,
  given: GroupChange,
): Promise<GroupWritten | 'version' | 'others' | 'policy' | null> {
  const { remove, reset, strangers } = given.members
  const values = [...parameters(scope, given), given.versions, given.changed]
  // Where all but those who come go, the others need no names.
  const going = reset ? 'others' : given.nested || remove.length > 0 ? 'named' : 'nobody'
  if (going === 'named') values.push(remove)
  if (given.nested) values.push(strangers)
  const statement = given.nested && going !== 'nobody' ? ofAll[going] : ofPeople[going]
  const [row] = await query<GroupRow & Unknown & Outcome>(scope.db, statement, values)
  if (!row) return null
  if (!row.newest) return 'policy'
  if (!row.complete) return 'others'
  return row.allowed ? { group: row, unknown: row.unknown } : 'version'
}

interface Outcome {
  complete: boolean
  allowed: boolean
}

const remove = {
  name: 'delete_group',
  text: `
  with target as (
    update groups g set deleted_at = $2, version = version + 1, updated_at = $2
    where g.organization_id = $1 and g.connection_id = $7 and g.id = $6 and g.deleted_at is null
      and ($8::integer[] is null or version = any($8)) and ${isNewest('$9')}
    returning id
  ), ${recording('target')}
  select target.id, newest.is_so as newest from (select ${isNewest('$9')} as is_so) newest left join target on true`,
}

export interface GroupRemoval extends GroupKey {
  readonly versions?: readonly number[] | undefined
  /** Only where no policy is newer. */
  readonly policyVersion: number
}

/** Hides a group; false where there is none of these versions, `policy` where there is a newer policy. */
export async function deleteGroup(
  scope: Scope,
  { id, connectionId, versions, policyVersion }: GroupRemoval,
  events: readonly NewEvent[],
): Promise<boolean | 'policy'> {
  const values = [...written(scope, events), id, connectionId, versions, policyVersion]
  const [row] = await query<{ id: string | null; newest: boolean }>(scope.db, remove, values)
  return row?.newest ? row.id !== null : 'policy'
}
