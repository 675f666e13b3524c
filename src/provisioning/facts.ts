import { findDomain, findMatches, isScimAtWork, type Scope } from '../../db/index.ts'
import type { Identity, SignIn } from './identity.ts'
import { type Facts, nothingKnown } from './plan.ts'
import { justInTimeOf, type Policy } from './policy.ts'

/** Whether no plan can be made as if nobody were known: a rule asks for what no key of a statement guards. */
export const needsFacts = (policy: Policy, { via, connectionId }: Identity): boolean =>
  via === 'sign-in' &&
  (policy.linking.email || justInTimeOf(policy, connectionId) === 'until-scim-takes-over')

/** What a plan for an identity goes by; what no rule of the policy asks about is not looked up. */
export async function factsOf(scope: Scope, policy: Policy, identity: Identity): Promise<Facts> {
  const { connectionId, userNameKey, externalId } = identity
  const keys = { connectionId, userNameKey, externalId }
  if (identity.via === 'scim') return { ...nothingKnown, matches: await findMatches(scope, keys) }
  const mode = justInTimeOf(policy, connectionId)
  const asksDomain = policy.linking.email || mode === 'verified-domains'
  const inVerifiedDomain = asksDomain && (await isInVerifiedDomain(scope, identity.email))
  const email = policy.linking.email && inVerifiedDomain ? identity.email?.value : undefined
  const { issuer, subject } = identity
  return {
    ...nothingKnown,
    matches: await findMatches(scope, { ...keys, issuer, subject, email }),
    inVerifiedDomain,
    scimAtWork: mode === 'until-scim-takes-over' && (await isScimAtWork(scope, connectionId)),
  }
}

async function isInVerifiedDomain(scope: Scope, email: SignIn['email']): Promise<boolean> {
  if (email?.verifiedBy === undefined || email.domain === null) return false
  return (await findDomain(scope, email.domain))?.verified_at != null
}
