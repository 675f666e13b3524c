import { query } from './connect.ts'
import { type NewEvent, recording, written } from './events.ts'
import { countingRole } from './memberships.ts'
import type { Scope } from './scope.ts'
import type { Role } from './users.ts'

export interface NewSession {
  readonly id: string
  readonly secretHash: Buffer
  readonly userId: string
  readonly connectionId: string
  readonly sid: string | null
  /** Encrypted by the caller. */
  readonly idToken: string | null
  /** When and how the provider met the person. */
  readonly authentication: object | null
  /** When it ends, whatever happens. */
  readonly expiresAt: Date
  /** When it ends unless it is used before … */
  readonly idleAt: Date
  /** … and from when on a use of it is noted. */
  readonly touchAt: Date
}

const begin = {
  name: 'begin_session',
  text: `
  with person as (
    select id, session_epoch from users where organization_id = $1 and id = $6 and status = 'ready'
      and exists (select from connections where organization_id = $1 and id = $9 and status = 'active')
      and exists (select from organizations where id = $1 and status = 'active') for share
  ), expired as (
    delete from sessions where organization_id = $1 and user_id = $6 and least(expires_at, idle_at) <= $2
  ), made as (
    insert into sessions (organization_id, id, secret_hash, user_id, user_epoch, connection_id, workspace_id,
                          sid, id_token, created_at, expires_at, seen_at, idle_at, touch_at, authentication)
    select $1, $7, $8, person.id, person.session_epoch, $9,
      coalesce(
        (select id from workspaces where organization_id = $1 and default_of = person.id),
        (select w.id from memberships m join workspaces w on w.organization_id = $1 and w.id = m.workspace_id
           and w.status = 'active'
         where m.organization_id = $1 and m.user_id = person.id order by m.created_at, w.id limit 1)), $10, $11, $2, $12, $2, $13, $14, $15
    from person
    returning id
  ), ${recording('made')}
  select id from made`,
}

/**
 * Begins a session of a ready person; false for anybody else. The person's epoch goes with it: a deactivation that
 * runs at the same moment raises the epoch, so that a session it could not see is dead all the same.
 */
export async function beginSession(
  scope: Scope,
  session: NewSession,
  events: readonly NewEvent[],
): Promise<boolean> {
  const { userId, id, secretHash, connectionId, sid, idToken, expiresAt, idleAt, touchAt, authentication } =
    session
  const own = [userId, id, secretHash, connectionId, sid, idToken, expiresAt, idleAt, touchAt, authentication]
  return (await query(scope.db, begin, [...written(scope, events), ...own])).length === 1
}

export interface SessionRow {
  readonly session_id: string
  readonly expires_at: Date
  /** Whether its use is to be noted. */
  readonly touch_due: boolean
  readonly authentication: { readonly at?: string; readonly acr?: string; readonly amr?: string[] } | null
  readonly connection_id: string
  readonly user_id: string
  readonly user_name: string
  readonly display_name: string | null
  readonly organization_id: string
  readonly organization_slug: string
  readonly organization_name: string
  readonly workspace_id: string | null
  readonly workspace_name: string | null
  readonly home_id: string | null
  readonly home_name: string | null
  readonly role: Role | null
  /** The workspace it went to, be it that they have no role in it any more. */
  readonly entered_id: string | null
}

const live = {
  name: 'live_session',
  text: `
  select s.id as session_id, s.expires_at, s.touch_at <= $3 as touch_due, s.authentication, s.connection_id, u.id as user_id, u.user_name,
    u.attributes ->> 'displayName' as display_name,
    o.id as organization_id, o.slug as organization_slug, o.name as organization_name,
    w.id as workspace_id, w.name as workspace_name, t.id as home_id, t.name as home_name,
    case when w.id is not null then m.role end as role, s.workspace_id as entered_id
  from sessions s
  join users u on u.organization_id = s.organization_id and u.id = s.user_id
    and u.status = 'ready' and u.session_epoch = s.user_epoch
  join connections c on c.organization_id = s.organization_id and c.id = s.connection_id and c.status = 'active'
  join organizations o on o.id = s.organization_id and o.status = 'active'
  left join lateral ${countingRole('s.organization_id', 's.user_id', 's.workspace_id')} m on true
  left join workspaces w on w.organization_id = s.organization_id and w.id = s.workspace_id and w.status = 'active'
    and m.role is not null
  left join teams t on t.organization_id = w.organization_id and t.id = w.team_id
  where s.organization_id = $1 and s.secret_hash = $2 and s.expires_at > $3 and s.idle_at > $3`,
}

