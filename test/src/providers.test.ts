import type { ServerResponse } from 'node:http'
import t, { type Test } from 'tap'
import { createBrowser } from '../oidc/browser.ts'
import {
  type HostileProvider,
  type Json,
  json,
  type Lies,
  newKey,
  publicJwk,
  startHostile,
} from '../oidc/hostile.ts'
import { type Connection, makeConnection, makeOrganization } from './api.ts'
import { type ListeningUsher, listen } from './listening.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND

let ahead = 0
const clock = () => new Date(Date.now() + ahead)

const usher = await listen(t, '127.0.0.1,localhost', clock)
const other = await usher.another()

/** A connection to a provider of its own, whose clock agrees with ours, however far that is put ahead. */
async function meet(t: Test, oidc: object = {}) {
  const provider = await startHostile()
  t.teardown(() => provider.close())
  const organization = await makeOrganization(usher.admin)
  const wish = { oidc: { issuer: provider.issuer, clientId: 'usher', clientSecret: 's', ...oidc } }
  const connection = await makeConnection(usher.admin, organization, wish)
  const lie = (lies: Lies) =>
    provider.lie({
      ...lies,
      claims: (good) => ({ ...good, iat: Math.floor(clock().getTime() / 1000) }),
    })
  lie({})
  return { provider, connection, lie }
}

const signIn = ({ url }: ListeningUsher, { id }: Connection) =>
  createBrowser().open(`${url}/oidc/${id}/start`)

const asked = ({ requests }: HostileProvider, path: string) => requests.filter((one) => one === path).length
const DISCOVERY = '/.well-known/openid-configuration'

const extended = (more: Json): Lies => ({ discovery: (good) => ({ ...good, ...more }) })

const oidcOf = async ({ admin }: ListeningUsher, { path }: Connection) =>
  (await admin('GET', path)).body.oidc as { pins?: Json; drift?: Json }

const EVENTS = `select type from events where subject_id = $1
  and type in ('connection.pinned', 'connection.drifted', 'connection.returned', 'connection.approved') order by id`
const eventsOf = async ({ rows }: ListeningUsher, { id }: Connection) =>
  (await rows(EVENTS, [id])).map(({ type }) => String(type).replace('connection.', ''))

const home = { status: 200, text: /Ada/ }
const drifted = { status: 502, text: /provider_drifted/ }

t.test('what a provider first says is pinned, and more of it waits for approval', async (t) => {
  const { provider, connection, lie } = await meet(t)
  t.notOk((await oidcOf(usher, connection)).pins)
  t.match(await signIn(usher, connection), home)
  const pins = { algorithms: ['ES256', 'EdDSA', 'PS256', 'RS256'], origins: [provider.issuer] }
  t.same((await oidcOf(usher, connection)).pins, pins)

  ahead += 6 * MINUTE
  const elsewhere = provider.issuer.replace('127.0.0.1', 'localhost')
  lie(extended({ token_endpoint: `${elsewhere}/token` }))
  for (let i = 0; i < 3; i++) t.match(await signIn(usher, connection), drifted)
  t.notOk(provider.requests.includes('/authorize'), 'nobody and nothing is sent there')
  const drift = { ...pins, origins: [provider.issuer, elsewhere] }
  t.match(await oidcOf(usher, connection), { pins, drift })
  t.same(await eventsOf(usher, connection), ['pinned', 'drifted'])

  const approve = (tag: string) => usher.adminWith({ 'if-match': tag })('POST', `${connection.path}/approve`)
  const seen = String((await usher.admin('GET', connection.path)).headers.etag)
  lie(extended({ id_token_signing_alg_values_supported: ['RS256', 'ES384'] }))
  ahead += 6 * MINUTE
  t.match(await signIn(usher, connection), drifted)
  t.match(await approve(seen), { status: 412 }, 'what was looked at is not what it says now')
  const now = await usher.admin('GET', connection.path)
  t.match(now.body, { oidc: { drift: { algorithms: ['ES384', 'RS256'], origins: [provider.issuer] } } })
  t.match(await approve(String(now.headers.etag)), {
    status: 200,
    body: { oidc: { pins: { algorithms: ['ES384', 'RS256'] } } },
  })
  t.match(await signIn(usher, connection), home)
  t.notOk((await oidcOf(usher, connection)).drift)
  t.match(await usher.admin('POST', `${connection.path}/approve`), { status: 409 })
  t.same(await eventsOf(usher, connection), ['pinned', 'drifted', 'drifted', 'approved'])
})

