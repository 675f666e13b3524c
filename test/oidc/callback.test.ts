import type { KeyObject } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import t from 'tap'
import { createOutbound } from '../../src/outbound.ts'
import { type Browser, createBrowser } from './browser.ts'
import { json, type Lies, newKey, publicJwk, startHostile } from './hostile.ts'
import { memoryDocuments } from './memory-documents.ts'
import { connectionTo, reset, SESSION, startHost } from './memory-host.ts'

const provider = await startHostile()
const outbound = createOutbound({ allow: ['127.0.0.1'] })
const documents = memoryDocuments()
let read = 0
let failing = false
const host = await startHost({
  fetch: outbound.fetch,
  allowInsecure: outbound.allowInsecure,
  documents: {
    ...documents,
    async read(connection, kind) {
      if (failing) throw new Error('there is no host')
      if (kind === 'discovery') read++
      return documents.read(connection, kind)
    },
  },
})
const [a, b] = [connectionTo(provider.issuer), connectionTo(provider.issuer, { name: 'B' })]
t.teardown(async () => {
  await host.app.close()
  await outbound.close()
  await provider.close()
})
t.beforeEach(() => {
  host.connections.splice(0, Infinity, { ...a, version: Math.random() }, { ...b, version: Math.random() })
  reset(host)
  provider.lie({})
})

const start = (connection = a) => `${host.url}/oidc/${connection.id}/start`
const asked = (path: string) => provider.requests.filter((one) => one === path).length
const codes = () => host.refusals.map(({ refusal }) => refusal.code)

/** The address that the provider sends the browser back to. */
async function answerOf(browser: Browser, from = start()): Promise<URL> {
  const begun = await browser.visit(from)
  const answered = await browser.visit(begun.headers.get('location') ?? '')
  return new URL(answered.headers.get('location') ?? '')
}

t.test('an answer is good once', async (t) => {
  const browser = createBrowser()
  const answer = await answerOf(browser)
  const twin = browser.clone()
  t.equal((await browser.open(answer)).text, 'home')
  t.match(await twin.open(answer), { status: 400, text: /state_unknown/ }, 'with the cookie')
  t.match(await browser.open(answer), { status: 400, text: /browser_mismatch/ }, 'without it')
  t.equal(asked('/token'), 1)
  t.equal(twin.cookies(host.url)[SESSION], undefined)
})

t.test('an answer works only in the browser that began the sign-in', async (t) => {
  const attacker = createBrowser()
  const answer = await answerOf(attacker)
  const victim = createBrowser()
  t.match(await victim.open(answer), { status: 400, text: /browser_mismatch/ })
  const [name = ''] = Object.keys(attacker.cookies(host.url))
  victim.setCookie(host.url, `${name}=another-secret`)
  t.match(await victim.open(answer), { status: 400, text: /browser_mismatch/ })
  t.same(victim.cookies(host.url), {}, 'neither a session nor the rest of a sign-in')
  t.same(host.signIns, [])
  t.equal(asked('/token'), 0)
})

t.test('begun at one connection, it is not finished at another', async (t) => {
  const browser = createBrowser()
  const answer = await answerOf(browser)
  answer.pathname = answer.pathname.replace(a.id, b.id)
  t.match(await browser.open(answer), { status: 400, text: /state_unknown/ })
  t.same(host.signIns, [])
})

t.test('a sign-in that took too long has expired', async (t) => {
  const browser = createBrowser()
  const answer = await answerOf(browser)
  for (const [key, one] of host.transactions) {
    t.ok(one.expiresAt.getTime() - Date.now() > 9 * 60_000)
    host.transactions.set(key, { ...one, expiresAt: new Date() })
  }
  t.match(await browser.open(answer), { status: 400, text: /state_unknown/ })
})

t.test('a connection that is gone meanwhile signs nobody in', async (t) => {
  const browser = createBrowser()
  const answer = await answerOf(browser)
  host.connections.length = 0
  t.match(await browser.open(answer), { status: 404, text: /unknown_connection/ })
  t.same(host.refusals[0]?.connectionId, undefined)
  t.same(host.signIns, [])
})

t.test('a HEAD request uses nothing up', async (t) => {
  const browser = createBrowser()
  const answer = await answerOf(browser)
  t.equal((await browser.visit(answer, { method: 'HEAD' })).status, 404)
  t.equal((await browser.open(answer)).text, 'home')
})

/** Signs with a key of its own under the usual kid, or under one of its own. */
const signedBy = (key: KeyObject, kid = 'rsa'): Lies => ({
  key,
  header: (good) => ({ ...good, kid }),
  jwks: () => [publicJwk(key, kid)],
})

