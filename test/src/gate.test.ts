import { setTimeout as pause } from 'node:timers/promises'
import t from 'tap'
import { ensureAdminKey } from '../../src/admin-key.ts'
import { createGate, type Gate } from '../../src/gateway/gate.ts'
import { createMeter, networkOf } from '../../src/limits.ts'
import { callAt, scimAsk } from './api.ts'
import { ADMIN_KEY, startUsher } from './usher.ts'

const now = new Date()
const settings = { most: 4, mostOfOne: 3, mostWaiting: 5, patience: 5000, limitPatience: 100 }
const impatient = { ...settings, patience: 50 }

/** Requests of organizations, by what became of them. */
function crowd(gate: Gate) {
  const served: string[] = []
  const inside: object[] = []
  const come = async (owner: string, requestsPerSecond: number | null = null) => {
    const request = {}
    await gate.enter(request, { owner, requestsPerSecond, now })
    served.push(owner)
    inside.push(request)
  }
  const leave = async () => {
    gate.leave(inside.shift() ?? {})
    await pause(1)
  }
  return { served, come, leave }
}

const tooMany = { code: 'tooManyRequests', headers: { 'retry-after': '1' } }

t.test('what can be served goes on at once', async (t) => {
  const gate = createGate(settings)
  t.equal(gate.enter({}, { owner: 'a', requestsPerSecond: null, now }), undefined)
  gate.leave({})
  t.equal(gate.enter({}, { owner: 'a', requestsPerSecond: 25, now }), undefined)
})

t.test('organizations take turns, and one of them always finds room', async (t) => {
  const { served, come, leave } = crowd(createGate(settings))
  for (let times = 0; times < 8; times++) void come('a')
  void come('b')
  await pause(1)
  t.same(served, ['a', 'a', 'a', 'b'], 'three of one, and there is room for another')
  void come('b')
  void come('c')
  for (let times = 0; times < 4; times++) await leave()
  t.same(served.slice(4), ['a', 'b', 'c', 'a'])
  for (let times = 0; times < 4; times++) await leave()
  t.same(served.slice(8), ['a', 'a', 'a'])
})

t.test('the line is bounded in length and in time', async (t) => {
  const { served, come } = crowd(createGate(impatient))
  const waiting = Array.from({ length: 8 }, () => come('a'))
  const all = Promise.allSettled(waiting)
  await t.rejects(come('a'), tooMany, 'who finds the line full is told at once')
  t.same(
    (await all).map(({ status }) => status),
    [...Array(3).fill('fulfilled'), ...Array(5).fill('rejected')],
  )
  t.equal(served.length, 3)
  await t.resolves(come('b'))
})

t.test('who goes away while waiting keeps no place', async (t) => {
  const gate = createGate(settings)
  const [inside, gone] = [{}, {}]
  const arrival = { owner: 'a', requestsPerSecond: null, now }
  for (const request of [inside, {}, {}]) gate.enter(request, arrival)
  const waiting = [gone, {}, {}].map((request) => Promise.resolve(gate.enter(request, arrival)))
  const served: number[] = []
  for (const [index, one] of waiting.entries()) one.then(() => served.push(index)).catch(() => {})
  gate.leave(gone)
  await t.rejects(Promise.resolve(waiting[0]), tooMany)
  for (let times = 0; times < 3; times++) gate.leave(inside)
  await waiting[1]
  await pause(20)
  t.same(served, [1], 'leaving again makes no more room')
})

t.test('who goes away before it is known who it is takes no place', async (t) => {
  const gate = createGate(settings)
  const arrival = { owner: 'a', requestsPerSecond: null, now }
  for (let times = 0; times < 10; times++) {
    const gone = {}
    gate.leave(gone)
    t.throws(() => gate.enter(gone, arrival), tooMany)
  }
  t.equal(gate.enter({}, arrival), undefined)
})