t.test('a token is signed by an algorithm that was pinned, whatever its keys would do for', async (t) => {
  const { provider, connection, lie } = await meet(t)
  lie(extended({ id_token_signing_alg_values_supported: ['RS256'] }))
  t.match(await signIn(usher, connection), home)
  const other: Lies = { header: () => ({ alg: 'ES256', kid: 'ec' }), key: provider.keys.ES256 }
  lie({ ...extended({ id_token_signing_alg_values_supported: ['RS256'] }), ...other })
  t.match(await signIn(usher, connection), { status: 400, text: /invalid_id_token/ })
  ahead += 6 * MINUTE
  lie({ ...extended({ id_token_signing_alg_values_supported: ['RS256', 'ES256'] }), ...other })
  t.match(await signIn(usher, connection), drifted)
})

t.test('a provider may come to say less, or be allowed to say more', async (t) => {
  const { connection, lie } = await meet(t, { onDrift: 'accept' })
  t.match(await signIn(usher, connection), home)
  ahead += 6 * MINUTE
  lie(extended({ id_token_signing_alg_values_supported: ['RS256'], userinfo_endpoint: undefined }))
  t.match(await signIn(usher, connection), home)
  t.same(await eventsOf(usher, connection), ['pinned'])
  ahead += 6 * MINUTE
  lie(extended({ id_token_signing_alg_values_supported: ['RS256', 'PS512'] }))
  for (let i = 0; i < 2; i++) t.match(await signIn(usher, connection), home)
  t.match(await oidcOf(usher, connection), { pins: { algorithms: ['PS512', 'RS256'] } })
  t.same(await eventsOf(usher, connection), ['pinned', 'drifted'])
})

t.test('a provider that is again as it was has nothing to be approved', async (t) => {
  const { connection, lie } = await meet(t)
  t.match(await signIn(usher, connection), home)
  ahead += 6 * MINUTE
  lie(extended({ id_token_signing_alg_values_supported: ['RS256', 'ES512'] }))
  t.match(await signIn(usher, connection), drifted)
  ahead += 6 * MINUTE
  lie({})
  for (const one of [usher, other, usher]) t.match(await signIn(one, connection), home)
  t.notOk((await oidcOf(usher, connection)).drift)
  t.match(await usher.admin('POST', `${connection.path}/approve`), { status: 409 })
  t.same(await eventsOf(usher, connection), ['pinned', 'drifted', 'returned'])
})

t.test('what was approved of one issuer says nothing of the next', async (t) => {
  const { provider, connection } = await meet(t)
  await signIn(usher, connection)
  const another = { issuer: `${provider.issuer}/`, clientSecret: 's' }
  await usher.admin('PATCH', connection.path, { oidc: { scopes: ['email'] } })
  t.ok((await oidcOf(usher, connection)).pins)
  const sessions = () => usher.rows('select from sessions where connection_id = $1', [connection.id])
  t.equal((await sessions()).length, 1)
  await usher.admin('PATCH', connection.path, { oidc: another })
  t.notOk((await oidcOf(usher, connection)).pins)
  t.same(await sessions(), [], 'nor do its sessions go on, which it could end no more')
})

t.test('many who come first pin once', async (t) => {
  const { connection } = await meet(t)
  const begin = ({ url }: ListeningUsher) => createBrowser().visit(`${url}/oidc/${connection.id}/start`)
  const pages = await Promise.all([usher, other, usher, other].map(begin))
  t.same(
    pages.map(({ status }) => status),
    [303, 303, 303, 303],
  )
  t.same(await eventsOf(usher, connection), ['pinned'])
})

t.test('what one process has learned of a provider, another need not ask for', async (t) => {
  const { provider, connection } = await meet(t)
  t.match(await signIn(usher, connection), home)
  t.match(await signIn(other, connection), home)
  t.equal(asked(provider, DISCOVERY), 1)
  t.equal(asked(provider, '/jwks'), 1)
  ahead += 6 * MINUTE
  await Promise.all([usher, other, usher, other].map((one) => signIn(one, connection)))
  t.equal(asked(provider, DISCOVERY), 2, 'and what has become old is asked for once')
})

t.test('keys that rotate are fetched by the first process that needs them', async (t) => {
  const { provider, connection, lie } = await meet(t)
  for (const one of [usher, other]) t.match(await signIn(one, connection), home)
  for (const kid of ['rsa', 'next', 'next']) {
    const key = newKey('RS256')
    lie({ key, header: (good) => ({ ...good, kid }), jwks: () => [publicJwk(key, kid)] })
    for (const one of [usher, other]) t.match(await signIn(one, connection), home)
    t.equal(asked(provider, '/jwks'), 1)
  }
})

const gone = {
  'cut off': (response: ServerResponse) => void response.destroy(),
  'out of order': (response: ServerResponse) => json(response, {}, 503),
}

