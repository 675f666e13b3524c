import t from 'tap'
import { createBrowser, signIn } from './browser.ts'
import { startHostile } from './hostile.ts'
import { connectionTo, SESSION, startHost } from './memory-host.ts'
import { startProvider } from './provider.ts'

const client = { client_id: 'usher', client_secret: 'a-secret-of-the-test-client' }
const provider = await startProvider({
  people: [{ sub: 'ada', email: 'ada@acme.example' }],
  clients: [{ ...client, token_endpoint_auth_method: 'client_secret_post' }],
})
const host = await startHost()
const connection = connectionTo(provider.issuer)
host.connections.push(connection)
t.teardown(async () => {
  await host.app.close()
  await provider.close()
})

async function signedIn() {
  const browser = createBrowser()
  await signIn(browser, `${host.url}/login/acme`, 'ada')
  return { browser, token: browser.cookies(host.url)[SESSION] ?? '' }
}

t.test('signing out ends the session here and at the provider', async (t) => {
  const { browser, token } = await signedIn()
  const question = await browser.open(`${host.url}/logout`)
  t.ok(host.sessions.has(token), 'to ask ends nothing')
  const atProvider = await browser.submit(question, {})
  t.equal(atProvider.url.origin, provider.issuer)
  t.match(atProvider.url.search, /id_token_hint=/)
  t.match(Object.fromEntries(atProvider.url.searchParams), {
    client_id: 'usher',
    post_logout_redirect_uri: `${host.url}/logout/done`,
  })
  t.notOk(host.sessions.has(token))
  t.equal(browser.cookies(host.url)[SESSION], undefined)
  const done = await browser.submit(atProvider, { logout: 'yes' })
  t.match(done, { status: 200, text: 'signed out of Acme', url: { pathname: '/logout/done' } })
  const again = await browser.open(`${host.url}/login/acme`)
  t.match(again.text, 'Who is signing in?', 'the provider asks again')
})

t.test('whatever a provider sends people back with', async (t) => {
  for (const query of ['', '?state=', '?state=of-nobody', '?state=a&state=b&error=x'])
    t.match(await createBrowser().open(`${host.url}/logout/done${query}`), {
      status: 200,
      text: 'signed out',
    })
})

t.test('another site signs nobody out', async (t) => {
  const { browser, token } = await signedIn()
  const post = (headers: Record<string, string>) =>
    browser.visit(`${host.url}/logout`, { method: 'POST', headers })
  for (const headers of [
    { origin: 'https://evil.example' },
    { origin: 'null' },
    { 'sec-fetch-site': 'cross-site', origin: host.url },
    { 'sec-fetch-site': 'same-site' },
    { 'sec-fetch-site': 'none' },
    {},
  ]) {
    t.match(await post({ ...headers }), { status: 403, text: /cross_site/ })
    t.ok(host.sessions.has(token))
  }
  t.equal((await post({ origin: host.url })).status, 303)
  t.notOk(host.sessions.has(token))
})

t.test('a strict referrer policy makes the origin null and hinders nobody', async (t) => {
  const { browser, token } = await signedIn()
  const headers = { origin: 'null', 'sec-fetch-site': 'same-origin' }
  t.equal((await browser.visit(`${host.url}/logout`, { method: 'POST', headers })).status, 303)
  t.notOk(host.sessions.has(token))
})

t.test('without a session, or without its connection, signing out is done at once', async (t) => {
  const headers = { origin: host.url }
  t.match(await createBrowser().open(`${host.url}/logout`), { status: 200, text: 'signed out' })
  const stranger = createBrowser()
  t.equal((await stranger.open(`${host.url}/logout`, { method: 'POST', headers })).text, 'signed out')
  const { browser } = await signedIn()
  host.connections.length = 0
  t.equal((await browser.open(`${host.url}/logout`, { method: 'POST', headers })).text, 'signed out')
  host.connections.push(connection)
})

t.test('a provider that is out of reach, or has no such endpoint, keeps nobody from leaving', async (t) => {
  const hostile = await startHostile()
  const other = await startHost()
  t.teardown(async () => {
    await other.app.close()
    await hostile.close()
  })
  other.connections.push(connectionTo(hostile.issuer))
  for (const lies of [{}, { discovery: () => ({ issuer: 'https://evil.example' }) }]) {
    const browser = createBrowser()
    hostile.lie({})
    await browser.open(`${other.url}/login/acme`)
    t.equal(other.sessions.size, 1)
    hostile.lie(lies)
    const [one] = other.connections
    if (one) other.connections.splice(0, 1, { ...one, version: one.version + 1 })
    const headers = { origin: other.url }
    const left = await browser.open(`${other.url}/logout`, { method: 'POST', headers })
    t.equal(left.text, 'signed out of Acme')
    t.equal(other.sessions.size, 0)
  }
})
