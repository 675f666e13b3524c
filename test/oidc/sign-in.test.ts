import t from 'tap'
import { type Browser, createBrowser, type Page, signIn } from './browser.ts'
import { connectionTo, reset, SESSION, startHost } from './memory-host.ts'
import { startProvider } from './provider.ts'

const ada = { sub: 'ada', name: 'Ada Lovelace', email: 'ada@acme.example', email_verified: true, oid: 'o-1' }
const bob = { sub: 'bob', preferred_username: 'bob' }
const client = { client_id: 'usher', client_secret: 'a-secret-of-the-test-client' }

const provider = await startProvider({
  people: [ada, bob],
  clients: [
    { ...client, token_endpoint_auth_method: 'client_secret_post' },
    { client_id: 'basic', client_secret: 'with:odd characters-._~' },
    { client_id: 'public', token_endpoint_auth_method: 'none' },
  ],
})
const host = await startHost()
const connection = connectionTo(provider.issuer)
const home = `${host.url}/login/acme`
host.connections.push(connection)
t.teardown(async () => {
  await host.app.close()
  await provider.close()
})
t.beforeEach(() => {
  reset(host)
  host.connections.splice(0, Infinity, { ...connection, version: Math.random() })
})

const pendingIn = (browser: Browser) =>
  Object.keys(browser.cookies(host.url)).filter((name) => name.startsWith('usher-signin-'))

/** Up to the provider's page, as a person does who does not yet press a button. */
const begin = (browser: Browser, path = '/login/acme') => browser.open(host.url + path)

/** The address of the callback that a chosen person is sent to, not yet visited. */
async function answerFor(browser: Browser, page: Page, sub = 'ada'): Promise<URL> {
  let next = await browser.visit(page.url, { method: 'POST', body: new URLSearchParams({ sub }) })
  for (;;) {
    const location = new URL(next.headers.get('location') ?? '', next.url)
    if (location.origin === host.url) return location
    next = await browser.visit(location)
  }
}

t.test('a person signs in and ends at the page that was asked for', async (t) => {
  const browser = createBrowser()
  const page = await signIn(browser, `${home}?return_to=/place%3Fa=b`, 'ada')
  t.equal(page.url.href, `${host.url}/place?a=b`)
  t.equal(page.text, 'the place asked for')
  const token = browser.cookies(host.url)[SESSION] ?? ''
  t.equal(host.sessions.get(token)?.subject, 'ada')
  t.same(pendingIn(browser), [], 'the cookie of the sign-in is gone')
})

t.test('the host learns who it is, from the id_token and userinfo together', async (t) => {
  await signIn(createBrowser(), home, 'ada')
  t.match(host.signIns, [
    { issuer: provider.issuer, subject: 'ada', claims: ada, connection: { id: connection.id } },
  ])
  t.match(host.signIns[0]?.idToken, /^[\w-]+\.[\w-]+\.[\w-]+$/)
  await signIn(createBrowser(), home, 'bob')
  t.match(host.signIns[1]?.claims, bob)
  t.notOk('email' in (host.signIns[1]?.claims ?? {}))
})

t.test('the cookies are for this host, out of reach of scripts and of other sites', async (t) => {
  const browser = createBrowser()
  const started = await browser.visit(home)
  t.equal(started.status, 303)
  t.match(
    started.headers.get('set-cookie'),
    /^usher-signin-\w{16}=[\w-]{43}; Max-Age=600; Path=\/; HttpOnly; SameSite=Lax$/,
  )
  t.equal(started.headers.get('cache-control'), 'no-store')
  const answer = await answerFor(browser, await browser.open(started.headers.get('location') ?? ''))
  const cookies = (await browser.visit(answer)).headers.getSetCookie()
  t.match(
    cookies.find((line) => line.startsWith(SESSION)),
    /; Path=\/; Expires=.*; HttpOnly; SameSite=Lax$/,
  )
})

t.test('behind https the cookies are bound to the very host', async (t) => {
  const secure = await startHost({
    publicUrl: 'https://usher.example',
    sessionCookie: '__Host-usher-session',
  })
  t.teardown(() => secure.app.close())
  secure.connections.push(connection)
  const response = await secure.app.inject('/login/acme')
  t.match(response.headers['set-cookie'], /^__Host-usher-signin-.*; Path=\/; HttpOnly; Secure; SameSite=Lax$/)
  const asked = new URL(String(response.headers.location)).searchParams
  t.equal(asked.get('redirect_uri'), `https://usher.example/oidc/${connection.id}/callback`)
})

