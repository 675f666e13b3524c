import { query } from './connect.ts'
import type { NewEvent } from './events.ts'
import type { Scope } from './scope.ts'
import { type ShownRow, shownColumns } from './users.ts'

/** What IdPs ask for more than any other change: somebody goes, or comes back, and nothing else of them changes. */
export interface ActivityWrite {
  readonly id: string
  /** Whose person it must be. */
  readonly connectionId: string
  /** Whether it may be somebody whom a sign-in made, too; SCIM does not keep them yet. */
  readonly unmanaged?: boolean
  readonly active: boolean
  /** Only where the version is one of these. */
  readonly versions?: readonly number[] | undefined
  readonly event: NewEvent
}

// Written apart from what writes a whole record: neither the document nor its keys are read and stored again.
const own = `
  organization_id = $1 and id = $5::uuid and connection_id = $6::uuid and (managed or $12) and deleted_at is null
  and ($7::integer[] is null or version = any($7))`

const told = `
  logged as (
    insert into events (organization_id, id, at, type, actor, subject_type, subject_id, changed, request_id, data)
    select $1, $8::uuid, $2, $9, $3, 'user', person.id, $10::text[], $4, $11::jsonb from person
  )
  select ${shownColumns} from person u`

const suspend = {
  name: 'suspend_user',
  text: `
  with person as (
    update users set status = 'suspended', reason = null, version = version + 1, updated_at = $2,
      session_epoch = session_epoch + 1
    where ${own} and status in ('staged', 'ready')
    returning *
  ), ended as (
    delete from sessions s using person where s.organization_id = $1 and s.user_id = person.id
  ), ${told}`,
}

const reactivate = {
  name: 'reactivate_user',
  text: `
  with person as (
    update users set status = 'ready', version = version + 1, updated_at = $2
    where ${own} and status = 'suspended' and reason is null
      and exists (select from workspaces where organization_id = $1 and default_of = $5::uuid)
    returning *
  ), ${told}`,
}

/**
 * Suspends a person, whose sessions end in the same statement, or makes them ready again. Null where that is no change,
 * or not this statement's to make: somebody is held, to be made ready without a place yet, another's, or not there.
 */
export async function writeActivity(
  { db, organizationId, now, actor, requestId }: Scope,
  { id, connectionId, unmanaged = false, active, versions, event }: ActivityWrite,
): Promise<ShownRow | null> {
  const tells = [event.id, event.type, event.changed, JSON.stringify(event.data)]
  const values = [organizationId, now, actor, requestId, id, connectionId, versions, ...tells, unmanaged]
  return (await query<ShownRow>(db, active ? reactivate : suspend, values))[0] ?? null
}
