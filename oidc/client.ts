import {
  allowInsecureRequests,
  type ClientAuth,
  ClientSecretBasic,
  ClientSecretPost,
  Configuration,
  customFetch,
  enableNonRepudiationChecks,
  type JWKS,
  None,
  PrivateKeyJwt,
  setJwksCache,
} from 'openid-client'
import type { Provider } from './clients.ts'
import { NETWORK_DEADLINE } from './deadline.ts'
import { isInsecure, type ProviderMetadata } from './discovery.ts'
import { ofHost, refused } from './errors.ts'
import type { OidcConnection, TokenEndpointAuthMethod } from './ports.ts'

/** This service as a client of one provider, for one request: what it asks it asks until the deadline. */
export function configure(
  connection: OidcConnection,
  provider: Provider,
  deadline?: AbortSignal,
): Configuration {
  const { metadata } = provider
  const configuration = new Configuration(
    metadata,
    connection.clientId,
    {},
    authentication(connection, provider),
  )
  configuration[customFetch] = deadline
    ? (url, options) => provider.fetch(url, { ...options, signal: deadline })
    : provider.fetch
  // 0 makes it give no signal of its own.
  configuration.timeout = deadline ? 0 : NETWORK_DEADLINE / 1000
  if (isInsecure(metadata)) allowInsecureRequests(configuration)
  return configuration
}

/**
 * Has signatures checked that openid-client by itself does not look at. It takes the keys for fresh, so that fetching
 * them again is decided in `keys.ts` alone.
 */
export function useKeys(configuration: Configuration, jwks: JWKS): Configuration {
  enableNonRepudiationChecks(configuration)
  setJwksCache(configuration, { jwks, uat: Math.floor(Date.now() / 1000) })
  return configuration
}

function authentication(connection: OidcConnection, { metadata, clientKey }: Provider): ClientAuth {
  const { clientSecret } = connection
  switch (authenticationMethod(connection, metadata)) {
    case 'client_secret_post':
      return ClientSecretPost(clientSecret)
    case 'client_secret_basic':
      return ClientSecretBasic(clientSecret)
    case 'private_key_jwt':
      return signedAssertion(metadata, clientKey)
    case 'none':
      return None()
  }
}

/** RFC 7523 section 2.2, by RS256: every provider knows it, and no session's token is signed by that key. */
function signedAssertion(metadata: ProviderMetadata, clientKey: Provider['clientKey']): ClientAuth {
  const { token_endpoint_auth_signing_alg_values_supported: known } = metadata
  if (!clientKey || (Array.isArray(known) && !known.includes('RS256')))
    throw refused('provider_metadata', 'private_key_jwt by RS256 is not to be had')
  return async (...request) => PrivateKeyJwt(await ofHost(clientKey()))(...request)
}

/**
 * The connection's setting; else by discovery, where nothing said means basic (Discovery section 3). Post comes
 * first, since providers differ in how they decode the secret of basic.
 */
function authenticationMethod(
  { clientSecret, tokenEndpointAuthMethod }: OidcConnection,
  { token_endpoint_auth_methods_supported: offered }: ProviderMetadata,
): TokenEndpointAuthMethod {
  if (tokenEndpointAuthMethod) return tokenEndpointAuthMethod
  if (!clientSecret) return 'none'
  return Array.isArray(offered) && offered.includes('client_secret_post')
    ? 'client_secret_post'
    : 'client_secret_basic'
}