for (const [how, endpoint] of Object.entries(gone))
  t.test(`discovery that is ${how} is tried once in ten seconds over all processes`, async (t) => {
    const { provider, connection, lie } = await meet(t)
    lie({ endpoints: { [DISCOVERY]: endpoint } })
    for (const probes of [1, 2, 3]) {
      const pages = await Promise.all([usher, other, usher, other].map((one) => signIn(one, connection)))
      for (const page of [...pages, await signIn(other, connection)]) t.match(page, { status: 502 })
      t.equal(asked(provider, DISCOVERY), probes)
      // A process remembers a little longer than all do.
      ahead += 11 * SECOND
    }
    lie({})
    t.match(await signIn(usher, connection), home)
  })

t.test('a token endpoint that is gone is tried once in ten seconds over all processes', async (t) => {
  const { provider, connection, lie } = await meet(t)
  const others = await meet(t)
  for (const one of [usher, other]) t.match(await signIn(one, connection), home)
  lie({ endpoints: { '/token': gone['cut off'] } })
  t.match(await signIn(usher, connection), { status: 502, text: /provider_unreachable/ })
  for (const probes of [1, 2]) {
    const pages = await Promise.all([usher, other, usher, other].map((one) => signIn(one, connection)))
    for (const page of pages) t.match(page, { status: 502, text: /provider_unreachable/ })
    t.equal(asked(provider, '/token'), probes)
    ahead += 11 * SECOND
  }
  t.match(await signIn(usher, others.connection), home, 'other connections go on')
  lie({})
  t.match(await signIn(other, connection), home)
  t.match(await signIn(usher, connection), home)
  lie({ endpoints: { '/token': (response) => json(response, { error: 'invalid_grant' }, 400) } })
  for (const one of [usher, other]) t.match(await signIn(one, connection), { status: 400 })
  t.equal(asked(provider, '/token'), 2, 'to be refused is not to be down')
})

/** One where requests are to be pushed, and what comes of that. */
const pushing = (lies: Lies, required: boolean) => async (t: Test, pages: object[]) => {
  const { provider, connection, lie } = await meet(t)
  const offer = {
    pushed_authorization_request_endpoint: `${provider.issuer}/par`,
    require_pushed_authorization_requests: required,
  }
  lie({ ...lies, ...extended(offer) })
  for (const page of pages) t.match(await signIn(usher, connection), page)
  return provider
}
const notGranted = {
  '/par': (response: ServerResponse) => json(response, { error: 'unauthorized_client' }, 400),
}

t.test('a request that may not be pushed goes with the browser, where it may', async (t) => {
  const provider = await pushing({ endpoints: notGranted }, false)(t, [home])
  t.equal(asked(provider, '/par'), 1)
})

t.test('a request that must be pushed goes no other way', async (t) => {
  const refused = { status: 502, text: /client_rejected/ }
  const provider = await pushing({ endpoints: notGranted }, true)(t, [refused])
  t.notOk(provider.requests.includes('/authorize'))
})

t.test('where requests are pushed is tried once in ten seconds while it is gone', async (t) => {
  const refused = { status: 502, text: /provider_unreachable/ }
  const gone = { '/par': (response: ServerResponse) => void response.destroy() }
  const provider = await pushing({ endpoints: gone }, false)(t, [refused, refused, refused])
  t.equal(asked(provider, '/par'), 1)
  t.notOk(provider.requests.includes('/authorize'))
})

t.test('a change of the connection tries anew', async (t) => {
  const { provider, connection, lie } = await meet(t)
  lie({ endpoints: { [DISCOVERY]: gone['cut off'] } })
  for (const one of [usher, other]) t.match(await signIn(one, connection), { status: 502 })
  lie({})
  await usher.admin('PATCH', connection.path, { name: `${connection.id} again` })
  for (const one of [usher, other]) t.match(await signIn(one, connection), home)
  t.equal(asked(provider, DISCOVERY), 1)
})

t.test('a document that is too large is not kept', async (t) => {
  const { connection, lie } = await meet(t)
  lie(extended({ padding: 'x'.repeat(300_000) }))
  t.match(await signIn(usher, connection), { status: 502, text: /provider_response/ })
  const kept = await usher.rows('select body from provider_documents where connection_id = $1', [
    connection.id,
  ])
  t.same(kept, [{ body: null }])
})

t.test('a document with characters that the database would not store is kept', async (t) => {
  const { connection, lie } = await meet(t)
  lie(extended({ padding: '\0\ud800' }))
  for (const one of [usher, other]) t.match(await signIn(one, connection), home)
})
