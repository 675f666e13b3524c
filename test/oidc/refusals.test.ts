import { createHash, createSecretKey } from 'node:crypto'
import t from 'tap'
import { createOutbound } from '../../src/outbound.ts'
import { createBrowser, type Page } from './browser.ts'
import { type Json, json, type Lies, newKey, now, publicJwk, signJwt, startHostile } from './hostile.ts'
import { connectionTo, reset, SESSION, startHost } from './memory-host.ts'

const provider = await startHostile()
const { keys } = provider
const outbound = createOutbound({ allow: ['127.0.0.1'] })
const host = await startHost({ fetch: outbound.fetch, allowInsecure: outbound.allowInsecure })
const connection = connectionTo(provider.issuer)
host.connections.push(connection)
const PUBLIC = keys.RS256.export({ format: 'jwk' })
t.teardown(async () => {
  await host.app.close()
  await outbound.close()
  await provider.close()
})

/** One sign-in from its start to wherever the lies lead. */
async function attempt(lies: Lies, browser = createBrowser()): Promise<Page> {
  reset(host)
  provider.lie(lies)
  return browser.open(`${host.url}/login/acme`)
}

interface Case {
  readonly name: string
  readonly lies: Lies
  readonly status: number
  readonly code: string
}

const badToken = (name: string, lies: Lies): Case => ({ name, lies, status: 400, code: 'invalid_id_token' })
const claim = (name: string, claims: Json, code = 'invalid_id_token'): Case => ({
  name,
  lies: { claims: (good) => ({ ...good, ...claims }) },
  status: 400,
  code,
})
const header = (name: string, given: Json, key = keys.RS256): Case =>
  badToken(name, { header: (good) => ({ ...good, ...given }), key })
const discovery = (name: string, metadata: Json, code = 'provider_metadata'): Case => ({
  name,
  lies: { discovery: (good) => ({ ...good, ...metadata }) },
  status: 502,
  code,
})
const answer = (name: string, change: (given: URLSearchParams) => void, code = 'invalid_request'): Case => ({
  name,
  lies: { answer: change },
  status: 400,
  code,
})
const advertised = { authorization_response_iss_parameter_supported: true }

const CLAIMS: Case[] = [
  claim('wrong iss', { iss: 'https://evil.example' }),
  claim('iss with a slash more', { iss: `${provider.issuer}/` }),
  claim('wrong aud', { aud: 'another' }),
  claim('aud of others', { aud: ['another', 'third'] }),
  claim('several aud without azp', { aud: ['usher', 'another'] }),
  claim('several aud, wrong azp', { aud: ['usher', 'another'], azp: 'another' }),
  claim('one aud, wrong azp', { azp: 'another' }),
  claim('wrong nonce', { nonce: 'another' }),
  claim('missing nonce', { nonce: undefined }),
  claim('numeric nonce', { nonce: 1 }),
  claim('expired', { exp: now() - 120 }),
  claim('missing exp', { exp: undefined }),
  claim('exp as text', { exp: String(now() + 300) }),
  claim('future nbf', { nbf: now() + 3600 }),
  claim('missing iat', { iat: undefined }),
  claim('iat an hour ahead', { iat: now() + 3600 }),
  claim('iat ten years old', { iat: now() - 315_360_000 }),
  claim('missing sub', { sub: undefined }),
  claim('numeric sub', { sub: 42 }),
  claim('empty sub', { sub: '' }, 'invalid_claims'),
  claim('sub too long', { sub: 'x'.repeat(256) }, 'invalid_claims'),
  claim('sub with NUL', { sub: 'ada\0' }, 'invalid_claims'),
  claim('wrong at_hash', { at_hash: createHash('md5').update('x').digest('base64url') }),
  claim('at_hash of another shape', { at_hash: ['x'] }),
]