/** The session with who, where and as what, in one round trip; null where anything has ended it. */
export async function findSession(
  { db, organizationId, now }: Scope,
  secretHash: Buffer,
): Promise<SessionRow | null> {
  return (await query<SessionRow>(db, live, [organizationId, secretHash, now]))[0] ?? null
}

const touch = {
  name: 'touch_session',
  text: `update sessions set seen_at = $3::timestamptz, idle_at = $3::timestamptz + (idle_at - seen_at),
           touch_at = $3::timestamptz + (touch_at - seen_at)
         where organization_id = $1 and id = $2 and touch_at <= $3 and idle_at > $3`,
}

/** Notes that a session is used, where that is due: what it may idle begins anew. */
export async function touchSession({ db, organizationId, now }: Scope, id: string): Promise<void> {
  await query(db, touch, [organizationId, id, now])
}

const end = {
  name: 'end_session',
  text: `
  with ended as (
    delete from sessions where organization_id = $1 and secret_hash = $4
    returning id, user_id, connection_id, id_token
  ), logged as (
    insert into events (organization_id, id, at, type, actor, subject_type, subject_id, changed, request_id, data)
    select $1, $5, $2, 'session.ended', 'user:' || user_id, 'user', user_id, '{}', $3,
      jsonb_build_object('cause', $6::text, 'sessionId', id) from ended
  )
  select connection_id, id_token from ended`,
}

export interface EndedSession {
  readonly connection_id: string
  readonly id_token: string | null
}

export interface Ending {
  readonly secretHash: Buffer
  readonly eventId: string
  readonly cause: 'logout' | 'replaced' | 'connection gone'
}

/** Ends the session of a cookie, because its person signs out or signs in anew; the event is theirs. */
export async function endSession(
  { db, organizationId, now, requestId }: Scope,
  { secretHash, eventId, cause }: Ending,
): Promise<EndedSession | null> {
  const values = [organizationId, now, requestId, secretHash, eventId, cause]
  return (await query<EndedSession>(db, end, values))[0] ?? null
}

const endAll = {
  name: 'end_sessions_of_user',
  text: `
  with person as (
    update users set session_epoch = session_epoch + 1
    where organization_id = $1 and id = $6 and deleted_at is null returning id
  ), ended as (
    delete from sessions using person where organization_id = $1 and user_id = person.id
  ), ${recording('person')}
  select id from person`,
}

/** Ends every session of a person. False where there is no such person. */
export async function endSessions(
  scope: Scope,
  userId: string,
  events: readonly NewEvent[],
): Promise<boolean> {
  return (await query(scope.db, endAll, [...written(scope, events), userId])).length === 1
}

const endOne = {
  name: 'end_session_of_user',
  text: `
  with ended as (
    delete from sessions where organization_id = $1 and user_id = $6 and id = $7 and expires_at > $2 and idle_at > $2
    returning id
  ), ${recording('ended')}
  select id from ended`,
}

/** Ends one session of a person. False where they have none of that id that is alive. */
export async function endSessionOf(
  scope: Scope,
  { userId, id }: { userId: string; id: string },
  events: readonly NewEvent[],
): Promise<boolean> {
  return (await query(scope.db, endOne, [...written(scope, events), userId, id])).length === 1
}

const ofUser = {
  name: 'sessions_of_user',
  text: `select s.id, s.created_at, s.expires_at, s.seen_at, s.idle_at, s.connection_id from sessions s
         join users u on u.organization_id = s.organization_id and u.id = s.user_id
           and u.status = 'ready' and u.session_epoch = s.user_epoch
         where s.organization_id = $1 and s.user_id = $2 and s.expires_at > $3 and s.idle_at > $3 order by s.id`,
}

export interface UserSessionRow {
  readonly id: string
  readonly created_at: Date
  readonly expires_at: Date
  readonly seen_at: Date
  readonly idle_at: Date
  readonly connection_id: string
}

/** The sessions of a person that are alive. */
export function listSessions({ db, organizationId, now }: Scope, userId: string): Promise<UserSessionRow[]> {
  return query(db, ofUser, [organizationId, userId, now])
}
