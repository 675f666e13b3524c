import { beginSession, type Scope } from '../../db/index.ts'
import type { OidcOptions, SignInResult, VerifiedSignIn } from '../../oidc/index.ts'
import { newToken } from '../auth.ts'
import { eventOf } from '../events/record.ts'
import { newId } from '../ids.ts'
import type { Policies } from '../provisioning/policy.ts'
import { provision } from '../provisioning/provision.ts'
import { Refused } from '../provisioning/refused.ts'
import { signInOf } from '../translate/claims.ts'
import { signedOutMeanwhile } from './oidc-sign-out.ts'
import { type Host, idTokenPlace, type LinkingConnection } from './oidc-store.ts'
import type { PolicyRefusal } from './refusals.ts'

const MINUTE = 60_000
/** How long a session lasts at most. */
const LONGEST = 12 * 60 * MINUTE
/** How long it lasts without being used. */
const IDLE = 2 * 60 * MINUTE

/** Uses are noted so rarely that a check is as good as always a read, and so often that an end is a little early at most. */
const touchAfter = (idle: number): number => Math.max(MINUTE, idle / 24)

/** Recognizes or provisions who has signed in, and begins their session. */
export function oidcSignIn(host: Host, policies: Policies): OidcOptions['signIn'] {
  return async (person, { requestId }) => {
    const connection = person.connection as LinkingConnection // the store made it
    const { organizationId, id: connectionId } = connection
    const actor = `sign-in:${connectionId}`
    const scope = { db: host.db, organizationId, actor, now: host.clock(), requestId }
    const rules = { connectionId, correlationClaim: connection.correlationClaim, bound: connection.bound }
    try {
      const { userId } = await provision(scope, signInOf(person, rules), policies)
      return await begin(scope, { host, person, userId })
    } catch (error) {
      if (error instanceof Refused) return { refusal: refusalOf(error) }
      throw error
    }
  }
}

interface Beginning {
  readonly host: Host
  readonly person: VerifiedSignIn
  readonly userId: string
}

async function begin(scope: Scope, { host, person, userId }: Beginning): Promise<SignInResult> {
  const { organizationId, now } = scope
  const { token, secretHash } = newToken(organizationId)
  const idToken = await host.secrets.seal(person.idToken, idTokenPlace(organizationId, token))
  const after = (span: number) => new Date(now.getTime() + span)
  const expiresAt = after(LONGEST)
  const connectionId = person.connection.id
  const session = {
    id: newId(),
    secretHash,
    userId,
    connectionId,
    sid: person.sid ?? null,
    idToken,
    expiresAt,
    idleAt: after(IDLE),
    touchAt: after(touchAfter(IDLE)),
  }
  const event = eventOf({
    type: 'session.begun',
    subject: { type: 'user', id: userId },
    data: { via: 'sign-in', connectionId, sessionId: session.id },
  })
  // Shut out between being recognized and the session.
  if (!(await beginSession(scope, session, [event])))
    throw new Refused({ code: 'suspended', rule: 'person suspended', userId })
  if (await signedOutMeanwhile(scope, person, session.id))
    throw new Refused({ code: 'signed_out', rule: 'signed out meanwhile', userId })
  return { session: { token, expiresAt } }
}

function refusalOf({ code, message, rule, policyVersion, userId }: Refused): PolicyRefusal {
  return {
    code,
    message,
    status: 403,
    rule,
    ...(policyVersion !== undefined && { policyVersion }),
    ...(userId !== undefined && { userId }),
  }
}