const SIGNATURES: Case[] = [
  header('alg none', { alg: 'none' }),
  header('alg NoNe', { alg: 'NoNe' }),
  header(
    'HS256 with the client secret',
    { alg: 'HS256' },
    createSecretKey(Buffer.from('a-secret-of-the-test-client')),
  ),
  header('HS256 with the public key', { alg: 'HS256' }, createSecretKey(Buffer.from(String(PUBLIC.n)))),
  header('an algorithm that was not advertised', { alg: 'ES384', kid: 'ec' }, keys.ES256),
  header('unknown kid', { kid: 'another' }),
  header('key of another kid', { alg: 'ES256', kid: 'ec' }, newKey('ES256')),
  header('unknown crit', { crit: ['urn:evil'], 'urn:evil': true }),
  header('jwk in the header', { jwk: publicJwk(newKey('RS256'), 'rsa') }, newKey('RS256')),
  header('jku in the header', { jku: `${provider.issuer}/evil-jwks` }, newKey('RS256')),
  header('x5u in the header', { x5u: `${provider.issuer}/evil-cert` }, newKey('RS256')),
  badToken('stripped signature', { token: (good) => good.replace(/[^.]*$/, '') }),
  badToken('another signature', { token: (good) => `${good.slice(0, -8)}AAAAAAAA` }),
  badToken('other claims under the same signature', { token: (good) => withClaims(good, { sub: 'bob' }) }),
  badToken('a key of 1024 bits', {
    header: (good) => ({ ...good, kid: 'weak' }),
    key: keys.weak,
    jwks: () => [publicJwk(keys.weak, 'weak')],
  }),
  badToken('keys for encryption only', { jwks: () => [{ ...publicJwk(keys.RS256, 'rsa'), use: 'enc' }] }),
  badToken('symmetric keys', { jwks: () => [{ kty: 'oct', k: 'c2VjcmV0', kid: 'rsa' }] }),
  badToken('no keys', { jwks: () => [] }),
]

const ENDPOINTS: Case[] = [
  discovery('discovery of another issuer', { issuer: 'https://evil.example' }),
  discovery('discovery with a slash more', { issuer: `${provider.issuer}/` }),
  discovery('no token endpoint', { token_endpoint: undefined }),
  discovery('endpoint that is no URL', { jwks_uri: ['x'] }),
  discovery(
    'authorization endpoint that is a script',
    { authorization_endpoint: 'javascript:alert(1)' },
    'provider_address',
  ),
  discovery(
    'token endpoint in plain http elsewhere',
    { token_endpoint: 'http://192.0.2.1/token' },
    'provider_address',
  ),
  discovery('token endpoint inside', { token_endpoint: 'https://10.0.0.1/token' }, 'provider_unreachable'),
  ...['/.well-known/openid-configuration', '/token', '/jwks'].flatMap((path): Case[] => [
    {
      name: `${path} redirects`,
      lies: {
        endpoints: { [path]: (response) => response.writeHead(302, { location: '/elsewhere' }).end() },
      },
      status: 502,
      code: 'provider_response',
    },
    {
      name: `${path} sends too much`,
      lies: { endpoints: { [path]: (response) => json(response, { issuer: 'x'.repeat(2 ** 21) }) } },
      status: 502,
      code: 'provider_response',
    },
    {
      name: `${path} is out of order`,
      lies: {
        endpoints: { [path]: (response) => json(response, { access_token: 'secret-in-an-error' }, 500) },
      },
      status: 502,
      code: 'provider_response',
    },
    {
      name: `${path} is no JSON`,
      lies: {
        endpoints: {
          [path]: (response) =>
            response.writeHead(200, { 'content-type': 'application/json' }).end('<secret'),
        },
      },
      status: 502,
      code: 'provider_response',
    },
  ]),
  {
    name: 'the code was used already',
    lies: { endpoints: { '/token': (response) => json(response, { error: 'invalid_grant' }, 400) } },
    status: 400,
    code: 'invalid_grant',
  },
  {
    name: 'userinfo about somebody else',
    lies: { claims: ({ email, ...good }) => good, userinfo: (good) => ({ ...good, sub: 'bob' }) },
    status: 400,
    code: 'invalid_userinfo',
  },
  {
    name: 'userinfo in an unsigned token',
    lies: {
      claims: ({ email, ...good }) => good,
      endpoints: {
        '/userinfo': (response) =>
          response
            .writeHead(200, { 'content-type': 'application/jwt' })
            .end(signJwt({ alg: 'none' }, { sub: 'ada' }, keys.RS256)),
      },
    },
    status: 400,
    code: 'invalid_userinfo',
  },
]

