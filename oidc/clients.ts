import type { CustomFetch } from 'openid-client'
import { confine, fetchMetadata, type ProviderMetadata, usable } from './discovery.ts'
import { fromFailure, OidcError, refused } from './errors.ts'
import { createKeySource, downloadKeys, type KeySource } from './keys.ts'
import type { OidcConnection, OidcOptions } from './ports.ts'
import { LIFETIME, LIFETIME_OF_FAILURE, type Sharing, sharedDocument } from './shared.ts'

/** What is known of the provider behind one connection. */
export interface Provider {
  readonly metadata: ProviderMetadata
  readonly fetchedAt: Date
  readonly keys: KeySource
  /** Reaches the provider's own origins only. */
  readonly fetch: CustomFetch
  readonly clientKey: OidcOptions['clientKey']
}

export type ProviderOf = (connection: OidcConnection) => Promise<Provider>

interface Entry {
  readonly version: number
  readonly provider: Promise<Provider>
  expiresAt: number
}

const CAPACITY = 500

/** What all processes share of providers, at hand in this one: met once for all who wait for it. */
export function createProviders(options: OidcOptions, now: () => Date): ProviderOf {
  // In the order of use: the first is the one to forget.
  const entries = new Map<string, Entry>()
  const sharing = { documents: options.documents, now }

  function begin(connection: OidcConnection): Entry {
    const provider = meet(connection, options, sharing)
    const entry: Entry = { version: connection.version, provider, expiresAt: Number.POSITIVE_INFINITY }
    provider.then(
      ({ fetchedAt }) => {
        entry.expiresAt = fetchedAt.getTime() + LIFETIME
      },
      (error: unknown) => {
        // What failed otherwise than the provider is tried again at once.
        entry.expiresAt = error instanceof OidcError ? now().getTime() + LIFETIME_OF_FAILURE : 0
      },
    )
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

async function meet(connection: OidcConnection, options: OidcOptions, sharing: Sharing): Promise<Provider> {
  const download = async () => {
    try {
      return JSON.stringify(await fetchMetadata(connection, options))
    } catch (error) {
      throw fromFailure(error, 'discovery')
    }
  }
  const kept = await sharedDocument({ connection, kind: 'discovery', download, mostAsked: 6 }, sharing)
  if (!kept) throw refused('provider_unreachable', 'discovery asked for too often')
  const metadata = usable(JSON.parse(kept.body), options)
  const fetcher = confine(metadata, options)
  const keys = createKeySource((wish) => {
    const wanted = {
      connection,
      kind: 'keys',
      download: () => downloadKeys(metadata.jwks_uri, fetcher),
    } as const
    return sharedDocument({ ...wanted, ...wish }, sharing)
  }, sharing.now)
  const { clientKey } = options
  return { metadata, fetchedAt: kept.fetchedAt, keys, fetch: fetcher, clientKey }
}
