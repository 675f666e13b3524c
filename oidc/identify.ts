import {
  authorizationCodeGrant,
  ClientError,
  type Configuration,
  type CustomFetch,
  fetchUserInfo,
  type JWK,
} from 'openid-client'
import {
  checkIdToken,
  type IdToken,
  isName,
  mergeClaims,
  needsUserinfo,
  sessionExpiry,
  sessionId,
} from './claims.ts'
import { configure, useKeys } from './client.ts'
import type { Provider } from './clients.ts'
import { within } from './deadline.ts'
import { authenticationOf, checkDemand, demandOf } from './demand.ts'
import { fromFailure, refused } from './errors.ts'
import type { KeySet } from './keys.ts'
import type { OidcConnection, SignInTransaction, VerifiedSignIn } from './ports.ts'
import type { Progress } from './progress.ts'

/** Everything that turns a code into a person; `deadline` is for all calls together. */
export interface Exchange {
  readonly connection: OidcConnection
  readonly provider: Provider
  readonly transaction: SignInTransaction
  /** The callback with the provider's answer in its query. */
  readonly url: URL
  readonly deadline: AbortSignal
  readonly now: Date
  readonly progress: Progress
}

export async function identify(exchange: Exchange): Promise<VerifiedSignIn> {
  const { connection, transaction, deadline, now, progress } = exchange
  const redeemed = await within(deadline, redeem(exchange)).catch((error) => {
    throw fromFailure(error, 'token')
  })
  const { claims } = redeemed
  progress.claims = mergeClaims(claims, {})
  progress.stage = 'id_token'
  checkIdToken(redeemed, { connection, now })
  progress.stage = 'demand'
  checkDemand(claims, demandOf(connection, transaction.demand ?? {}), { transaction, now })
  progress.stage = 'userinfo'
  const userinfo = await within(deadline, userinfoOf(connection, redeemed)).catch((error) => {
    throw fromFailure(error, 'userinfo')
  })
  const sid = sessionId(claims)
  const authentication = authenticationOf(claims)
  const expiry = sessionExpiry(claims, now)
  return {
    connection,
    issuer: claims.iss,
    subject: claims.sub,
    claims: mergeClaims(claims, userinfo),
    idToken: redeemed.idToken,
    issuedAt: new Date(claims.iat * 1000),
    ...(authentication && { authentication }),
    ...(sid !== undefined && { sid }),
    ...(expiry && { sessionExpiry: expiry }),
  }
}

interface Redeemed extends IdToken {
  /** By which the token was accepted, and userinfo is asked. */
  readonly configuration: Configuration
}

/** Redeems the code once. Where the keys at hand do not fit, the kept answer is verified again with new ones. */
async function redeem(exchange: Exchange): Promise<Redeemed> {
  const { keys } = exchange.provider
  const fetcher = redeemOnce(exchange)
  const held = await obtained(exchange, keys.current())
  try {
    return await grant(exchange, held, fetcher)
  } catch (error) {
    const renewed = mayBeRotation(error) ? await obtained(exchange, keys.renew(held)) : null
    if (!renewed) throw error
    return await grant(exchange, renewed, fetcher)
  }
}

async function obtained<Keys extends KeySet | null>(
  { progress }: Exchange,
  keys: Promise<Keys>,
): Promise<Keys> {
  progress.stage = 'keys'
  const got = await keys
  if (got) progress.keys = got.jwks.keys.slice(0, MOST_TOLD).map(toldOf)
  progress.stage = 'token'
  return got
}

const MOST_TOLD = 20

/** What names a key, where that is a name. */
function toldOf({ kty, kid, alg }: JWK): NonNullable<Progress['keys']>[number] {
  return { kty: isName(kty) ? kty : '', ...(isName(kid) && { kid }), ...(isName(alg) && { alg }) }
}

/** A new configuration for each set of keys, since one never lets go of its first. */
async function grant(exchange: Exchange, keys: KeySet, fetcher: CustomFetch): Promise<Redeemed> {
  const { connection, provider, transaction, url } = exchange
  const configuration = useKeys(configure(connection, provider, fetcher), keys.jwks)
  const tokens = await authorizationCodeGrant(configuration, url, {
    // That it is ours was shown by finding the transaction under its hash.
    expectedState: url.searchParams.get('state') ?? '',
    expectedNonce: transaction.nonce,
    pkceCodeVerifier: transaction.codeVerifier,
    idTokenExpected: true,
  })
  const claims = tokens.claims()
  if (!claims || tokens.id_token === undefined) throw refused('invalid_id_token', 'no id_token')
  return { configuration, claims, idToken: tokens.id_token, accessToken: tokens.access_token }
}

/** The deadline over every call, and of the token endpoint the first answer again: a code works only once. */
function redeemOnce({ provider, deadline }: Exchange): CustomFetch {
  let kept: Response | undefined
  return async (url, options) => {
    const isToken = url === new URL(provider.metadata.token_endpoint).href
    if (isToken && kept) return kept.clone()
    const signal = options.signal ? AbortSignal.any([options.signal, deadline]) : deadline
    const response = await provider.fetch(url, { ...options, signal })
    if (isToken) kept = response.clone()
    return response
  }
}

/** An unknown `kid`, or a signature that does not fit, which openid-client reports under a wider code. */
function mayBeRotation(error: unknown): boolean {
  const codes = ['OAUTH_KEY_SELECTION_FAILED', 'OAUTH_INVALID_RESPONSE']
  return error instanceof ClientError && codes.includes(error.code ?? '')
}

async function userinfoOf(
  { wantedClaims }: OidcConnection,
  { configuration, claims, accessToken }: Redeemed,
): Promise<Record<string, unknown>> {
  const { userinfo_endpoint } = configuration.serverMetadata()
  if (userinfo_endpoint === undefined || !needsUserinfo(claims, wantedClaims)) return {}
  return fetchUserInfo(configuration, accessToken, claims.sub)
}
