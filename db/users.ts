import type { Sources } from './attribute-sources.ts'
import { query } from './connect.ts'
import { type NewEvent, recording, recordingPersonal, written } from './events.ts'
import { managerName } from './filter-columns.ts'
import type { Scope } from './scope.ts'
import { displayNameOf, emailKeysOf, managerOf } from './user-keys.ts'
import { byNewest, type Withheld, withholding } from './withheld.ts'

export type UserStatus = 'staged' | 'held' | 'ready' | 'suspended' | 'leaving' | 'archived' | 'erased'
export type Role = 'owner' | 'admin' | 'member' | 'viewer'

/** What the record of a person says; `attributes` holds the SCIM attributes that have no column of their own. */
export interface UserRecord {
  readonly connection_id: string | null
  /** Whether SCIM keeps this record; a sign-in made it where not. */
  readonly managed: boolean
  readonly user_name: string
  /** What no two people may share: the name in the form it is compared in. */
  readonly user_name_key: string
  readonly external_id: string | null
  readonly status: UserStatus
  readonly reason: string | null
  readonly attributes: Readonly<Record<string, unknown>>
  /** Null for nearly everybody: of their attributes nobody but the keeper of the record has spoken. */
  readonly sources: Sources | null
}

export interface UserRow extends UserRecord {
  readonly id: string
  readonly version: number
  readonly created_at: Date
  readonly updated_at: Date
  readonly deleted_at: Date | null
}

/** Where a person is put, and as what: a default workspace that is made with a team, or one that there is. */
export interface NewPlace {
  readonly workspaceId: string
  /** The home of the workspace that is made; null where they join one. */
  readonly teamId: string | null
  readonly name: string
  readonly role: Role
  readonly rule: string
}

export interface NewIdentity {
  readonly id: string
  readonly connectionId: string
  readonly issuer: string
  readonly subject: string
  readonly correlation: string | null
}

export interface UserWrite {
  readonly id: string
  readonly record: UserRecord
  readonly place?: NewPlace | undefined
  /** Whose status is held: why. */
  readonly withheld?: Withheld | undefined
  readonly events: readonly NewEvent[]
}

export const userColumns = `u.id, u.connection_id, u.managed, u.user_name, u.user_name_key, u.external_id, u.status, u.reason,
  u.attributes, u.sources, u.version, u.created_at, u.updated_at, u.deleted_at`

// Every node of a plan costs, even one that finds nothing to do: a statement is there for each shape that is asked
// for often, and carries no more than that shape needs. $1 to $5 are those of `written`; $6 to $14 are the person,
// $15 and $16 what guards the write, $17 to $21 the place; of an update, last come the sources.

export const personValues = (scope: Scope, { id, record, events }: UserWrite): unknown[] => [
  ...written(scope, events),
  id,
  record.connection_id,
  record.managed,
  record.user_name,
  record.user_name_key,
  record.external_id,
  record.status,
  record.reason,
  JSON.stringify(record.attributes),
]

export const placeValues = (place: NewPlace | undefined): unknown[] => [
  place?.workspaceId,
  place?.teamId,
  place?.name,
  place?.role,
  place?.rule,
]

export const placing = `
  place as (
    insert into workspaces (organization_id, id, team_id, name, default_of, created_at)
    select $1, $17::uuid, $18::uuid, $19, person.id, $2 from person where $18::uuid is not null
  ), role as (
    insert into memberships (organization_id, user_id, workspace_id, role, source, rule, created_at)
    select $1, person.id, $17::uuid, $20::membership_role, 'provisioning', $21, $2 from person
    where $17::uuid is not null
    on conflict do nothing
  )`

/** What the attributes of `$14` say that is looked up by an index. */
export const emailKeys = emailKeysOf('$14::jsonb')
export const displayName = displayNameOf('$14::jsonb')
export const manager = managerOf('$14::jsonb')

export interface InsertGuard {
  readonly policyVersion: number
  /** Whether a deleted person of the same externalId has been looked for; unseen, one keeps this from writing. */
  readonly formerSeen: boolean
}

/** `sources`: the parameter that they are. */
const updating = (sources: '$17' | '$22', guard = '') => `
  person as (
    update users set connection_id = $7::uuid, managed = $8, user_name = $9, user_name_key = $10,
      external_id = $11, status = $12::user_status, reason = $13, attributes = $14::jsonb, email_keys = ${emailKeys},
      display_name = ${displayName}, manager = ${manager}, sources = ${sources}::jsonb, version = version + 1,
      updated_at = $2,
      session_epoch = session_epoch + ($12::user_status not in ('staged', 'held', 'ready'))::integer,
      deleted_at = case when $16::boolean then coalesce(deleted_at, $2) end
    where organization_id = $1 and id = $6::uuid and version = $15 ${guard}
    returning id, status
  ), ended as (
    delete from sessions s using person
    where s.organization_id = $1 and s.user_id = person.id and person.status not in ('staged', 'held', 'ready')
  )`

const departing = `
  departed as (
    insert into departures (organization_id, user_id, since) select $1, person.id, $2 from person
    where person.status = 'leaving'
    on conflict (organization_id, user_id) do update set since = excluded.since
  )`

const updates = {
  plain: {
    name: 'update_user',
    text: `with ${updating('$17')}, ${recording('person')} select id from person`,
  },
  named: {
    name: 'update_user_named',
    text: `with ${updating('$17')}, ${recordingPersonal('person')} select id from person`,
  },
  leaving: {
    name: 'update_user_leaving',
    text: `with ${updating('$17')}, ${departing}, ${recording('person')} select id from person`,
  },
  placed: {
    name: 'update_user_placed',
    text: `with ${updating('$22', byNewest('$23'))}, ${placing}, ${recordingPersonal('person')} select id from person`,
  },
  // Whoever comes to be held, is so, or was: whatever becomes of them.
  held: {
    name: 'update_user_held',
    text: `
    with ${updating('$22', byNewest('$23'))}, ${placing}, ${departing}, gone as (
      delete from held_people h using person
      where h.organization_id = $1 and h.user_id = person.id and person.status <> 'held'
    ), ${withholding(24)}, ${recordingPersonal('person')}
    select id from person`,
  },
}

