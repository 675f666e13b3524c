import type { Scope } from '../../db/index.ts'
import type { VerifiedSignIn } from '../../oidc/index.ts'
import { type Foreseen, foresee } from '../provisioning/foresee.ts'
import type { SignIn } from '../provisioning/identity.ts'
import type { Policies } from '../provisioning/policy.ts'
import { type ClaimsOf, signInOf } from '../translate/claims.ts'

/** Who somebody is by their claims, and what a sign-in by them would do. */
export interface Foretold {
  readonly person: object
  readonly outcome: Foreseen
}

/** Nothing is written, and nothing is asked of anybody. */
export async function foretell(
  scope: Scope,
  said: Pick<VerifiedSignIn, 'issuer' | 'subject' | 'claims'>,
  { of, policies }: { readonly of: ClaimsOf; readonly policies: Policies },
): Promise<Foretold> {
  const identity = signInOf(said, of)
  return { person: personIn(identity), outcome: await foresee(scope, identity, policies) }
}

function personIn({ userName, externalId, attributes, email, groups }: SignIn): object {
  return {
    userName,
    ...(externalId !== null && { externalId }),
    attributes,
    ...(email && { email: emailView(email) }),
    ...(groups && { groups }),
  }
}

const emailView = ({ value, verifiedBy }: NonNullable<SignIn['email']>) => ({
  value,
  ...(verifiedBy !== undefined && { verifiedBy }),
  verified: verifiedBy !== undefined,
})
