import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export type Json = Record<string, unknown>

/** What the provider says otherwise than an honest one. A function gets the honest value. */
export interface Lies {
  discovery?: (metadata: Json) => Json
  claims?: (claims: Json) => Json
  header?: (header: Json) => Json
  /** The key to sign with. */
  key?: KeyObject
  /** The whole id_token. */
  token?: (token: string) => string
  tokens?: (body: Json) => Json
  userinfo?: (claims: Json) => Json
  jwks?: (keys: Json[]) => Json[]
  /** The parameters that the browser brings back. */
  answer?: (parameters: URLSearchParams) => void
  /** Whole endpoints by their path. */
  endpoints?: Record<string, (response: ServerResponse, request: IncomingMessage) => void>
}

export interface HostileProvider {
  readonly issuer: string
  readonly keys: Keys
  /** The paths that were asked for since the last lie. */
  readonly requests: string[]
  lie(lies: Lies): void
  close(): Promise<void>
}

export interface Keys {
  readonly RS256: KeyObject
  readonly ES256: KeyObject
  readonly EdDSA: KeyObject
  readonly weak: KeyObject
}

export const now = () => Math.floor(Date.now() / 1000)

const CURVES: Readonly<Record<string, string>> = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' }

/** A private key that fits the algorithm. */
export function newKey(alg: string): KeyObject {
  const namedCurve = CURVES[alg]
  if (namedCurve) return generateKeyPairSync('ec', { namedCurve }).privateKey
  if (alg.startsWith('Ed')) return generateKeyPairSync('ed25519').privateKey
  return generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
}

/** An OpenID provider that signs everybody in at once, and lies as it is told to. Its issuer may have a path. */
export async function startHostile(path = ''): Promise<HostileProvider> {
  const keys: Keys = {
    RS256: newKey('RS256'),
    ES256: newKey('ES256'),
    EdDSA: newKey('EdDSA'),
    weak: generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey,
  }
  const state: State = { issuer: '', keys, lies: {}, requests: [], asked: new URLSearchParams() }
  const server = createServer((request, response) => {
    serve(state, request, response).catch((error: unknown) => response.writeHead(500).end(String(error)))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  // A server that listens on a port has an address of this kind.
  state.issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`
  return {
    issuer: state.issuer,
    keys,
    requests: state.requests,
    lie: (lies) => {
      state.lies = lies
      state.requests.length = 0
    },
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

interface State {
  issuer: string
  readonly keys: Keys
  lies: Lies
  readonly requests: string[]
  /** The latest authorization request. */
  asked: URLSearchParams
}

async function serve(state: State, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname: whole, searchParams } = new URL(request.url ?? '/', state.issuer)
  const pathname = whole.slice(new URL(state.issuer).pathname.replace(/\/$/, '').length)
  state.requests.push(pathname)
  const own = state.lies.endpoints?.[pathname]
  if (own) return own(response, request)
  if (pathname === '/authorize') return authorize(state, searchParams, response)
  const answers: Record<string, () => Json> = {
    '/.well-known/openid-configuration': () => discovery(state),
    '/jwks': () => ({ keys: jwks(state) }),
    '/token': () => tokens(state),
    '/userinfo': () => honest(state.lies.userinfo, { sub: 'ada', email: 'ada@acme.example', name: 'Ada' }),
  }
  const answer = answers[pathname]
  if (!answer) return void response.writeHead(404).end()
  json(response, answer())
}

export function json(response: ServerResponse, body: Json, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

function honest<T>(lie: ((value: T) => T) | undefined, value: T): T {
  return lie ? lie(value) : value
}

function discovery({ issuer, lies }: State): Json {
  return honest(lies.discovery, {
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    jwks_uri: `${issuer}/jwks`,
    userinfo_endpoint: `${issuer}/userinfo`,
    id_token_signing_alg_values_supported: ['RS256', 'PS256', 'ES256', 'EdDSA', 'HS256', 'none', 'NoNe'],
    token_endpoint_auth_methods_supported: ['client_secret_post'],
  })
}

function jwks({ keys, lies }: State): Json[] {
  return honest(lies.jwks, [
    publicJwk(keys.RS256, 'rsa'),
    publicJwk(keys.ES256, 'ec'),
    publicJwk(keys.EdDSA, 'ed'),
  ])
}

export function publicJwk(key: KeyObject, kid: string): Json {
  const { d, p, q, dp, dq, qi, ...open } = key.export({ format: 'jwk' })
  return { ...open, kid, use: 'sig' }
}

function authorize(state: State, asked: URLSearchParams, response: ServerResponse): void {
  state.asked = asked
  const answer = new URLSearchParams({ code: 'the-code', state: asked.get('state') ?? '' })
  state.lies.answer?.(answer)
  response.writeHead(303, { location: `${asked.get('redirect_uri')}?${answer}` }).end()
}

function tokens(state: State): Json {
  const { issuer, keys, lies, asked } = state
  const header = honest(lies.header, { alg: 'RS256', kid: 'rsa', typ: 'JWT' })
  const claims = honest(lies.claims, {
    iss: issuer,
    aud: 'usher',
    sub: 'ada',
    nonce: asked.get('nonce'),
    iat: now(),
    exp: now() + 300,
    email: 'ada@acme.example',
    name: 'Ada',
  })
  const signed = signJwt(header, claims, lies.key ?? keys.RS256)
  return honest(lies.tokens, {
    access_token: 'the-access-token',
    token_type: 'Bearer',
    id_token: honest(lies.token, signed),
  })
}

/** Signs whatever it is given, as no library would. */
export function signJwt(header: Json, claims: Json, key: KeyObject): string {
  const input = `${encode(header)}.${encode(claims)}`
  return `${input}.${signatureOf(String(header.alg), Buffer.from(input), key).toString('base64url')}`
}

function encode(value: Json): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

function signatureOf(alg: string, input: Buffer, key: KeyObject): Buffer {
  if (/^none$/i.test(alg)) return Buffer.alloc(0)
  if (alg.startsWith('Ed')) return sign(null, input, key)
  const bits = Number(alg.slice(2)) || 256
  if (alg.startsWith('HS')) return createHmac(`sha${bits}`, key).update(input).digest()
  if (alg.startsWith('PS')) return sign(`sha${bits}`, input, { key, padding: 6, saltLength: bits / 8 })
  return sign(`sha${bits}`, input, { key, dsaEncoding: 'ieee-p1363' })
}
