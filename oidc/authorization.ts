import { buildAuthorizationUrl, buildAuthorizationUrlWithPAR, ResponseBodyError } from 'openid-client'
import { approvedProvider } from './approved.ts'
import { configure } from './client.ts'
import type { Provider } from './clients.ts'
import { NETWORK_DEADLINE, within } from './deadline.ts'
import type { ProviderMetadata } from './discovery.ts'
import { fromFailure } from './errors.ts'
import { unlessDown } from './outage.ts'
import { pinsOf } from './pins.ts'
import type { OidcConnection } from './ports.ts'
import { checkPace, type Visit } from './visit.ts'

/** Where the browser goes to sign in; `own` are the parameters of this one sign-in. */
export async function authorizationUrl(
  visit: Visit,
  connection: OidcConnection,
  own: Record<string, string>,
): Promise<URL> {
  const deadline = AbortSignal.timeout(NETWORK_DEADLINE)
  const provider = await approvedProvider(visit, connection, deadline)
  visit.progress.provider = pinsOf(provider.metadata)
  visit.progress.stage = 'request'
  const parameters = {
    ...connection.authorizationParameters,
    redirect_uri: redirectUri(visit, connection),
    scope: [...new Set(['openid', ...connection.scopes])].join(' '),
    code_challenge_method: 'S256',
    ...own,
  }
  if (!mayPush(visit, connection, provider.metadata))
    return buildAuthorizationUrl(configure(connection, provider), parameters)
  return unlessDown(connection, visit.options, () =>
    within(deadline, push({ connection, provider, deadline }, parameters)).catch((error) => {
      throw fromFailure(error, 'pushed')
    }),
  )
}

/** Where anybody may make this service ask the provider, few may be made of it; then the browser carries them. */
function mayPush(visit: Visit, connection: OidcConnection, metadata: ProviderMetadata): boolean {
  if (metadata.pushed_authorization_request_endpoint === undefined) return false
  const wait = visit.options.pushWait?.(visit.request, connection) ?? 0
  if (isRequired(metadata)) checkPace(visit, wait)
  return wait === 0
}

const isRequired = (metadata: ProviderMetadata) => metadata.require_pushed_authorization_requests === true

/** One per connection, so that an answer of one provider cannot be taken for another's. */
export function redirectUri({ options }: Visit, connection: OidcConnection): string {
  return `${options.publicUrl}/oidc/${encodeURIComponent(connection.id)}/callback`
}

interface Pushing {
  readonly connection: OidcConnection
  readonly provider: Provider
  readonly deadline: AbortSignal
}

/**
 * RFC 9126: the parameters go to the provider itself, and the browser carries a reference. A provider may offer that
 * and not grant it to this client; then they go with the browser, unless the provider wants no such requests.
 */
async function push(
  { connection, provider, deadline }: Pushing,
  parameters: Record<string, string>,
): Promise<URL> {
  const configuration = configure(connection, provider, deadline)
  try {
    return await buildAuthorizationUrlWithPAR(configuration, parameters)
  } catch (error) {
    if (isRequired(provider.metadata) || !(error instanceof ResponseBodyError)) throw error
    return buildAuthorizationUrl(configuration, parameters)
  }
}
