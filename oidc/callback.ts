import { approvedProvider } from './approved.ts'
import { redirectUri } from './authorization.ts'
import { NETWORK_DEADLINE } from './deadline.ts'
import type { ProviderMetadata } from './discovery.ts'
import { OidcError, providerError, refused } from './errors.ts'
import { identify } from './identify.ts'
import { unlessDown } from './outage.ts'
import { pinsOf } from './pins.ts'
import type { Begun, OidcConnection, SignInKey, SignInTransaction, VerifiedSignIn } from './ports.ts'
import { readSession, setSession } from './sessions.ts'
import { endTest, quiet } from './test.ts'
import { hash, isBoundTo, takeFromBrowser } from './transactions.ts'
import { checkPace, pathParameter, queryOf, single, type Visit } from './visit.ts'

/** `GET /oidc/{connection}/callback`: the provider's answer. All network comes before the host signs anybody in. */
export async function callback(visit: Visit): Promise<unknown> {
  const answered = await takeAnswered(visit)
  const person = await whoAnswered(quiet(visit), answered)
  if (visit.test !== undefined) return endTest(visit, { person })
  const replaces = readSession(visit)
  const result = await visit.options.signIn(person, {
    requestId: visit.request.id,
    ...(replaces !== undefined && { replaces }),
  })
  if ('refusal' in result) throw new OidcError(result.refusal)
  if ('gone' in result) throw await whyGone(visit, answered.connection)
  setSession(visit, result.session)
  return visit.reply.redirect(answered.transaction.returnTo, 303)
}

/**
 * The sign-in that is answered; nothing is taken by an answer that is malformed, or was not asked for by this browser,
 * which is told on the page of the connection all the same.
 */
async function takeAnswered(visit: Visit): Promise<Answered> {
  const stateHash = hash(new URLSearchParams(queryOf(visit.request)).get('state') ?? '')
  const key = { connectionId: pathParameter(visit, 'connection'), stateHash }
  const read = readOrRefuse(visit, stateHash)
  if (read instanceof OidcError) {
    await loadAnswered(visit, key)
    throw read
  }
  const begun = (await visit.options.store.takeBegun(key)) ?? (await takeTest(visit, key))
  visit.connection = begun.connection
  return { ...begun, answer: read.answer, transaction: checkBegun(visit, begun, read.browser) }
}

function readOrRefuse(visit: Visit, stateHash: Buffer): { answer: Answer; browser: string } | OidcError {
  try {
    const answer = readAnswer(visit)
    const browser = takeFromBrowser(visit, stateHash)
    // The browser holds the secret of the sign-in: else somebody else's answer was planted in it.
    return browser === undefined ? refused('browser_mismatch', 'no cookie') : { answer, browser }
  } catch (error) {
    if (error instanceof OidcError) return error
    throw error
  }
}

async function takeTest(visit: Visit, key: SignInKey): Promise<Begun> {
  const connection = await loadAnswered(visit, key)
  return { connection, transaction: await visit.options.store.takeTransaction(key) }
}

/** A connection may be tried before it is enabled; else such a one is as good as none. */
async function loadAnswered(visit: Visit, key: SignInKey): Promise<OidcConnection> {
  const { store, tests } = visit.options
  const connection = (await store.connection(key.connectionId)) ?? (await tests?.connectionOf(key))
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
 * - The sign-in was begun on this connection, and at the provider that it leads to still.
 * - It was begun by this browser, was not yet over, and is over now.
 */
function checkBegun(visit: Visit, { connection, transaction }: Begun, browser: string): SignInTransaction {
  if (!transaction || transaction.expiresAt <= visit.now()) throw refused('state_unknown')
  visit.progress.stage = 'answer'
  if (transaction.testId !== undefined) visit.test = transaction.testId
  if (transaction.issuer !== connection.issuer) throw refused('state_unknown', 'begun at another provider')
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

async function whyGone(visit: Visit, { id }: OidcConnection): Promise<OidcError> {
  const isOn = await visit.options.store.connection(id)
  return isOn ? refused('state_unknown', 'connection changed') : refused('unknown_connection')
}

/** From the configured address, not from the request's: the token request derives `redirect_uri` from it. */
function answerUrl(visit: Visit, connection: OidcConnection): URL {
  return new URL(redirectUri(visit, connection) + queryOf(visit.request))
}
