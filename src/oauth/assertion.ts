import {
  createLocalJWKSet,
  errors,
  type JSONWebKeySet,
  type JWTPayload,
  type JWTVerifyResult,
  jwtVerify,
} from 'jose'
import { hashOf } from '../auth.ts'
import { SIGNING_ALGORITHMS } from '../keys.ts'
import { ClientRefused } from './errors.ts'

/** What an assertion must say to stand for a client. */
export interface Expected {
  readonly issuer: string
  readonly subject: string
  readonly audiences: readonly string[]
  /** Whether somebody else signs for the client, whose lifetimes and ids are not the client's to choose. */
  readonly federated: boolean
  readonly now: Date
}

export interface Keys {
  current(): Promise<JSONWebKeySet | null>
  renewed(): Promise<JSONWebKeySet | null>
}

/** A use of an assertion that must not come again. */
export interface Spent {
  readonly jtiHash: Buffer
  readonly expiresAt: Date
}

const MINUTE = 60
const LEEWAY = MINUTE
const LONGEST = 60 * MINUTE
const LONGEST_FEDERATED = 24 * 60 * MINUTE
const LONGEST_JTI = 255
/** RFC 7523 asks for none; the last is what its revision asks for. Others are made for something else. */
const TYPES = ['jwt', 'application/jwt', 'client-authentication+jwt', 'at+jwt']

/**
 * Verifies a JWT that authenticates a client (RFC 7523 section 3). What it says is told to whoever holds a signed one;
 * before that, only that it is not signed. The use to be recorded, where it carries a `jti`.
 */
export async function verifyAssertion(
  assertion: string,
  expected: Expected,
  keys: Keys,
): Promise<Spent | undefined> {
  const { payload, protectedHeader } = await verified(assertion, expected, keys)
  const type = protectedHeader.typ?.toLowerCase()
  if (type !== undefined && !TYPES.includes(type)) throw refused('type', 'is of another type than JWT')
  // An audience beside ours could use it in turn.
  if (![payload.aud].flat().every((one) => expected.audiences.includes(String(one))))
    throw claimRefused('aud')
  checkTimes(payload, expected)
  return spentBy(payload, expected)
}

async function verified(assertion: string, expected: Expected, keys: Keys): Promise<JWTVerifyResult> {
  const verify = (set: JSONWebKeySet) =>
    jwtVerify(assertion, createLocalJWKSet(set), {
      algorithms: SIGNING_ALGORITHMS,
      issuer: expected.issuer,
      subject: expected.subject,
      audience: [...expected.audiences],
      currentDate: expected.now,
      clockTolerance: LEEWAY,
      requiredClaims: ['exp'],
    })
  const known = await keys.current()
  if (!known) throw refused('keys', 'cannot be verified, since its keys cannot be fetched')
  try {
    return await verify(known)
  } catch (error) {
    const newer = isAboutKeys(error) ? await keys.renewed() : null
    if (!newer) throw refusalOf(error)
    return verify(newer).catch((again) => Promise.reject(refusalOf(again)))
  }
}

const isAboutKeys = (error: unknown): boolean =>
  error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWSSignatureVerificationFailed

function checkTimes({ exp = 0, iat }: JWTPayload, { now, federated }: Expected): void {
  const [time, longest] = [now.getTime() / 1000, (federated ? LONGEST_FEDERATED : LONGEST) + LEEWAY]
  if (exp > time + longest) throw refused('exp', 'is valid for too long')
  if (iat === undefined) return
  if (iat > time + LEEWAY) throw refused('iat', 'was issued in the future')
  if (exp - iat > longest) throw refused('exp', 'is valid for too long')
}

/** RFC 7523 section 3 leaves `jti` open: a client that signs for itself can have one, what Entra signs has none. */
function spentBy({ jti, exp = 0 }: JWTPayload, { federated }: Expected): Spent | undefined {
  if (jti === undefined && federated) return undefined
  if (typeof jti !== 'string' || jti === '' || jti.length > LONGEST_JTI) throw claimRefused('jti')
  return { jtiHash: hashOf(jti), expiresAt: new Date((exp + LEEWAY) * 1000) }
}

function refusalOf(error: unknown): ClientRefused {
  if (error instanceof errors.JWTExpired) return refused('exp', 'has expired')
  if (error instanceof errors.JWTClaimValidationFailed) return claimRefused(error.claim)
  if (error instanceof errors.JOSEAlgNotAllowed)
    return refused('alg', 'is signed by an algorithm that is not allowed')
  if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys)
    return refused('kid', 'does not say by which of the known keys it is signed')
  if (error instanceof errors.JWSSignatureVerificationFailed)
    return refused('signature', 'is not signed by a known key')
  return refused('malformed', 'is not a signed JWT that can be read')
}

const refused = (reason: string, what: string) =>
  new ClientRefused(`assertion_${reason}`, `The assertion ${what}.`)

const claimRefused = (claim: string) => refused(claim, `lacks ${claim}, or another was expected`)
