import type { CustomFetch } from 'openid-client'
import { confine, discover, type ProviderMetadata } from './discovery.ts'
import { fromFailure } from './errors.ts'
import { createKeySource, downloadKeys, type KeySource } from './keys.ts'
import type { OidcConnection, OidcOptions } from './ports.ts'

/** What is known of the provider behind one connection. */
export interface Provider {
  readonly metadata: ProviderMetadata
  readonly keys: KeySource
  /** Reaches the provider's own origins only. */
  readonly fetch: CustomFetch
}

export type ProviderOf = (connection: OidcConnection) => Promise<Provider>

interface Entry {
  readonly version: number
  readonly provider: Promise<Provider>
  expiresAt: number
}

const CAPACITY = 500
const LIFETIME = 5 * 60_000
const LIFETIME_OF_FAILURE = 10_000

/** Discovery, remembered for a while: once for all who wait for it, and a failure for ten seconds. */
export function createProviders(options: OidcOptions, now: () => Date): ProviderOf {
  // In the order of use: the first is the one to forget.
  const entries = new Map<string, Entry>()

  function begin(connection: OidcConnection): Entry {
    const provider = meet(connection, options, now)
    const entry: Entry = { version: connection.version, provider, expiresAt: now().getTime() + LIFETIME }
    provider.catch(() => {
      entry.expiresAt = now().getTime() + LIFETIME_OF_FAILURE
    })
    return entry
  }
  return (connection) => {
    const known = entries.get(connection.id)
    const usable = known?.version === connection.version && known.expiresAt > now().getTime()
    const entry = usable ? known : begin(connection)
    entries.delete(connection.id)
    entries.set(connection.id, entry)
    const [oldest] = entries.keys()
    if (entries.size > CAPACITY && oldest !== undefined) entries.delete(oldest)
    return entry.provider
  }
}

async function meet(connection: OidcConnection, options: OidcOptions, now: () => Date): Promise<Provider> {
  try {
    const metadata = await discover(connection, options)
    const fetcher = confine(metadata, options)
    return {
      metadata,
      keys: createKeySource(() => downloadKeys(metadata.jwks_uri, fetcher), now),
      fetch: fetcher,
    }
  } catch (error) {
    throw fromFailure(error, 'discovery')
  }
}
