import { approvedProvider } from './approved.ts'
import { redirectUri } from './authorization.ts'
import { NETWORK_DEADLINE } from './deadline.ts'
import type { ProviderMetadata } from './discovery.ts'
import { OidcError, providerError, refused } from './errors.ts'
import { identify } from './identify.ts'
import { unlessDown } from './outage.ts'
import { pinsOf } from './pins.ts'
import type { OidcConnection, SignInTransaction, VerifiedSignIn } from './ports.ts'
import { readSession, setSession } from './sessions.ts'
import { endTest, quiet } from './test.ts'
import { hash, isBoundTo, takeFromBrowser } from './transactions.ts'
import { checkPace, pathParameter, queryOf, single, type Visit } from './visit.ts'

/** `GET /oidc/{connection}/callback`: the provider's answer. All network comes before the host signs anybody in. */
export async function callback(visit: Visit): Promise<unknown> {
  const connection = await loadAnswered(visit)
  const answer = readAnswer(visit)
  const transaction = await takeTransaction(visit, connection, answer)
  const person = await whoAnswered(quiet(visit), { connection, answer, transaction })
  if (visit.test !== undefined) return endTest(visit, { person })
  await checkStill(visit, connection)
  const replaces = readSession(visit)
  const result = await visit.options.signIn(person, {
    requestId: visit.request.id,
    ...(replaces !== undefined && { replaces }),
  })
  if ('refusal' in result) throw new OidcError(result.refusal)
  setSession(visit, result.session)
  return visit.reply.redirect(transaction.returnTo, 303)
}

/** A connection may be tried before it is enabled; else such a one is as good as none. */
async function loadAnswered(visit: Visit): Promise<OidcConnection> {
  const { store, tests } = visit.options
  const connectionId = pathParameter(visit, 'connection')
  const stateHash = hash(new URLSearchParams(queryOf(visit.request)).get('state') ?? '')
  const connection =
    (await store.connection(connectionId)) ?? (await tests?.connectionOf({ connectionId, stateHash }))
  if (!connection) throw refused('unknown_connection')
  visit.connection = connection
  return connection
}

interface Answered {
  readonly connection: OidcConnection
  readonly answer: Answer
  readonly transaction: SignInTransaction
}

async function whoAnswered(
  visit: Visit,
  { connection, answer, transaction }: Answered,
): Promise<VerifiedSignIn> {
  const { progress } = visit
  const deadline = AbortSignal.timeout(NETWORK_DEADLINE)
  progress.stage = 'discovery'
  const provider = await approvedProvider(visit, connection, deadline)
  progress.provider = pinsOf(provider.metadata)
  progress.stage = 'answer'
  checkIssuer(answer, provider.metadata)
  checkError(answer)
  const { options, request } = visit
  checkPace(visit, options.redeemWait?.(request, connection))
  const url = answerUrl(visit, connection)
  const person = await unlessDown(connection, options, () =>
    identify({ connection, provider, transaction, url, deadline, now: visit.now(), progress }),
  )
  options.redeemed?.(request, connection)
  return person
}

interface Answer {
  readonly state: string
  readonly error?: string | undefined
  readonly errorDescription?: string | undefined
  readonly iss?: string | undefined
}

/** Every parameter once at most; a state; a code or an error, and not both. */
function readAnswer({ request }: Visit): Answer {
  const query = new URLSearchParams(queryOf(request))
  const [state, code, error] = [single(query, 'state'), single(query, 'code'), single(query, 'error')]
  if (state === undefined) throw refused('invalid_request', 'state missing')
  if ((code === undefined) === (error === undefined)) throw refused('invalid_request', 'either code or error')
  return { state, error, errorDescription: single(query, 'error_description'), iss: single(query, 'iss') }
}

/**
 * - The browser holds the secret of the sign-in: else somebody else's answer was planted in it.
 * - The sign-in was begun on this connection, and at the provider that it leads to still.
 * - It is not yet over, and is over now.
 */
async function takeTransaction(
  visit: Visit,
  { id: connectionId, issuer }: OidcConnection,
  { state }: Answer,
): Promise<SignInTransaction> {
  const stateHash = hash(state)
  const browser = takeFromBrowser(visit, stateHash)
  if (browser === undefined) throw refused('browser_mismatch', 'no cookie')
  const transaction = await visit.options.store.takeTransaction({ connectionId, stateHash })
  if (!transaction || transaction.expiresAt <= visit.now()) throw refused('state_unknown')
  visit.progress.stage = 'answer'
  if (transaction.testId !== undefined) visit.test = transaction.testId
  if (transaction.issuer !== issuer) throw refused('state_unknown', 'begun at another provider')
  if (!isBoundTo(transaction, browser)) throw refused('browser_mismatch', 'wrong secret')
  visit.returnTo = transaction.returnTo
  visit.demand = transaction.demand ?? {}
  return transaction
}

/** RFC 9207 section 2.4. */
function checkIssuer({ iss }: Answer, metadata: ProviderMetadata): void {
  if (iss === undefined && metadata.authorization_response_iss_parameter_supported) {
    throw refused('issuer_mismatch', 'iss missing')
  }
  if (iss !== undefined && iss !== metadata.issuer) throw refused('issuer_mismatch', 'iss differs')
}

function checkError({ error, errorDescription }: Answer): void {
  if (error !== undefined) throw providerError(error, errorDescription)
}

/** A connection that was disabled, or led to another provider, while its own was asked lets nobody in. */
async function checkStill(visit: Visit, { id, issuer, clientId }: OidcConnection): Promise<void> {
  const now = await visit.options.store.connection(id)
  if (!now) throw refused('unknown_connection')
  if (now.issuer !== issuer || now.clientId !== clientId) throw refused('state_unknown', 'connection changed')
}

/** From the configured address, not from the request's: the token request derives `redirect_uri` from it. */
function answerUrl(visit: Visit, connection: OidcConnection): URL {
  return new URL(redirectUri(visit, connection) + queryOf(visit.request))
}
