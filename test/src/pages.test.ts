import t from 'tap'
import { refusalCodes } from '../../oidc/errors.ts'
import { catalogues, messagesFor, type Reader } from '../../src/me/messages.ts'
import { pagesFor } from '../../src/me/pages.ts'
import { refusalCodes as provisioningCodes } from '../../src/provisioning/refused.ts'
import { ADMIN_KEY, startUsher } from './usher.ts'

const german: Reader = { query: {}, headers: { 'accept-language': 'de' } }

/** Every text of a catalogue by where it stands. */
function textsOf(value: unknown, at = ''): [string, unknown][] {
  if (typeof value !== 'object' || value === null) return [[at, value]]
  return Object.entries(value).flatMap(([name, inner]) => textsOf(inner, `${at}.${name}`))
}

t.test('every catalogue has every text', async (t) => {
  const places = textsOf(catalogues.en).map(([at]) => at)
  t.same(Object.keys(catalogues), ['en', 'de'])
  for (const [locale, catalogue] of Object.entries(catalogues)) {
    const texts = textsOf(catalogue)
    t.same(
      texts.map(([at]) => at),
      places,
      locale,
    )
    t.same(
      texts.filter(([, text]) => typeof text !== 'string' || text.trim() === ''),
      [],
      locale,
    )
    t.equal(catalogue.locale, locale)
  }
})

t.test('every code for which somebody may be refused has its text', async (t) => {
  const ofErrors = ['unavailable', 'internal', 'too_many_requests', 'payload_too_large']
  for (const { locale, reasons } of Object.values(catalogues))
    for (const code of [...refusalCodes, ...provisioningCodes, ...ofErrors])
      t.ok(Object.hasOwn(reasons, code), `${code} in ${locale}`)
})

const readers: { name: string; query?: unknown; accept?: string; locale: string }[] = [
  { name: 'nothing said', locale: 'en' },
  { name: 'a browser', accept: 'de-AT,de;q=0.9,en;q=0.8', locale: 'de' },
  { name: 'weights decide', accept: 'de;q=0.5, en;q=0.7', locale: 'en' },
  { name: 'refused by weight 0', accept: 'de;q=0', locale: 'en' },
  { name: 'a language that nobody wrote', accept: 'fr, de;q=0.1', locale: 'de' },
  { name: 'ui_locales over the browser', query: { ui_locales: 'fr de-CH en' }, accept: 'en', locale: 'de' },
  { name: 'lang over ui_locales', query: { lang: 'de', ui_locales: 'en' }, locale: 'de' },
  { name: 'twice', query: { lang: ['de', 'en'] }, locale: 'en' },
  { name: 'what every object has', query: { lang: 'constructor' }, accept: '__proto__', locale: 'en' },
  { name: 'no header of a browser', accept: 'de;q=x,'.repeat(10_000), locale: 'en' },
]

t.test('the language is what the address asks for, else what the browser prefers', async (t) => {
  for (const { name, query = {}, accept, locale } of readers)
    t.equal(messagesFor({ query, headers: { 'accept-language': accept } }).locale, locale, name)
})

t.test('what others say is escaped wherever it is placed', async (t) => {
  const evil = '"><script>alert(1)</script>&\''
  const brand = { name: evil, logo: evil }
  const pages = pagesFor(german)
  const all = [
    pages.refused(
      { code: evil, message: evil, said: evil },
      { requestId: evil, retry: evil, organization: brand },
    ),
    pages.askAddress({ returnTo: evil, address: evil, problem: 'unknown' }),
    pages.signedOut({ ...brand, slug: evil }),
    pages.askToTest({ connectionId: 'c', token: evil }, brand),
    pages.confirmSignOut(brand),
    pages.choose([{ name: evil, url: evil }], brand),
    pages.place({
      ...{ displayName: evil, userName: evil, organization: brand },
      workspace: { name: evil, role: evil, home: evil },
      checklist: {
        dismissed: false,
        complete: false,
        steps: [{ key: evil, title: evil, text: evil, link: evil, by: 'person', done: false }],
      },
    }),
  ]
  for (const page of all) t.notMatch(page, '<script')
  t.match(all[0], '&lt;script&gt;')
})

t.test('the words of a provider stand beside the reason, in the language of the page', async (t) => {
  const refusal = { code: 'provider_error', message: 'It said: no', said: 'no' }
  const page = pagesFor(german).refused(refusal, { requestId: 'r' })
  t.match(page, /abgelehnt\. Er sagte: <q>no<\/q>/)
  t.match(page, '<html lang="de">')
})

t.test('what was refused and no sign-in does not say that nobody is signed in', async (t) => {
  const titled = (code: string) =>
    pagesFor(german)
      .refused({ code, message: '' }, { requestId: 'r' })
      .match(/<h1>(.*)<\/h1>/)?.[1]
  const { refused, failed } = messagesFor(german)
  t.same(['test_unknown', 'cross_site'].map(titled), [failed.title, failed.title])
  t.same(['suspended', 'browser_mismatch'].map(titled), [refused.title, refused.title])
})

