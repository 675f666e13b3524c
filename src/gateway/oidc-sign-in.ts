import { beginSession, endSession, type Scope } from '../../db/index.ts'
import type { SignInContext, SignInResult, VerifiedSignIn } from '../../oidc/index.ts'
import { newToken, readToken } from '../auth.ts'
import { eventOf } from '../events/record.ts'
import { newId } from '../ids.ts'
import type { Policies } from '../provisioning/policy.ts'
import { type Beginning, provision } from '../provisioning/provision.ts'
import { heedClaimedGroups } from '../provisioning/reevaluate.ts'
import { ConnectionGone, Refused } from '../provisioning/refused.ts'
import { signInOf } from '../translate/claims.ts'
import { claimsOf } from './claims-of.ts'
import { signedOutMeanwhile } from './oidc-sign-out.ts'
import { type Host, idTokenPlace, type LinkingConnection } from './oidc-store.ts'
import type { PolicyRefusal } from './refusals.ts'
import { sessionLimits } from './session-limits.ts'

/** How a sign-in ended, and whose it was where that is known. */
export type EnteredSignIn = SignInResult & { readonly userId?: string }

/** Recognizes or provisions who has signed in, and begins their session: for somebody new in one statement. */
export function oidcSignIn(
  host: Host,
  policies: Policies,
): (person: VerifiedSignIn, request: SignInContext) => Promise<EnteredSignIn> {
  return async (person, { requestId, replaces }) => {
    const connection = person.connection as LinkingConnection // the store made it
    const { organizationId, id: connectionId } = connection
    const actor = `sign-in:${connectionId}`
    const scope = { db: host.db, organizationId, actor, now: host.clock(), requestId }
    try {
      const { token, beginning } = await begin(scope, host, person)
      const userId = await enter(scope, { person, beginning, policies })
      if (replaces !== undefined) await endReplaced(scope, replaces)
      return { session: { token, expiresAt: beginning.session.expiresAt }, userId }
    } catch (error) {
      if (error instanceof Refused) return { refusal: refusalOf(error) }
      if (error instanceof ConnectionGone) return { gone: true }
      throw error
    }
  }
}

/** What is to be written once it is known whose session it is; nothing is sealed while a transaction waits. */
async function begin(
  { organizationId, now }: Scope,
  host: Host,
  person: VerifiedSignIn,
): Promise<{ token: string; beginning: Beginning }> {
  const { token, secretHash } = newToken(organizationId)
  const idToken = await host.secrets.seal(person.idToken, idTokenPlace(organizationId, token))
  const { id: connectionId, issuer, clientId, sessionSettings } = person.connection as LinkingConnection // as above
  const session = {
    id: newId(),
    secretHash,
    sid: person.sid ?? null,
    idToken,
    authentication: person.authentication ?? null,
    ...sessionLimits(now, sessionSettings, person.sessionExpiry),
  }
  const data = { via: 'sign-in', connectionId, sessionId: session.id }
  const event = (id: string) => eventOf({ type: 'session.begun', subject: { type: 'user', id }, data })
  return { token, beginning: { asked: { connectionId, issuer, clientId }, session, event } }
}

interface Entering {
  readonly person: VerifiedSignIn
  readonly beginning: Beginning
  readonly policies: Policies
}

async function enter(scope: Scope, { person, beginning, policies }: Entering): Promise<string> {
  const { session, asked, event } = beginning
  const identity = signInOf(person, claimsOf(person.connection as LinkingConnection)) // as above
  const { userId, outcome } = await provision(scope, { identity, beginning }, policies)
  await heedClaimedGroups(scope, userId, identity)
  if (outcome !== 'create') {
    const own = { ...session, userId, connectionId: asked.connectionId }
    // Shut out between being recognized and the session.
    if (!(await beginSession(scope, own, [event(userId)])))
      throw new Refused({ code: 'suspended', rule: 'person suspended', userId })
  }
  if (await signedOutMeanwhile(scope, person, session.id))
    throw new Refused({ code: 'signed_out', rule: 'signed out meanwhile', userId })
  return userId
}

/** The session whose cookie the browser held until now, which may be of another organization. */
export async function endReplaced(scope: Scope, token: string): Promise<void> {
  const key = readToken(token)
  if (!key) return
  const { organizationId, secretHash } = key
  await endSession({ ...scope, organizationId }, { secretHash, eventId: newId(), cause: 'replaced' })
}

function refusalOf({ code, message, rule, policyVersion, userId, conflict }: Refused): PolicyRefusal {
  return {
    code,
    message,
    status: 403,
    rule,
    conflict,
    ...(policyVersion !== undefined && { policyVersion }),
    ...(userId !== undefined && { userId }),
  }
}
