import type { CustomFetch, JWKS } from 'openid-client'
import { NETWORK_DEADLINE } from './deadline.ts'
import { fromFailure, refused } from './errors.ts'

/** One download of a provider's keys. */
export interface KeySet {
  readonly jwks: Promise<JWKS>
}

export interface KeySource {
  current(): KeySet
  /** Newer ones than those that failed; null where they were asked for too often. */
  renew(failed: KeySet, cause?: Cause): KeySet | null
}

/** An answer comes from the provider; what comes unasked may have been made up by anybody. */
type Cause = 'answer' | 'unasked'

/**
 * Rotating keys twice within a minute is honest; a provider that fails all the time is not asked all the time. Each
 * cause has its own, so that nobody uses up those of sign-ins.
 */
const RENEWALS: Readonly<Record<Cause, number>> = { answer: 5, unasked: 3 }
const WINDOW = 60_000

export function createKeySource(download: () => Promise<JWKS>, now: () => Date): KeySource {
  let held: KeySet | undefined
  const renewals: Record<Cause, number[]> = { answer: [], unasked: [] }

  function replace(): KeySet {
    const mine: KeySet = { jwks: download() }
    mine.jwks.catch(() => {
      if (held === mine) held = undefined
    })
    held = mine
    return mine
  }
  return {
    current: () => held ?? replace(),
    renew: (failed, cause = 'answer') => {
      if (held && held !== failed) return held
      const time = now().getTime()
      const recent = renewals[cause].filter((at) => at > time - WINDOW)
      renewals[cause] = recent
      if (recent.length >= RENEWALS[cause]) return null
      recent.push(time)
      return replace()
    },
  }
}

export async function downloadKeys(uri: string, fetcher: CustomFetch): Promise<JWKS> {
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
    return body
  } catch (error) {
    if (error instanceof SyntaxError) throw refused('provider_response', 'keys are not JSON')
    throw fromFailure(error, 'keys')
  }
}

function isJwks(body: unknown): body is JWKS {
  if (typeof body !== 'object' || body === null || !('keys' in body)) return false
  return Array.isArray(body.keys) && body.keys.every((key) => typeof key === 'object' && key !== null)
}