t.test('the language that an address chose is kept where a provider leads back without it', async (t) => {
  const usher = await startUsher(t)
  const { connection } = await usher.makePusher({
    oidc: { issuer: 'https://idp.example', clientId: 'c' },
    scim: {},
  })
  const get = (url: string, cookie = '') =>
    usher.call({ method: 'GET', url, headers: { cookie, 'accept-language': 'en' } })
  const chosen = String((await get(`/oidc/${connection.id}/start?lang=de`)).headers['set-cookie'])
  t.match(chosen, /usher_language=de; Path=\/; HttpOnly; SameSite=Lax; Secure/)
  const [kept = ''] = chosen.split(';')
  const back = `/oidc/${connection.id}/callback?state=x&error=access_denied`
  t.match(await get(back, kept), { status: 400, text: /<html lang="de">/ })
  t.match((await get(back)).text, '<html lang="en">')
  t.match((await get('/?lang=en', kept)).text, '<html lang="en">', 'another choice comes first')
  for (const odd of ['usher_language=xx', 'usher_language=__proto__', 'usher_language=%00'])
    t.match((await get('/', odd)).text, '<html lang="en">')
  t.equal((await get('/?lang=xx')).headers['set-cookie'], undefined)
})

t.test('whoever reads German is answered so, whatever happened', async (t) => {
  const usher = await startUsher(t)
  const headers = { 'accept-language': 'de' }
  const get = (url: string) => usher.call({ method: 'GET', url, headers })
  t.match(await get('/login/nobody'), { status: 404, text: /Unter dieser Adresse gibt es keine Anmeldung/ })
  t.match(await get('/logout/done'), { status: 200, text: /Sie sind abgemeldet/ })
  t.match(await get('/?lang=en'), { status: 200, text: /<html lang="en">/ })
  const posted = {
    method: 'POST',
    url: '/logout',
    headers: { ...headers, 'content-type': 'text/plain' },
  } as const
  t.match(await usher.call({ ...posted, body: 'x' }), {
    status: 415,
    headers: { 'content-type': /html/, 'content-security-policy': /default-src 'none'/ },
    text: /Das hat nicht geklappt/,
  })
})

t.test('signing out is under the name of the organization that is left, and leads back to it', async (t) => {
  const usher = await startUsher(t)
  const oidc = { issuer: 'https://idp.example', clientId: 'c' }
  const { organization, connection } = await usher.makePusher({ oidc, scim: {} })
  const logo = { 'content-type': 'image/png' }
  const image =
    'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=='
  const put = await usher.app.inject({
    method: 'PUT',
    url: `/admin/v1${organization.path}/logo`,
    headers: { ...logo, authorization: `Bearer ${ADMIN_KEY}` },
    payload: Buffer.from(image, 'base64'),
  })
  t.ok(put.statusCode < 300, put.body)
  const { cookie } = await usher.signIn(connection, { sub: 'ada' })
  const get = (url: string, cookie: string) => usher.call({ method: 'GET', url, headers: { cookie } })
  const brand = new RegExp(
    `<header><img src="/assets/[^"]+" alt=""><span>Company ${organization.slug}</span>`,
  )
  t.match(await get('/logout?lang=de', cookie), { status: 200, text: brand })
  const headers = {
    cookie,
    'sec-fetch-site': 'same-origin',
    'content-type': 'application/x-www-form-urlencoded',
  }
  const left = await usher.call({ method: 'POST', url: '/logout', headers, body: '' })
  t.match(left, { status: 303, headers: { location: '/logout/done' } })
  const set =
    [left.headers['set-cookie']]
      .flat()
      .map(String)
      .find((one) => one.includes('usher-left')) ?? ''
  t.match(set, /^__Host-usher-left=[\w-]+; Max-Age=600; Path=\/; HttpOnly; Secure; SameSite=Lax/)
  const [kept = ''] = set.split(';')
  t.match(await get('/logout/done?lang=de', kept), { text: brand })
  t.match((await get('/logout/done?lang=de', kept)).text, `href="/login/${organization.slug}?lang=de"`)
  t.match((await get('/logout', cookie)).text, 'Sign out?')
  for (const other of ['', '__Host-usher-left=nobody', '__Host-usher-left=%00', `${kept}; ${kept}`])
    t.match(await get('/logout/done', other), { status: 200 }, other)
  t.notMatch((await get('/logout/done', '__Host-usher-left=nobody')).text, '<header>')
  await usher.admin('DELETE', connection.path)
  t.notMatch((await get('/logout/done', kept)).text, '<header>', 'nor where nobody can sign in any more')
})
