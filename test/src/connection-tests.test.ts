import t, { type Test } from 'tap'
import { workOnce } from '../../src/worker.ts'
import { type Browser, createBrowser, signIn } from '../oidc/browser.ts'
import { type Json, json, type Lies } from '../oidc/hostile.ts'
import { startProvider } from '../oidc/provider.ts'
import type { Ask, Body, Connection } from './api.ts'
import { deceived } from './deceived.ts'
import { holdOnEachLayout } from './layouts.ts'
import { person, stateOf } from './people.ts'

const MINUTE = 60_000
let ahead = 0
const clock = () => new Date(Date.now() + ahead)
const { usher, provider, connect, enter, sessionOf, reasons, logged } = await deceived(t, clock)
const honest = (lies: Lies = {}) =>
  provider.lie({
    ...lies,
    claims: (good) => {
      const timely = { ...good, iat: Math.floor(clock().getTime() / 1000) }
      return lies.claims ? lies.claims(timely) : timely
    },
  })
honest()

interface Report {
  readonly steps: readonly { name: string; ok: boolean }[]
  readonly [name: string]: unknown
}
const begin = async (admin: Ask, { path }: Connection) =>
  (await admin('POST', `${path}/tests`)).body as Body & { url: string }
/** Opens the address of a test, and presses its button. */
const press = async (browser: Browser, url: string) => {
  const page = await browser.open(url)
  return page.status === 200 ? browser.submit(page, {}) : page
}
const read = async (admin: Ask, { path }: Connection, id: string) =>
  (await admin('GET', `${path}/tests/${id}`)).body
const reportOf = async (connection: Connection, id: string) =>
  (await read(usher.admin, connection, id)).report as Report

const everything = ({ organizationId: id }: Connection) =>
  stateOf(usher, { id }, ['events', 'sessions', 'connections'])

/** A test in a browser of its own, to its report; it has changed nothing, and nobody is signed in. */
async function tried(t: Test, connection: Connection, browser = createBrowser()) {
  const { id, url } = await begin(usher.admin, connection)
  const [before, session] = [await everything(connection), sessionOf(browser)]
  const page = await press(browser, url)
  t.match(page, { status: 200, text: /The test is over/ })
  t.same(await everything(connection), before, 'nothing has changed')
  t.equal(sessionOf(browser), session, 'the session is what it was')
  return { id, page, report: await reportOf(connection, id) }
}

const STAGES = [
  'discovery',
  'approval',
  'request',
  'answer',
  'keys',
  'token',
  'id_token',
  'demand',
  'userinfo',
  'policy',
]

