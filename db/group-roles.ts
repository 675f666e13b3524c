import { query } from './connect.ts'
import type { Scope } from './scope.ts'
import type { Role } from './users.ts'

const hold = {
  name: 'hold_people',
  text: `select id from users
         where organization_id = $1 and id = any($2::uuid[]) and status not in ('archived', 'erased')
         order by id for no key update`,
}

/**
 * Until the transaction ends, nobody else decides what these people get by their groups; what is read after this shows
 * what those before have committed. Those whom it is decided for.
 */
export async function holdPeople({ db, organizationId }: Scope, ids: readonly string[]): Promise<string[]> {
  return (await query<{ id: string }>(db, hold, [organizationId, ids])).map(({ id }) => id)
}

/** What decides about a person by their groups, and what has been decided. */
export interface GroupInputsRow {
  readonly id: string
  readonly default_workspace: string | null
  /** With the groups that these are members of, and so on upwards. */
  readonly groups: { readonly name: string; readonly connectionId: string }[]
  readonly held: GroupRole[]
  /** The workspace of their own, and who moved it last from where it was made. */
  readonly own: OwnWorkspace | null
}

interface OwnWorkspace {
  readonly id: string
  readonly teamId: string
  readonly moved: 'rule' | 'hand' | null
  /** What its owner is known by: where it would be at home without groups. */
  readonly userName: string
  readonly attributes: Readonly<Record<string, unknown>>
}

/** A role by a rule of groups. */
export interface GroupRole {
  readonly place: 'workspace' | 'team'
  readonly placeId: string
  readonly role: Role
  readonly rule: string
}

// Upwards step by step, as in group-nesting.ts. What a sign-in said counts while the connection has no SCIM half.
const inputs = {
  name: 'group_inputs',
  text: `
  select u.id,
    coalesce((select w.id from workspaces w where w.organization_id = $1 and w.default_of = u.id),
             (select m.workspace_id from memberships m where m.organization_id = $1 and m.user_id = u.id
              and m.source = 'provisioning' order by m.created_at, m.workspace_id limit 1)) as default_workspace,
    coalesce((
      with recursive around(id) as (
        select m.group_id from group_members m where m.organization_id = $1 and m.user_id = u.id
        union
        select m.group_id from around, lateral (
          select s.group_id from group_subgroups s where s.organization_id = $1 and s.subgroup_id = around.id offset 0) m
        where (select g.deleted_at is null from groups g where g.organization_id = $1 and g.id = around.id)
      )
      select jsonb_agg(jsonb_build_object('name', g.display_name, 'connectionId', g.connection_id))
      from around a, lateral (
        select x.display_name, x.connection_id from groups x
        where x.organization_id = $1 and x.id = a.id and x.deleted_at is null offset 0) g), '[]')
    || coalesce((
      select jsonb_agg(jsonb_build_object('name', n.name, 'connectionId', c.connection_id))
      from claimed_groups c join connections k on k.organization_id = $1 and k.id = c.connection_id
        and k.scim_profile is null, unnest(c.names) as n(name)
      where c.organization_id = $1 and c.user_id = u.id), '[]') as groups,
    coalesce((
      select jsonb_agg(jsonb_build_object('place', 'workspace', 'placeId', m.workspace_id, 'role', m.role, 'rule', m.rule))
      from memberships m where m.organization_id = $1 and m.user_id = u.id and m.source = 'group-rule'), '[]')
    || coalesce((
      select jsonb_agg(jsonb_build_object('place', 'team', 'placeId', m.team_id, 'role', m.role, 'rule', m.rule))
      from team_memberships m where m.organization_id = $1 and m.user_id = u.id and m.source = 'group-rule'), '[]')
      as held,
    (select jsonb_build_object('id', w.id, 'teamId', w.team_id, 'userName', u.user_name,
       'attributes', case when m.via = 'group-rule' then u.attributes else '{}' end,
       'moved', case when m.via = 'group-rule' then 'rule' when m.via is not null then 'hand' end)
     from workspaces w left join lateral (
       select coalesce(e.data ->> 'via', 'administrator') as via from events e
       where e.organization_id = $1 and e.subject_id = w.id and e.type = 'workspace.moved' order by e.id desc limit 1
     ) m on true
     where w.organization_id = $1 and w.default_of = u.id and w.status = 'active') as own
  from users u where u.organization_id = $1 and u.id = any($2::uuid[])`,
}

export function groupInputs(
  { db, organizationId }: Scope,
  ids: readonly string[],
): Promise<GroupInputsRow[]> {
  return query(db, inputs, [organizationId, ids])
}

/** What becomes of one role by a rule, and the event that tells it. */
export interface GroupRoleChange extends GroupRole {
  readonly kind: 'granted' | 'changed' | 'revoked'
  readonly before?: { readonly role: Role }
  readonly userId: string
  readonly eventId: string
  readonly groups: readonly string[]
}

const places = [
  { table: 'memberships', column: 'workspace_id', place: 'workspace', of: 'workspaces' },
  { table: 'team_memberships', column: 'team_id', place: 'team', of: 'teams' },
]