t.test('a limit lets a burst through, then as many a second as it says', async (t) => {
  const meter = createMeter()
  const pace = { burst: 2, perSecond: 10 }
  const at = (milliseconds: number) => ({ now: new Date(now.getTime() + milliseconds), patience: 150 })
  t.same(
    [0, 0, 0, 0, 0].map((time) => meter.take('a', pace, at(time))),
    [0, 0, 100, 200, 200],
  )
  t.equal(meter.take('b', pace, at(0)), 0, 'each for itself')
  t.equal(meter.take('a', pace, at(200)), 0)
  t.equal(meter.take('a', pace, at(1000)), 0)
})

t.test('many at once are counted, and made up for by what comes next', async (t) => {
  const gate = createGate(settings)
  const arrival = { owner: 'a', requestsPerSecond: 10, now }
  t.equal(gate.count({ ...arrival, requestsPerSecond: null }, 1000), undefined)
  t.equal(gate.count(arrival, 0), undefined)
  t.equal(gate.count(arrival, 40), undefined)
  t.throws(() => gate.enter({}, arrival), { code: 'tooManyRequests', headers: { 'retry-after': '4' } })
  t.throws(() => gate.count(arrival, 1), { code: 'tooManyRequests' })
  t.equal(gate.enter({}, { ...arrival, owner: 'b' }), undefined, 'each for itself')
  const later = { ...arrival, now: new Date(now.getTime() + 3100) }
  t.equal(gate.enter({}, later), undefined, 'what is refused is not counted')
})

t.test('a meter forgets rather than grows', async (t) => {
  const meter = createMeter()
  const pace = { burst: 1, perSecond: 0.001 }
  meter.take('first', pace, { now })
  t.ok(meter.take('first', pace, { now }) > 0)
  for (let number = 0; number < 10_000; number++) meter.take(String(number), pace, { now })
  t.equal(meter.take('first', pace, { now }), 0)
})

t.test('what is given back was never counted', async (t) => {
  const meter = createMeter()
  const pace = { burst: 2, perSecond: 0.5 }
  const take = () => meter.take('one', pace, { now })
  for (let taken = 0; taken < 5; taken++) {
    t.equal(take(), 0)
    meter.giveBack('one', pace)
  }
  meter.giveBack('nobody', pace)
  t.same([take(), take(), take()], [0, 0, 2000])
  meter.giveBack('one', pace)
  t.same([take(), take()], [0, 2000])
})

t.test('an address of IPv6 counts as its /64', async (t) => {
  const same: Record<string, string> = {
    '192.0.2.1': '192.0.2.1',
    '::ffff:192.0.2.1': '192.0.2.1',
    '2001:db8:1:2:3:4:5:6': '2001:db8:1:2::/64',
    '2001:DB8:1:2::9': '2001:db8:1:2::/64',
    '2001:db8::1': '2001:db8:0:0::/64',
    '2001:db8:0:0:1::': '2001:db8:0:0::/64',
    'fe80::1%eth0': 'fe80:0:0:0::/64',
    '::1': '0:0:0:0::/64',
    '192.0.2.1:4711': '192.0.2.1',
    '[2001:db8:1:2::9]:4711': '2001:db8:1:2::/64',
    '2001:db8:1:2::9]': 'unknown',
    _hidden: 'unknown',
  }
  for (const [address, network] of Object.entries(same)) t.equal(networkOf(address), network, address)
})

