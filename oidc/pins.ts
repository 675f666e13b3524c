import type { ProviderMetadata } from './discovery.ts'
import { refused } from './errors.ts'
import type { OidcConnection, OidcOptions, ProviderPins } from './ports.ts'

const ENDPOINTS = [
  'authorization_endpoint',
  'token_endpoint',
  'jwks_uri',
  'userinfo_endpoint',
  'end_session_endpoint',
  'pushed_authorization_request_endpoint',
] as const

/** What of a provider is held to be as it was; its issuer is the connection's own anyway. */
export function pinsOf(metadata: ProviderMetadata): ProviderPins {
  const origins = ENDPOINTS.flatMap((name) => metadata[name] ?? []).map((address) => new URL(address).origin)
  // Nothing said means this one (Registration section 2).
  const { id_token_signing_alg_values_supported: algorithms = ['RS256'] } = metadata
  return { algorithms: [...algorithms].sort(), origins: [...new Set(origins)].sort() }
}

/**
 * A provider may say less than is pinned, and never more: tokens signed otherwise, or secrets and people sent
 * elsewhere, are what whoever has taken over its discovery document would want. The first document is what an
 * administrator has approved by making the connection.
 */
export async function checkPins(
  connection: OidcConnection,
  metadata: ProviderMetadata,
  { store }: Pick<OidcOptions, 'store'>,
): Promise<void> {
  const found = pinsOf(metadata)
  const pins = connection.pins ?? (await store.pin(connection, found))
  if (pins && isWithin(found.algorithms, pins.algorithms) && isWithin(found.origins, pins.origins)) {
    if (connection.drifted) await store.forgetDrift(connection)
    return
  }
  if (!pins) throw refused('provider_drifted', 'the connection has changed')
  await store.recordDrift(connection, found)
  if (!connection.acceptsDrift) throw refused('provider_drifted', beyond(found, pins).join(' '))
}

const isWithin = (some: readonly string[], all: readonly string[]): boolean =>
  some.every((one) => all.includes(one))

function beyond(found: ProviderPins, pins: ProviderPins): string[] {
  const known = [...pins.algorithms, ...pins.origins]
  return [...found.algorithms, ...found.origins].filter((one) => !known.includes(one))
}
