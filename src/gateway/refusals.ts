import { type NewConflict, type NewEvent, recordConflict, recordEvents, type Scope } from '../../db/index.ts'
import type { Refusal } from '../../oidc/index.ts'
import { eventOf } from '../events/record.ts'
import { newId } from '../ids.ts'

/** A refusal by policy: which decision it was, and whose. */
export interface PolicyRefusal extends Refusal {
  readonly rule: string
  readonly policyVersion?: number
  readonly userId?: string
  /** What an administrator is asked; it is queued with the event. */
  readonly conflict?: NewConflict | null
}

type RefusedType =
  | 'sign-in.refused'
  | 'logout.refused'
  | 'signal.refused'
  | 'scim-client.refused'
  | 'push.refused'

const ways: Readonly<Record<RefusedType, string>> = {
  'sign-in.refused': 'sign-in',
  'logout.refused': 'sign-in',
  'signal.refused': 'signal',
  'scim-client.refused': 'scim',
  'push.refused': 'scim',
}

/** Something refused on a connection: somebody's sign-in, unless it says otherwise. */
export interface Refused {
  readonly refusal: Pick<Refusal, 'code'> & Partial<PolicyRefusal>
  readonly connectionId: string
  readonly type?: RefusedType
}

export interface RefusalLog {
  /** One event each; what repeats beyond ten a minute is counted in one. */
  record(scope: Scope, what: Refused): Promise<void>
}

const MINUTE = 60_000
const EACH = 10
const MOST_WINDOWS = 10_000

interface Window {
  count: number
}

export function refusalLog(): RefusalLog {
  const windows = new Map<string, Window>()
  return {
    async record(scope, what) {
      const key = `${what.connectionId} ${what.refusal.code}`
      const open = windows.get(key)
      if (open && ++open.count > EACH) return write(scope, what, [])
      if (!open && windows.size < MOST_WINDOWS) {
        windows.set(key, { count: 1 })
        setTimeout(() => void close(key, scope, what), MINUTE).unref()
      }
      await write(scope, what, [event(what, {})])
    },
  }

  async function close(key: string, scope: Scope, { refusal: { code }, ...what }: Refused) {
    const repeated = (windows.get(key)?.count ?? 0) - EACH
    windows.delete(key)
    if (repeated <= 0) return
    // It counts many, so it is nobody's in particular; one that is lost with the database is only a count.
    await recordEvents(scope, [event({ ...what, refusal: { code } }, { repeated })]).catch(() => {})
  }
}

/** Whoever is in a conflict is asked about, however many others are refused in that minute. */
async function write(scope: Scope, { refusal: { conflict } }: Refused, events: NewEvent[]): Promise<void> {
  if (conflict) await recordConflict(scope, { conflict, openedId: newId() }, events)
  else if (events.length > 0) await recordEvents(scope, events)
}

function event({ refusal, connectionId, type = 'sign-in.refused' }: Refused, data: object) {
  const { code, rule, policyVersion, userId } = refusal
  return eventOf({
    type,
    subject: userId ? { type: 'user', id: userId } : { type: 'connection', id: connectionId },
    ...(rule !== undefined && policyVersion !== undefined && { by: { rule, policyVersion } }),
    data: { via: ways[type], connectionId, code, ...data },
  })
}
