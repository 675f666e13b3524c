import { errors, type JWTPayload, type JWTVerifyResult, jwtVerify } from 'jose'
import { within } from './deadline.ts'
import { fromFailure, OidcError, type RefusalCode, refused } from './errors.ts'
import { type KeySet, type KeySource, mayBeRotation } from './keys.ts'

/** What a token must be that comes without having been asked for, and so may have come from anybody. */
export interface Expected {
  readonly keys: KeySource
  readonly algorithms: readonly string[]
  readonly issuer: string
  readonly audience: string
  /** Of `typ`, in lower case and without `application/`; undefined where it may be left out. */
  readonly types: readonly (string | undefined)[]
  /** How many seconds ago it may have been issued; longer than that it is not remembered either. */
  readonly oldest: number
  /** What is refused by where it is not so. */
  readonly refusal: RefusalCode
  readonly now: Date
  readonly deadline: AbortSignal
}

export interface Unasked {
  readonly payload: JWTPayload
  readonly issuedAt: Date
  readonly token: SpentToken
}

/** A token that works once. */
export interface SpentToken {
  readonly jti: string
  /** After this nobody would accept it anyway. */
  readonly expiresAt: Date
}

/** How far a provider's clock may be off, in seconds. */
const SKEW = 60
const LONGEST_JTI = 255

/** Signature, algorithm, type, issuer, audience, times and id; what it says is for the caller to read. */
export async function verifyUnasked(jwt: string, expected: Expected): Promise<Unasked> {
  const { payload, protectedHeader } = await verified(jwt, expected)
  const type = protectedHeader.typ?.toLowerCase().replace(/^application\//, '')
  if (!expected.types.includes(type)) throw refused(expected.refusal, 'typ')
  const { iat, jti } = payload
  const age = expected.now.getTime() / 1000 - (iat ?? Number.NaN)
  if (iat === undefined || !(age >= -SKEW && age <= expected.oldest)) throw refused(expected.refusal, 'iat')
  if (typeof jti !== 'string' || jti === '' || jti.length > LONGEST_JTI)
    throw refused(expected.refusal, 'jti')
  const expiresAt = new Date((iat + expected.oldest + SKEW) * 1000)
  return { payload, issuedAt: new Date(iat * 1000), token: { jti, expiresAt } }
}

/** By the keys at hand; where these do not fit, once more by new ones. */
async function verified(jwt: string, expected: Expected): Promise<JWTVerifyResult> {
  const { keys, deadline } = expected
  const obtained = <T>(work: Promise<T>): Promise<T> =>
    within(deadline, work).catch((error) => Promise.reject(fromFailure(error, 'keys')))
  const held = await obtained(keys.current())
  try {
    return await verifiedBy(held, jwt, expected)
  } catch (error) {
    const renewed = mayBeRotation(error) ? await obtained(keys.renew(held, 'unasked')) : null
    if (!renewed) throw refusalOf(error, expected)
    return verifiedBy(renewed, jwt, expected).catch((again) => Promise.reject(refusalOf(again, expected)))
  }
}

async function verifiedBy({ keyOf }: KeySet, jwt: string, expected: Expected): Promise<JWTVerifyResult> {
  const { algorithms, issuer, audience, now } = expected
  return jwtVerify(jwt, keyOf, {
    algorithms: [...algorithms],
    issuer,
    audience,
    currentDate: now,
    clockTolerance: SKEW,
  })
}

/** Told by codes and names of claims: texts may quote the token. */
function refusalOf(error: unknown, { refusal }: Expected): OidcError {
  if (error instanceof OidcError) return error
  if (error instanceof errors.JWTClaimValidationFailed || error instanceof errors.JWTExpired)
    return refused(refusal, error.claim)
  if (error instanceof errors.JOSEError) return refused(refusal, error.code)
  return refused(refusal, error instanceof Error ? error.name : 'unknown')
}