t.test('a sign-in at a real provider is tried, and its report says what it would do', async (t) => {
  const people = [
    { sub: 'ada', name: 'Ada Lovelace', email: 'ada@acme.example', email_verified: true, dept: 'Engines' },
  ]
  const client_secret = 'a-secret-of-the-test-client'
  const real = await startProvider({
    people,
    clients: [{ client_id: 'usher', client_secret, token_endpoint_auth_method: 'client_secret_post' }],
  })
  t.teardown(() => real.close())
  const connection = await connect({ issuer: real.issuer, claims: { department: 'dept' } })
  const { id, url, expiresAt } = await begin(usher.admin, connection)
  t.ok(new Date(String(expiresAt)).getTime() > clock().getTime() + 14 * MINUTE)
  const before = await everything(connection)
  t.match(await read(usher.admin, connection, id), { status: 'waiting', report: undefined })
  const browser = createBrowser()
  for (const previews of [createBrowser(), browser])
    t.match(await previews.open(url), {
      status: 200,
      text: /<header><span>Company .*<h1>Test the sign-in\?/s,
    })
  t.same(browser.cookies(usher.url), {})
  t.match(await read(usher.admin, connection, id), { status: 'waiting' }, 'to look at it begins nothing')
  const body = new URLSearchParams({ token: new URL(url).searchParams.get('token') ?? '' })
  for (const headers of [{ origin: 'https://evil.example' }, { 'sec-fetch-site': 'cross-site' }, {}])
    t.match(await browser.open(url.replace(/\?.*/, ''), { method: 'POST', body, headers: { ...headers } }), {
      status: 403,
      text: /cross_site/,
    })
  const asked = await press(browser, url)
  t.match(await read(usher.admin, connection, id), { status: 'under way' })
  t.match(await createBrowser().open(url), { status: 400, text: /test_unknown/ }, 'it is begun once')
  const page = await browser.submit(asked, { sub: 'ada' })
  t.match(page, { status: 200, text: /You would have been signed in/ })
  t.same(browser.cookies(usher.url), {}, 'no cookie is left')
  t.same(await everything(connection), before)
  t.match(await read(usher.admin, connection, id), {
    status: 'over',
    report: {
      ok: true,
      steps: STAGES.map((name) => ({ name, ok: true })),
      provider: {
        issuer: real.issuer,
        origins: [real.issuer],
        keys: [{ kty: 'RSA', kid: 'RS256' }, { kty: 'EC' }],
      },
      claims: { sub: 'ada', email: 'ada@acme.example', email_verified: true },
      person: {
        userName: 'ada@acme.example',
        attributes: {
          displayName: 'Ada Lovelace',
          'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User': { department: 'Engines' },
        },
        email: { verified: true, verifiedBy: 'email_verified' },
      },
      outcome: { outcome: 'create', workspace: { name: 'My workspace', role: 'owner', home: { name: /./ } } },
    },
  })
  t.notOk('nonce' in ((await reportOf(connection, id)).claims as object))
  const events = await usher.rows('select type from events where subject_id = $1 order by id', [
    connection.id,
  ])
  t.same(events, [{ type: 'connection.created' }, { type: 'connection.test-begun' }])
  t.match(await signIn(createBrowser(), `${usher.url}/oidc/${connection.id}/start`, 'ada'), {
    text: /Your role/,
  })
})

const broken = (path: string, body: Json, status: number): Lies => ({
  endpoints: { [path]: (response) => json(response, body, status) },
})
const said = (claims: Json): Lies => ({ claims: (good) => ({ ...good, ...claims }) })

const stops: {
  name: string
  lies: Lies
  stage: string
  code: string
  detail?: RegExp
  oidc?: object
  claims?: boolean
}[] = [
  {
    name: 'discovery says another issuer',
    lies: { discovery: (good) => ({ ...good, issuer: 'https://x.example' }) },
    stage: 'discovery',
    code: 'provider_metadata',
  },
  {
    name: 'a pushed request is refused',
    lies: {
      discovery: (good) => ({
        ...good,
        pushed_authorization_request_endpoint: `${provider.issuer}/par`,
        require_pushed_authorization_requests: true,
      }),
      ...broken('/par', { error: 'invalid_client' }, 401),
    },
    stage: 'request',
    code: 'client_rejected',
  },
  {
    name: 'the provider refuses',
    lies: {
      answer: (given) => {
        given.delete('code')
        given.set('error', 'access_denied')
      },
    },
    stage: 'answer',
    code: 'provider_error',
    detail: /access_denied/,
  },
  {
    name: 'another issuer answers',
    lies: { answer: (given) => given.set('iss', 'https://x.example') },
    stage: 'answer',
    code: 'issuer_mismatch',
  },
  { name: 'there are no keys', lies: broken('/jwks', {}, 200), stage: 'keys', code: 'provider_response' },
  {
    name: 'the secret is wrong',
    lies: broken('/token', { error: 'invalid_client' }, 401),
    stage: 'token',
    code: 'client_rejected',
  },
  {
    name: 'the token is for somebody else',
    lies: said({ aud: 'other' }),
    stage: 'id_token',
    code: 'invalid_id_token',
    detail: /aud/,
  },
  {
    name: 'the token is of another tenant',
    lies: said({ hd: 'other.example' }),
    stage: 'id_token',
    code: 'wrong_tenant',
    detail: /hd/,
    oidc: { preset: 'google', hostedDomain: 'acme.example' },
    claims: true,
  },
  {
    name: 'the token is old',
    lies: said({ iat: 1 }),
    stage: 'id_token',
    code: 'invalid_id_token',
    claims: true,
  },
  {
    name: 'there was no second factor',
    lies: {},
    stage: 'demand',
    code: 'authentication_too_weak',
    oidc: { session: { acrValues: ['mfa'] } },
    claims: true,
  },
  {
    name: 'userinfo is of somebody else',
    lies: { ...said({ email: undefined }), userinfo: (good) => ({ ...good, sub: 'eve' }) },
    stage: 'userinfo',
    code: 'invalid_userinfo',
    claims: true,
  },
]

