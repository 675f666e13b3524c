import { createHash } from 'node:crypto'
import { decodeProtectedHeader } from 'jose'
import type { IDToken } from 'openid-client'
import { refused } from './errors.ts'
import type { OidcConnection } from './ports.ts'

/** An id_token that openid-client accepted, and the access token that came with it. */
export interface IdToken {
  readonly claims: IDToken
  readonly idToken: string
  readonly accessToken: string
}

export interface Expected {
  readonly connection: Pick<OidcConnection, 'clientId' | 'requiredClaims'>
  readonly now: Date
}

type Claims = Readonly<Record<string, unknown>>

/** How far a provider's clock may be ahead, in seconds. */
const SKEW = 60
/** How old a token may be that was made for a code just redeemed, in seconds. */
const OLDEST = 600

const CONTROL = /[\p{Cc}\p{Cs}]/u
/** What PostgreSQL keeps in no text: NUL, and halves of a surrogate pair. */
const UNSTORABLE = /[\0\p{Cs}]/u
const DEEPEST = 8

/** What openid-client leaves open (Core section 3.1.3.7); it has checked signature, iss, aud, exp, nbf and nonce. */
export function checkIdToken(token: IdToken, { connection, now }: Expected): void {
  checkSubject(token.claims)
  checkIssuedAt(token.claims, now)
  checkAuthorizedParty(token.claims, connection.clientId)
  checkAccessTokenHash(token)
  checkTenant(token.claims, connection.requiredClaims)
}

/** Core section 2: at most 255 characters. One with control characters is an attempt to look like another. */
function checkSubject({ sub }: IDToken): void {
  if (!isName(sub)) throw refused('invalid_claims', 'sub')
}

/** A name that a provider gives to a person or a session. */
export function isName(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= 255 && !CONTROL.test(value)
}

function checkIssuedAt({ iat }: IDToken, now: Date): void {
  const age = now.getTime() / 1000 - iat
  if (!(age >= -SKEW && age <= OLDEST)) throw refused('invalid_id_token', 'iat')
}

/** openid-client looks at `azp` only where there are several audiences. */
function checkAuthorizedParty({ azp }: IDToken, clientId: string): void {
  if (azp !== undefined && azp !== clientId) throw refused('invalid_id_token', 'azp')
}

function checkTenant(claims: Claims, required: Readonly<Record<string, string>> = {}): void {
  const wrong = Object.keys(required).find((name) => claims[name] !== required[name])
  if (wrong !== undefined) throw refused('wrong_tenant', wrong)
}

/** Core section 3.1.3.6: the left half of the hash that belongs to the algorithm of the signature. */
function checkAccessTokenHash({ claims, idToken, accessToken }: IdToken): void {
  if (claims.at_hash === undefined) return
  const { alg = '' } = decodeProtectedHeader(idToken)
  // Ed25519 has no digits of this kind; it hashes by SHA-512.
  const bits = /(256|384|512)$/.exec(alg)?.[1] ?? '512'
  const digest = createHash(`sha${alg.startsWith('Ed') ? '512' : bits}`)
    .update(accessToken)
    .digest()
  const expected = digest.subarray(0, digest.length / 2).toString('base64url')
  if (claims.at_hash !== expected) throw refused('invalid_id_token', 'at_hash')
}

/** The provider's name for its own session, by which it may end ours. */
export function sessionId({ sid }: IDToken): string | undefined {
  return isText(sid, 255) ? sid : undefined
}

/** Until when a session may last, where the provider says so (OpenID Connect Enterprise Extensions, section 2). */
export function sessionExpiry({ session_expiry: expiry }: Claims, now: Date): Date | undefined {
  if (expiry === undefined) return undefined
  if (!isTime(expiry) || expiry * 1000 <= now.getTime()) throw refused('invalid_claims', 'session_expiry')
  return new Date(expiry * 1000)
}

/** Seconds since 1970, until the year 9999. */
export function isTime(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value < 253_402_300_800
}

/** Whether the id_token lacks what is known of everybody, or every one of some claims of which one is `wanted`. */
export function needsUserinfo(claims: Claims, wanted: OidcConnection['wantedClaims'] = []): boolean {
  const { email, name, preferred_username } = claims
  if (!isText(email, 1024) || !(isText(name, 1024) || isText(preferred_username, 1024))) return true
  return wanted.some((names) => !names.some((one) => Object.hasOwn(claims, one)))
}

/** Claims about the token or the act of signing in: userinfo has no say in them. */
const ABOUT_TOKEN = ['iss', 'aud', 'exp', 'nbf', 'iat', 'jti', 'nonce', 'azp', 'at_hash', 'c_hash']
const ABOUT_SIGN_IN = ['sid', 'acr', 'amr', 'auth_time', 'session_expiry']

/** Claims about the address that comes with them; `xms_edov` is Entra's. */
const ABOUT_ADDRESS = ['email_verified', 'xms_edov']

/** What is known of the person: the id_token, completed by userinfo, without what cannot be relied on. */
export function mergeClaims(idToken: Claims, userinfo: Claims): Claims {
  const fromToken = clean(idToken)
  const fromUserinfo = clean(without(userinfo, [...ABOUT_TOKEN, ...ABOUT_SIGN_IN]))
  const merged = { ...fromUserinfo, ...fromToken }
  return { ...without(merged, ABOUT_ADDRESS), ...verification(merged.email, [fromToken, fromUserinfo]) }
}

/** An address is verified where a source that names this very address says so by a boolean. */
function verification(email: unknown, sources: readonly Claims[]): Claims {
  if (email === undefined) return {}
  const said = (name: string) => sources.some((one) => one.email === email && one[name] === true)
  return { email_verified: said('email_verified'), ...(said('xms_edov') && { xms_edov: true }) }
}

/** Core section 5.1: the claims that are a single line of text. */
const TEXTS = [
  ...['name', 'given_name', 'family_name', 'middle_name', 'nickname', 'preferred_username', 'upn'],
  ...['profile', 'picture', 'website', 'gender', 'birthdate', 'zoneinfo', 'locale', 'phone_number'],
]
const OF_EVERY_OBJECT = ['__proto__', 'constructor', 'prototype']

/** Leaves out a claim that has not the shape it should have: as good as not said. */
function clean(claims: Claims): Claims {
  return Object.fromEntries(
    Object.entries(claims).filter(([name, value]) => {
      if (OF_EVERY_OBJECT.includes(name)) return false
      if (name === 'email') return isAddress(value)
      return TEXTS.includes(name) ? isText(value, 1024) : isStorable(value, DEEPEST)
    }),
  )
}

function without(claims: Claims, names: readonly string[]): Claims {
  return Object.fromEntries(Object.entries(claims).filter(([name]) => !names.includes(name)))
}

function isText(value: unknown, longest: number): value is string {
  return typeof value === 'string' && value.trim() !== '' && value.length <= longest && !CONTROL.test(value)
}

/** One address and nothing around it: no list, no display name, no comment (the addr-spec of RFC 5322, plain). */
export function isAddress(value: unknown): value is string {
  return isText(value, 254) && /^[^\s@<>()[\]\\,;:"]+@[^\s@<>()[\]\\,;:"]+$/.test(value)
}

function isStorable(value: unknown, depth: number): boolean {
  if (typeof value === 'string') return !UNSTORABLE.test(value)
  if (typeof value !== 'object' || value === null) return true
  if (depth === 0) return false
  return Object.entries(value).every(
    ([name, inner]) =>
      !OF_EVERY_OBJECT.includes(name) && !UNSTORABLE.test(name) && isStorable(inner, depth - 1),
  )
}
