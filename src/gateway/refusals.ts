import { recordEvents, type Scope } from '../../db/index.ts'
import type { Refusal } from '../../oidc/index.ts'
import { eventOf } from '../events/record.ts'

/** A refusal by policy: which decision it was, and whose. */
export interface PolicyRefusal extends Refusal {
  readonly rule: string
  readonly policyVersion?: number
  readonly userId?: string
}

export interface RefusalLog {
  /** One event each; what repeats beyond ten a minute is counted in one. */
  record(scope: Scope, what: { refusal: Refusal; connectionId: string }): Promise<void>
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
    async record(scope, { refusal, connectionId }) {
      const key = `${connectionId} ${refusal.code}`
      const open = windows.get(key)
      if (open && ++open.count > EACH) return
      if (!open && windows.size < MOST_WINDOWS) {
        windows.set(key, { count: 1 })
        setTimeout(() => void close(key, scope, { refusal, connectionId }), MINUTE).unref()
      }
      await recordEvents(scope, [event(refusal, connectionId, {})])
    },
  }

  async function close(
    key: string,
    scope: Scope,
    { refusal, connectionId }: { refusal: Refusal; connectionId: string },
  ) {
    const repeated = (windows.get(key)?.count ?? 0) - EACH
    windows.delete(key)
    if (repeated <= 0) return
    const { code, message, status } = refusal
    // It counts many, so it is nobody's in particular; one that is lost with the database is only a count.
    await recordEvents(scope, [event({ code, message, status }, connectionId, { repeated })]).catch(() => {})
  }
}

function event(refusal: Refusal & Partial<PolicyRefusal>, connectionId: string, data: object) {
  const { code, rule, policyVersion, userId } = refusal
  return eventOf({
    type: 'sign-in.refused',
    subject: userId ? { type: 'user', id: userId } : { type: 'connection', id: connectionId },
    ...(rule !== undefined && policyVersion !== undefined && { by: { rule, policyVersion } }),
    data: { via: 'sign-in', connectionId, code, ...data },
  })
}
