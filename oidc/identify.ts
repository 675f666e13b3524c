import { compactVerify, errors } from 'jose'
import { authorizationCodeGrant, fetchUserInfo, type JWK } from 'openid-client'
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
import { signingAlgorithms } from './discovery.ts'
import { fromFailure, OidcError, refused } from './errors.ts'
import { type KeySet, mayBeRotation } from './keys.ts'
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
  const userinfo = await within(deadline, userinfoOf(exchange, redeemed)).catch((error) => {
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
  /** By which the token was accepted. */
  readonly keys: KeySet
}

/** Redeems the code once. Where the keys at hand do not fit what it was redeemed for, that is verified by new ones. */
async function redeem(exchange: Exchange): Promise<Redeemed> {
  const { keys } = exchange.provider
  const held = await obtained(exchange, keys.current())
  const token = await grant(exchange)
  try {
    await checkSignature(exchange, token, held)
    return { ...token, keys: held }
  } catch (error) {
    const renewed = mayBeRotation(error) ? await obtained(exchange, keys.renew(held)) : null
    if (!renewed) throw unverified(error)
    await checkSignature(exchange, token, renewed).catch((again) => Promise.reject(unverified(again)))
    return { ...token, keys: renewed }
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

/** openid-client checks all but the signature. */
async function grant({ connection, provider, transaction, url, deadline }: Exchange): Promise<IdToken> {
  const tokens = await authorizationCodeGrant(configure(connection, provider, deadline), url, {
    // That it is ours was shown by finding the transaction under its hash.
    expectedState: url.searchParams.get('state') ?? '',
    expectedNonce: transaction.nonce,
    pkceCodeVerifier: transaction.codeVerifier,
    idTokenExpected: true,
  })
  const claims = tokens.claims()
  if (!claims || tokens.id_token === undefined) throw refused('invalid_id_token', 'no id_token')
  return { claims, idToken: tokens.id_token, accessToken: tokens.access_token }
}

async function checkSignature(
  { provider }: Exchange,
  { idToken }: IdToken,
  { keyOf }: KeySet,
): Promise<void> {
  await compactVerify(idToken, keyOf, { algorithms: [...signingAlgorithms(provider.metadata)] })
}

/** Told by its code, be it a key that is none: texts may quote the token. */
function unverified(error: unknown): OidcError {
  if (error instanceof OidcError) return error
  const code =
    error instanceof errors.JOSEError ? error.code : error instanceof Error ? error.name : 'unknown'
  return refused('invalid_id_token', code)
}

async function userinfoOf(
  { connection, provider, deadline }: Exchange,
  { claims, accessToken, keys }: Redeemed,
): Promise<Record<string, unknown>> {
  if (provider.metadata.userinfo_endpoint === undefined || !needsUserinfo(claims, connection.wantedClaims))
    return {}
  const configuration = useKeys(configure(connection, provider, deadline), keys.jwks)
  return fetchUserInfo(configuration, accessToken, claims.sub)
}
