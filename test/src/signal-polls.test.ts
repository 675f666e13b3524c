import t from 'tap'
import { createSignalPoller } from '../../oidc/index.ts'
import { oidcSignals } from '../../src/gateway/oidc-signals.ts'
import { oidcStore } from '../../src/gateway/oidc-store.ts'
import { refusalLog } from '../../src/gateway/refusals.ts'
import { EVERY, pollDue } from '../../src/gateway/signal-polls.ts'
import { startHostile } from '../oidc/hostile.ts'
import { connectionTo, portsOf, startHost } from '../oidc/memory-host.ts'
import { startTransmitter } from '../oidc/transmitter.ts'
import { risc, securityEvent } from '../oidc/unasked.ts'
import { holdOnEachLayout } from './layouts.ts'
import { person } from './people.ts'
import type { Usher } from './usher.ts'

const TOKEN = 'the-secret-of-the-stream-of-this-test'
const provider = await startHostile()
const transmitter = await startTransmitter()
const memory = await startHost()
t.teardown(async () => {
  await memory.app.close()
  await provider.close()
  await transmitter.close()
})

const { issuer } = provider
const signals = {
  issuer,
  audience: 'signals',
  delivery: 'poll',
  endpoint: transmitter.endpoint,
  token: TOKEN,
}
const polled = { oidc: { issuer, clientId: 'usher', signals }, scim: {} }
const stop = new AbortController().signal

/** Rounds of processes at a time that the test says. */
function processesOf(usher: Usher, time: { now: Date }) {
  const asked: string[] = []
  const complaints: object[] = []
  const host = {
    db: usher.db,
    clock: () => time.now,
    store: {
      connection: async (id: string) => ({
        ...connectionTo(issuer, { signals: { ...signals, delivery: 'poll' } }),
        id,
      }),
    },
    poll: async ({ id }: { id: string }) => void asked.push(id),
    log: { warn: (what: object) => void complaints.push(what) },
  }
  return { asked, complaints, host }
}

holdOnEachLayout(t, {
  'a stream is polled by one process at a time, and again after a while': async (t, usher) => {
    const { connection } = await usher.makePusher(polled)
    await usher.makePusher({ oidc: { issuer, clientId: 'usher' }, scim: {} })
    const time = { now: new Date() }
    const { asked, host } = processesOf(usher, time)
    await Promise.all(['a', 'b', 'c'].map((holder) => pollDue(host, holder, stop)))
    t.same(asked, [connection.id])
    time.now = new Date(time.now.getTime() + EVERY)
    await Promise.all(['a', 'b', 'c'].map((holder) => pollDue(host, holder, stop)))
    t.same(asked, [connection.id, connection.id])
    await usher.admin('PATCH', connection.path, { status: 'disabled' })
    time.now = new Date(time.now.getTime() + EVERY)
    await pollDue(host, 'a', stop)
    t.equal(asked.length, 2, 'not where it is disabled')
  },
  'one that fails keeps nobody else waiting': async (t, usher) => {
    const ids = [
      (await usher.makePusher(polled)).connection.id,
      (await usher.makePusher(polled)).connection.id,
    ]
    const { asked, complaints, host } = processesOf(usher, { now: new Date() })
    const poll = async (one: { id: string }) => {
      await host.poll(one)
      if (one.id === ids[0]) throw new Error('out of order')
    }
    await pollDue({ ...host, poll }, 'a', stop)
    t.same([...asked].filter((id) => ids.includes(id)).sort(), [...ids].sort())
    t.match(complaints, [{ connectionId: ids[0] }])
  },
  'what is polled takes effect': async (t, usher) => {
    const { organization, connection, scim } = await usher.makePusher(polled)
    await scim('POST', '/Users', person('ada', { externalId: 'ada' }))
    const sub_id = { format: 'iss_sub', iss: issuer, sub: 'ada' }
    const claims = { jti: 'a', sub_id, events: { [risc('account-disabled')]: {} } }
    transmitter.waiting.set('a', securityEvent(provider, { claims }))
    const host = { db: usher.db, clock: () => new Date(), secrets: usher.secrets }
    const ports = { ...portsOf(memory), ...oidcStore(host, refusalLog()), signal: oidcSignals(host) }
    const poll = createSignalPoller(ports)
    const kept = await ports.store.connection(connection.id)
    if (kept) await poll(kept)
    t.match((await usher.admin('GET', `${organization.path}/users`)).body.items, [{ status: 'suspended' }])
    t.match(transmitter.requests.at(0), { authorization: `Bearer ${TOKEN}` })
    t.equal(transmitter.waiting.size, 0)
  },
})