t.test('the request carries what protects it, new each time', async (t) => {
  const ask = async () => {
    const { headers } = await createBrowser().visit(home)
    return Object.fromEntries(new URL(headers.get('location') ?? '').searchParams)
  }
  const [one, two] = [await ask(), await ask()]
  t.match(one, {
    response_type: 'code',
    client_id: 'usher',
    scope: 'openid email profile',
    code_challenge_method: 'S256',
    redirect_uri: `${host.url}/oidc/${connection.id}/callback`,
  })
  for (const name of ['state', 'nonce', 'code_challenge']) {
    t.match(one[name], /^[\w-]{43}$/)
    t.not(one[name], two[name])
  }
  const kept = JSON.stringify([...host.transactions])
  t.notOk(kept.includes(one.state ?? ''), 'the state itself is kept nowhere')
})

t.test('every way to authenticate the client works', async (t) => {
  const ways = [
    { clientId: 'usher' },
    { clientId: 'usher', tokenEndpointAuthMethod: 'client_secret_post' as const },
    {
      clientId: 'basic',
      clientSecret: 'with:odd characters-._~',
      tokenEndpointAuthMethod: 'client_secret_basic' as const,
    },
    { clientId: 'public', clientSecret: '' },
  ]
  for (const [at, way] of ways.entries()) {
    host.connections.splice(0, Infinity, { ...connection, ...way, version: -at })
    const page = await signIn(createBrowser(), home, 'ada')
    t.equal(page.text, 'home', JSON.stringify(way))
  }
  host.connections.splice(0, Infinity, { ...connection, clientSecret: 'wrong', version: -9 })
  t.match(await signIn(createBrowser(), home, 'ada'), { status: 502, text: /client_rejected/ })
})

t.test('two tabs in parallel each come to their end', async (t) => {
  const browser = createBrowser()
  const [first, second] = [await begin(browser, '/login/acme?return_to=/place'), await begin(browser)]
  t.equal(pendingIn(browser).length, 2)
  const [one, two] = [await answerFor(browser, first), await answerFor(browser, second)]
  t.equal((await browser.open(two)).text, 'home')
  const token = browser.cookies(host.url)[SESSION]
  t.equal((await browser.open(one)).text, 'the place asked for')
  t.not(browser.cookies(host.url)[SESSION], token, 'each sign-in is a new session')
})

t.test('sign-ins that are never finished do not pile up in the browser', async (t) => {
  const browser = createBrowser()
  for (let i = 0; i < 12; i++) await browser.visit(home)
  t.equal(pendingIn(browser).length, 8)
  t.equal((await signIn(browser, home, 'ada')).text, 'home')
})

t.test('several connections are a choice', async (t) => {
  const other = connectionTo(provider.issuer, { name: 'Other' })
  host.connections.push(other)
  const browser = createBrowser()
  const page = await browser.open(`${home}?return_to=/place`)
  t.equal(page.status, 200)
  const links = [...page.text.matchAll(/href="([^"]*)"/g)].map(([, href]) => href)
  t.same(
    links,
    [connection, other].map(({ id }) => `/oidc/${id}/start?return_to=%2Fplace`),
  )
  t.equal((await signIn(browser, host.url + links[1], 'ada')).text, 'the place asked for')
  t.equal(host.signIns[0]?.connection.id, other.id)
})

t.test('no such organization and one without connections look the same', async (t) => {
  const [unknown, hostile] = [
    await begin(createBrowser(), '/login/nobody'),
    await begin(createBrowser(), "/login/a'b"),
  ]
  t.equal(unknown.status, 404)
  t.equal(unknown.text, hostile.text)
  t.match(unknown.text, /unknown_organization/)
  t.equal(unknown.headers.get('cache-control'), 'no-store')
  t.match(await begin(createBrowser(), '/oidc/none/start'), { status: 404, text: /unknown_connection/ })
  t.match(await begin(createBrowser(), '/oidc/none/callback?code=a&state=b'), { status: 404 })
})

t.test('what the host refuses is a page and no session', async (t) => {
  host.policy = { code: 'not_invited', message: 'Nobody invited you', status: 403 }
  const browser = createBrowser()
  const page = await signIn(browser, home, 'ada')
  t.match(page, { status: 403, text: /not_invited: Nobody invited you/ })
  t.equal(browser.cookies(host.url)[SESSION], undefined)
  t.match(host.refusals, [{ refusal: host.policy, connectionId: connection.id }])
})

