import {
  endProviderSessions,
  endSessionsAtConnection,
  personByAddress,
  personByLogin,
  recordEvents,
  type Scope,
  type SignalledPerson,
  spendToken,
  transact,
} from '../../db/index.ts'
import type { OidcOptions, ReceivedSignals, Signal, SignalSubject } from '../../oidc/index.ts'
import { userNameKey } from '../../scim/index.ts'
import { hashOf } from '../auth.ts'
import { eventOf } from '../events/record.ts'
import type { Applied } from '../metrics.ts'
import { removeUser } from '../provisioning/lifecycle.ts'
import { switchUser } from '../provisioning/signals.ts'
import { noteSignOutOf } from './oidc-sign-out.ts'
import type { Host, LinkingConnection } from './oidc-store.ts'

/** Does what signals say, each token once and as a whole; people whom nobody knows here are none of its business. */
export function oidcSignals(host: Host, applied: Applied = () => {}): OidcOptions['signal'] {
  return async (received, { requestId }) => {
    const connection = received.connection as LinkingConnection // the store made it
    const { organizationId, id: connectionId } = connection
    const actor = `signals:${connectionId}`
    const scope = { db: host.db, organizationId, actor, now: host.clock(), requestId }
    await noteSignOuts(scope, received)
    const affected = await transact(host.db, async (db) => {
      const held = { ...scope, db }
      const { token, signals, issuedAt } = received
      if (!(await spendToken(held, { connectionId, ...token, jtiHash: hashOf(`signal ${token.jti}`) })))
        return 0
      const acting = { scope: held, connection, issuedAt, clock: host.clock }
      const effects: number[] = []
      for (const signal of signals) effects.push(await act(acting, signal))
      const people = effects.reduce((sum, one) => sum + one, 0)
      const data = { signals: signals.map(({ kind }) => kind), people, ...times(acting) }
      const subject = { type: 'connection', id: connectionId } as const
      await recordEvents(held, [eventOf({ type: 'signal.received', subject, data })])
      return people
    })
    if (affected > 0) applied('signal', received.issuedAt)
  }
}

interface Acting {
  readonly scope: Scope
  readonly connection: LinkingConnection
  readonly issuedAt: Date
  readonly clock: () => Date
}

/** From when it was said until it holds: whoever asks after `appliedAt` is refused. */
const times = ({ issuedAt, clock }: Acting) => ({ issuedAt, appliedAt: clock() })

const ENDS_SESSIONS = ['session-revoked', 'credential-change']

/** Sign-ins that are only just coming in do not outlive it either, be it of somebody who is not known yet. */
async function noteSignOuts(scope: Scope, { connection, signals, issuedAt }: ReceivedSignals): Promise<void> {
  for (const { kind, subject } of signals)
    if (kind !== 'account-enabled' && (subject.sid ?? subject.subject) !== undefined)
      await noteSignOutOf(scope, { connection, issuedAt, ...subject })
}

/** How many people it took effect on. */
async function act(acting: Acting, { kind, subject }: Signal): Promise<number> {
  const { scope, connection } = acting
  const data = { via: 'signal', signal: kind, connectionId: connection.id, ...times(acting) }
  if (ENDS_SESSIONS.includes(kind)) {
    const ended = await endSessions(acting, subject)
    const one = { type: 'session.ended', data: { ...data, cause: kind } } as const
    const events = ended.map((id) => eventOf({ ...one, subject: { type: 'user', id } }))
    if (events.length > 0) await recordEvents(scope, events)
    return ended.length
  }
  const person = await personOf(acting, subject)
  // Another connection keeps their record, and has the say in it.
  if (person?.connection_id !== connection.id) return 0
  const userId = person.id
  const done =
    kind === 'account-purged'
      ? await removeUser(scope, { userId, connectionId: connection.id, check: () => {}, data })
      : await switchUser(scope, { userId, active: kind === 'account-enabled', data })
  return done ? 1 : 0
}

async function endSessions(acting: Acting, subject: SignalSubject): Promise<string[]> {
  const { scope, connection } = acting
  const { id: connectionId, issuer } = connection
  const { sid } = subject
  if (subject.subject === undefined && subject.email === undefined)
    return sid === undefined ? [] : endProviderSessions(scope, { connectionId, issuer, sid })
  const person = await personOf(acting, subject)
  if (!person) return []
  return (await endSessionsAtConnection(scope, { userId: person.id, connectionId, sid })) ? [person.id] : []
}

async function personOf(
  { scope, connection }: Acting,
  { subject, email }: SignalSubject,
): Promise<SignalledPerson | null> {
  const { id: connectionId, issuer, correlationClaim } = connection
  if (subject !== undefined)
    return personByLogin(scope, { connectionId, issuer, subject, correlates: correlationClaim === 'sub' })
  if (email === undefined) return null
  return personByAddress(scope, { connectionId, email, userNameKey: userNameKey(email) })
}
