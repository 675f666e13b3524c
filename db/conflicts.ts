import { query, type Statement } from './connect.ts'
import { type NewEvent, recording, recordingPersonal, written } from './events.ts'
import { beforeEveryId } from './page.ts'
import type { Scope } from './scope.ts'

export type ConflictCode = 'user_name_taken' | 'external_id_taken' | 'ambiguous_person' | 'login_taken'

/** Who came, by all that may point to somebody. */
export interface Newcomer {
  readonly userName: string
  readonly userNameKey: string
  readonly externalId: string | null
  readonly displayName?: string
  readonly login?: { readonly issuer: string; readonly subject: string }
  /** Where people were looked for by it. */
  readonly email?: string
}

/** Somebody whom the newcomer may be, as they were when it came. */
export interface Claimant {
  readonly id: string
  readonly userName: string
  readonly status: string
  readonly managed: boolean
  /** Whether they have a login on the connection. */
  readonly linked: boolean
  readonly foundBy: readonly string[]
  readonly createdAt: string
}

export interface Evidence {
  readonly newcomer: Newcomer
  readonly people: readonly Claimant[]
  readonly rule: string
  readonly policyVersion: number
}

export interface NewConflict {
  readonly id: string
  readonly connectionId: string
  readonly via: 'scim' | 'sign-in'
  readonly code: ConflictCode
  /** What tells the newcomer apart from others on the connection. */
  readonly key: Buffer
  /** The first of the people in it. */
  readonly userId: string
  readonly evidence: Evidence
  /** Until when answers have been heeded, and were not enough. */
  readonly heeded: Date | null
}

export interface Answer {
  readonly answer: 'link' | 'keep-apart' | 'hand-over'
  /** Whom the newcomer is, where it is somebody. */
  readonly userId?: string
  readonly userName?: string
  readonly userNameKey?: string
}

export interface ConflictRow {
  readonly id: string
  readonly connection_id: string
  readonly via: 'scim' | 'sign-in'
  readonly code: ConflictCode
  readonly user_id: string
  readonly evidence: Evidence
  readonly seen: number
  readonly first_at: Date
  readonly last_at: Date
  readonly request_id: string
  readonly answer: Answer | null
  readonly answered_at: Date | null
  readonly answered_by: string | null
}

const saidOfNewcomer = `coalesce(c.evidence #>> '{newcomer,externalId}', c.evidence #>> '{newcomer,userNameKey}')`

/**
 * SQL of whether a conflict `c` is of the person `$2`: they are one of the people in it, or they came, by a login of
 * theirs or by what their connection has pushed as theirs at any time.
 */
export const isOfPerson = `(
  c.evidence -> 'people' @> jsonb_build_array(jsonb_build_object('id', $2::uuid::text))
  or exists (
    select from identities i where i.organization_id = $1 and i.user_id = $2 and i.connection_id = c.connection_id
      and i.issuer = c.evidence #>> '{newcomer,login,issuer}' and i.subject = c.evidence #>> '{newcomer,login,subject}')
  or (c.via = 'scim' and exists (
    select from users u where u.organization_id = $1 and u.id = $2 and u.connection_id = c.connection_id and (
      ${saidOfNewcomer} in (u.external_id, u.user_name_key) or exists (
        select from event_personal p where p.organization_id = $1 and p.user_id = $2
          and ${saidOfNewcomer} in (p.data #>> '{before,externalId}', lower(p.data #>> '{before,userName}'))))))
)`

const columns = `id, connection_id, via, code, user_id, evidence, seen, first_at, last_at, request_id,
  answer, answered_at, answered_by`

