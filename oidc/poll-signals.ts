import { createProviders } from './clients.ts'
import { within } from './deadline.ts'
import { only } from './discovery.ts'
import { fromFailure, OidcError, refused } from './errors.ts'
import type { OidcConnection, OidcOptions, Refusal } from './ports.ts'
import type { SignalStream } from './signal.ts'
import { errorOf, readSignals } from './signals.ts'
import type { Service } from './visit.ts'

/** How long one poll may take, in milliseconds, however much there is to fetch. */
export const POLL_DEADLINE = 20_000
const MOST_ROUNDS = 10
const MOST_EVENTS = 50

/** Fetches what waits in the stream of a connection (RFC 8936), until there is no more or time is up. */
export function createSignalPoller(options: OidcOptions): (connection: OidcConnection) => Promise<void> {
  const now = options.now ?? (() => new Date())
  const service = { options, now, providerOf: createProviders(options, now) }
  return (connection) => poll(service, connection)
}

/** What is told of the tokens that came before. */
interface Told {
  readonly ack: string[]
  readonly setErrs: Record<string, { err: string; description: string }>
}

const nothing = (): Told => ({ ack: [], setErrs: {} })

async function poll(service: Service, connection: OidcConnection): Promise<void> {
  const { signals } = connection
  if (signals?.endpoint === undefined) throw refused('no_signals')
  const deadline = AbortSignal.timeout(POLL_DEADLINE)
  let told = nothing()
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const sets = await ask(service, { ...signals, endpoint: signals.endpoint }, { told, deadline })
    told = nothing()
    for (const [jti, jwt] of sets) await take({ service, connection, signals }, { jti, jwt }, told)
    // Even the last ones are told of, which the next round does.
    if (told.ack.length === 0 && Object.keys(told.setErrs).length === 0) return
  }
}

interface Asking {
  readonly told: Told
  readonly deadline: AbortSignal
}

async function ask(
  { options }: Service,
  { endpoint, token }: SignalStream & { readonly endpoint: string },
  { told, deadline }: Asking,
): Promise<[string, unknown][]> {
  const fetcher = only([new URL(endpoint).origin], options)
  try {
    const response = await fetcher(endpoint, {
      method: 'POST',
      headers: {
        accept: 'application/json',
        'content-type': 'application/json',
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
      },
      body: JSON.stringify({ maxEvents: MOST_EVENTS, returnImmediately: true, ...told }),
      redirect: 'manual',
      signal: deadline,
    })
    if (response.status !== 200) throw refused('provider_response', `poll status ${response.status}`)
    return setsOf(await within(deadline, response.json()))
  } catch (error) {
    if (error instanceof SyntaxError) throw refused('provider_response', 'poll is not JSON')
    throw fromFailure(error, 'keys')
  }
}

function setsOf(body: unknown): [string, unknown][] {
  const sets: unknown = typeof body === 'object' && body !== null ? Reflect.get(body, 'sets') : undefined
  if (typeof sets !== 'object' || sets === null) throw refused('provider_response', 'poll without sets')
  return Object.entries(sets).slice(0, MOST_EVENTS)
}

interface Taking {
  readonly service: Service
  readonly connection: OidcConnection
  readonly signals: SignalStream
}

/** Does what one token says, or tells what is wrong with it. Where the keys are not to be had it waits in the stream. */
async function take(
  { service, connection, signals }: Taking,
  { jti, jwt }: { jti: string; jwt: unknown },
  told: Told,
): Promise<void> {
  try {
    if (typeof jwt !== 'string') throw refused('invalid_signal', 'not a security event token')
    const received = await readSignals(service, { connection, signals }, jwt)
    if (received.token.jti !== jti) throw refused('invalid_signal', 'jti')
    await service.options.signal(received, { requestId: '' })
    told.ack.push(jti)
  } catch (error) {
    if (!(error instanceof OidcError)) throw error
    await note(service, connection, error.refusal)
    if (error.refusal.code !== 'invalid_signal') return
    told.setErrs[jti] = { err: errorOf(error.refusal), description: error.refusal.message }
  }
}

function note({ options }: Service, { id: connectionId }: OidcConnection, refusal: Refusal): Promise<void> {
  return options.store.recordRefusal(refusal, { of: 'signal', connectionId, requestId: '' })
}
