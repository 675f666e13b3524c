import { isName } from './claims.ts'
import { refused } from './errors.ts'
import type { OidcConnection } from './ports.ts'
import type { Signal, SignalKind, SignalSubject } from './signal.ts'

const CAEP = 'https://schemas.openid.net/secevent/caep/event-type/'
const RISC = 'https://schemas.openid.net/secevent/risc/event-type/'

const KINDS: ReadonlyMap<string, SignalKind> = new Map([
  [`${CAEP}session-revoked`, 'session-revoked'],
  [`${RISC}sessions-revoked`, 'session-revoked'],
  [`${CAEP}credential-change`, 'credential-change'],
  [`${RISC}account-disabled`, 'account-disabled'],
  [`${RISC}account-enabled`, 'account-enabled'],
  [`${RISC}account-purged`, 'account-purged'],
])

type Members = Readonly<Record<string, unknown>>

/** The events of a token (RFC 8417) that mean something here; others are for somebody else to act on. */
export function signalsOf(payload: Members, connection: OidcConnection): Signal[] {
  const { events, sub_id } = payload
  if (!isObject(events) || Object.keys(events).length === 0) throw refused('invalid_signal', 'events')
  return Object.entries(events).flatMap(([type, event]) => {
    const kind = KINDS.get(type)
    if (kind === undefined) return []
    // The subject stood within the event before the token had a claim of its own for it.
    const subject = sub_id ?? (isObject(event) ? event.subject : undefined)
    if (!isObject(subject)) throw refused('invalid_signal', 'sub_id')
    return [{ kind, subject: subjectOf(subject, kind, connection) }]
  })
}

/**
 * Whom it is about (RFC 9493), as far as that can be told; of a complex subject all members hold together. Other
 * formats, devices and groups name nobody.
 */
function subjectOf(subject: Members, kind: SignalKind, connection: OidcConnection): SignalSubject {
  // A complex subject had no format in the first drafts.
  if (subject.format !== 'complex' && subject.format !== undefined) {
    const isSession = subject.format === 'opaque' && kind === 'session-revoked' && isName(subject.id)
    return isSession ? { sid: String(subject.id) } : (personOf(subject, connection) ?? {})
  }
  const { user, session } = subject
  const person = isObject(user) ? personOf(user, connection) : {}
  const sid = isObject(session) && session.format === 'opaque' && isName(session.id) ? session.id : undefined
  // What names a person or a session that nobody knows here must not widen to those it leaves out.
  if (person === null || (session !== undefined && sid === undefined)) return {}
  return { ...person, ...(sid !== undefined && { sid }) }
}

function personOf({ format, ...of }: Members, { issuer }: OidcConnection): SignalSubject | null {
  if (format === 'iss_sub' && of.iss === issuer && isName(of.sub)) return { subject: of.sub }
  if (format === 'opaque' && isName(of.id)) return { subject: of.id }
  if (format === 'email' && isName(of.email)) return { email: of.email }
  return null
}

function isObject(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
