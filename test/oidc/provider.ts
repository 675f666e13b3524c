import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair } from 'jose'
import Provider, { type ClientMetadata, type Configuration, type KoaContextWithOIDC } from 'oidc-provider'

/** Somebody who can sign in: `sub`, and whatever else is to be said of them. */
export interface Person {
  readonly sub: string
  readonly email?: string
  readonly email_verified?: boolean
  readonly name?: string
  readonly preferred_username?: string
  readonly [claim: string]: unknown
}

export interface ProviderSettings {
  readonly people: readonly Person[]
  /** `redirect_uris` may be left out: any callback on this machine is accepted. */
  readonly clients: readonly (Omit<ClientMetadata, 'redirect_uris'> & { client_id: string })[]
  /** Absent: any free one. */
  readonly port?: number
  /** Puts the claims into the id_token, as Entra and Okta do, rather than into userinfo alone. */
  readonly claimsInIdToken?: boolean
  /** Takes requests that are pushed (RFC 9126). */
  readonly pushedRequests?: boolean
}

export interface TestProvider {
  readonly issuer: string
  /** May grow while it runs. */
  readonly people: Person[]
  close(): Promise<void>
}

/** A real OpenID provider on loopback. Its sign-in page lists the people; whoever is picked is signed in. */
export async function startProvider(settings: ProviderSettings): Promise<TestProvider> {
  const people = [...settings.people]
  const server = createServer()
  const issuer = `http://127.0.0.1:${await listen(server, settings.port ?? 0)}`
  const provider = new Provider(issuer, await configurationOf(settings, people))
  acceptLoopback(provider)
  const handle = provider.callback()
  server.on('request', (request, response) => {
    if (!request.url?.startsWith('/interaction/')) void handle(request, response)
    else
      interact(provider, people, { request, response }).catch((error: unknown) => {
        response.writeHead(500, { 'content-type': 'text/plain' }).end(String(error))
      })
  })
  return {
    issuer,
    people,
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function listen(server: Server, port: number): Promise<number> {
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  // A server that listens on a port has an address of this kind.
  return (server.address() as AddressInfo).port
}

const PROFILE = ['name', 'given_name', 'family_name', 'preferred_username', 'locale', 'picture']
const EMAIL = ['email', 'email_verified']

async function configurationOf(
  settings: ProviderSettings,
  people: readonly Person[],
): Promise<Configuration> {
  const others = people.flatMap(Object.keys).filter((name) => ![...PROFILE, ...EMAIL].includes(name))
  return {
    clients: settings.clients.map((client) => ({
      redirect_uris: ['http://127.0.0.1/callback'],
      ...client,
    })),
    jwks: { keys: [await signingKey('RS256'), await signingKey('ES256')] },
    cookies: { keys: ['a test has no secrets'] },
    claims: { openid: [...new Set(['sub', ...others])], profile: PROFILE, email: EMAIL },
    scopes: ['openid', 'offline_access', 'profile', 'email'],
    conformIdTokenClaims: !settings.claimsInIdToken,
    findAccount: (_ctx, sub) => {
      const person = people.find((one) => one.sub === sub)
      return person && { accountId: sub, claims: () => ({ ...person }) }
    },
    loadExistingGrant: consent,
    // Its guard against addresses of this machine comes as a dispatcher.
    fetch: (url, { dispatcher, ...options }: RequestInit = {}) => fetch(url, options),
    features: {
      devInteractions: { enabled: false },
      backchannelLogout: { enabled: true },
      pushedAuthorizationRequests: { enabled: settings.pushedRequests ?? false },
      rpInitiatedLogout: { enabled: true, logoutSource: askToLogOut, postLogoutSuccessSource: loggedOut },
    },
    ttl: { Grant: 3600, Interaction: 600, Session: 3600, AccessToken: 600, IdToken: 600 },
  }
}

async function signingKey(alg: string) {
  const { privateKey } = await generateKeyPair(alg, { extractable: true })
  return { ...(await exportJWK(privateKey)), use: 'sig', alg, kid: alg }
}

/** Whoever signs in has agreed to everything that the client asks for. */
async function consent({ oidc }: KoaContextWithOIDC) {
  const { client, session, params } = oidc
  if (!client || !session?.accountId) return undefined
  const given = session.grantIdFor(client.clientId)
  const found = given === undefined ? undefined : await oidc.provider.Grant.find(given)
  const grant = found ?? new oidc.provider.Grant({ clientId: client.clientId, accountId: session.accountId })
  grant.addOIDCScope(String(params?.scope ?? 'openid'))
  await grant.save()
  return grant
}

/** Connections are made after the provider is, so their callbacks are not known to it beforehand. */
function acceptLoopback(provider: Provider): void {
  const isLoopback = (uri: string) => ['127.0.0.1', 'localhost'].includes(new URL(uri).hostname)
  provider.Client.prototype.redirectUriAllowed = isLoopback
  provider.Client.prototype.postLogoutRedirectUriAllowed = isLoopback
}

interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

async function interact(
  provider: Provider,
  people: readonly Person[],
  { request, response }: Exchange,
): Promise<void> {
  if (request.method !== 'POST') return send(response, 'Who is signing in?', peopleForm(people))
  const chosen = (await formOf(request)).get('sub')
  const result = chosen
    ? { login: { accountId: chosen } }
    : { error: 'access_denied', error_description: 'the person said no' }
  await provider.interactionFinished(request, response, result)
}

function peopleForm(people: readonly Person[]): string {
  const buttons = people.map(({ sub, name, email }) => button('sub', sub, name ?? email ?? sub))
  return `<form method="post">${[...buttons, button('cancel', '1', 'Cancel')].join('')}</form>`
}

function button(name: string, value: string, label: string): string {
  return `<p><button name="${name}" value="${escapeHtml(value)}">${escapeHtml(label)}</button></p>`
}

async function formOf(request: IncomingMessage): Promise<URLSearchParams> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return new URLSearchParams(Buffer.concat(chunks).toString())
}

function askToLogOut({ response }: KoaContextWithOIDC, form: string): void {
  response.type = 'html'
  const yes = '<button form="op.logoutForm" name="logout" value="yes">Sign out</button>'
  response.body = page('Sign out of the provider?', form + yes)
}

function loggedOut({ response }: KoaContextWithOIDC): void {
  response.type = 'html'
  response.body = page('Signed out', '')
}

function send(response: ServerResponse, title: string, body: string): void {
  response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(page(title, body))
}

function page(title: string, body: string): string {
  return `<!doctype html><html lang="en"><title>${title}</title><h1>${title}</h1>${body}</html>`
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`)
}
