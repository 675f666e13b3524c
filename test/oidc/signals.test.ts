import { createSecretKey, randomUUID } from 'node:crypto'
import t, { type Test } from 'tap'
import { createBrowser } from './browser.ts'
import { type Json, newKey, now, publicJwk, startHostile } from './hostile.ts'
import { connectionTo, reset, startHost } from './memory-host.ts'
import { caep, logoutToken, risc, securityEvent, type Told } from './unasked.ts'

const TOKEN = 'the-secret-of-the-stream-of-this-test'
const provider = await startHostile()
const transmitter = await startHostile()
const host = await startHost()
const stream = { issuer: provider.issuer, audience: 'signals', token: TOKEN }
const connection = connectionTo(provider.issuer, { signals: stream })
const foreign = connectionTo(provider.issuer, {
  signals: { issuer: transmitter.issuer, audience: 'signals', jwksUri: `${transmitter.issuer}/jwks` },
})
const silent = connectionTo(provider.issuer)
const unreachable = connectionTo(provider.issuer, {
  signals: { issuer: provider.issuer, audience: 'signals', jwksUri: 'http://127.0.0.1:1/jwks' },
})
host.connections.push(connection, foreign, silent, unreachable)
t.teardown(async () => {
  await host.app.close()
  await provider.close()
  await transmitter.close()
})

interface Sent extends Told {
  readonly body?: string
  readonly at?: string
  readonly headers?: Record<string, string>
  readonly by?: typeof provider
}

const ada = { format: 'iss_sub', iss: provider.issuer, sub: 'ada' }
const revoked = { sub_id: ada, events: { [caep('session-revoked')]: {} } }

async function send({ at = connection.id, headers, by = provider, body, ...told }: Sent = {}) {
  const response = await fetch(`${host.url}/oidc/${at}/signals`, {
    method: 'POST',
    headers: {
      'content-type': 'application/secevent+jwt',
      authorization: `Bearer ${TOKEN}`,
      ...headers,
    },
    body: body ?? securityEvent(by, { ...told, claims: { ...revoked, ...told.claims } }),
  })
  const text = await response.text()
  return { status: response.status, headers: response.headers, text, body: text ? JSON.parse(text) : {} }
}

t.beforeEach(() => {
  reset(host)
  provider.lie({})
})

t.test('a signal is received once, and acknowledged each time', async (t) => {
  const body = securityEvent(provider, { claims: revoked })
  for (const _ of [1, 2]) {
    const answer = await send({ body })
    t.match(answer, { status: 202, text: '' })
    t.equal(answer.headers.get('cache-control'), 'no-store')
  }
  const [received, ...more] = host.signals
  t.same(more, [])
  t.match(received, { connection: { id: connection.id }, issuedAt: Date })
  t.same(received?.signals, [{ kind: 'session-revoked', subject: { subject: 'ada' } }])
  t.same(host.refusals, [])
})

t.test('a signal that cannot be verified now is to be sent again', async (t) => {
  const { status, headers, body } = await send({ at: unreachable.id })
  t.match({ status, body }, { status: 503, body: { err: 'provider_unreachable', description: /./ } })
  t.match(headers.get('retry-after'), /^\d+$/)
  t.same(host.signals, [])
})

t.test('every kind of event is understood, and others are acknowledged', async (t) => {
  const kinds: Record<string, string[]> = {
    [caep('session-revoked')]: ['session-revoked'],
    [risc('sessions-revoked')]: ['session-revoked'],
    [caep('credential-change')]: ['credential-change'],
    [risc('account-disabled')]: ['account-disabled'],
    [risc('account-enabled')]: ['account-enabled'],
    [risc('account-purged')]: ['account-purged'],
    [caep('device-compliance-change')]: [],
    'https://schemas.openid.net/secevent/ssf/event-type/verification': [],
    constructor: [],
  }
  for (const [type, expected] of Object.entries(kinds)) {
    reset(host)
    t.equal((await send({ claims: { events: { [type]: {} } } })).status, 202, type)
    t.same(
      host.signals[0]?.signals.map(({ kind }) => kind),
      expected,
      type,
    )
  }
})

const subjects: { name: string; subject: Json; kind?: string; means: Json }[] = [
  { name: 'iss_sub', subject: ada, means: { subject: 'ada' } },
  { name: 'iss_sub of another issuer', subject: { ...ada, iss: 'https://evil.example' }, means: {} },
  { name: 'iss_sub without sub', subject: { ...ada, sub: undefined }, means: {} },
  {
    name: 'email',
    subject: { format: 'email', email: 'ada@acme.example' },
    means: { email: 'ada@acme.example' },
  },
  { name: 'email in a list', subject: { format: 'email', email: ['ada@acme.example'] }, means: {} },
  { name: 'opaque, of a session', subject: { format: 'opaque', id: 'one' }, means: { sid: 'one' } },
  {
    name: 'opaque, of a person',
    kind: risc('account-disabled'),
    subject: { format: 'opaque', id: 'ada' },
    means: { subject: 'ada' },
  },
  { name: 'complex', subject: { format: 'complex', user: ada }, means: { subject: 'ada' } },
  { name: 'complex, as drafts had it', subject: { user: ada }, means: { subject: 'ada' } },
  {
    name: 'complex with a session',
    subject: { format: 'complex', user: ada, session: { format: 'opaque', id: 'one' } },
    means: { subject: 'ada', sid: 'one' },
  },
  {
    name: 'complex of a session',
    subject: {
      format: 'complex',
      session: { format: 'opaque', id: 'one' },
      tenant: { format: 'opaque', id: 't' },
    },
    means: { sid: 'one' },
  },
  {
    name: 'complex with a session of an unknown kind',
    subject: { format: 'complex', user: ada, session: { format: 'uri', uri: 'urn:x' } },
    means: {},
  },
  {
    name: 'complex with somebody unknown',
    subject: { format: 'complex', user: { format: 'did' }, session: { format: 'opaque', id: 'one' } },
    means: {},
  },
  {
    name: 'complex of a tenant',
    subject: { format: 'complex', tenant: { format: 'opaque', id: 't' } },
    means: {},
  },
  { name: 'an unknown format', subject: { format: 'phone_number', phone_number: '+1' }, means: {} },
]