t.test('an organization that has a limit is kept to it, and others are not', async (t) => {
  const usher = await startUsher(t)
  const [noisy, quiet] = [await usher.makePusher(), await usher.makePusher()]
  t.match(await usher.admin('PATCH', noisy.organization.path, { requestsPerSecond: 25 }), {
    status: 200,
    body: { id: noisy.organization.id, requestsPerSecond: 25 },
  })
  const many = (count: number, ask = noisy.scim) =>
    Promise.all(Array.from({ length: count }, () => ask('GET', '/Users?count=1')))
  const [answers, others] = await Promise.all([many(250), many(30, quiet.scim)])
  const served = answers.filter(({ status }) => status === 200).length
  t.ok(served >= 75, 'a second’s worth at once, two more while they can wait')
  const refused = answers.filter(({ status }) => status !== 200)
  t.ok(refused.length > 0)
  t.same(new Set(others.map(({ status }) => status)), new Set([200]))
  for (const answer of refused)
    t.match(answer, {
      status: 429,
      headers: { 'retry-after': /^[1-9]$/ },
      body: { status: '429', schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'] },
    })
  await pause(1100)
  t.same(new Set((await many(25)).map(({ status }) => status)), new Set([200]), 'what it may, it always may')

  await usher.admin('PATCH', noisy.organization.path, { requestsPerSecond: null })
  t.notOk('requestsPerSecond' in (await usher.admin('GET', noisy.organization.path)).body)
  await pause(1100)
  t.same(new Set((await many(120)).map(({ status }) => status)), new Set([200]))
  const changes = await usher.rows("select changed from events where type = 'organization.changed'")
  t.same(changes, Array(2).fill({ changed: ['requestsPerSecond'] }))
})

t.test('each operation of a bulk request counts, and none is refused half-way', async (t) => {
  let time = Date.now()
  const usher = await startUsher(t, { clock: () => new Date(time) })
  const { organization, scim } = await usher.makePusher()
  await usher.admin('PATCH', organization.path, { requestsPerSecond: 25 })
  const bulk = (of: string, count: number) =>
    scim('POST', '/Bulk', {
      Operations: Array.from({ length: count }, (_, n) => ({
        method: 'POST',
        path: '/Users',
        bulkId: `${n}`,
        data: { userName: `${of}${n}` },
      })),
    })
  const made = await bulk('a', 200)
  t.same(
    new Set((made.body.Operations as { status: string }[]).map(({ status }) => status)),
    new Set(['201']),
  )
  const refused = { status: 429, headers: { 'retry-after': '8' } }
  t.match(await scim('GET', '/Users?count=0'), refused)
  t.match(await bulk('b', 10), refused)
  time += 8000
  t.match(await scim('GET', '/Users?count=0'), { status: 200, body: { totalResults: 200 } })
})

t.test('people at /Me take turns, in a line of their own', async (t) => {
  const time = Date.now()
  const usher = await startUsher(t, { clock: () => new Date(time) })
  const { organization, connection, scim } = await usher.makePusher()
  await usher.admin('PATCH', organization.path, { requestsPerSecond: 25 })
  const { cookie } = await usher.signIn(connection, { sub: 'ada', preferred_username: 'ada' })
  const me = () => usher.call({ method: 'GET', url: '/scim/v2/Me', headers: { cookie } })
  const answers = await Promise.all(Array.from({ length: 120 }, me))
  const of = (wanted: number) => answers.filter(({ status }) => status === wanted).length
  t.same([of(200), of(429)], [75, 45], 'a second’s worth at once, two more while they can wait')
  t.match(await scim('GET', '/Users'), { status: 200 }, 'and pushes are not kept waiting by them')
})

t.test('clients that go away leave no request in flight behind', async (t) => {
  const usher = await startUsher(t)
  t.equal(usher.app.server.requestTimeout, 60_000, 'and those that stop sending are sent away')
  const { token, scim } = await usher.makePusher()
  await ensureAdminKey(usher.db, ADMIN_KEY, new Date())
  const origin = await usher.app.listen({ host: '127.0.0.1', port: 0 })
  const abandon = () => {
    const signal = AbortSignal.timeout(Math.floor(Math.random() * 10))
    const headers = { authorization: `Bearer ${token}` }
    return fetch(`${origin}/scim/v2/Users`, { headers, signal }).then(
      (response) => response.text().catch(() => ''),
      () => '',
    )
  }
  for (let times = 0; times < 2; times++) await Promise.all(Array.from({ length: 60 }, abandon))
  const asked = Array.from({ length: 64 }, () => scimAsk(callAt(origin), token)('GET', '/Users'))
  t.same(new Set((await Promise.all(asked)).map(({ status }) => status)), new Set([200]))
  t.match(await scim('GET', '/Users'), { status: 200 })
})
