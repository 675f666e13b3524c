import { createSecretKey, randomUUID } from 'node:crypto'
import t, { type Test } from 'tap'
import { createBrowser } from './browser.ts'
import { newKey, now, publicJwk, startHostile } from './hostile.ts'
import { connectionTo, reset, startHost } from './memory-host.ts'
import { EVENT, logoutToken, type Told } from './unasked.ts'

const provider = await startHostile()
const { keys } = provider
const host = await startHost()
host.connections.push(connectionTo(provider.issuer), connectionTo(provider.issuer, { clientId: 'another' }))
const [connection, other] = host.connections
t.teardown(async () => {
  await host.app.close()
  await provider.close()
})

interface Sent extends Told {
  readonly body?: string
  readonly at?: string
}

const tokenOf = ({ claims, ...told }: Sent) =>
  logoutToken(provider, { ...told, claims: { sub: 'ada', sid: 'one', ...claims } })

async function send(sent: Sent = {}) {
  const body = sent.body ?? String(new URLSearchParams({ logout_token: tokenOf(sent) }))
  const response = await fetch(`${host.url}/oidc/${sent.at ?? connection?.id}/backchannel-logout`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body,
  })
  return { status: response.status, headers: response.headers, text: await response.text() }
}

/** A session of ada that began at the provider's session `sid`. */
async function signedIn(sid: string, sub = 'ada'): Promise<void> {
  provider.lie({ claims: (claims) => ({ ...claims, sid, sub }), userinfo: (claims) => ({ ...claims, sub }) })
  await createBrowser().open(`${host.url}/oidc/${connection?.id}/start`)
  provider.lie({})
}

const left = () => [...host.sessions.values()].map(({ sid }) => sid).sort()

t.beforeEach(() => reset(host))

t.test('a sid ends the sessions of one session of the provider', async (t) => {
  for (const sid of ['one', 'one', 'two']) await signedIn(sid)
  const answer = await send()
  t.match(answer, { status: 200, text: '' })
  t.equal(answer.headers.get('cache-control'), 'no-store')
  t.same(left(), ['two'])
  t.same(host.refusals, [])
  await signedIn('three')
  t.same(left(), ['three', 'two'], 'signing in stays possible')
})

t.test('without a sid all of the person end', async (t) => {
  for (const sid of ['one', 'two']) await signedIn(sid)
  await signedIn('three', 'bob')
  t.equal((await send({ claims: { sid: undefined } })).status, 200)
  t.same(left(), ['three'])
})

t.test('a sid of somebody else ends nothing', async (t) => {
  await signedIn('one')
  t.equal((await send({ claims: { sub: 'bob' } })).status, 200)
  t.same(left(), ['one'])
})

t.test('every algorithm that signs in signs out, and so does a list of audiences', async (t) => {
  const ways: Sent[] = [
    { claims: { sub: undefined } },
    { claims: { aud: ['usher', 'another'] } },
    { claims: { iat: now() + 20 } },
    { claims: { iat: now() - 320, exp: now() - 20 } },
    { header: { typ: 'application/logout+jwt' } },
    { header: { alg: 'PS256' } },
    { header: { alg: 'ES256', kid: 'ec' }, key: keys.ES256 },
    { header: { alg: 'EdDSA', kid: 'ed' }, key: keys.EdDSA },
  ]
  for (const way of ways) {
    await signedIn('one')
    t.equal((await send(way)).status, 200)
    t.same(left(), [])
  }
})

t.test('keys may rotate, even under the same name', async (t) => {
  for (const kid of ['new', 'rsa']) {
    const key = newKey('RS256')
    await signedIn('one')
    provider.lie({ jwks: () => [publicJwk(key, kid)] })
    t.equal((await send({ header: { kid }, key })).status, 200)
    t.same(left(), [])
    reset(host)
  }
})

t.test('made-up key ids use up nothing that sign-ins need', async (t) => {
  await signedIn('one')
  for (let each = 0; each < 10; each++) await send({ header: { kid: `made up ${each}` } })
  t.ok(provider.requests.filter((path) => path === '/jwks').length <= 3)
  const key = newKey('RS256')
  provider.lie({ jwks: () => [publicJwk(key, 'new')], header: (good) => ({ ...good, kid: 'new' }), key })
  await createBrowser().open(`${host.url}/oidc/${connection?.id}/start`)
  t.equal(host.sessions.size, 2)
})

