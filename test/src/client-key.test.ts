import t, { type Test } from 'tap'
import { createBrowser, signIn } from '../oidc/browser.ts'
import { startProvider } from '../oidc/provider.ts'
import { makeConnection, makeOrganization } from './api.ts'
import { listen } from './listening.ts'

const people = [{ sub: 'ada', name: 'Ada', email: 'ada@acme.example' }]

const usher = await listen(t, '127.0.0.1')

/** A connection to a real provider that knows this service by the keys that it publishes. */
async function connect(t: Test, client: object = {}) {
  const keys = {
    token_endpoint_auth_method: 'private_key_jwt',
    jwks_uri: `${usher.url}/.well-known/jwks.json`,
  }
  const provider = await startProvider({
    people,
    pushedRequests: true,
    clients: [{ client_id: 'usher', ...keys, ...client }],
  })
  t.teardown(() => provider.close())
  const organization = await makeOrganization(usher.admin)
  const oidc = { issuer: provider.issuer, clientId: 'usher', tokenEndpointAuthMethod: 'private_key_jwt' }
  const connection = await makeConnection(usher.admin, organization, { oidc })
  return { connection, start: `${usher.url}/oidc/${connection.id}/start` }
}

const home = { status: 200, text: /Ada/ }

t.test('this service proves itself by a key, and pushes its requests', async (t) => {
  const { connection, start } = await connect(t, { require_pushed_authorization_requests: true })
  const jwksUri = `${usher.url}/.well-known/jwks.json`
  t.match((await usher.admin('GET', connection.path)).body, { oidc: { jwksUri } })
  const begun = await createBrowser().visit(start)
  const { searchParams } = new URL(begun.headers.get('location') ?? '')
  t.same([...searchParams.keys()].sort(), ['client_id', 'request_uri'])
  t.match(await signIn(createBrowser(), start, 'ada'), home)
  const published = (await (await fetch(jwksUri)).json()) as { keys: { alg: string; d?: string }[] }
  t.same(published.keys.map(({ alg }) => alg).sort(), ['ES256', 'RS256'])
  t.notOk(published.keys.some(({ d }) => d))
})

t.test('a provider that knows it by other keys lets nobody in', async (t) => {
  const { start } = await connect(t, { jwks_uri: `${usher.url}/elsewhere.json` })
  t.match(await signIn(createBrowser(), start, 'ada'), {
    status: 502,
    text: /client_rejected|provider_response/,
  })
})