for (const { name, lies, stage, code, detail, oidc, claims } of stops)
  t.test(`the report says where it stopped: ${name}`, async (t) => {
    const connection = await connect(oidc)
    honest(lies)
    const { report, page } = await tried(t, connection)
    t.match(page.text, /You would not have been signed in/)
    const passed = STAGES.slice(0, STAGES.indexOf(stage)).map((name) => ({ name, ok: true }))
    t.match(report, {
      ok: false,
      steps: [...passed, { name: stage, ok: false, code, reason: /\w/, ...(detail && { detail }) }],
    })
    t.equal(report.steps.length, passed.length + 1)
    t.equal('claims' in report, claims ?? false)
    t.notOk('outcome' in report)
    t.same(await reasons(connection), [], 'no sign-in was refused')
    for (const secret of ['the-access-token', 'the-code', 'a-secret-of-the-test-client', 'eyJ'])
      t.notOk((JSON.stringify(report) + logged()).includes(secret), secret)
    honest()
  })

t.test('who is not let in is told why before they try', async (t) => {
  const connection = await connect({}, { scim: {} })
  const { token } = (await usher.admin('POST', `${connection.path}/scim-credentials`)).body
  const pushed = await usher.scim(token)(
    'POST',
    '/Users',
    person('ada', { externalId: 'ada', active: false }),
  )
  const { report } = await tried(t, connection)
  t.match(report, {
    ok: false,
    person: { userName: 'ada', attributes: { displayName: 'Ada' } },
    outcome: { outcome: 'refuse', rule: 'person suspended', code: 'suspended', user: { id: pushed.body.id } },
  })
  t.match(report.steps.at(-1), { name: 'policy', ok: false, code: 'suspended', reason: /suspended/ })
})

t.test('whoever is signed in stays so, and is recognized', async (t) => {
  const connection = await connect()
  const browser = createBrowser()
  await enter(connection, browser)
  t.ok(sessionOf(browser))
  honest(said({ name: 'Ada King' }))
  const { report } = await tried(t, connection, browser)
  t.match(report, {
    ok: true,
    outcome: { outcome: 'recognize', changed: ['displayName', 'name'], workspace: { id: /-/ } },
  })
  honest()
})

t.test('a connection is tried before it is enabled, and takes no sign-in by that', async (t) => {
  const connection = await connect()
  await usher.admin('PATCH', connection.path, { status: 'disabled' })
  const { report } = await tried(t, connection)
  t.match(report, { ok: true, outcome: { outcome: 'create' } })
  t.notOk(((await usher.admin('GET', connection.path)).body.oidc as Json).pins, 'nothing is approved by it')
  t.match(await enter(connection), { status: 404 })
  await usher.admin('PATCH', connection.path, { status: 'active' })
  const browser = createBrowser()
  const start = await browser.visit(`${usher.url}/oidc/${connection.id}/start`)
  await usher.admin('PATCH', connection.path, { status: 'disabled' })
  const late = await browser.open(start.headers.get('location') ?? '')
  t.match(late, { status: 404 }, 'an ordinary sign-in that was on its way is no test')
})

t.test('drift is reported, and not recorded', async (t) => {
  const connection = await connect()
  t.match(await enter(connection), { status: 200 })
  ahead += 6 * MINUTE
  honest({ discovery: (good) => ({ ...good, id_token_signing_alg_values_supported: ['RS256', 'ES384'] }) })
  const { report } = await tried(t, connection)
  t.match(report.steps.at(-1), { name: 'approval', ok: false, code: 'provider_drifted', detail: /ES384/ })
  honest()
})

