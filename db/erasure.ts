import { query } from './connect.ts'
import { type NewEvent, recording, written } from './events.ts'
import type { Scope } from './scope.ts'

const erase = {
  name: 'erase_user',
  text: `
  with person as (
    update users set status = 'erased', reason = null, user_name = 'erased-' || id, user_name_key = 'erased-' || id,
      external_id = null, display_name = null, attributes = '{}', email_keys = '[]', manager = null,
      version = version + 1, updated_at = $2
    where organization_id = $1 and id = $6 and status = 'archived'
    returning id
  ), logins as (
    delete from identities i using person where i.organization_id = $1 and i.user_id = person.id
  ), groups_left as (
    delete from group_members m using person where m.organization_id = $1 and m.user_id = person.id
  ), roles as (
    delete from memberships m using person where m.organization_id = $1 and m.user_id = person.id
  ), team_roles as (
    delete from team_memberships m using person where m.organization_id = $1 and m.user_id = person.id
  ), personal as (
    delete from event_personal p using person where p.organization_id = $1 and p.user_id = person.id
  ), sent as (
    delete from requests r using person where r.organization_id = $1 and r.subject_id = person.id
  ), asked as (
    delete from conflicts c using person
    where c.organization_id = $1
      and c.evidence -> 'people' @> jsonb_build_array(jsonb_build_object('id', person.id::text))
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
 * Takes from somebody archived all that tells who they were: the record, logins, groups, roles, the personal part of
 * events, notes of what was sent about them, conflicts, and the name of what was their own, which may be theirs. False
 * where they are not archived.
 */
export async function eraseUser(scope: Scope, userId: string, events: readonly NewEvent[]): Promise<boolean> {
  return (await query(scope.db, erase, [...written(scope, events), userId])).length === 1
}
