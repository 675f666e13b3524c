import { query } from './connect.ts'
import type { NewEvent } from './events.ts'
import type { Scope } from './scope.ts'

/** What IdPs ask for more than any other change: somebody goes, or comes back, and nothing else of them changes. */
export interface ActivityWrite {
  readonly id: string
  readonly version: number
  readonly active: boolean
  readonly event: NewEvent
}

// Written apart from what writes a whole record: neither the document nor its keys are sent, read and stored again.
const logged = `
  logged as (
    insert into events (organization_id, id, at, type, actor, subject_type, subject_id, changed, request_id, data)
    select $1, $7::uuid, $2, $8, $3, 'user', person.id, $9::text[], $4, $10::jsonb from person
  )
  select id from person`

const suspend = {
  name: 'suspend_user',
  text: `
  with person as (
    update users set status = 'suspended', reason = null, version = version + 1, updated_at = $2,
      session_epoch = session_epoch + 1
    where organization_id = $1 and id = $5::uuid and version = $6
    returning id
  ), ended as (
    delete from sessions s using person where s.organization_id = $1 and s.user_id = person.id
  ), ${logged}`,
}

const reactivate = {
  name: 'reactivate_user',
  text: `
  with person as (
    update users set status = 'ready', version = version + 1, updated_at = $2
    where organization_id = $1 and id = $5::uuid and version = $6
      and exists (select from workspaces where organization_id = $1 and default_of = $5::uuid)
    returning id
  ), ${logged}`,
}

/**
 * Suspends a person, whose sessions end in the same statement, or makes them ready again. False where the version has
 * moved on, or somebody to be made ready has no place yet: then nothing was written.
 */
export async function writeActivity(
  { db, organizationId, now, actor, requestId }: Scope,
  { id, version, active, event }: ActivityWrite,
): Promise<boolean> {
  const told = [event.id, event.type, event.changed, JSON.stringify(event.data)]
  const values = [organizationId, now, actor, requestId, id, version, ...told]
  return (await query(db, active ? reactivate : suspend, values)).length === 1
}