t.test('keys may be rotated twice in a minute, also under the same kid', async (t) => {
  for (const [key, kid] of [
    [newKey('RS256'), 'rsa'],
    [newKey('RS256'), 'new'],
    [newKey('RS256'), 'new'],
  ] as const) {
    provider.lie(signedBy(key, kid))
    t.equal((await createBrowser().open(start())).text, 'home')
    t.equal(asked('/token'), 1, 'the code is redeemed once')
    t.ok(asked('/jwks') <= 1)
  }
})

t.test('many who sign in at once after a rotation fetch the new keys once', async (t) => {
  t.equal((await createBrowser().open(start())).text, 'home')
  provider.lie(signedBy(newKey('RS256')))
  const answers = await Promise.all(
    [1, 2, 3, 4, 5].map(async () => {
      const browser = createBrowser()
      return { browser, answer: await answerOf(browser) }
    }),
  )
  // The provider remembers one nonce alone, so one of them gets in; all of them need the keys.
  const pages = await Promise.all(answers.map(({ browser, answer }) => browser.open(answer)))
  t.equal(pages.filter(({ text }) => text === 'home').length, 1)
  t.equal(asked('/jwks'), 1)
})

t.test('a provider whose keys never fit is not asked for them each time', async (t) => {
  provider.lie({ key: newKey('RS256') })
  for (let i = 0; i < 10; i++) t.equal((await createBrowser().open(start())).status, 400)
  t.same(new Set(codes()), new Set(['invalid_id_token']))
  t.equal(asked('/jwks'), 6)
})

t.test('discovery is asked once, until the connection changes', async (t) => {
  await Promise.all([1, 2, 3, 4].map(() => createBrowser().visit(start())))
  t.equal(asked('/.well-known/openid-configuration'), 1)
  const [first, ...others] = host.connections
  if (first) host.connections.splice(0, Infinity, { ...first, version: first.version + 1 }, ...others)
  await createBrowser().visit(start())
  t.equal(asked('/.well-known/openid-configuration'), 2)
})

t.test('what fails here is not taken for the provider’s, nor remembered', async (t) => {
  provider.lie(signedBy(newKey('RS256')))
  failing = true
  t.match(await createBrowser().open(start()), { status: 500 })
  failing = false
  const browser = createBrowser()
  const answer = await answerOf(browser)
  failing = true
  t.match(await browser.open(answer), { status: 500 }, 'the keys are not at hand yet')
  failing = false
  t.same(host.refusals, [])
  t.equal((await createBrowser().open(start())).text, 'home')
})

t.test('a provider that is out of order is asked once in ten seconds', async (t) => {
  provider.lie({ endpoints: { '/.well-known/openid-configuration': (response) => json(response, {}, 503) } })
  for (let i = 0; i < 5; i++) t.equal((await createBrowser().open(start())).status, 502)
  t.equal(asked('/.well-known/openid-configuration'), 1)
})

t.test('what a process has at hand of providers has a bound', async (t) => {
  const many = Array.from({ length: 520 }, () => connectionTo(provider.issuer))
  host.connections.push(...many)
  const visits = async (list: typeof many) => {
    // A few at a time: each has five seconds, however slow the machine.
    for (let from = 0; from < list.length; from += 20)
      await Promise.all(list.slice(from, from + 20).map((one) => host.app.inject(`/oidc/${one.id}/start`)))
  }
  await visits(many)
  const before = read
  await visits(many.slice(-400))
  t.equal(read, before, 'the latest are remembered')
  await visits(many.slice(0, 5))
  t.equal(read, before + 5, 'the first are not')
})

const drip = (response: ServerResponse) => {
  response.writeHead(200, { 'content-type': 'application/json' })
  const timer = setInterval(() => response.write(' '), 200)
  response.on('close', () => clearInterval(timer))
}
const slow: Record<string, Lies> = {
  'hanging discovery': { endpoints: { '/.well-known/openid-configuration': () => {} } },
  'hanging keys': { endpoints: { '/jwks': () => {} } },
  'dripping token': { endpoints: { '/token': drip } },
  'hanging userinfo after a slow token': {
    claims: ({ email, ...good }) => good,
    endpoints: { '/userinfo': () => {} },
  },
}

t.test('a provider that does not come to an end is left, and the person gets a page', async (t) => {
  await Promise.all(
    Object.entries(slow).map(async ([name, lies]) => {
      const [own, ownHost] = [await startHostile(), await startHost({ fetch: outbound.fetch })]
      ownHost.connections.push(connectionTo(own.issuer))
      own.lie(lies)
      // Without the limit there would never be a page.
      const page = await createBrowser().open(`${ownHost.url}/login/acme`)
      t.match(page, { status: 504, text: /provider_timeout/ }, name)
      t.same(ownHost.signIns, [])
      await own.close()
      await ownHost.app.close()
    }),
  )
})