t.test('a test is of the browser that began it, once', async (t) => {
  const connection = await connect()
  const { id, url } = await begin(usher.admin, connection)
  const browser = createBrowser()
  const [at, form] = [url.replace(/\?.*/, ''), new URLSearchParams(new URL(url).search)]
  const origin = { origin: usher.url }
  const started = await browser.visit(at, { method: 'POST', body: form, headers: origin })
  const answer = await browser.visit(started.headers.get('location') ?? '')
  const callback = answer.headers.get('location') ?? ''
  t.match(await createBrowser().open(callback), { status: 400, text: /browser_mismatch/ })
  t.match(await read(usher.admin, connection, id), { status: 'under way' })
  const copy = browser.clone()
  t.match(await browser.open(callback), { status: 200, text: /The test is over/ })
  t.match(await copy.open(callback), { status: 400, text: /state_unknown/ })
  for (const one of [browser, copy]) t.notOk(sessionOf(one))
  for (const wrong of [url.slice(0, -1), `${url}&token=x`, url.replace(/\?.*/, ''), `${url}x`])
    t.match(await createBrowser().open(wrong), { status: 400 })
  const other = await connect()
  const fresh = await begin(usher.admin, connection)
  t.match(await createBrowser().open(fresh.url.replace(connection.id, other.id)), {
    status: 400,
    text: /test_unknown/,
  })
  ahead += 16 * MINUTE
  t.match(await createBrowser().open(fresh.url), { status: 400, text: /test_unknown/ })
})

t.test('what was found out about people is forgotten within the hour', async (t) => {
  const connection = await connect()
  const { id } = await tried(t, connection)
  const other = await connect()
  for (const path of [`${other.path}/tests/${id}`, `${connection.path}/tests/x`])
    t.match(await usher.admin('GET', path), { status: 404 })
  ahead += 46 * MINUTE
  t.match(await usher.admin('GET', `${connection.path}/tests/${id}`), { status: 404 })
})

holdOnEachLayout(
  t,
  {
    'a test is kept, opened once, reported and removed': async (
      t,
      { admin, call, db, makeOrganization, makeConnection, rows },
    ) => {
      const connection = await makeConnection(await makeOrganization(), {
        oidc: { issuer: provider.issuer, clientId: 'usher', clientSecret: 's' },
      })
      const { id, url } = await begin(admin, connection)
      const path = url.replace(/^https:\/\/[^/]+/, '')
      t.match(await call({ method: 'GET', url: path }), { status: 200, text: /Test the sign-in\?/ })
      const headers = {
        'content-type': 'application/x-www-form-urlencoded',
        'sec-fetch-site': 'same-origin',
      }
      const [at = '', body] = path.split('?')
      const started = await call({ method: 'POST', url: at, headers, body })
      t.equal(started.status, 303)
      t.equal((await call({ method: 'POST', url: at, headers, body })).status, 400)
      const [cookie = ''] = [started.headers['set-cookie']].flat().map(String)
      const answered = await fetch(String(started.headers.location), { redirect: 'manual' })
      const { pathname, search } = new URL(answered.headers.get('location') ?? '')
      const page = await call({
        method: 'GET',
        url: pathname + search,
        headers: { cookie: cookie.split(';')[0] ?? '' },
      })
      t.match(page, { status: 200, text: /The test is over/ })
      t.match(await read(admin, connection, id), {
        status: 'over',
        report: { ok: true, outcome: { outcome: 'create' } },
      })
      t.match(await call({ method: 'GET', url: path }), { status: 400 })
      const count = async () => (await rows('select id from connection_tests where id = $1', [id])).length
      const host = { db, resolveTxt: async () => [], log: { warn: () => {} } }
      const round = (minutes: number) => {
        const now = new Date(clock().getTime() + minutes * MINUTE)
        return workOnce({ ...host, clock: () => now }, `worker ${minutes}`, new AbortController().signal)
      }
      await round(30)
      t.equal(await count(), 1)
      await round(46)
      t.equal(await count(), 0)
      const scimOnly = await makeConnection(await makeOrganization())
      t.match(await admin('POST', `${scimOnly.path}/tests`), { status: 409 })
    },
  },
  { outboundAllow: '127.0.0.1', clock },
)
