import { buildAuthorizationUrl, calculatePKCECodeChallenge } from 'openid-client'
import { approvedProvider } from './approved.ts'
import { configure } from './client.ts'
import { fromFailure, refused } from './errors.ts'
import type { OidcConnection } from './ports.ts'
import { checkReturnTo } from './return-to.ts'
import { bindToBrowser, expiry, hash, secret } from './transactions.ts'
import { html, loadConnection, parameters, pathParameter, single, startPath, type Visit } from './visit.ts'

/** `GET /login/{organization}`: to the organization's provider, or to a choice of them. */
export async function login(visit: Visit): Promise<unknown> {
  const returnTo = requestedPage(visit)
  const connections = await visit.options.store.connectionsOf(pathParameter(visit, 'organization'))
  const [first, ...others] = connections
  if (!first) throw refused('unknown_organization')
  if (others.length > 0) return choose(visit, connections, first.organization)
  visit.connection = first
  return begin(visit, first, { returnTo })
}

/** `GET /oidc/{connection}/start`: to the provider of this connection. */
export async function start(visit: Visit): Promise<unknown> {
  const connection = await loadConnection(visit)
  return begin(visit, connection, { returnTo: requestedPage(visit) })
}

function requestedPage(visit: Visit): string {
  const returnTo = checkReturnTo(single(parameters(visit), 'return_to'), visit.options.publicUrl)
  visit.returnTo = returnTo
  return returnTo
}

function choose(
  { options, request, reply, returnTo }: Visit,
  connections: readonly OidcConnection[],
  organization: OidcConnection['organization'],
): unknown {
  const choices = connections.map((one) => ({ name: one.name, url: startPath(one, returnTo) }))
  return html(reply, options.pages(request).choose(choices, organization))
}

export interface SignInRequest {
  readonly returnTo: string
  readonly loginHint?: string | undefined
}

/** Begins a new sign-in, always: state, nonce and code_verifier are never used for two. */
export async function begin(
  visit: Visit,
  connection: OidcConnection,
  asked: SignInRequest,
): Promise<unknown> {
  const [state, nonce, codeVerifier, browser] = [secret(), secret(), secret(), secret()]
  const location = await authorizationUrl(visit, connection, {
    state,
    nonce,
    code_challenge: await calculatePKCECodeChallenge(codeVerifier),
    ...(asked.loginHint && { login_hint: asked.loginHint }),
    ...languages(visit),
  })
  const stateHash = hash(state)
  await visit.options.store.saveTransaction({
    connectionId: connection.id,
    stateHash,
    browserHash: hash(browser),
    nonce,
    codeVerifier,
    returnTo: asked.returnTo,
    expiresAt: expiry(visit),
  })
  bindToBrowser(visit, stateHash, browser)
  return visit.reply.redirect(location.href, 303)
}

/** The languages that this service was asked to speak are asked of the provider, too (Core section 3.1.2.1). */
function languages(visit: Visit): { ui_locales?: string } {
  const asked = single(parameters(visit), 'ui_locales')
  return asked !== undefined && /^[a-z\d-]{1,35}( [a-z\d-]{1,35}){0,9}$/i.test(asked)
    ? { ui_locales: asked }
    : {}
}

async function authorizationUrl(
  visit: Visit,
  connection: OidcConnection,
  own: Record<string, string>,
): Promise<URL> {
  const provider = await approvedProvider(visit, connection)
  try {
    return buildAuthorizationUrl(configure(connection, provider), {
      ...connection.authorizationParameters,
      redirect_uri: redirectUri(visit, connection),
      scope: [...new Set(['openid', ...connection.scopes])].join(' '),
      code_challenge_method: 'S256',
      ...own,
    })
  } catch (error) {
    throw fromFailure(error, 'discovery')
  }
}

/** One per connection, so that an answer of one provider cannot be taken for another's. */
export function redirectUri({ options }: Visit, connection: OidcConnection): string {
  return `${options.publicUrl}/oidc/${encodeURIComponent(connection.id)}/callback`
}
