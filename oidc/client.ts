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

/** This service as a client of one provider, for one request: with its own fetch, and its own deadline in that. */
export function configure(
  connection: OidcConnection,
  provider: Provider,
  fetcher = provider.fetch,
): Configuration {
  const { metadata } = provider
  const configuration = new Configuration(
    metadata,
    connection.clientId,
    {},
    authentication(connection, provider),
  )
  configuration[customFetch] = fetcher
  configuration.timeout = NETWORK_DEADLINE / 1000
  if (isInsecure(metadata)) allowInsecureRequests(configuration)
  // Without this, openid-client does not look at the signature of an id_token that came from the token endpoint.
  enableNonRepudiationChecks(configuration)
  return configuration
}

/** Gives keys that openid-client takes for fresh, so that fetching them again is decided in `keys.ts` alone. */
export function useKeys(configuration: Configuration, jwks: JWKS): Configuration {
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
