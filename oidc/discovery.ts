import {
  allowInsecureRequests,
  type CustomFetch,
  customFetch,
  discovery,
  None,
  type ServerMetadata,
} from 'openid-client'
import { NETWORK_DEADLINE } from './deadline.ts'
import { refused } from './errors.ts'
import { checkIssuer } from './issuer.ts'
import type { OidcConnection, OidcOptions } from './ports.ts'

/** Asymmetric ones only. With HS* a public key or a client secret would do to sign, with `none` nothing would. */
export const ALGORITHMS = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
]

const REQUIRED = ['authorization_endpoint', 'token_endpoint', 'jwks_uri'] as const
const OPTIONAL = [
  'userinfo_endpoint',
  'end_session_endpoint',
  'pushed_authorization_request_endpoint',
] as const
/** Asked by this service itself; the others are for the browser. */
const ASKED = [
  'token_endpoint',
  'jwks_uri',
  'userinfo_endpoint',
  'pushed_authorization_request_endpoint',
] as const

/** Metadata with what signing in needs, all of it usable. */
export type ProviderMetadata = ServerMetadata & Record<(typeof REQUIRED)[number], string>

/** What the provider says of itself, all of it usable. */
export async function fetchMetadata(
  connection: OidcConnection,
  options: OidcOptions,
): Promise<ProviderMetadata> {
  const issuer = checkIssuer(connection.issuer)
  checkScheme(issuer, options)
  const configuration = await discovery(issuer, connection.clientId, undefined, None(), {
    execute: issuer.protocol === 'http:' ? [allowInsecureRequests] : [],
    [customFetch]: only([issuer.origin], options),
    timeout: NETWORK_DEADLINE / 1000,
  })
  const metadata = configuration.serverMetadata()
  // openid-client compares as URLs, and at the hosts of Entra and B2C not at all.
  if (metadata.issuer !== connection.issuer) throw refused('provider_metadata', 'issuer differs')
  return usable(metadata, options)
}

/** The same of what was kept; throws where this process may not use it. */
export function usable(metadata: ServerMetadata, options: OidcOptions): ProviderMetadata {
  for (const name of OPTIONAL) if (metadata[name] !== undefined) checkEndpoint(metadata[name], options)
  return {
    ...metadata,
    authorization_endpoint: checkEndpoint(metadata.authorization_endpoint, options),
    token_endpoint: checkEndpoint(metadata.token_endpoint, options),
    jwks_uri: checkEndpoint(metadata.jwks_uri, options),
    ...acceptedAlgorithms(metadata, 'id_token_signing_alg_values_supported'),
    ...acceptedAlgorithms(metadata, 'userinfo_signing_alg_values_supported'),
  }
}

/** What is absent stays absent: then RS256 is meant for the id_token (Registration section 2), none for userinfo. */
function acceptedAlgorithms(
  metadata: ServerMetadata,
  name: 'id_token_signing_alg_values_supported' | 'userinfo_signing_alg_values_supported',
): Partial<ServerMetadata> {
  const offered: unknown = metadata[name]
  if (!Array.isArray(offered)) return {}
  return { [name]: ALGORITHMS.filter((algorithm) => offered.includes(algorithm)) }
}

/** What a provider may sign by: as for the id_token, so for all that it sends of the same kind. */
export function signingAlgorithms(metadata: ProviderMetadata): readonly string[] {
  return metadata.id_token_signing_alg_values_supported ?? ['RS256']
}

function checkEndpoint(value: unknown, options: OidcOptions): string {
  if (typeof value !== 'string' || !URL.canParse(value))
    throw refused('provider_metadata', 'endpoint missing')
  checkScheme(new URL(value), options)
  return value
}

/** Endpoints go to the browser, too, where `javascript:` would be something else than an address. */
function checkScheme(url: URL, { allowInsecure }: OidcOptions): void {
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && allowInsecure(url))) {
    throw refused('provider_address', `scheme ${url.protocol}`)
  }
}

export function confine(metadata: ProviderMetadata, options: OidcOptions): CustomFetch {
  const origins = ASKED.flatMap((name) => metadata[name] ?? []).map((address) => new URL(address).origin)
  return only(origins, options)
}

export function only(origins: readonly string[], options: OidcOptions): CustomFetch {
  return async (url, init) => {
    const { origin } = new URL(url)
    if (!origins.includes(origin))
      throw refused('provider_address', `not an origin of the provider: ${origin}`)
    return options.fetch(url, { ...init, body: init.body ?? null, signal: init.signal ?? null })
  }
}

/** Whether plain http is among the endpoints, each of which was found to be allowed. */
export function isInsecure(metadata: ProviderMetadata): boolean {
  return [...REQUIRED, ...OPTIONAL].some((name) => metadata[name]?.startsWith('http:'))
}
