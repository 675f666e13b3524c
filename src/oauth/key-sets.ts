import type { JSONWebKeySet } from 'jose'
import { usableKeySet } from '../keys.ts'
import { createMeter, type Pace } from '../limits.ts'

export interface KeySets {
  /** The keys at an address, kept for `owner`; null where there are none to be had. */
  current(owner: string, url: string): Promise<JSONWebKeySet | null>
  /** The same asked for again; null where that was too often. */
  renewed(owner: string, url: string): Promise<JSONWebKeySet | null>
}

export interface KeySetsHost {
  readonly fetch: typeof fetch
  readonly clock: () => Date
}

interface Kept {
  readonly keys: Promise<JSONWebKeySet | null>
  until: number
}

const MOST_KEPT = 1000
const LIFETIME = 60 * 60_000
const LIFETIME_OF_FAILURE = 10_000
const DEADLINE = 5000
/** Whoever rotates twice in a minute is still understood; whoever makes up key ids has them fetched every 10 s at most. */
const RENEWALS: Pace = { burst: 5, perSecond: 0.1 }

/** Keys behind addresses: kept for an hour, and longer while the address gives none. */
export function keySets({ fetch, clock }: KeySetsHost): KeySets {
  // In the order of their downloads: the first is the one to forget.
  const kept = new Map<string, Kept>()
  const meter = createMeter()

  function download(owner: string, url: string): Kept['keys'] {
    const before = kept.get(owner)?.keys
    const keys = fetchKeys(fetch, url).then((fresh) => {
      if (!fresh) entry.until = clock().getTime() + LIFETIME_OF_FAILURE
      return fresh ?? before ?? null
    })
    const entry: Kept = { keys, until: clock().getTime() + LIFETIME }
    kept.delete(owner)
    kept.set(owner, entry)
    const [oldest] = kept.keys()
    if (kept.size > MOST_KEPT && oldest !== undefined) kept.delete(oldest)
    return keys
  }
  return {
    async current(owner, url) {
      const known = kept.get(owner)
      return known && known.until > clock().getTime() ? known.keys : download(owner, url)
    },
    async renewed(owner, url) {
      return meter.take(owner, RENEWALS, { now: clock() }) > 0 ? null : download(owner, url)
    },
  }
}

async function fetchKeys(fetcher: typeof fetch, url: string): Promise<JSONWebKeySet | null> {
  try {
    const response = await fetcher(url, {
      headers: { accept: 'application/jwk-set+json, application/json' },
      redirect: 'manual',
      signal: AbortSignal.timeout(DEADLINE),
    })
    return response.status === 200 ? usableKeySet(await response.json()) : null
  } catch {
    return null
  }
}
