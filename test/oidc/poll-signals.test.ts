import t from 'tap'
import { createSignalPoller } from '../../oidc/index.ts'
import { newKey, startHostile } from './hostile.ts'
import { connectionTo, portsOf, reset, startHost } from './memory-host.ts'
import { startTransmitter } from './transmitter.ts'
import { caep, securityEvent, type Told } from './unasked.ts'

const TOKEN = 'the-secret-of-the-stream-of-this-test'
const provider = await startHostile()
const transmitter = await startTransmitter()
const host = await startHost()
t.teardown(async () => {
  await host.app.close()
  await provider.close()
  await transmitter.close()
})

const poll = createSignalPoller(portsOf(host))
const { endpoint, waiting, requests, lies } = transmitter
const signals = {
  issuer: provider.issuer,
  audience: 'signals',
  token: TOKEN,
  delivery: 'poll',
  endpoint,
} as const
host.connections.push(connectionTo(provider.issuer, { signals }))
const connection = () => host.connections[0] ?? connectionTo('')

/** Lets a token wait under its `jti`, or under another. */
function wait(jti: string, { claims, ...told }: Told = {}, under = jti): void {
  const ada = { format: 'iss_sub', iss: provider.issuer, sub: 'ada' }
  const honest = { jti, sub_id: ada, events: { [caep('session-revoked')]: {} } }
  waiting.set(under, securityEvent(provider, { ...told, claims: { ...honest, ...claims } }))
}

t.beforeEach(() => {
  reset(host)
  provider.lie({})
  waiting.clear()
  requests.length = 0
})

t.test('what waits is fetched, done and acknowledged, in rounds', async (t) => {
  for (const jti of ['a', 'b', 'c']) wait(jti)
  await poll(connection())
  t.same(
    host.signals.map(({ token }) => token.jti),
    ['a', 'b', 'c'],
  )
  t.equal(waiting.size, 0)
  t.match(requests[0], {
    authorization: `Bearer ${TOKEN}`,
    body: { maxEvents: Number, returnImmediately: true, ack: [], setErrs: {} },
  })
  t.same(
    requests.map(({ body }) => body.ack),
    [[], ['a', 'b'], ['c']],
  )
  await poll(connection())
  t.equal(requests.length, 4, 'one request where nothing waits')
})

t.test('what cannot be accepted is told, and does not keep the others waiting', async (t) => {
  wait('a', { claims: { aud: 'another' } })
  wait('b', { key: newKey('RS256') })
  wait('c', {}, 'other than its jti')
  waiting.set('d', 42)
  wait('e', { header: { typ: 'JWT' } })
  wait('f')
  await poll(connection())
  t.same(
    host.signals.map(({ token }) => token.jti),
    ['f'],
  )
  t.equal(waiting.size, 0)
  t.match(Object.assign({}, ...requests.map(({ body }) => body.setErrs)), {
    a: { err: 'invalid_audience', description: /\w/ },
    b: { err: 'invalid_key' },
    'other than its jti': { err: 'invalid_request' },
    d: { err: 'invalid_request' },
    e: { err: 'invalid_request' },
  })
  t.match(host.refusals, Array(5).fill({ of: 'signal', connectionId: connection().id }))
})

t.test('while the keys are not to be had everything waits', async (t) => {
  wait('a')
  const other = { ...connection(), version: connection().version + 100 }
  provider.lie({ endpoints: { '/jwks': (response) => void response.writeHead(500).end() } })
  await poll({ ...other, id: other.id.replace(/^./, '0') })
  t.same(host.signals, [])
  t.ok(waiting.has('a'))
  t.equal(requests.length, 1)
})

t.test('a transmitter that answers nonsense is told nothing more', async (t) => {
  const nonsense = [
    { status: 500, body: '{}' },
    { status: 302, body: '' },
    { body: 'x' },
    { body: 'null' },
    { body: '{}' },
    { body: '{"sets":1}' },
    { body: `{"sets":{"a":"${'x'.repeat(10)}` },
  ]
  for (const lie of nonsense) {
    lies.push(lie)
    const error = await poll(connection()).catch((one: unknown) => one)
    t.match(error, { refusal: { code: 'provider_response' } }, JSON.stringify(lie))
  }
  t.equal(requests.length, nonsense.length)
})

t.test('one that never comes to an end is left after some rounds', async (t) => {
  for (let each = 0; each < 100; each++) wait(`endless ${each}`)
  await poll(connection())
  t.equal(requests.length, 10)
})

t.test('without a stream that is polled nobody is asked', async (t) => {
  const error = await poll(connectionTo(provider.issuer)).catch((one: unknown) => one)
  t.match(error, { refusal: { code: 'no_signals' } })
  t.same(requests, [])
})
