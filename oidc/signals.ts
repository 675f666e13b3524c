import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyReply } from 'fastify'
import { approvedProvider } from './approved.ts'
import { NETWORK_DEADLINE } from './deadline.ts'
import { ALGORITHMS, only, signingAlgorithms } from './discovery.ts'
import { refused } from './errors.ts'
import { createKeySource, downloadKeys, type KeySource } from './keys.ts'
import type { OidcConnection, ReceivedSignals, Refusal } from './ports.ts'
import { signalsOf } from './security-events.ts'
import { sharedDocument } from './shared.ts'
import type { SignalStream } from './signal.ts'
import { verifyUnasked } from './unasked.ts'
import { loadConnection, type Manner, type Service, type Visit } from './visit.ts'

/** Seconds after which a provider that is out of reach may be asked for its keys again. */
const RETRY_AFTER = 10

/** RFC 8935 section 2.4. A token that could not be verified now is not refused: its transmitter is to send it again. */
export const TO_TRANSMITTERS: Manner = {
  of: 'signal',
  answer: ({ reply }, refusal) => {
    const later = refusal.status >= 500
    if (later) reply.header('retry-after', RETRY_AFTER)
    return told(reply.code(later ? 503 : 400), later ? refusal.code : errorOf(refusal), refusal.message)
  },
  failed: (reply, { code, message, status }) =>
    told(reply.code(status), status < 500 ? 'invalid_request' : code, message),
}

function told(reply: FastifyReply, err: string, description: string): FastifyReply {
  return reply.header('content-language', 'en').send({ err, description })
}

/** By the name of what did not fit. */
const ERRORS: Readonly<Record<string, string>> = {
  iss: 'invalid_issuer',
  aud: 'invalid_audience',
  ERR_JWKS_NO_MATCHING_KEY: 'invalid_key',
  ERR_JWS_SIGNATURE_VERIFICATION_FAILED: 'invalid_key',
  ERR_JOSE_ALG_NOT_ALLOWED: 'invalid_key',
}

export function errorOf({ code, detail = '' }: Refusal): string {
  if (code === 'signal_unauthenticated') return 'authentication_failed'
  if (code === 'unknown_connection' || code === 'no_signals') return 'access_denied'
  return ERRORS[detail] ?? 'invalid_request'
}

/** `POST /oidc/{connection}/signals`: a security event token is pushed (RFC 8935). Each works once, and is told so again. */
export async function receiveSignals(visit: Visit): Promise<unknown> {
  const connection = await loadConnection(visit)
  const { signals } = connection
  if (!signals || signals.delivery === 'poll') throw refused('no_signals')
  authenticate(visit, signals)
  const { body, id: requestId } = visit.request
  if (typeof body !== 'string') throw refused('invalid_signal', 'not a security event token')
  await visit.options.signal(await readSignals(visit, { connection, signals }, body), { requestId })
  return visit.reply.code(202).send()
}

/** The secret of the stream, where it has one; compared by their hashes, which are of one length. */
function authenticate({ request }: Visit, { token }: SignalStream): void {
  if (token === undefined) return
  const shown = /^Bearer +(\S+) *$/i.exec(request.headers.authorization ?? '')?.[1] ?? ''
  if (!timingSafeEqual(digest(shown), digest(token))) throw refused('signal_unauthenticated')
}

const digest = (text: string) => createHash('sha256').update(text).digest()

export interface Reading {
  readonly connection: OidcConnection
  readonly signals: SignalStream
}

/** Days for which a transmitter may keep trying. */
const DAY = 86_400
const OLDEST = 14 * DAY

/** Verifies a token, and reads of it what means something here. */
export async function readSignals(service: Service, reading: Reading, jwt: string): Promise<ReceivedSignals> {
  const { connection, signals } = reading
  const deadline = AbortSignal.timeout(NETWORK_DEADLINE)
  const { payload, issuedAt, token } = await verifyUnasked(jwt, {
    ...(await proofOf(service, reading, deadline)),
    issuer: signals.issuer,
    audience: signals.audience,
    types: ['secevent+jwt'],
    oldest: OLDEST,
    refusal: 'invalid_signal',
    now: service.now(),
    deadline,
  })
  return { connection, signals: signalsOf(payload, connection), issuedAt, token }
}

/** The provider's own keys, unless the stream has others. */
async function proofOf(
  service: Service,
  { connection, signals: { jwksUri } }: Reading,
  deadline: AbortSignal,
) {
  if (jwksUri !== undefined)
    return { keys: transmitterKeys(service, connection, jwksUri), algorithms: ALGORITHMS }
  const { keys, metadata } = await approvedProvider(service, connection, deadline)
  return { keys, algorithms: signingAlgorithms(metadata) }
}

function transmitterKeys({ options, now }: Service, connection: OidcConnection, jwksUri: string): KeySource {
  const fetcher = only([new URL(jwksUri).origin], options)
  const wanted = {
    connection,
    kind: 'signal-keys',
    download: () => downloadKeys(jwksUri, fetcher),
  } as const
  const sharing = { documents: options.documents, now }
  return createKeySource((wish) => sharedDocument({ ...wanted, ...wish }, sharing), now)
}
