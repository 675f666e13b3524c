import { isOfPerson } from './conflicts.ts'
import { query } from './connect.ts'
import { type NewEvent, recording, written } from './events.ts'
import { idsAround } from './reports.ts'
import type { Scope } from './scope.ts'

const erase = {
  name: 'erase_user',
  text: `
  with person as (
    update users set status = 'erased', reason = null, user_name = 'erased-' || id, user_name_key = 'erased-' || id,
      external_id = null, display_name = null, attributes = '{}', email_keys = '[]', manager = null,
      sources = null, version = version + 1, updated_at = $2
    where organization_id = $1 and id = $6 and status = 'archived'
    returning id
  ), ends as (
    delete from attribute_ends e using person where e.organization_id = $1 and e.user_id = person.id
  ), logins as (
    delete from identities i using person where i.organization_id = $1 and i.user_id = person.id
  ), groups_left as (
    delete from group_members m using person where m.organization_id = $1 and m.user_id = person.id
  ), groups_said as (
    delete from claimed_groups c using person where c.organization_id = $1 and c.user_id = person.id
  ), ended as (
    delete from sessions s using person where s.organization_id = $1 and s.user_id = person.id
  ), roles as (
    delete from memberships m using person where m.organization_id = $1 and m.user_id = person.id
  ), team_roles as (
    delete from team_memberships m using person where m.organization_id = $1 and m.user_id = person.id
  ), personal as (
    delete from event_personal p using person where p.organization_id = $1 and p.user_id = person.id
  ), sent as (
    delete from requests r using person where r.organization_id = $1 and r.subject_id = person.id
  ), own as (
    update workspaces w set name = 'Erased' from person
    where w.organization_id = $1 and w.default_of = person.id and w.status = 'archived'
  ), shared as (
    update workspaces w set default_of = null from person
    where w.organization_id = $1 and w.default_of = person.id and w.status = 'active'
  ), named as (
    update events e set data = jsonb_set(e.data, '{workspace,name}', '"Erased"') from person
    where e.organization_id = $1 and e.subject_id = person.id and e.data #> '{workspace,name}' is not null
  ), ${recording('person')}
  select id from person`,
}

/**
 * Takes from somebody archived all that is kept under them: the record's values, logins, groups, roles, the personal
 * part of events, notes of what was sent about them, and the name of what was their own, which may be theirs. False
 * where they are not archived.
 */
export async function eraseUser(scope: Scope, userId: string, events: readonly NewEvent[]): Promise<boolean> {
  return (await query(scope.db, erase, [...written(scope, events), userId])).length === 1
}

const ofPerson = (table: string, user = 'user_id') =>
  `${table}.organization_id = $1 and ${table}.${user} = $2`

/** What a provider has called them, by which others' rows may tell them. */
const keys = `
  keys(value) as materialized (
    select v from users u, unnest(array[u.user_name, u.user_name_key, u.external_id]) as v where ${ofPerson('u', 'id')}
    union select e #>> '{}' from users u, jsonb_path_query(u.attributes, '$.emails[*].value') as e
      where ${ofPerson('u', 'id')}
    union select e #>> '{}' from users u, jsonb_path_query(u.sources, '$.emails.said.*.value[*].value') as e
      where ${ofPerson('u', 'id')}
    union select v from identities i, unnest(array[i.subject, i.correlation]) as v where ${ofPerson('i')}
    union select p.data #>> array['before', name] from event_personal p, unnest(array['userName', 'externalId']) as name
      where ${ofPerson('p')}
  )`

const forget = {
  name: 'forget_elsewhere',
  text: `
  with ${keys}, asked as (
    delete from conflicts c where c.organization_id = $1 and ${isOfPerson}
  )
  delete from connection_tests t where t.organization_id = $1 and exists (
    select from keys where jsonb_path_exists(t.report, '$.** ? (@ == $key)', jsonb_build_object('key', value)))`,
}

/** Conflicts about somebody, and reports of sign-ins that were tried as them; before `eraseUser`. */
export async function forgetElsewhere({ db, organizationId }: Scope, userId: string): Promise<void> {
  await query(db, forget, [organizationId, userId])
}

/** A workspace that was named after somebody, and whether that is its name still. */
export interface NamesakeRow {
  readonly id: string
  readonly created_at: Date
  readonly unchanged: boolean
}

const namesakes = {
  name: 'namesakes',
  text: `
  select distinct on (w.id) w.id, w.created_at, w.name = e.data #>> '{workspace,name}' and w.name <> $3 as unchanged
  from events e join workspaces w on w.organization_id = $1 and w.id = (e.data #>> '{workspace,id}')::uuid
  where e.organization_id = $1 and e.subject_id = $2 and e.type = 'user.provisioned' and e.data ? 'home'
    and (e.data #>> '{workspace,name}' <> $3 or exists (
      select from events c where c.organization_id = $1 and c.subject_id = w.id and c.type = 'workspace.changed'))
  order by w.id`,
}

/** Workspaces made for somebody whose name was ever another than the policy gives everybody. */
export function namesakesOf(
  { db, organizationId }: Scope,
  userId: string,
  nameOfAll: string,
): Promise<NamesakeRow[]> {
  return query(db, namesakes, [organizationId, userId, nameOfAll])
}

const rename = {
  name: 'rename_namesakes',
  text: `update workspaces set name = 'Workspace' where organization_id = $1 and id = any($2::uuid[])`,
}

export async function renameNamesakes({ db, organizationId }: Scope, ids: readonly string[]): Promise<void> {
  await query(db, rename, [organizationId, ids])
}

const ofItself = {
  name: 'forget_names_in_own_events',
  text: `update events set data = jsonb_set(data, '{name}', '"Erased"')
         where organization_id = $1 and subject_id = any($2::uuid[]) and data ? 'name'`,
}

// No index leads from a workspace to what is told of its members: events are walked through, a page a statement.
const ofMembers = {
  name: 'forget_names_in_events',
  text: `
  with page as materialized (
    select id, data from events where organization_id = $1 and id > $3 order by id limit $4
  ), told as (
    update events e set data = jsonb_set(e.data, '{workspace,name}', '"Erased"') from page p
    where e.organization_id = $1 and e.id = p.id and p.data #>> '{workspace,id}' = any($2::text[])
  )
  select id from page order by id desc limit 1`,
}

const PAGE = 5000

/** Takes the names of workspaces from all that was ever told of them. */
export async function forgetNames(
  { db, organizationId }: Scope,
  workspaces: readonly NamesakeRow[],
): Promise<void> {
  if (workspaces.length === 0) return
  const ids = workspaces.map(({ id }) => id)
  await query(db, ofItself, [organizationId, ids])
  const from = new Date(Math.min(...workspaces.map(({ created_at }) => created_at.getTime())))
  let [after] = idsAround({ from, to: from })
  for (;;) {
    const [last] = await query<{ id: string }>(db, ofMembers, [organizationId, ids, after, PAGE])
    if (!last) return
    after = last.id
  }
}
