import t from 'tap'
import { createBrowser } from './browser.ts'
import { startHostile } from './hostile.ts'
import { connectionTo, reset, startHost } from './memory-host.ts'

const provider = await startHostile()
const host = await startHost()
const connection = connectionTo(provider.issuer)
host.connections.push(connection, connectionTo('https://another.example'))
t.teardown(async () => {
  await host.app.close()
  await provider.close()
})

const url = (query: string, id = connection.id) => `${host.url}/oidc/${id}/frontchannel-logout${query}`
const queryOf = (given: Record<string, string>) => `?${new URLSearchParams(given)}`
const honest = queryOf({ iss: provider.issuer, sid: 'one' })

async function signedIn(sid: string): Promise<void> {
  provider.lie({ claims: (claims) => ({ ...claims, sid }) })
  await createBrowser().open(`${host.url}/oidc/${connection.id}/start`)
}

t.beforeEach(() => reset(host))

t.test('iss and sid end one session of the provider, without any cookie', async (t) => {
  for (const sid of ['one', 'one', 'two']) await signedIn(sid)
  const page = await createBrowser().open(url(honest))
  t.match(page, { status: 200, text: 'signed out' })
  t.same(
    [...host.sessions.values()].map(({ sid }) => sid),
    ['two'],
  )
  t.equal(page.headers.get('cache-control'), 'no-store')
  t.equal(page.headers.get('content-security-policy'), `frame-ancestors ${provider.issuer}`)
})

const refused: Record<string, string> = {
  'no iss': '?sid=one',
  'another iss': queryOf({ iss: 'https://evil.example', sid: 'one' }),
  'an iss with a slash more': queryOf({ iss: `${provider.issuer}/`, sid: 'one' }),
  'two iss': `${honest}&iss=${encodeURIComponent(provider.issuer)}`,
  'no sid': queryOf({ iss: provider.issuer }),
  'an empty sid': queryOf({ iss: provider.issuer, sid: '' }),
  'two sids': `${honest}&sid=two`,
  'a sid with NUL': queryOf({ iss: provider.issuer, sid: 'one\0' }),
  'a sid without end': queryOf({ iss: provider.issuer, sid: 'x'.repeat(256) }),
  'a sub, which is not asked for': queryOf({ iss: provider.issuer, sub: 'ada' }),
}

t.test('nobody is signed out with', async (t) => {
  for (const [name, query] of Object.entries(refused)) {
    reset(host)
    await signedIn('one')
    const page = await createBrowser().open(url(query))
    t.match(page, { status: 400, text: /^refused (issuer_mismatch|invalid_request)/ }, name)
    t.notMatch(page.headers.get('content-security-policy') ?? '', provider.issuer, name)
    t.equal(page.headers.get('cache-control'), 'no-store', name)
    t.equal(host.sessions.size, 1, name)
    t.match(host.refusals, [{ of: 'logout', connectionId: connection.id }], name)
  }
  t.equal((await createBrowser().open(url(honest, 'x'))).status, 404)
  t.equal((await createBrowser().open(url(honest, host.connections[1]?.id))).status, 400)
})

t.test('HEAD and POST sign nobody out', async (t) => {
  await signedIn('one')
  for (const method of ['HEAD', 'POST']) t.equal((await fetch(url(honest), { method })).status, 404)
  t.equal(host.sessions.size, 1)
})