const deleted: ReadonlySet<UserStatus> = new Set(['leaving', 'archived', 'erased'])

export interface UserUpdate extends UserWrite {
  readonly version: number
  /** The status that the record of that version has. */
  readonly was: UserStatus
  /** That of the policy by which a place is given or withheld; where there is a newer one, nothing is written. */
  readonly policyVersion?: number | undefined
}

/**
 * Writes the record where its version is still `version`; a person who is no longer active loses every session in
 * the same statement. False where the version has moved on: then nothing was written.
 */
export async function updateUser(scope: Scope, write: UserUpdate): Promise<boolean> {
  const { place, version, record } = write
  const values = [...personValues(scope, write), version, deleted.has(record.status)]
  const sources = record.sources && JSON.stringify(record.sources)
  const statement = statementFor(write)
  if (place || statement === updates.held) values.push(...placeValues(place), sources, write.policyVersion)
  else values.push(sources)
  if (statement === updates.held) values.push(write.withheld?.code, write.withheld?.policyVersion)
  return (await query(scope.db, statement, values)).length === 1
}

function statementFor({ place, events, record, was }: UserUpdate) {
  if (was === 'held' || record.status === 'held') return updates.held
  if (place) return updates.placed
  if (record.status === 'leaving') return updates.leaving
  return events.some(({ personal }) => personal !== undefined) ? updates.named : updates.plain
}

export interface ResourceRow extends UserRow {
  /** In no order; null where there are none. */
  readonly groups: { value: string; display: string; type: 'direct' | 'indirect' }[] | null
  readonly manager_name: string | null
}

// An array of a select costs a read less than an aggregate of it does.
const directGroups = `
  nullif(to_jsonb(array(
    select jsonb_build_object('value', g.id, 'display', g.display_name, 'type', 'direct')
    from group_members m join groups g on g.organization_id = m.organization_id and g.id = m.group_id
    where m.organization_id = u.organization_id and m.user_id = u.id and g.deleted_at is null)), '[]')`

/** The groups that these are members of count too, and so on upwards; step by step, as in group-nesting.ts. */
const allGroups = `
  (with recursive around(id, direct) as (
     select m.group_id, true from group_members m where m.organization_id = u.organization_id and m.user_id = u.id
     union
     select m.group_id, false from around, lateral (
       select s.group_id from group_subgroups s
       where s.organization_id = u.organization_id and s.subgroup_id = around.id offset 0) m
     where (select g.deleted_at is null from groups g where g.organization_id = u.organization_id and g.id = around.id)
   )
   select jsonb_agg(jsonb_build_object('value', g.id, 'display', g.display_name,
     'type', case when a.direct then 'direct' else 'indirect' end))
   from (select id, bool_or(direct) as direct from around group by id) a, lateral (
     select x.id, x.display_name from groups x
     where x.organization_id = u.organization_id and x.id = a.id and x.deleted_at is null offset 0) g)`

const resourceColumns = `${userColumns}, ${directGroups} as groups, ${managerName} as manager_name`

const selecting = (columns: string) =>
  `select ${columns} from users u where u.organization_id = $1 and u.id = $2 and u.deleted_at is null`

const byId = { name: 'user_by_id', text: selecting(resourceColumns) }

/** A person as SCIM has them, to be changed. */
export async function findUser({ db, organizationId }: Scope, id: string): Promise<ResourceRow | null> {
  return (await query<ResourceRow>(db, byId, [organizationId, id]))[0] ?? null
}

const byIdLocked = { name: 'user_by_id_locked', text: `${byId.text} for update of u` }

/** As `findUser`, and holds the row until the transaction ends: for a writer that keeps losing to others. */
export async function lockUser({ db, organizationId }: Scope, id: string): Promise<ResourceRow | null> {
  return (await query<ResourceRow>(db, byIdLocked, [organizationId, id]))[0] ?? null
}

/** A person as SCIM has them, to be shown: what is only copied stays text. */
export interface ShownRow
  extends Pick<ResourceRow, 'id' | 'user_name' | 'external_id' | 'status' | 'version' | 'created_at'>,
    Pick<ResourceRow, 'updated_at' | 'groups' | 'manager_name'> {
  /** The text of the attributes. */
  readonly document: string
  /** The extension with the manager, where there is one; then it is not in the document. */
  readonly enterprise: Readonly<Record<string, unknown>> | null
}

const extension = `'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'`

const shownWith = (
  groups: string,
) => `u.id, u.user_name, u.external_id, u.status, u.version, u.created_at, u.updated_at,
  (case when u.manager is null then u.attributes else u.attributes - ${extension} end)::text as document,
  case when u.manager is not null then u.attributes -> ${extension} end as enterprise,
  ${groups} as groups, ${managerName} as manager_name`

/** The columns of a `ShownRow`. */
export const shownColumns = shownWith(directGroups)

const shown = { name: 'shown_user', text: selecting(shownColumns) }
const shownNested = { name: 'shown_user_nested', text: selecting(shownWith(allGroups)) }

/** `nested`: with the groups that the person belongs to through others. */
export async function showUser(
  { db, organizationId }: Scope,
  id: string,
  { nested = false } = {},
): Promise<ShownRow | null> {
  return (await query<ShownRow>(db, nested ? shownNested : shown, [organizationId, id]))[0] ?? null
}
