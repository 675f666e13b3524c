import { approvedProvider } from './approved.ts'
import { isName } from './claims.ts'
import type { Provider } from './clients.ts'
import { NETWORK_DEADLINE } from './deadline.ts'
import { signingAlgorithms } from './discovery.ts'
import { refused } from './errors.ts'
import type { OidcConnection, SignOut } from './ports.ts'
import { verifyUnasked } from './unasked.ts'
import { loadConnection, type Manner, single, type Visit } from './visit.ts'

/** Section 2.8: whatever is wrong with a request, the status is the same. */
export const TO_PROVIDERS: Manner = {
  of: 'logout',
  answer: ({ reply }, { code, message }) => reply.code(400).send({ error: code, error_description: message }),
  failed: (reply, { code, message, status }) =>
    status < 500
      ? reply.code(400).send({ error: 'invalid_request', error_description: message })
      : reply.code(status).send({ error: code, error_description: message }),
}

/** `POST /oidc/{connection}/backchannel-logout` (Back-Channel Logout 1.0): the provider ended sessions of its own. */
export async function backchannelLogout(visit: Visit): Promise<unknown> {
  const connection = await loadConnection(visit)
  const { body } = visit.request
  const token = body instanceof URLSearchParams ? single(body, 'logout_token') : undefined
  if (token === undefined) throw refused('invalid_request', 'logout_token missing')
  const deadline = AbortSignal.timeout(NETWORK_DEADLINE)
  const provider = await approvedProvider(visit, connection, deadline)
  const signOut = await readLogoutToken(token, { connection, provider, deadline, now: visit.now() })
  const first = await visit.options.store.signOut(signOut, { requestId: visit.request.id })
  if (!first) throw refused('logout_token_replayed')
  return visit.reply.send()
}

interface Reading {
  readonly connection: OidcConnection
  readonly provider: Provider
  readonly deadline: AbortSignal
  readonly now: Date
}

const EVENT = 'http://schemas.openid.net/event/backchannel-logout'
const TYPE = 'logout+jwt'
/** How old a logout token may be, in seconds. */
const OLDEST = 600

/** Section 2.6. An id_token is none: it has a nonce, and no events. */
async function readLogoutToken(jwt: string, reading: Reading): Promise<SignOut> {
  const { connection, provider, deadline, now } = reading
  const lenient = connection.lenientLogoutTokens === true
  const { payload, issuedAt, token } = await verifyUnasked(jwt, {
    keys: provider.keys,
    algorithms: signingAlgorithms(provider.metadata),
    issuer: connection.issuer,
    audience: connection.clientId,
    types: lenient ? [TYPE, 'jwt', undefined] : [TYPE],
    oldest: OLDEST,
    refusal: 'invalid_logout_token',
    now,
    deadline,
  })
  if (!lenient && payload.exp === undefined) throw refused('invalid_logout_token', 'exp')
  if ('nonce' in payload) throw refused('invalid_logout_token', 'nonce')
  if (!hasEvent(payload.events)) throw refused('invalid_logout_token', 'events')
  return { connection, way: 'back-channel', issuedAt, token, ...meant(payload) }
}

function hasEvent(events: unknown): boolean {
  if (typeof events !== 'object' || events === null || !Object.hasOwn(events, EVENT)) return false
  const event: unknown = Reflect.get(events, EVENT)
  return typeof event === 'object' && event !== null && !Array.isArray(event)
}

function meant({ sub, sid }: Record<string, unknown>): Pick<SignOut, 'subject' | 'sid'> {
  if (sub === undefined && sid === undefined) throw refused('invalid_logout_token', 'neither sub nor sid')
  if (sub !== undefined && !isName(sub)) throw refused('invalid_logout_token', 'sub')
  if (sid !== undefined && !isName(sid)) throw refused('invalid_logout_token', 'sid')
  return { ...(sub !== undefined && { subject: sub }), ...(sid !== undefined && { sid }) }
}
