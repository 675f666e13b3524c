import t, { type Test } from 'tap'
import { createBrowser } from '../oidc/browser.ts'
import { type Json, type Lies, startHostile } from '../oidc/hostile.ts'
import { type Connection, makeConnection, makeOrganization } from './api.ts'
import { type ListeningUsher, listen } from './listening.ts'

const MINUTE = 60_000

let ahead = 0
const clock = () => new Date(Date.now() + ahead)

/** A service and a provider whose clocks agree, however far they are put ahead. */
async function meet(t: Test, oidc: object = {}) {
  const provider = await startHostile()
  t.teardown(() => provider.close())
  const { port } = new URL(provider.issuer)
  const usher = await listen(t, `127.0.0.1:${port},localhost:${port}`, clock)
  const organization = await makeOrganization(usher.admin)
  const wish = { oidc: { issuer: provider.issuer, clientId: 'usher', clientSecret: 's', ...oidc } }
  const connection = await makeConnection(usher.admin, organization, wish)
  const lie = (lies: Lies) =>
    provider.lie({
      ...lies,
      claims: (good) => ({ ...good, iat: Math.floor(clock().getTime() / 1000) }),
    })
  lie({})
  return { provider, usher, connection, lie }
}

const signIn = ({ url }: ListeningUsher, { id }: Connection) =>
  createBrowser().open(`${url}/oidc/${id}/start`)

const extended = (more: Json): Lies => ({ discovery: (good) => ({ ...good, ...more }) })

const oidcOf = async ({ admin }: ListeningUsher, { path }: Connection) =>
  (await admin('GET', path)).body.oidc as { pins?: Json; drift?: Json }

const EVENTS = `select type from events where subject_id = $1
  and type in ('connection.pinned', 'connection.drifted', 'connection.approved') order by id`
const eventsOf = async ({ rows }: ListeningUsher, { id }: Connection) =>
  (await rows(EVENTS, [id])).map(({ type }) => String(type).replace('connection.', ''))

const home = { status: 200, text: /Ada/ }
const drifted = { status: 502, text: /provider_drifted/ }

t.test('what a provider first says is pinned, and more of it waits for approval', async (t) => {
  const { provider, usher, connection, lie } = await meet(t)
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
  const { provider, usher, connection, lie } = await meet(t)
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
  const { usher, connection, lie } = await meet(t, { onDrift: 'accept' })
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

t.test('what was approved of one issuer says nothing of the next', async (t) => {
  const { provider, usher, connection } = await meet(t)
  await signIn(usher, connection)
  const another = { issuer: `${provider.issuer}/`, clientSecret: 's' }
  await usher.admin('PATCH', connection.path, { oidc: { scopes: ['email'] } })
  t.ok((await oidcOf(usher, connection)).pins)
  await usher.admin('PATCH', connection.path, { oidc: another })
  t.notOk((await oidcOf(usher, connection)).pins)
})

t.test('many who come first pin once', async (t) => {
  const { usher, connection } = await meet(t)
  const other = await usher.another()
  const begin = ({ url }: ListeningUsher) => createBrowser().visit(`${url}/oidc/${connection.id}/start`)
  const pages = await Promise.all([usher, other, usher, other].map(begin))
  t.same(
    pages.map(({ status }) => status),
    [303, 303, 303, 303],
  )
  t.same(await eventsOf(usher, connection), ['pinned'])
})
