import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { NewRequest, Scope } from '../../db/index.ts'
import type { VerifiedSignIn } from '../../oidc/index.ts'
import { readToken } from '../auth.ts'
import { claimsOf } from '../gateway/claims-of.ts'
import type { EnteredSignIn } from '../gateway/oidc-sign-in.ts'
import type { LinkingConnection } from '../gateway/oidc-store.ts'
import type { RefusalLog, Refused } from '../gateway/refusals.ts'
import type { Described, RequestLog } from '../gateway/request-log.ts'
import { signInOf } from '../translate/claims.ts'

/** What is known of a request before it is answered. */
interface Entering {
  readonly organizationId: string
  readonly kind: NewRequest['kind']
  readonly connectionId: string
  readonly at: Date
  readonly subjectId?: string | undefined
  readonly code?: string
  readonly detail?: string | undefined
}

export interface SignInNotes {
  /** The same log, of which each refusal is noted with its request. */
  readonly refusals: RefusalLog
  /** What came of verified claims; a refusal is still to be recorded. */
  entered(person: VerifiedSignIn, entered: EnteredSignIn, at: { requestId: string; now: Date }): void
}

/** Most whose answers are waited for; of somebody who went away there is none. */
const MOST_UNANSWERED = 1000

/** Notes sign-ins, and what providers send unasked and was refused: never an address, since those carry codes. */
export function signInNotes(app: FastifyInstance, log: RequestLog, refusals: RefusalLog): SignInNotes {
  const entering = new Map<string, Entering>()
  const claims = new Map<string, object>()
  app.addHook('onResponse', (request, reply, done) => {
    const known = entering.get(request.id)
    if (known) log.note(known.organizationId, described(request, reply, known, claims.get(request.id)))
    entering.delete(request.id)
    claims.delete(request.id)
    done()
  })
  return {
    refusals: {
      async record(scope, what) {
        const entry = refusedEntry(scope, what)
        if (entry) keep(entering, scope.requestId, entry)
        await refusals.record(scope, what)
      },
    },
    entered(person, entered, { requestId, now }) {
      keep(claims, requestId, saidBy(person))
      // Somebody of the public connection is in an organization of their own, which the session names.
      const organizationId = 'session' in entered && readToken(entered.session.token)?.organizationId
      if (!organizationId) return
      const { userId: subjectId } = entered
      const connectionId = person.connection.id
      keep(entering, requestId, { organizationId, kind: 'sign-in', at: now, connectionId, subjectId })
    },
  }
}

function keep<Value>(known: Map<string, Value>, requestId: string, value: Value): void {
  const [oldest] = known.size >= MOST_UNANSWERED ? known.keys() : []
  if (oldest !== undefined) known.delete(oldest)
  known.set(requestId, value)
}

const MOST_NAMES = 50
const MOST_CHARACTERS = 100

// Half a character, which the database takes in no text, is not left.
const cut = (name: string): string => name.slice(0, MOST_CHARACTERS).replace(/[\uD800-\uDBFF]$/, '')

/** Names of claims, and of the values by which rules decide those that are of a directory, and not of a person. */
function saidBy(person: VerifiedSignIn): object {
  const connection = person.connection as LinkingConnection // the store made it
  const { email, groups } = signInOf(person, claimsOf(connection))
  const names = Object.keys(person.claims).filter((name) => /^\w{1,64}$/.test(name))
  return {
    claims: names.slice(0, MOST_NAMES),
    decided: {
      correlationClaim: connection.correlationClaim,
      ...(email && { emailDomain: email.domain, emailVerifiedBy: email.verifiedBy ?? null }),
      ...(groups && { groups: groups.slice(0, MOST_NAMES).map(cut) }),
    },
  }
}

const kinds = {
  'sign-in.refused': 'sign-in',
  'logout.refused': 'logout',
  'signal.refused': 'signal',
} as const

function refusedEntry(
  { organizationId, now: at }: Scope,
  { type = 'sign-in.refused', connectionId, refusal }: Refused,
): Entering | undefined {
  if (!(type in kinds)) return undefined
  const kind = kinds[type as keyof typeof kinds] // one of them, as was just asked
  const { userId: subjectId, code, rule: detail } = refusal
  return { organizationId, kind, at, connectionId, subjectId, code, detail }
}

function described(
  { id, method, routeOptions }: FastifyRequest,
  { statusCode: status, elapsedTime }: FastifyReply,
  { kind, at, connectionId, subjectId, code, detail }: Entering,
  body: object | undefined,
): Described {
  const path = (routeOptions.url ?? '').replace(/:(\w+)/g, '{$1}')
  const shared = { kind, at, connection_id: connectionId, method, path, status, ...(code && { code }) }
  const own = { subject_id: subjectId, body, detail, duration: Math.round(elapsedTime), times: 1 }
  return {
    key: `${connectionId}${kind}${status}${code}`,
    failed: code !== undefined,
    alike: () => shared,
    whole: () => ({ ...shared, ...own, id }),
  }
}
