import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createRemoteJWKSet, decodeProtectedHeader, type JWTVerifyOptions, jwtVerify } from 'jose'
import t, { type Test } from 'tap'
import { secretsOf } from '../../src/secrets.ts'
import { createSigningKeys } from '../../src/signing-keys.ts'
import { DAY, MINUTE, stoppedClock } from './clock.ts'
import { PUBLIC_URL, startUsher, type Usher } from './usher.ts'

/** The served key set at an address of its own, as a service behind the product would fetch it, and how often it was. */
async function servedKeys(t: Test, usher: Usher) {
  let fetched = 0
  const server = createServer(async (_request, response) => {
    fetched++
    const { text, headers } = await usher.call({ method: 'GET', url: '/.well-known/jwks.json' })
    response.setHeader('content-type', String(headers['content-type'])).end(text)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
  return { url, fetched: () => fetched }
}

async function signedIn(usher: Usher) {
  const { connection, organization } = await usher.makePusher({
    oidc: { issuer: 'https://idp.example', clientId: 'c' },
    scim: {},
  })
  const signIn = async () => (await usher.signIn(connection, { sub: 'ada', name: 'Ada' })).cookie
  const ask = (cookie: string, more: Record<string, string> = {}) =>
    usher.call({ method: 'GET', url: '/session/token', headers: { cookie, ...more } })
  return { organization, signIn, ask }
}

t.test('a token says who is where and as what, for a minute', async (t) => {
  const clock = stoppedClock()
  const usher = await startUsher(t, { clock: clock.now })
  const { organization, signIn, ask } = await signedIn(usher)
  const cookie = await signIn()
  const { body, headers } = await ask(cookie)
  t.match(headers, { 'cache-control': 'no-store' })
  const keys = createRemoteJWKSet((await servedKeys(t, usher)).url)
  const expected: JWTVerifyOptions = {
    issuer: PUBLIC_URL,
    audience: PUBLIC_URL,
    typ: 'session+jwt',
    currentDate: clock.now(),
  }
  const { payload } = await jwtVerify(body.token, keys, expected)
  const session = (await usher.call({ method: 'GET', url: '/session', headers: { cookie } })).body
  t.match(payload, {
    sub: (session.user as { id: string }).id,
    organization: organization.id,
    workspace: (session.workspace as { id: string }).id,
    role: 'owner',
    sid: /^[0-9a-f-]{36}$/,
    iat: clock.now().getTime() / 1000,
    exp: clock.now().getTime() / 1000 + 60,
  })
  const again = await jwtVerify((await ask(cookie)).body.token, keys, expected)
  t.not(again.payload.jti, payload.jti)
  const later = { ...expected, currentDate: new Date(clock.now().getTime() + 61_000) }
  await t.rejects(jwtVerify(body.token, keys, later), { code: 'ERR_JWT_EXPIRED' })
})

t.test('nobody gets a token without a session, nor another site one with it', async (t) => {
  const usher = await startUsher(t)
  const { signIn, ask } = await signedIn(usher)
  const cookie = await signIn()
  t.equal((await ask('')).status, 401)
  for (const site of ['cross-site', 'same-site', 'none'])
    t.equal((await ask(cookie, { 'sec-fetch-site': site })).status, 403, site)
  t.equal((await ask(cookie, { 'sec-fetch-site': 'same-origin' })).status, 200)
})

t.test('a token is valid no longer than its session', async (t) => {
  const clock = stoppedClock()
  const usher = await startUsher(t, { clock: clock.now })
  const { signIn, ask } = await signedIn(usher)
  const cookie = await signIn()
  // Before the hours without use after which it would end anyway.
  const [row] = await usher.rows<{ expires_at: Date }>(
    "update sessions set expires_at = created_at + interval '1 hour' returning expires_at",
  )
  const end = row?.expires_at.getTime() ?? 0
  await usher.rows('update sessions set idle_at = expires_at') // as one that is used until then
  clock.pass(end - 10_000 - clock.now().getTime())
  t.equal((await ask(cookie)).body.expiresAt, new Date(end).toISOString())
})

t.test('keys rotate, and nobody who verifies notices', async (t) => {
  const clock = stoppedClock()
  const usher = await startUsher(t, { clock: clock.now })
  const { signIn, ask } = await signedIn(usher)
  const { url, fetched } = await servedKeys(t, usher)
  const fresh = () => createRemoteJWKSet(url)
  const token = async () => (await ask(await signIn())).body.token
  const verify = (text: string, keys: ReturnType<typeof fresh>) =>
    jwtVerify(text, keys, { currentDate: clock.now() })
  const published = async () =>
    (await usher.call({ method: 'GET', url: '/.well-known/jwks.json' })).body.keys as { kid: string }[]

  const first = await token()
  await verify(first, fresh())
  t.equal((await published()).length, 1)

  clock.pass(29 * DAY)
  const before = await token()
  t.equal(decodeProtectedHeader(before).kid, decodeProtectedHeader(first).kid)
  t.equal((await published()).length, 2, 'the next key is published')
  const held = fresh()
  await verify(before, held)
  const fetches = fetched()

  clock.pass(DAY - 30_000)
  const last = await token()
  t.equal(decodeProtectedHeader(last).kid, decodeProtectedHeader(first).kid, 'and signs nothing yet')
  clock.pass(30_000)
  const next = await token()
  t.not(decodeProtectedHeader(next).kid, decodeProtectedHeader(first).kid)
  await verify(next, held)
  t.equal(fetched(), fetches, 'who had both has nothing to fetch')
  await verify(last, fresh())

  clock.pass(60 * MINUTE)
  const only = await published()
  t.same(
    only.map(({ kid }) => kid),
    [decodeProtectedHeader(next).kid],
  )
  const rows = await usher.rows('select kid from signing_keys')
  t.equal(rows.length, 1, 'the private part of the old key is gone')

  clock.pass(90 * DAY)
  const late = await token()
  t.equal(
    decodeProtectedHeader(late).kid,
    decodeProtectedHeader(next).kid,
    'none signs before it is published',
  )
  t.equal((await published()).length, 2)
})

t.test('many processes that start at once have one key, which is no plain text', async (t) => {
  const usher = await startUsher(t)
  const secrets = secretsOf([randomBytes(32)])
  const processes = Array.from({ length: 8 }, () =>
    createSigningKeys({ db: usher.db, secrets, clock: () => new Date() }),
  )
  for (const algorithm of ['ES256', 'RS256'] as const) {
    const signers = await Promise.all(processes.map((one) => one.signer(algorithm)))
    t.equal(new Set(signers.map(({ kid }) => kid)).size, 1, algorithm)
  }
  const [one] = processes
  const published = await one?.published()
  t.same(
    published?.keys.map(({ alg }) => alg),
    ['ES256', 'RS256'],
  )
  for (const key of published?.keys ?? []) t.notOk('d' in key, 'public parts only')
  const rows = await usher.rows<{ private_key: string; kid: string }>('select * from signing_keys')
  t.equal(rows.length, 2)
  for (const { private_key, kid } of rows) {
    t.equal(private_key.split('.').length, 5, 'a JWE')
    const place = { organizationId: 'environment', column: 'signing_keys.private_key', rowId: kid }
    t.match(JSON.parse(await secrets.open(private_key, place)), { d: String })
  }
})
