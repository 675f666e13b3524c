import { createLocalJWKSet, errors, type JWTVerifyGetKey } from 'jose'
import type { CustomFetch, JWKS } from 'openid-client'
import { NETWORK_DEADLINE } from './deadline.ts'
import { fromFailure, refused } from './errors.ts'
import { type Kept, LIFETIME } from './shared.ts'

/** A provider's keys as they were at one time. */
export interface KeySet {
  readonly jwks: JWKS
  /** Finds the key that a header names; each is made ready once. */
  readonly keyOf: JWTVerifyGetKey
  readonly generation: number
  readonly fetchedAt: Date
}

export interface KeySource {
  current(): Promise<KeySet>
  /** Newer ones than those that failed; null where they were asked for too often. */
  renew(failed: KeySet, cause?: Cause): Promise<KeySet | null>
}

/** An answer comes from the provider; what comes unasked may have been made up by anybody. */
type Cause = 'answer' | 'unasked'

/**
 * How often in a minute the keys may have been asked for to be asked for again. Rotating twice within a minute is
 * honest; and nobody uses up what sign-ins may need.
 */
const MOST_ASKED: Readonly<Record<Cause, number>> = { answer: 6, unasked: 3 }

/** What all processes share of keys: newer ones than that generation. */
export type Obtain = (wish: { newerThan?: number; mostAsked: number }) => Promise<Kept | null>

/** What came last of what all processes share is at hand. */
export function createKeySource(obtain: Obtain, now: () => Date): KeySource {
  let held: KeySet | undefined
  let pending: Promise<KeySet | null> | undefined

  async function take(wish: Parameters<Obtain>[0]): Promise<KeySet | null> {
    const kept = await obtain(wish)
    if (!kept) return null
    const { body, generation, fetchedAt } = kept
    const jwks: JWKS = JSON.parse(body)
    held = { jwks, keyOf: createLocalJWKSet(jwks), generation, fetchedAt }
    return held
  }
  function taken(wish: Parameters<Obtain>[0]): Promise<KeySet | null> {
    pending ??= take(wish).finally(() => {
      pending = undefined
    })
    return pending
  }
  return {
    current: async () => {
      if (held && held.fetchedAt.getTime() + LIFETIME > now().getTime()) return held
      const keys = await taken({ mostAsked: MOST_ASKED.answer })
      if (!keys) throw refused('provider_unreachable', 'keys asked for too often')
      return keys
    },
    renew: async ({ generation }, cause = 'answer') => {
      if (held && held.generation > generation) return held
      return taken({ newerThan: generation, mostAsked: MOST_ASKED[cause] })
    },
  }
}

/** Whether a token did not fit the keys: they may have been replaced since, be it under the same name. */
export function mayBeRotation(error: unknown): boolean {
  return (
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWKSMultipleMatchingKeys ||
    error instanceof errors.JWSSignatureVerificationFailed
  )
}

/** The text of a JWK set. */
export async function downloadKeys(uri: string, fetcher: CustomFetch): Promise<string> {
  try {
    const response = await fetcher(uri, {
      method: 'GET',
      body: null,
      headers: { accept: 'application/json' },
      redirect: 'manual',
      signal: AbortSignal.timeout(NETWORK_DEADLINE),
    })
    if (response.status !== 200) throw refused('provider_response', `keys status ${response.status}`)
    const body: unknown = await response.json()
    if (!isJwks(body)) throw refused('provider_response', 'keys are not a JWK set')
    return JSON.stringify(body)
  } catch (error) {
    if (error instanceof SyntaxError) throw refused('provider_response', 'keys are not JSON')
    throw fromFailure(error, 'keys')
  }
}

function isJwks(body: unknown): body is JWKS {
  if (typeof body !== 'object' || body === null || !('keys' in body)) return false
  return Array.isArray(body.keys) && body.keys.every(isObject)
}

const isObject = (key: unknown) => typeof key === 'object' && key !== null && !Array.isArray(key)