const ANSWERS: Case[] = [
  answer('state missing', (given) => given.delete('state')),
  answer('state repeated', (given) => given.append('state', given.get('state') ?? '')),
  answer('another state', (given) => given.set('state', 'another'), 'browser_mismatch'),
  answer('code repeated', (given) => given.append('code', 'another')),
  answer('code missing', (given) => given.delete('code')),
  answer('error together with a code', (given) => given.set('error', 'access_denied')),
  answer('wrong iss', (given) => given.set('iss', 'https://evil.example'), 'issuer_mismatch'),
  answer('iss repeated', (given) => {
    given.append('iss', provider.issuer)
    given.append('iss', provider.issuer)
  }),
  {
    name: 'iss missing though advertised',
    lies: { discovery: (good) => ({ ...good, ...advertised }) },
    status: 400,
    code: 'issuer_mismatch',
  },
  answer('an implicit answer beside the code', (given) => given.set('id_token', 'x'), 'invalid_id_token'),
  answer(
    'an error with markup',
    (given) => {
      given.delete('code')
      given.set('error', '<script>alert(1)</script>')
    },
    'provider_error',
  ),
]

function withClaims(token: string, claims: Json): string {
  const [head, body = '', signature] = token.split('.')
  const changed = { ...JSON.parse(Buffer.from(body, 'base64url').toString()), ...claims }
  return [head, Buffer.from(JSON.stringify(changed)).toString('base64url'), signature].join('.')
}

for (const { name, lies, status, code } of [...CLAIMS, ...SIGNATURES, ...ENDPOINTS, ...ANSWERS]) {
  t.test(`refused: ${name}`, async (t) => {
    const browser = createBrowser()
    const page = await attempt(lies, browser)
    t.equal(page.status, status)
    t.match(host.refusals, [{ refusal: { code }, connectionId: connection.id }])
    t.match(page.text, `refused ${code}`)
    t.notMatch(page.text, '<script')
    t.equal(page.headers.get('cache-control'), 'no-store')
    t.equal(browser.cookies(host.url)[SESSION], undefined, 'no session')
    t.same(host.signIns, [])
    t.notMatch(host.log.join(''), /secret|the-code|the-access-token|eyJ|state=/)
    t.notOk(provider.requests.some((path) => path.startsWith('/evil')))
  })
}

const HONEST: { name: string; lies: Lies }[] = [
  { name: 'RS256', lies: {} },
  { name: 'PS256', lies: { header: (good) => ({ ...good, alg: 'PS256' }) } },
  { name: 'ES256', lies: { header: (good) => ({ ...good, alg: 'ES256', kid: 'ec' }), key: keys.ES256 } },
  { name: 'EdDSA', lies: { header: (good) => ({ ...good, alg: 'EdDSA', kid: 'ed' }), key: keys.EdDSA } },
  { name: 'no kid, one key', lies: { header: () => ({ alg: 'ES256' }), key: keys.ES256 } },
  { name: 'clock ahead', lies: { claims: (good) => ({ ...good, iat: now() + 20, nbf: now() + 20 }) } },
  { name: 'clock behind', lies: { claims: (good) => ({ ...good, iat: now() - 320, exp: now() - 20 }) } },
  {
    name: 'several aud, azp right',
    lies: { claims: (good) => ({ ...good, aud: ['usher', 'x'], azp: 'usher' }) },
  },
  { name: 'iss though unadvertised', lies: { answer: (given) => given.set('iss', provider.issuer) } },
  {
    name: 'iss as advertised',
    lies: {
      discovery: (good) => ({ ...good, ...advertised }),
      answer: (given) => given.set('iss', provider.issuer),
    },
  },
  {
    name: 'right at_hash',
    lies: {
      claims: (good) => {
        const digest = createHash('sha256').update('the-access-token').digest()
        return { ...good, at_hash: digest.subarray(0, 16).toString('base64url') }
      },
    },
  },
  { name: 'no userinfo endpoint', lies: { discovery: ({ userinfo_endpoint, ...good }) => good } },
]

for (const { name, lies } of HONEST) {
  t.test(`accepted: ${name}`, async (t) => {
    t.match(await attempt(lies), { status: 200, text: 'home' })
    t.match(host.signIns, [{ subject: 'ada' }])
  })
}
