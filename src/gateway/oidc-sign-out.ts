import {
  endIfSignedOut,
  endProviderSessions,
  noteSignOut,
  recordEvents,
  type Scope,
  spendToken,
  transact,
} from '../../db/index.ts'
import type { SignOut, VerifiedSignIn } from '../../oidc/index.ts'
import { hashOf } from '../auth.ts'
import { eventOf } from '../events/record.ts'
import { newId } from '../ids.ts'

/** Longer than an id_token from before it would be accepted. */
const REMEMBERED = 15 * 60_000

const hashOfSid = (sid: string) => hashOf(JSON.stringify(['sid', sid]))
const hashOfSubject = (issuer: string, subject: string) => hashOf(JSON.stringify(['sub', issuer, subject]))

/**
 * Ends sessions because the provider says so; the person may sign in again at once. How many people's there were; null
 * where its token was used before. `clock` tells when it took effect.
 */
export async function signOut(scope: Scope, told: SignOut, clock: () => Date): Promise<number | null> {
  const { connection, issuedAt, token } = told
  const { id: connectionId } = connection
  await noteSignOutOf(scope, told)
  return transact(scope.db, async (db) => {
    const held = { ...scope, db }
    if (token && !(await spendToken(held, { connectionId, ...token, jtiHash: hashOf(token.jti) })))
      return null
    const { issuer } = connection
    const ended = await endProviderSessions(held, {
      connectionId,
      issuer,
      subject: told.subject,
      sid: told.sid,
    })
    const data = { cause: told.way, connectionId, issuedAt, appliedAt: clock() }
    const events = ended.map((id) => eventOf({ type: 'session.ended', subject: { type: 'user', id }, data }))
    if (events.length > 0) await recordEvents(held, events)
    return events.length
  })
}

/** Before the sessions are ended: sign-ins that are only just coming in find it. */
export function noteSignOutOf(scope: Scope, told: Noted): Promise<void> {
  return noteSignOut(scope, { connectionId: told.connection.id, ...notedOf(told) })
}

type Noted = Pick<SignOut, 'connection' | 'sid' | 'subject' | 'issuedAt'>

/** A `sid` is of one session, which is over for good. A person may come back within the second that has no parts. */
function notedOf({ connection, sid, subject = '', issuedAt }: Noted) {
  const expiresAt = new Date(issuedAt.getTime() + REMEMBERED)
  return sid === undefined
    ? {
        loginHash: hashOfSubject(connection.issuer, subject),
        at: new Date(issuedAt.getTime() - 1),
        expiresAt,
      }
    : { loginHash: hashOfSid(sid), at: issuedAt, expiresAt }
}

/** Whether the provider signed out, while the session began, whom it had just signed in; then it is over. */
export function signedOutMeanwhile(
  scope: Scope,
  { sid, issuer, subject, issuedAt }: VerifiedSignIn,
  sessionId: string,
): Promise<boolean> {
  return endIfSignedOut(scope, {
    sessionId,
    personHash: hashOfSubject(issuer, subject),
    sessionHash: sid === undefined ? null : hashOfSid(sid),
    signedInAt: issuedAt,
    eventId: newId(),
  })
}