/** What nobody may say, and the code of the refusal; all but the last few are `invalid_logout_token`. */
const PUBLIC = keys.RS256.export({ format: 'jwk' })
const refused: Record<string, Sent> = {
  'a nonce': { claims: { nonce: 'x' } },
  'a nonce that is null': { claims: { nonce: null } },
  'no events': { claims: { events: undefined } },
  'other events': { claims: { events: { 'https://example.com/event': {} } } },
  'an event that says nothing': { claims: { events: { [EVENT]: true } } },
  'events in a list': { claims: { events: [EVENT] } },
  'neither sub nor sid': { claims: { sub: undefined, sid: undefined } },
  'an empty sub': { claims: { sub: '' } },
  'a sid that is a number': { claims: { sid: 1 } },
  'a sub with NUL': { claims: { sub: 'ada\0' } },
  'the wrong iss': { claims: { iss: 'https://evil.example' } },
  'an iss with a slash more': { claims: { iss: `${provider.issuer}/` } },
  'the wrong aud': { claims: { aud: 'another' } },
  'no aud': { claims: { aud: undefined } },
  'an exp that is over': { claims: { exp: now() - 120 } },
  'no exp': { claims: { exp: undefined } },
  'an exp that is text': { claims: { exp: String(now() + 60) } },
  'no iat': { claims: { iat: undefined } },
  'an iat an hour ahead': { claims: { iat: now() + 3600 } },
  'an iat an hour ago': { claims: { iat: now() - 3600 } },
  'an nbf to come': { claims: { nbf: now() + 3600 } },
  'no jti': { claims: { jti: undefined } },
  'a jti that is a number': { claims: { jti: 1 } },
  'a jti without end': { claims: { jti: 'x'.repeat(256) } },
  'the typ of any JWT': { header: { typ: 'JWT' } },
  'no typ': { header: { typ: undefined } },
  'an alg of none': { header: { alg: 'none' } },
  'an alg of NoNe': { header: { alg: 'NoNe' } },
  'HS256 by the secret': {
    header: { alg: 'HS256' },
    key: createSecretKey(Buffer.from('a-secret-of-the-test-client')),
  },
  'HS256 by the public key': {
    header: { alg: 'HS256' },
    key: createSecretKey(Buffer.from(String(PUBLIC.n))),
  },
  'an algorithm that was not advertised': { header: { alg: 'ES384', kid: 'ec' }, key: keys.ES256 },
  'another key': { key: newKey('RS256') },
  'an unknown kid': { header: { kid: 'unknown' }, key: newKey('RS256') },
  'a key in the header': { header: { jwk: publicJwk(newKey('RS256'), 'rsa') }, key: newKey('RS256') },
  'an unknown crit': { header: { crit: ['urn:evil'], 'urn:evil': true } },
}

const refusedForms: Record<string, Sent> = {
  'no token': { body: '' },
  'two tokens': { body: 'logout_token=a&logout_token=b' },
}

async function refuses(t: Test, name: string, sent: Sent, code: string): Promise<void> {
  reset(host)
  await signedIn('one')
  const answer = await send(sent)
  t.match(answer, { status: 400 }, name)
  t.equal(answer.headers.get('cache-control'), 'no-store', name)
  t.match(JSON.parse(answer.text), { error: code, error_description: /\w/ }, name)
  t.same(left(), ['one'], name)
  const told = [{ of: 'logout', refusal: { code }, connectionId: connection?.id }]
  t.match(host.refusals, told, `${name} is told once`)
}

t.test('a logout token is refused with', async (t) => {
  for (const [name, sent] of Object.entries(refused)) await refuses(t, name, sent, 'invalid_logout_token')
  for (const [name, sent] of Object.entries(refusedForms)) await refuses(t, name, sent, 'invalid_request')
})

t.test('an id_token is no logout token', async (t) => {
  await signedIn('one')
  const [{ idToken } = { idToken: '' }] = host.signIns
  const body = String(new URLSearchParams({ logout_token: idToken }))
  for (const lenientLogoutTokens of [false, true]) {
    host.connections.splice(0, 1, { ...connectionTo(provider.issuer), ...connection, lenientLogoutTokens })
    t.match(await send({ body }), { status: 400, text: /invalid_logout_token/ })
  }
  t.same(left(), ['one'])
})

t.test('a logout token works once', async (t) => {
  const body = String(new URLSearchParams({ logout_token: tokenOf({}) }))
  t.equal((await send({ body })).status, 200)
  await signedIn('one')
  t.match(await send({ body }), { status: 400, text: /logout_token_replayed/ })
  t.same(left(), ['one'])
})

t.test('what one connection was sent says nothing at another', async (t) => {
  const at = other?.id ?? ''
  t.match(await send({ at }), { status: 400, text: /invalid_logout_token/ })
  t.match(await send({ at: randomUUID() }), { status: 400, text: /unknown_connection/ })
  t.match(host.refusals.at(-1), { of: 'logout', connectionId: undefined })
})

t.test('a connection may tolerate what some providers leave out, and no more', async (t) => {
  const [tolerant] = host.connections.splice(0, 1, {
    ...connectionTo(provider.issuer),
    ...connection,
    lenientLogoutTokens: true,
  })
  for (const typ of ['JWT', undefined]) {
    await signedIn('one')
    t.equal((await send({ header: { typ }, claims: { exp: undefined } })).status, 200)
    t.same(left(), [])
  }
  await signedIn('one')
  for (const sent of [
    { claims: { exp: undefined, iat: now() - 3600 } },
    { claims: { exp: now() - 120 } },
    { header: { typ: 'at+jwt' } },
    { header: { typ: 'secevent+jwt' } },
  ])
    t.equal((await send(sent)).status, 400)
  t.same(left(), ['one'])
  if (tolerant) host.connections.splice(0, 1, tolerant)
})

t.test('a provider whose keys cannot be had is told to come again', async (t) => {
  await signedIn('one')
  reset(host)
  provider.lie({ endpoints: { '/jwks': (response) => void response.writeHead(500).end() } })
  t.match(await send(), { status: 400, text: /provider_response/ })
})
