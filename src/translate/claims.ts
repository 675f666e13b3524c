import type { ClaimRule, ClaimSettings, OidcSettings } from '../../db/index.ts'
import { isAddress, type VerifiedSignIn } from '../../oidc/index.ts'
import { type Attributes, type Json, userNameKey } from '../../scim/index.ts'
import { domainOfAddress } from '../domains/name.ts'
import type { SignIn } from '../provisioning/identity.ts'
import { type Claims, firstOf, text, valuesOf } from './claim-rules.ts'

/** What a connection says of its sign-ins. */
export interface ClaimsOf {
  readonly connectionId: string
  /** The claim whose value is the connection's key for the person. */
  readonly correlationClaim: string
  readonly bound: boolean
  readonly preset?: OidcSettings['preset'] | undefined
  readonly rules?: ClaimSettings | undefined
}

const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'

/** The standard claims of OpenID Connect Core section 5.1. */
const standard = {
  displayName: ['name', 'preferred_username'],
  name: 'name',
  givenName: 'given_name',
  familyName: 'family_name',
  email: 'email',
} as const satisfies ClaimSettings

/** The identity that verified claims describe; their shapes have been checked. */
export function signInOf(
  { issuer, subject, claims }: Pick<VerifiedSignIn, 'issuer' | 'subject' | 'claims'>,
  { connectionId, correlationClaim, bound, preset, rules = {} }: ClaimsOf,
): SignIn {
  const email = emailOf(claims, rules, preset)
  const userName = userNameOf(claims, rules, email)?.trim() ?? subject
  const roles = rules.roles === undefined ? null : valuesOf(claims, rules.roles)
  return {
    via: 'sign-in',
    connectionId,
    issuer,
    subject,
    bound,
    userName,
    userNameKey: userNameKey(userName),
    externalId: correlationClaim === 'sub' ? subject : (named(claims, correlationClaim) ?? null),
    attributes: attributesOf(claims, { rules, email, roles }),
    without: roles?.length === 0 ? ['roles'] : [],
    email,
    groups: rules.groups === undefined ? null : valuesOf(claims, rules.groups),
  }
}

/** A claim by its name, whatever that looks like. */
const named = (claims: Claims, name: string) => text(Object.hasOwn(claims, name) ? claims[name] : undefined)

function userNameOf(claims: Claims, rules: ClaimSettings, email: SignIn['email']): string | undefined {
  if (rules.userName) return firstOf(claims, rules.userName, text)
  return named(claims, 'preferred_username') ?? (email?.verifiedBy === undefined ? undefined : email.value)
}

const address = (value: unknown) => (isAddress(value) ? value : undefined)

function emailOf(claims: Claims, rules: ClaimSettings, preset: ClaimsOf['preset']): SignIn['email'] {
  const value = firstOf(claims, rules.email ?? standard.email, address)
  if (value === undefined) return null
  const verifiedBy = firstOf(claims, verifying({ claims, rules, preset, value }), (said, path) =>
    said === true ? path : undefined,
  )
  return { value, domain: domainOfAddress(value), ...(verifiedBy !== undefined && { verifiedBy }) }
}

interface Verifying {
  readonly claims: Claims
  readonly rules: ClaimSettings
  readonly preset: ClaimsOf['preset']
  readonly value: string
}

/** The claims that say of an address that it is the person's own; the usual ones speak of `email`, and of no other. */
function verifying({ claims, rules, preset, value }: Verifying): ClaimRule {
  if (rules.emailVerified) return rules.emailVerified
  if (claims.email !== value) return []
  return preset === 'entra' ? ['email_verified', 'xms_edov'] : 'email_verified'
}

interface Read {
  readonly rules: ClaimSettings
  readonly email: SignIn['email']
  readonly roles: readonly string[] | null
}

/** By their SCIM names. */
function attributesOf(claims: Claims, { rules, email, roles }: Read): Attributes {
  const read = (field: keyof typeof standard) => firstOf(claims, rules[field] ?? standard[field], text)
  const name = present({
    formatted: read('name'),
    givenName: read('givenName'),
    familyName: read('familyName'),
    middleName: named(claims, 'middle_name'),
  })
  const department = firstOf(claims, rules.department ?? [], text)
  return {
    ...present({
      displayName: read('displayName'),
      nickName: named(claims, 'nickname'),
      profileUrl: named(claims, 'profile'),
      locale: named(claims, 'locale'),
      timezone: named(claims, 'zoneinfo'),
    }),
    ...(Object.keys(name).length > 0 && { name }),
    ...(email && { emails: [{ value: email.value, type: 'work', primary: true }] }),
    ...(department !== undefined && { [ENTERPRISE]: { department } }),
    ...(roles && roles.length > 0 && { roles: roles.map((value): Json => ({ value })) }),
  }
}

function present(values: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).filter((entry): entry is [string, string] => entry[1] !== undefined),
  )
}
