import type { VerifiedSignIn } from '../../oidc/index.ts'
import type { Attributes } from '../../scim/index.ts'
import type { SignIn } from '../provisioning/identity.ts'

export interface ClaimRules {
  readonly connectionId: string
  /** The claim whose value is the connection's key for the person. */
  readonly correlationClaim: string
  readonly bound: boolean
}

type Claims = VerifiedSignIn['claims']

/** The identity that verified claims describe; their shapes have been checked. */
export function signInOf(
  { issuer, subject, claims }: Pick<VerifiedSignIn, 'issuer' | 'subject' | 'claims'>,
  { connectionId, correlationClaim, bound }: ClaimRules,
): SignIn {
  return {
    via: 'sign-in',
    connectionId,
    issuer,
    subject,
    bound,
    userName: textOf(claims, 'preferred_username') ?? verifiedEmail(claims) ?? subject,
    externalId: correlationClaim === 'sub' ? subject : (textOf(claims, correlationClaim) ?? null),
    attributes: attributesOf(claims),
  }
}

/** What is longer is nobody's name, and no key of anybody. */
const LONGEST = 1000

function textOf(claims: Claims, name: string): string | undefined {
  const value = Object.hasOwn(claims, name) ? claims[name] : undefined
  return typeof value === 'string' && value !== '' && value.length <= LONGEST ? value : undefined
}

function verifiedEmail(claims: Claims): string | undefined {
  return claims.email_verified === true ? textOf(claims, 'email') : undefined
}

/** The standard claims of OpenID Connect Core section 5.1 by their SCIM names. */
function attributesOf(claims: Claims): Attributes {
  const email = textOf(claims, 'email')
  const name = present({
    formatted: textOf(claims, 'name'),
    givenName: textOf(claims, 'given_name'),
    familyName: textOf(claims, 'family_name'),
    middleName: textOf(claims, 'middle_name'),
  })
  const simple = present({
    displayName: textOf(claims, 'name') ?? textOf(claims, 'preferred_username'),
    nickName: textOf(claims, 'nickname'),
    profileUrl: textOf(claims, 'profile'),
    locale: textOf(claims, 'locale'),
    timezone: textOf(claims, 'zoneinfo'),
  })
  return {
    ...simple,
    ...(Object.keys(name).length > 0 && { name }),
    ...(email && { emails: [{ value: email, type: 'work', primary: true }] }),
  }
}

function present(values: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).filter((entry): entry is [string, string] => entry[1] !== undefined),
  )
}
