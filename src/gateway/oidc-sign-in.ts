import { beginSession, endSession, type Scope } from '../../db/index.ts'
import type { OidcOptions, SignInResult, VerifiedSignIn } from '../../oidc/index.ts'
import { newToken, readToken } from '../auth.ts'
import { eventOf } from '../events/record.ts'
import { newId } from '../ids.ts'
import type { Policies } from '../provisioning/policy.ts'
import { provision } from '../provisioning/provision.ts'
import { Refused } from '../provisioning/refused.ts'
import { signInOf } from '../translate/claims.ts'
import { claimsOf } from './claims-of.ts'
import { signedOutMeanwhile } from './oidc-sign-out.ts'
import { type Host, idTokenPlace, type LinkingConnection } from './oidc-store.ts'
import type { PolicyRefusal } from './refusals.ts'
import { sessionLimits } from './session-limits.ts'

/** Recognizes or provisions who has signed in, and begins their session. */
export function oidcSignIn(host: Host, policies: Policies): OidcOptions['signIn'] {
  return async (person, { requestId, replaces }) => {
    const connection = person.connection as LinkingConnection // the store made it
    const { organizationId, id: connectionId } = connection
    const actor = `sign-in:${connectionId}`
    const scope = { db: host.db, organizationId, actor, now: host.clock(), requestId }
    try {
      const { userId } = await provision(scope, signInOf(person, claimsOf(connection)), policies)
      const begun = await begin(scope, { host, person, userId })
      if (replaces !== undefined) await endReplaced(scope, replaces)
      return begun
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
  const { id: connectionId, sessionSettings } = person.connection as LinkingConnection // the store made it
  const limits = sessionLimits(now, sessionSettings, person.sessionExpiry)
  const session = {
    id: newId(),
    secretHash,
    userId,
    connectionId,
    sid: person.sid ?? null,
    idToken,
    authentication: person.authentication ?? null,
    ...limits,
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
  return { session: { token, expiresAt: limits.expiresAt } }
}

/** The session whose cookie the browser held until now, which may be of another organization. */
async function endReplaced(scope: Scope, token: string): Promise<void> {
  const key = readToken(token)
  if (!key) return
  const { organizationId, secretHash } = key
  await endSession({ ...scope, organizationId }, { secretHash, eventId: newId(), cause: 'replaced' })
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