// An answer that came after the newcomer was judged stays; one that was heeded and did not help is asked for again.
const record = {
  name: 'record_conflict',
  text: `
  with before as (
    select answered_at from conflicts
    where organization_id = $1 and connection_id = $7 and newcomer = $10 and user_id = $11
  ), queued as (
    insert into conflicts as c (organization_id, id, connection_id, via, code, newcomer, user_id, evidence,
                                first_at, last_at, request_id)
    values ($1, $6, $7, $8, $9, $10, $11, $12::jsonb, $2, $2, $4)
    on conflict (organization_id, connection_id, newcomer, user_id) do update set
      seen = c.seen + 1, last_at = excluded.last_at, request_id = excluded.request_id, via = excluded.via,
      code = excluded.code, evidence = excluded.evidence,
      answer = case when c.answered_at <= $13::timestamptz then null else c.answer end,
      answered_at = case when c.answered_at <= $13::timestamptz then null else c.answered_at end,
      answered_by = case when c.answered_at <= $13::timestamptz then null else c.answered_by end
    returning id, answered_at
  ), opened as (
    insert into events (organization_id, id, at, type, actor, subject_type, subject_id, changed, policy_version, rule,
                        request_id, data)
    select $1, $14, $2, 'conflict.opened', $3, 'user', $11, '{}', ($12::jsonb ->> 'policyVersion')::integer,
      $12::jsonb ->> 'rule', $4,
      jsonb_build_object('via', $8::text, 'connectionId', $7::uuid, 'code', $9::text, 'conflictId', queued.id)
    from queued where queued.id = $6
      or (queued.answered_at is null and exists (select from before where answered_at is not null))
  ), ${recording('queued')}
  select id from queued`,
}

/** Queues a conflict with the events of its refusal; one that is there already is counted. */
export async function recordConflict(
  scope: Scope,
  { conflict, openedId }: { conflict: NewConflict; openedId: string },
  events: readonly NewEvent[],
): Promise<void> {
  const { id, connectionId, via, code, key, userId, evidence, heeded } = conflict
  const values = [id, connectionId, via, code, key, userId, JSON.stringify(evidence), heeded, openedId]
  await query(scope.db, record, [...written(scope, events), ...values])
}

const answered = {
  name: 'conflict_answers',
  text: `select code, evidence, answer, answered_at from conflicts
         where organization_id = $1 and connection_id = $2 and newcomer = $3 and answered_at is not null
         order by answered_at`,
}

export interface AnsweredConflict {
  readonly code: ConflictCode
  readonly evidence: Evidence
  readonly answer: Answer
  readonly answered_at: Date
}

/** What administrators have said of a newcomer; the latest last. */
export function findAnswers(
  { db, organizationId }: Scope,
  { connectionId, key }: Pick<NewConflict, 'connectionId' | 'key'>,
): Promise<AnsweredConflict[]> {
  return query(db, answered, [organizationId, connectionId, key])
}

export type ConflictStatus = 'open' | 'answered'

const listing = (status: ConflictStatus | 'any', condition: string): Statement => ({
  name: `conflicts_${status}`,
  text: `select ${columns} from conflicts where organization_id = $1 and id > $2 ${condition} order by id limit $3`,
})

const lists = {
  any: listing('any', ''),
  open: listing('open', 'and answered_at is null'),
  answered: listing('answered', 'and answered_at is not null'),
}

/** In order of their coming, from after the conflict `after`. */
export function listConflicts(
  { db, organizationId }: Scope,
  { status, after, limit }: { status?: ConflictStatus | undefined; after?: string; limit: number },
): Promise<ConflictRow[]> {
  return query(db, lists[status ?? 'any'], [organizationId, after ?? beforeEveryId, limit])
}

const byId = {
  name: 'conflict_by_id',
  text: `select ${columns} from conflicts where organization_id = $1 and id = $2`,
}
const byIdLocked = { name: 'conflict_by_id_locked', text: `${byId.text} for update` }

export async function findConflict({ db, organizationId }: Scope, id: string): Promise<ConflictRow | null> {
  return (await query<ConflictRow>(db, byId, [organizationId, id]))[0] ?? null
}

/** As `findConflict`, and holds the row until the transaction ends. */
export async function lockConflict({ db, organizationId }: Scope, id: string): Promise<ConflictRow | null> {
  return (await query<ConflictRow>(db, byIdLocked, [organizationId, id]))[0] ?? null
}

const answering = {
  name: 'answer_conflict',
  text: `
  with settled as (
    update conflicts set answer = $7::jsonb, answered_at = $2, answered_by = $3
    where organization_id = $1 and id = $6 and answered_at is null
    returning id
  ), ${recordingPersonal('settled')}
  select id from settled`,
}

/** Of a conflict that is held; within the transaction of what else the answer changes. */
export async function answerConflict(
  scope: Scope,
  { id, answer }: { id: string; answer: Answer },
  events: readonly NewEvent[],
): Promise<void> {
  await query(scope.db, answering, [...written(scope, events), id, JSON.stringify(answer)])
}
