import { randomUUID } from 'node:crypto'
import { type AddressInfo, createServer } from 'node:net'
import Fastify, { type FastifyInstance } from 'fastify'
import {
  type OidcConnection,
  type OidcOptions,
  type OidcStore,
  oidcPlugin,
  type ProviderPins,
  type ReceivedSignals,
  type Refusal,
  type SignInTransaction,
  type SignOut,
  type VerifiedSignIn,
} from '../../oidc/index.ts'
import { memoryDocuments } from './memory-documents.ts'

/** A host of the plugin that keeps everything in memory, and what happened to it. */
export interface MemoryHost {
  readonly url: string
  readonly app: FastifyInstance
  readonly connections: OidcConnection[]
  readonly transactions: Map<string, SignInTransaction>
  readonly sessions: Map<string, VerifiedSignIn>
  readonly signIns: VerifiedSignIn[]
  readonly drifts: ProviderPins[]
  readonly signOuts: SignOut[]
  readonly signals: ReceivedSignals[]
  readonly refusals: { of: string; refusal: Refusal; connectionId?: string }[]
  readonly log: string[]
  /** What the next sign-ins are refused with. */
  policy?: Refusal
}

export const SESSION = 'usher-session'

export function connectionTo(issuer: string, settings: Partial<OidcConnection> = {}): OidcConnection {
  return {
    id: randomUUID(),
    name: 'Example',
    organization: { slug: 'acme', name: 'Acme' },
    issuer,
    clientId: 'usher',
    clientSecret: 'a-secret-of-the-test-client',
    scopes: ['openid', 'email', 'profile'],
    version: 1,
    ...settings,
  }
}

/** `options` replaces parts of what is in memory. */
export async function startHost(options: Partial<OidcOptions> = {}): Promise<MemoryHost> {
  const log: string[] = []
  const app = Fastify({ logger: { level: 'info', stream: { write: (line: string) => log.push(line) } } })
  const port = await freePort()
  const host: MemoryHost = {
    app,
    log,
    url: `http://127.0.0.1:${port}`,
    connections: [],
    transactions: new Map(),
    sessions: new Map(),
    signIns: [],
    signOuts: [],
    signals: [],
    refusals: [],
    drifts: [],
  }
  app.get('/', async () => 'home')
  app.get('/place', async () => 'the place asked for')
  await app.register(oidcPlugin, { ...portsOf(host), ...options })
  await app.listen({ port, host: '127.0.0.1' })
  return host
}

/** The public URL carries the port, so it must be known before the service listens. */
async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  // A server that listens on a port has an address of this kind.
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** Forgets what happened, and what is known of the providers, whose connections have now changed. */
export function reset(host: MemoryHost): void {
  host.transactions.clear()
  host.sessions.clear()
  delete host.policy
  for (const list of [host.signIns, host.signOuts, host.signals, host.refusals, host.drifts, host.log])
    list.length = 0
  const changed = host.connections.map(({ pins, ...one }) => ({ ...one, version: one.version + 1 }))
  host.connections.splice(0, Infinity, ...changed)
}

export function portsOf(host: MemoryHost): OidcOptions {
  return {
    store: storeOf(host),
    documents: memoryDocuments(),
    signIn: async (person) => {
      host.signIns.push(person)
      if (host.policy) return { refusal: host.policy }
      const token = randomUUID()
      host.sessions.set(token, person)
      return { session: { token, expiresAt: new Date(Date.now() + 3_600_000) } }
    },
    signal: async (received) => {
      if (!host.signals.some(({ token }) => token.jti === received.token.jti)) host.signals.push(received)
    },
    fetch,
    allowInsecure: (url) => url.hostname === '127.0.0.1',
    publicUrl: host.url,
    sessionCookie: SESSION,
    pages: () => ({
      refused: ({ code, message }, { retry }) => `refused ${code}: ${escapeHtml(message)} ${retry ?? ''}`,
      askAddress: ({ problem, returnTo, demand = {}, address = '' }) =>
        `<form method="post" action="/login">asked ${problem ?? ''}
        <input name="login_hint" value="${escapeHtml(address)}"><input name="return_to" value="${escapeHtml(returnTo)}">${Object.entries(
          demand,
        ).map(([name, value]) => `<input name="${name}" value="${escapeHtml(value)}">`)}</form>`,
      signedOut: (organization) => `signed out${organization ? ` of ${organization.name}` : ''}`,
      askToTest: () => 'to be tested',
      tested: ({ ok }) => `tested ${ok}`,
      confirmSignOut: () => '<form method="post" action="/logout"><button>Sign out</button></form>',
      choose: (connections) => connections.map(({ name, url }) => `<a href="${url}">${name}</a>`).join(),
    }),
  }
}

function storeOf(host: MemoryHost): OidcStore {
  const { connections, transactions, sessions } = host
  return {
    connection: async (id) => connections.find((one) => one.id === id) ?? null,
    connectionsOf: async (slug) => connections.filter((one) => one.organization.slug === slug),
    connectionsFor: async (address) => {
      const [, domain] = address.split('@')
      return domain === undefined
        ? null
        : connections.filter((one) => domain === `${one.organization.slug}.example`)
    },
    saveTransaction: async (one) => {
      transactions.set(keyOf(one), one)
    },
    takeTransaction: async (key) => {
      const found = transactions.get(keyOf(key)) ?? null
      transactions.delete(keyOf(key))
      return found
    },
    takeBegun: async (key) => {
      const connection = connections.find(({ id }) => id === key.connectionId)
      if (!connection) return null
      const found = transactions.get(keyOf(key)) ?? null
      transactions.delete(keyOf(key))
      return { connection, transaction: found }
    },
    pin: async (connection, found) => {
      const at = connections.findIndex((one) => one.id === connection.id)
      const known = connections[at]?.pins
      if (!known) connections[at] = { ...connection, pins: found }
      return known ?? found
    },
    forgetDrift: async () => {},
    recordDrift: async (_connection, found) => {
      host.drifts.push(found)
    },
    organizationOf: async (token) => sessions.get(token)?.connection.organization ?? null,
    endSession: async (token) => {
      const person = sessions.get(token)
      sessions.delete(token)
      return person ? { connectionId: person.connection.id, idToken: person.idToken } : null
    },
    signOut: async (told) => {
      const { token, subject, sid } = told
      if (token && host.signOuts.some((one) => one.token?.jti === token.jti)) return false
      host.signOuts.push(told)
      for (const [key, person] of sessions)
        if ((sid ?? person.sid) === person.sid && (subject ?? person.subject) === person.subject)
          sessions.delete(key)
      return true
    },
    recordRefusal: async (refusal, { of, connectionId }) => {
      host.refusals.push({ of, refusal, ...(connectionId !== undefined && { connectionId }) })
    },
  }
}

function keyOf({ connectionId, stateHash }: { connectionId: string; stateHash: Buffer }): string {
  return `${connectionId} ${stateHash.toString('hex')}`
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`)
}
