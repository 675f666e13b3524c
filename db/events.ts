import { query } from './connect.ts'
import type { Scope } from './scope.ts'

/** An event as it is written; when, by whom and in which request come from the scope. */
export interface NewEvent {
  readonly id: string
  readonly type: string
  readonly subject_type: string
  readonly subject_id: string
  /** Names of what changed, never values. */
  readonly changed: readonly string[]
  readonly policy_version?: number
  readonly rule?: string
  readonly data: Readonly<Record<string, unknown>>
  /** What erasure must be able to take away; kept apart under the person, who is the subject. */
  readonly personal?: Readonly<Record<string, unknown>>
}

export interface EventRow {
  id: string
  at: Date
  type: string
  actor: string
  changed: string[]
  policy_version: number | null
  rule: string | null
  request_id: string | null
  data: Record<string, unknown>
}

/** The parameters every writing statement begins with: `$1` organization, `$2` now, `$3` actor, `$4` request, `$5` events. */
export function written(
  { organizationId, now, actor, requestId }: Scope,
  events: readonly NewEvent[],
): unknown[] {
  return [organizationId, now, actor, requestId, JSON.stringify(events)]
}

/** A CTE that writes the events of `$5` once `source` has its one row; it ends the `with` list. */
export const recording = (source: string): string => `
  logged as (
    insert into events (organization_id, id, at, type, actor, subject_type, subject_id, changed,
                        policy_version, rule, request_id, data)
    select $1, e.id, $2, e.type, $3, e.subject_type, e.subject_id, e.changed, e.policy_version, e.rule, $4, e.data
    from ${source}, jsonb_to_recordset($5::jsonb) as e(
      id uuid, type text, subject_type text, subject_id uuid, changed text[],
      policy_version integer, rule text, data jsonb)
  )`

/** The same where an event has a personal part. */
export const recordingPersonal = (source: string): string => `${recording(source)},
  logged_apart as (
    insert into event_personal (organization_id, user_id, event_id, data)
    select $1, e.subject_id, e.id, e.personal
    from ${source}, jsonb_to_recordset($5::jsonb) as e(id uuid, subject_id uuid, personal jsonb)
    where e.personal is not null
  )`

const record = {
  name: 'record_events',
  text: `with source as (select 1), ${recording('source')} select 1`,
}

/** For what changes nothing else: refusals and the like. */
export async function recordEvents(scope: Scope, events: readonly NewEvent[]): Promise<void> {
  await query(scope.db, record, written(scope, events))
}

const bySubject = {
  name: 'events_by_subject',
  text: `select id, at, type, actor, changed, policy_version, rule, request_id, data from events
         where organization_id = $1 and subject_id = $2 and id < $3
         order by id desc limit $4`,
}

const decided = {
  name: 'decisions_by_subject',
  text: `select id, at, type, actor, changed, policy_version, rule, request_id, data from events
         where organization_id = $1 and subject_id = $2 and (rule is not null or type = any($3))
         order by id desc limit $4`,
}

/** What a rule decided about somebody, and what else is of one of the types: the newest first. */
export function decisionsAbout(
  { db, organizationId }: Scope,
  subjectId: string,
  { types, limit }: { types: readonly string[]; limit: number },
): Promise<EventRow[]> {
  return query(db, decided, [organizationId, subjectId, types, limit])
}

const LAST_ID = 'ffffffff-ffff-ffff-ffff-ffffffffffff'

/** What happened to one person, group or workspace: the newest first, from before the event `before`. */
export function eventsOf(
  { db, organizationId }: Scope,
  subjectId: string,
  page: { before?: string; limit: number },
): Promise<EventRow[]> {
  return query(db, bySubject, [organizationId, subjectId, page.before ?? LAST_ID, page.limit])
}