t.test('a subject names nobody but whom it names', async (t) => {
  for (const { name, subject, kind = caep('session-revoked'), means } of subjects) {
    reset(host)
    t.equal((await send({ claims: { sub_id: subject, events: { [kind]: {} } } })).status, 202, name)
    t.same(host.signals[0]?.signals[0]?.subject, means, name)
  }
  reset(host)
  const within = { sub_id: undefined, events: { [caep('session-revoked')]: { subject: ada } } }
  t.equal((await send({ claims: within })).status, 202)
  t.same(host.signals[0]?.signals[0]?.subject, { subject: 'ada' }, 'within the event, as drafts had it')
})

t.test('a transmitter of its own signs by its own keys', async (t) => {
  const at = foreign.id
  t.equal((await send({ at, by: transmitter })).status, 202)
  t.match(await send({ at }), { status: 400, body: { err: /invalid_(key|issuer)/ } })
  const key = newKey('RS256')
  transmitter.lie({ jwks: () => [publicJwk(key, 'new')] })
  t.equal((await send({ at, by: transmitter, header: { kid: 'new' }, key })).status, 202, 'which may rotate')
  t.equal(host.signals.length, 2)
})

const PUBLIC = keyText()
function keyText(): string {
  return String(provider.keys.RS256.export({ format: 'jwk' }).n)
}

const refused: Record<string, Sent & { err: string }> = {
  'no secret': { headers: { authorization: '' }, err: 'authentication_failed' },
  'another secret': { headers: { authorization: 'Bearer x' }, err: 'authentication_failed' },
  'a secret of another scheme': {
    headers: { authorization: `Basic ${TOKEN}` },
    err: 'authentication_failed',
  },
  'no stream': { at: silent.id, err: 'access_denied' },
  'the wrong iss': { claims: { iss: 'https://evil.example' }, err: 'invalid_issuer' },
  'the wrong aud': { claims: { aud: 'usher' }, err: 'invalid_audience' },
  'no aud': { claims: { aud: undefined }, err: 'invalid_audience' },
  'an exp that is over': { claims: { exp: now() - 120 }, err: 'invalid_request' },
  'an iat an hour ahead': { claims: { iat: now() + 3600 }, err: 'invalid_request' },
  'an iat a month ago': { claims: { iat: now() - 30 * 86_400 }, err: 'invalid_request' },
  'no iat': { claims: { iat: undefined }, err: 'invalid_request' },
  'no jti': { claims: { jti: undefined }, err: 'invalid_request' },
  'no events': { claims: { events: undefined }, err: 'invalid_request' },
  'empty events': { claims: { events: {} }, err: 'invalid_request' },
  'events in a list': { claims: { events: [caep('session-revoked')] }, err: 'invalid_request' },
  'no subject': { claims: { sub_id: undefined }, err: 'invalid_request' },
  'a subject that is text': { claims: { sub_id: 'ada' }, err: 'invalid_request' },
  'the typ of any JWT': { header: { typ: 'JWT' }, err: 'invalid_request' },
  'no typ': { header: { typ: undefined }, err: 'invalid_request' },
  'an alg of none': { header: { alg: 'none' }, err: 'invalid_key' },
  'HS256 by the public key': {
    header: { alg: 'HS256' },
    key: createSecretKey(Buffer.from(PUBLIC)),
    err: 'invalid_key',
  },
  'another key': { key: newKey('RS256'), err: 'invalid_key' },
  'an unknown kid': { header: { kid: 'unknown' }, key: newKey('RS256'), err: 'invalid_key' },
  'no token': { body: ' ', err: 'invalid_request' },
  'a form': {
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: 'x=1',
    err: 'invalid_request',
  },
}

async function refuses(t: Test, name: string, { err, ...sent }: Sent & { err: string }): Promise<void> {
  reset(host)
  const answer = await send(sent)
  t.match(answer, { status: 400, body: { err, description: /\w/ } }, name)
  t.equal(answer.headers.get('content-language'), 'en', name)
  t.same(host.signals, [], name)
  t.match(host.refusals, [{ of: 'signal', connectionId: sent.at ?? connection.id }], name)
}

t.test('a signal is refused with', async (t) => {
  for (const [name, sent] of Object.entries(refused)) await refuses(t, name, sent)
  t.match(await send({ at: randomUUID() }), { status: 400, body: { err: 'access_denied' } })
})

t.test('neither a logout token nor an id_token is a signal, nor the other way round', async (t) => {
  t.match(await send({ body: logoutToken(provider, { claims: { sub: 'ada', aud: 'signals' } }) }), {
    status: 400,
    body: { err: 'invalid_request' },
  })
  await createBrowser().open(`${host.url}/oidc/${connection.id}/start`)
  const [signedIn] = host.signIns
  t.equal((await send({ body: signedIn?.idToken ?? '' })).status, 400)
  const body = new URLSearchParams({ logout_token: securityEvent(provider, { claims: { aud: 'usher' } }) })
  const url = `${host.url}/oidc/${connection.id}/backchannel-logout`
  t.equal((await fetch(url, { method: 'POST', body })).status, 400)
  t.equal(host.sessions.size, 1)
})
