import t from 'tap'
import { createBrowser } from '../oidc/browser.ts'
import { deceived } from './deceived.ts'

const scene = await deceived(t)
const { usher, provider } = scene

async function person() {
  const connection = await scene.connect()
  provider.lie({})
  const browser = createBrowser()
  await scene.enter(connection, browser)
  const cookie = `usher_session=${scene.sessionOf(browser)}`
  return { connection, browser, cookie }
}
const ask = (path: string, init: RequestInit = {}) => fetch(usher.url + path, { redirect: 'manual', ...init })

const WRITES: [string, string, object?][] = [
  ['POST', '/logout'],
  ['PUT', '/session/workspace', { workspaceId: '00000000-0000-7000-8000-000000000000' }],
  ['PUT', '/v1/me/checklist/steps/look-around'],
  ['POST', '/v1/me/checklist/dismiss'],
  ['POST', '/v1/me/checklist/resume'],
  ['POST', '/checklist'],
  ['DELETE', '/v1/me/sessions/00000000-0000-7000-8000-000000000000'],
]

t.test('another site writes nothing with the cookie of whoever visits it', async (t) => {
  const { cookie } = await person()
  const sites: Record<string, string>[] = [
    { 'sec-fetch-site': 'cross-site', origin: usher.url },
    { 'sec-fetch-site': 'same-site', origin: usher.url },
    { 'sec-fetch-site': 'none' },
    { origin: 'https://evil.example' },
    { origin: 'null' },
    { origin: `${usher.url}.evil.example` },
    {},
  ]
  for (const [method, path, body] of WRITES)
    for (const site of sites) {
      const typed = body && { 'content-type': 'application/json' }
      const payload = body && { body: JSON.stringify(body) }
      const { status } = await ask(path, { method, headers: { cookie, ...site, ...typed }, ...payload })
      t.equal(status, 403, `${method} ${path} ${JSON.stringify(site)}`)
    }
  t.equal((await ask('/session', { headers: { cookie } })).status, 200)
})

t.test('a cookie beside that of the session lets nobody in, and takes nobody over', async (t) => {
  const { cookie } = await person()
  const { cookie: others } = await person()
  const odd = 'usher_session=00000000-0000-7000-8000-000000000000.x'
  for (const path of ['/session', '/session/verify', '/v1/me/sessions'])
    for (const given of [
      `${odd}; ${cookie}`,
      `${cookie}; ${odd}`,
      `${cookie}; ${others}`,
      `${others}; ${cookie}`,
    ])
      t.equal((await ask(path, { headers: { cookie: given } })).status, 401, `${path} ${given.slice(0, 20)}`)
})

t.test('the key of administrators is none in an address or a cookie', async (t) => {
  const key = 'the-key-of-the-environment-in-tests'
  for (const query of ['access_token', 'key', 'authorization', 'token', 'admin_key'])
    t.equal((await ask(`/admin/v1/organizations?${query}=${key}`)).status, 401)
  const { cookie } = await person()
  t.equal((await ask('/admin/v1/organizations', { headers: { cookie } })).status, 401)
  t.equal(
    (await ask('/admin/v1/organizations', { headers: { cookie: `authorization=Bearer ${key}` } })).status,
    401,
  )
})

t.test('what is meant for one person or one page says so', async (t) => {
  const { connection, cookie } = await person()
  const start = `/oidc/${connection.id}/start`
  const pages = ['/', '/login', '/login/nobody', '/logout', '/logout/done', `${start}?return_to=//x`]
  for (const path of pages) {
    const { headers } = await ask(path, { headers: { cookie } })
    t.equal(headers.get('cache-control'), 'no-store', path)
    t.match(headers.get('content-security-policy'), "frame-ancestors 'none'", path)
    t.match(headers.get('x-frame-options'), /^DENY$/, path)
    t.equal(headers.get('x-content-type-options'), 'nosniff', path)
    t.equal(headers.get('referrer-policy'), 'same-origin', path)
  }
  for (const path of ['/session', '/session/verify', '/session/token', '/v1/me/sessions', start])
    for (const given of [cookie, 'usher_session=x']) {
      const { headers } = await ask(path, { headers: { cookie: given, origin: 'https://evil.example' } })
      t.equal(headers.get('cache-control'), 'no-store', `${path} ${given.slice(-9)}`)
      t.equal(headers.get('access-control-allow-origin'), null)
    }
})

t.test('nothing that is given comes into a header as more than a value', async (t) => {
  const { connection } = await person()
  const start = `/oidc/${connection.id}/start`
  for (const name of ['return_to', 'login_hint', 'ui_locales', 'acr_values', 'max_age'])
    for (const value of [
      '/a%0d%0aset-cookie:%20x=y',
      '%0aLocation:%20https://evil.example',
      '/%E5%98%8A%E5%98%8Dset-cookie:x=y',
    ]) {
      const { headers, status } = await ask(`${start}?${name}=${value}`)
      t.ok([303, 400].includes(status), `${name} ${value}: ${status}`)
      t.notMatch(headers.getSetCookie().join(), /x=y/)
      t.ok(
        [null, provider.issuer].includes(headers.get('location')?.slice(0, provider.issuer.length) ?? null),
      )
    }
  const { status, headers } = await ask(start, {
    headers: { host: 'evil.example', 'x-forwarded-host': 'evil.example' },
  })
  t.equal(status, 303)
  t.match(headers.get('location'), encodeURIComponent(usher.url))
  t.notMatch(headers.get('location'), 'evil.example')
})

t.test('a preview of an address begins and ends nothing', async (t) => {
  const { connection, browser, cookie } = await person()
  for (const path of [
    `/oidc/${connection.id}/start`,
    '/logout',
    `/oidc/${connection.id}/frontchannel-logout`,
  ])
    for (const method of ['HEAD', 'OPTIONS']) {
      const answer = await ask(path, { method, headers: { cookie } })
      t.ok(answer.status >= 400 && answer.status < 500, `${method} ${path}`)
      t.same(answer.headers.getSetCookie(), [])
    }
  t.equal((await browser.visit(`${usher.url}/session`)).status, 200)
})
