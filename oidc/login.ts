import { authorizationUrl } from './authorization.ts'
import { demandOf, requestedDemand } from './demand.ts'
import { refused } from './errors.ts'
import type { Demand, OidcConnection } from './ports.ts'
import { checkReturnTo } from './return-to.ts'
import { demandParameters, startPath } from './start-path.ts'
import { bindToBrowser, expiry, hash, secret } from './transactions.ts'
import { html, loadConnection, parameters, pathParameter, queryOf, single, type Visit } from './visit.ts'

/** `GET /login/{organization}`: to the organization's provider, or to a choice of them. */
export async function login(visit: Visit): Promise<unknown> {
  const asked = requested(visit)
  const [first, ...others] = await visit.options.store.connectionsOf(pathParameter(visit, 'organization'))
  if (!first) throw refused('unknown_organization')
  return toProvider(visit, [first, ...others], asked)
}

/** `GET /oidc/{connection}/start`: to the provider of this connection. */
export async function start(visit: Visit): Promise<unknown> {
  const connection = await loadConnection(visit)
  return begin(visit, connection, requested(visit))
}

/** Where the sign-in is to end, and who says they are signing in. */
export function requested(visit: Visit): SignInRequest {
  const returnTo = checkReturnTo(single(parameters(visit), 'return_to'), visit.options.publicUrl)
  visit.returnTo = returnTo
  visit.demand = requestedDemand(visit)
  return { returnTo, loginHint: loginHint(visit), demand: visit.demand }
}

/** Text for the provider to read: an address, a name, or an opaque value of its own. */
export function loginHint(visit: Visit): string | undefined {
  const hint = single(parameters(visit), 'login_hint')
  if (hint !== undefined && (hint.length > 2048 || /[\p{Cc}\p{Cs}]/u.test(hint)))
    throw refused('invalid_request', 'login_hint')
  return hint
}

/** To the provider of the one connection, or to a choice of several of one organization. */
export async function toProvider(
  visit: Visit,
  connections: readonly [OidcConnection, ...OidcConnection[]],
  asked: SignInRequest,
): Promise<unknown> {
  const [first, ...others] = connections
  if (others.length === 0) {
    visit.connection = first
    return begin(visit, first, asked)
  }
  const choices = connections.map((one) => ({ name: one.name, url: startPath(one, asked) }))
  return html(visit.reply, visit.options.pages(visit.request).choose(choices, first.organization))
}

export interface SignInRequest {
  readonly returnTo: string
  readonly loginHint?: string | undefined
  readonly demand?: Demand
  readonly testId?: string
}

/** Begins a new sign-in, always: state, nonce and code_verifier are never used for two. */
export async function begin(
  visit: Visit,
  connection: OidcConnection,
  asked: SignInRequest,
): Promise<unknown> {
  const [state, nonce, codeVerifier, browser] = [secret(), secret(), secret(), secret()]
  const demand = demandOf(connection, asked.demand ?? {})
  const location = await authorizationUrl(visit, connection, {
    state,
    nonce,
    code_challenge: hash(codeVerifier).toString('base64url'),
    ...(asked.loginHint && { login_hint: asked.loginHint }),
    ...demandParameters(demand),
    ...languages(visit),
  })
  const stateHash = hash(state)
  await visit.options.store.saveTransaction({
    connectionId: connection.id,
    issuer: connection.issuer,
    stateHash,
    browserHash: hash(browser),
    nonce,
    codeVerifier,
    returnTo: asked.returnTo,
    demand,
    ...(asked.testId !== undefined && { testId: asked.testId }),
    expiresAt: expiry(visit),
  })
  bindToBrowser(visit, stateHash, browser)
  return visit.reply.redirect(location.href, 303)
}

/** The languages that this service was asked to speak are asked of the provider, too (Core section 3.1.2.1). */
function languages(visit: Visit): { ui_locales?: string } {
  const asked = single(new URLSearchParams(queryOf(visit.request)), 'ui_locales')
  return asked !== undefined && /^[a-z\d-]{1,35}( [a-z\d-]{1,35}){0,9}$/i.test(asked)
    ? { ui_locales: asked }
    : {}
}