t.test('a person who says no at the provider is told so', async (t) => {
  const browser = createBrowser()
  const page = await browser.submit(await begin(browser), { cancel: '1' })
  t.match(page, { status: 403, text: /provider_error: .*access_denied: the person said no/ })
  t.match(page.text, `/oidc/${connection.id}/start`, 'and may try again')
})

t.test('a third party may begin a sign-in', async (t) => {
  const initiate = (given: Record<string, string>, init?: RequestInit) =>
    createBrowser().visit(`${host.url}/oidc/${connection.id}/initiate?${new URLSearchParams(given)}`, init)
  const iss = provider.issuer
  const started = await initiate({
    iss,
    login_hint: 'ada@acme.example',
    target_link_uri: `${host.url}/place`,
  })
  t.equal(started.status, 303)
  t.equal(new URL(started.headers.get('location') ?? '').searchParams.get('login_hint'), 'ada@acme.example')
  t.match([...host.transactions.values()], [{ returnTo: '/place' }])
  const form = new URLSearchParams({ iss })
  const posted = await initiate({}, { method: 'POST', body: form })
  t.equal(posted.status, 303)
  t.match(await initiate({ iss: `${iss}/` }), { status: 400, text: /issuer_mismatch/ })
  t.match(await initiate({}), { status: 400, text: /issuer_mismatch/ })
  t.match(await initiate({ iss, target_link_uri: 'https://evil.example/' }), { status: 400 })
})

t.test('what a third party may not ask for begins nothing', async (t) => {
  const iss = provider.issuer
  const address = `${host.url}/oidc/${connection.id}/initiate`
  const elsewhere = [
    '//evil.example',
    `${host.url}.evil.example/`,
    `${host.url}@evil.example/`,
    '/\\evil',
    'javascript:x',
  ]
  const queries = [
    ...elsewhere.map((target_link_uri) => new URLSearchParams({ iss, target_link_uri })),
    ...['iss', 'login_hint', 'target_link_uri'].map(
      (name) =>
        new URLSearchParams([
          ['iss', iss],
          [name, '/'],
          [name, '/'],
        ]),
    ),
    new URLSearchParams({ iss, login_hint: 'a\r\nb' }),
    new URLSearchParams({ iss, login_hint: 'a'.repeat(2049) }),
    new URLSearchParams({ iss: 'https://other.example' }),
  ]
  for (const query of queries)
    for (const [url, init] of [
      [`${address}?${query}`, {}],
      [address, { method: 'POST', body: query }],
      [`${address}?${new URLSearchParams({ iss })}`, { method: 'POST', body: query }],
    ] as const) {
      const browser = createBrowser()
      const { status, headers } = await browser.visit(url, init)
      t.equal(status, 400, `${init.method ?? 'GET'} ${decodeURIComponent(String(query)).slice(0, 80)}`)
      t.equal(headers.get('location'), null)
      t.same(pendingIn(browser), [])
    }
  t.equal(host.transactions.size, 0)
  const unknown = await createBrowser().visit(
    `${host.url}/oidc/other/initiate?${new URLSearchParams({ iss })}`,
  )
  t.equal(unknown.status, 404)
  const head = await createBrowser().visit(`${address}?${new URLSearchParams({ iss })}`, { method: 'HEAD' })
  t.equal(head.status, 404, 'a preview begins nothing')
  t.equal(host.transactions.size, 0)
})

t.test('a sign-in of a third party leaves the one that a browser has begun alone', async (t) => {
  const browser = createBrowser()
  const page = await begin(browser)
  const query = new URLSearchParams({ iss: provider.issuer, target_link_uri: '/place' })
  const begun = await browser.visit(`${host.url}/oidc/${connection.id}/initiate?${query}`)
  t.equal(begun.status, 303)
  t.equal(pendingIn(browser).length, 2)
  t.equal(new Set([...host.transactions.values()].map(({ nonce }) => nonce)).size, 2)
  t.equal((await browser.open(await answerFor(browser, page))).text, 'home')
})

t.test('nothing secret comes into the log', async (t) => {
  const browser = createBrowser()
  const page = await begin(browser)
  const state = new URL(page.url)
  const answer = await answerFor(browser, page)
  await browser.open(answer)
  await browser.open(answer)
  const { code = '' } = Object.fromEntries(answer.searchParams)
  const log = host.log.join('')
  t.match(log, /browser_mismatch/)
  for (const secret of [
    code,
    answer.searchParams.get('state') ?? '',
    host.signIns[0]?.idToken ?? '',
    state.href,
  ]) {
    t.ok(secret.length > 10)
    t.notOk(log.includes(secret))
  }
})
