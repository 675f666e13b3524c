import { query } from './connect.ts'
import type { Scope } from './scope.ts'

export interface SpentToken {
  readonly connectionId: string
  readonly jtiHash: Buffer
  readonly expiresAt: Date
}

const spend = {
  name: 'spend_token',
  text: `
  with expired as (
    delete from spent_tokens where organization_id = $1 and (connection_id, jti_hash) in (
      select connection_id, jti_hash from spent_tokens
      where organization_id = $1 and expires_at <= $2 order by expires_at limit 10 for update skip locked)
  )
  insert into spent_tokens (organization_id, connection_id, jti_hash, expires_at) values ($1, $3, $4, $5)
  on conflict do nothing returning jti_hash`,
}

/** Uses up a token that a provider sent; false where that was done before. */
export async function spendToken(
  { db, organizationId, now }: Scope,
  { connectionId, jtiHash, expiresAt }: SpentToken,
): Promise<boolean> {
  return (await query(db, spend, [organizationId, now, connectionId, jtiHash, expiresAt])).length === 1
}

const note = {
  name: 'note_sign_out',
  text: `
  with expired as (
    delete from sign_outs where organization_id = $1 and (connection_id, login_hash) in (
      select connection_id, login_hash from sign_outs
      where organization_id = $1 and expires_at <= $2 order by expires_at limit 10 for update skip locked)
  )
  insert into sign_outs as s (organization_id, connection_id, login_hash, at, expires_at)
  values ($1, $3, $4, $5, $6)
  on conflict (organization_id, connection_id, login_hash) do update
    set at = greatest(s.at, excluded.at), expires_at = greatest(s.expires_at, excluded.expires_at)`,
}

export interface NotedSignOut {
  readonly connectionId: string
  /** Of what the provider calls the session, or the person. */
  readonly loginHash: Buffer
  /** Sign-ins from until then are over. */
  readonly at: Date
  readonly expiresAt: Date
}

/**
 * Remembers a sign-out for sign-ins that are only just coming in. On its own and before the sessions are ended: who
 * begins one afterwards looks here, and one that began before is found by the end.
 */
export async function noteSignOut(
  { db, organizationId, now }: Scope,
  { connectionId, loginHash, at, expiresAt }: NotedSignOut,
): Promise<void> {
  await query(db, note, [organizationId, now, connectionId, loginHash, at, expiresAt])
}

const undo = {
  name: 'end_session_signed_out',
  text: `
  with ended as (
    delete from sessions where organization_id = $1 and id = $5 and exists (
      select from sign_outs where organization_id = $1 and connection_id = sessions.connection_id
        and login_hash in ($6, $9) and at >= $7 and expires_at > $2)
    returning user_id, connection_id
  ), logged as (
    insert into events (organization_id, id, at, type, actor, subject_type, subject_id, changed, request_id, data)
    select $1, $8, $2, 'session.ended', $3, 'user', user_id, '{}', $4,
      jsonb_build_object('cause', 'signed out meanwhile', 'connectionId', connection_id, 'sessionId', $5::uuid) from ended
  )
  select user_id from ended`,
}

export interface BegunSession {
  readonly sessionId: string
  readonly personHash: Buffer
  readonly sessionHash: Buffer | null
  /** When the provider signed the person in. */
  readonly signedInAt: Date
  readonly eventId: string
}

/** Ends a session that has just begun, where the provider ended its own meanwhile; whether it did. */
export async function endIfSignedOut(
  { db, organizationId, now, actor, requestId }: Scope,
  { sessionId, personHash, sessionHash, signedInAt, eventId }: BegunSession,
): Promise<boolean> {
  const own = [sessionId, personHash, signedInAt, eventId, sessionHash]
  const values = [organizationId, now, actor, requestId, ...own]
  return (await query(db, undo, values)).length === 1
}

const ofLogin = `user_id in (
    select user_id from identities
    where organization_id = $1 and connection_id = $2 and issuer = $3 and subject = $4)`
const ending = (condition: string) =>
  `delete from sessions where organization_id = $1 and connection_id = $2 and ${condition} returning user_id`

const endings = {
  session: { name: 'end_sessions_by_sid', text: ending('sid = $3') },
  person: { name: 'end_sessions_by_subject', text: ending(ofLogin) },
  both: { name: 'end_sessions_by_sid_and_subject', text: ending(`${ofLogin} and sid = $5`) },
}

export interface ProviderSession {
  readonly connectionId: string
  readonly issuer: string
  readonly subject?: string | undefined
  readonly sid?: string | undefined
}

/** Ends the sessions that began at one session of the provider, or with no `sid` all of one person there: whose. */
export async function endProviderSessions(
  { db, organizationId }: Scope,
  { connectionId, issuer, subject, sid }: ProviderSession,
): Promise<string[]> {
  const at = [organizationId, connectionId]
  const rows = await (subject === undefined
    ? query<{ user_id: string }>(db, endings.session, [...at, sid])
    : sid === undefined
      ? query<{ user_id: string }>(db, endings.person, [...at, issuer, subject])
      : query<{ user_id: string }>(db, endings.both, [...at, issuer, subject, sid]))
  return [...new Set(rows.map(({ user_id }) => user_id))]
}