const own = (column: string, place: string) =>
  `m.organization_id = $1 and m.user_id = a.user_id and m.${column} = a.place_id and m.source = 'group-rule'
   and a.place = '${place}'`

// A role of another source stands for itself, and whatever it gives is not the rules' to take.
const writing = places.map(
  ({ table, column, place, of }) => `
  granted_${place} as (
    insert into ${table} (organization_id, user_id, ${column}, role, source, rule, created_at)
    select $1, a.user_id, a.place_id, a.role::membership_role, 'group-rule', a.rule, $2
    from asked a where a.kind = 'granted' and a.place = '${place}'
      and exists (select from ${of} p where p.organization_id = $1 and p.id = a.place_id)
    on conflict do nothing returning user_id, ${column} as place_id
  ), changed_${place} as (
    update ${table} m set role = a.role::membership_role, rule = a.rule from asked a
    where a.kind = 'changed' and ${own(column, place)} returning m.user_id, m.${column} as place_id
  ), revoked_${place} as (
    delete from ${table} m using asked a
    where a.kind = 'revoked' and ${own(column, place)} returning m.user_id, m.${column} as place_id
  )`,
)

const doneTo = (place: string) =>
  ['granted', 'changed', 'revoked']
    .map((kind) => `select '${kind}' as kind, '${place}' as place, user_id, place_id from ${kind}_${place}`)
    .join(' union all ')

const write = {
  name: 'write_group_roles',
  text: `
  with asked as materialized (
    select a.* from jsonb_to_recordset($5::jsonb) as a(
      kind text, before jsonb, user_id uuid, place text, place_id uuid, role text, rule text, event_id uuid, groups jsonb)
  ), ${writing.join(', ')}, logged as (
    insert into events (organization_id, id, at, type, actor, subject_type, subject_id, changed,
                        policy_version, rule, request_id, data)
    select $1, a.event_id, $2, 'membership.' || a.kind, $3, 'user', a.user_id, '{}', $6, a.rule, $4,
      jsonb_build_object('via', 'group-rule', a.place, jsonb_build_object('id', a.place_id, 'name',
        case a.place when 'team' then (select t.name from teams t where t.organization_id = $1 and t.id = a.place_id)
        else (select w.name from workspaces w where w.organization_id = $1 and w.id = a.place_id) end),
        'role', a.role, 'groups', a.groups)
        || case when a.before is null then '{}' else jsonb_build_object('before', a.before) end
    from asked a join (${places.map(({ place }) => doneTo(place)).join(' union all ')}) d
      on d.kind = a.kind and d.place = a.place and d.user_id = a.user_id and d.place_id = a.place_id
  )
  select 1`,
}

/** Writes what has been decided about people who are held, each with its event. */
export async function writeGroupRoles(
  { db, organizationId, now, actor, requestId }: Scope,
  policyVersion: number,
  changes: readonly GroupRoleChange[],
): Promise<void> {
  const asked = changes.map(({ kind, before, userId, place, placeId, role, rule, eventId, groups }) => ({
    ...{ kind, before, user_id: userId, place, place_id: placeId, role, rule, event_id: eventId, groups },
  }))
  await query(db, write, [organizationId, now, actor, requestId, JSON.stringify(asked), policyVersion])
}

const called = {
  name: 'names_of_places',
  text: `select id, name from workspaces where organization_id = $1 and id = any($2::uuid[])
         union all select id, name from teams where organization_id = $1 and id = any($2::uuid[])`,
}

/** What workspaces and teams are called, by their ids. */
export async function namesOfPlaces(
  { db, organizationId }: Scope,
  ids: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const rows = await query<{ id: string; name: string }>(db, called, [organizationId, ids])
  return new Map(rows.map(({ id, name }) => [id, name]))
}

export interface ClaimedGroups {
  readonly userId: string
  readonly connectionId: string
  readonly names: readonly string[]
}

const keep = {
  name: 'keep_claimed_groups',
  text: `insert into claimed_groups as c (organization_id, user_id, connection_id, names)
         values ($1, $2, $3, $4)
         on conflict (organization_id, user_id, connection_id) do update set names = excluded.names
           where c.names <> excluded.names
         returning user_id`,
}

/** Keeps the groups that a sign-in named; whether they are others than before. */
export async function keepClaimedGroups(
  { db, organizationId }: Scope,
  { userId, connectionId, names }: ClaimedGroups,
): Promise<boolean> {
  return (await query(db, keep, [organizationId, userId, connectionId, names])).length === 1
}

const same = {
  name: 'has_claimed_groups',
  text: `select from claimed_groups where organization_id = $1 and user_id = $2 and connection_id = $3 and names = $4`,
}

/** Whether these are the groups that the sign-in before named. */
export async function hasClaimedGroups(
  { db, organizationId }: Scope,
  { userId, connectionId, names }: ClaimedGroups,
): Promise<boolean> {
  return (await query(db, same, [organizationId, userId, connectionId, names])).length === 1
}
