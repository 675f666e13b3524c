import t, { type Test } from 'tap'
import { type Browser, createBrowser, type Page } from '../oidc/browser.ts'
import { json, type Lies } from '../oidc/hostile.ts'
import { elsewhere } from '../oidc/lies/places.ts'
import { type Connection, makeConnection } from './api.ts'
import { MINUTE } from './clock.ts'
import { checkRefused, deceived } from './deceived.ts'

let ahead = 0
const clock = () => new Date(Date.now() + ahead)
const scene = await deceived(t, clock)
const { provider, usher } = scene

t.beforeEach(() =>
  provider.lie({ claims: (good) => ({ ...good, iat: Math.floor(clock().getTime() / 1000) }) }),
)

/** The address that the provider sends the browser back to. */
async function answerOf({ id }: Connection, browser: Browser): Promise<URL> {
  const begun = await browser.visit(`${usher.url}/oidc/${id}/start`)
  const answered = await browser.visit(begun.headers.get('location') ?? '')
  return new URL(answered.headers.get('location') ?? '')
}

/** What a plot turns an answer into; nothing is as it was. */
interface Turned {
  readonly answer?: URL
  readonly browser?: Browser
  /** Whose callback it comes to. */
  readonly connection?: Connection
}

interface Plot {
  readonly name: string
  readonly status?: number
  readonly code: string
  readonly plot: (answer: URL, at: { browser: Browser; connection: Connection }) => Promise<Turned>
}

const PLOTS: Plot[] = [
  {
    name: 'an answer that was used, with its cookie',
    code: 'state_unknown',
    plot: async (answer, { browser }) => {
      t.equal((await browser.clone().open(answer)).status, 200)
      return {}
    },
  },
  {
    name: 'an answer that was used, without its cookie',
    code: 'browser_mismatch',
    plot: async (answer, { browser }) => {
      const twin = browser.clone()
      t.equal((await twin.open(answer)).status, 200)
      twin.setCookie(usher.url, 'usher_session=; max-age=0')
      return { browser: twin }
    },
  },
  {
    name: 'an answer planted in another browser',
    code: 'browser_mismatch',
    plot: async () => ({ browser: createBrowser() }),
  },
  {
    name: 'an answer planted with a cookie of its name',
    code: 'browser_mismatch',
    plot: async (_answer, { browser }) => {
      const victim = createBrowser()
      const [name] = Object.keys(browser.cookies(usher.url))
      victim.setCookie(usher.url, `${name}=another-secret`)
      return { browser: victim }
    },
  },
  {
    name: 'the state of a sign-in that another browser began',
    code: 'browser_mismatch',
    plot: async (answer, { connection }) => {
      const others = await answerOf(connection, createBrowser())
      answer.searchParams.set('state', others.searchParams.get('state') ?? '')
      return { answer }
    },
  },
  {
    name: 'a code of a sign-in that another browser began',
    code: 'invalid_id_token',
    plot: async (_answer, { connection }) => {
      // The provider signs the nonce of the latest.
      await answerOf(connection, createBrowser())
      return {}
    },
  },
  {
    name: 'begun at one connection, finished at another',
    code: 'state_unknown',
    plot: async (answer, { connection }) => {
      const other = await makeConnection(usher.admin, organizationOf(connection), { oidc: oidc() })
      answer.pathname = answer.pathname.replace(connection.id, other.id)
      return { answer, connection: other }
    },
  },
  {
    name: 'begun at one organization, finished at another',
    code: 'state_unknown',
    plot: async (answer, { connection }) => {
      const other = await scene.connect()
      answer.pathname = answer.pathname.replace(connection.id, other.id)
      return { answer, connection: other }
    },
  },
  {
    name: 'a sign-in that took ten minutes',
    code: 'state_unknown',
    plot: async () => {
      ahead += 10 * MINUTE
      return {}
    },
  },
]

const oidc = () => ({ issuer: provider.issuer, clientId: 'usher' })
const organizationOf = ({ organizationId: id }: Connection) => ({
  id,
  slug: '',
  path: `/organizations/${id}`,
})

const change = async ({ path }: Connection, body: object) =>
  t.equal((await usher.admin('PATCH', path, body)).status, 200)

/** What may happen while somebody is at the provider, or while the provider is asked. */
const MEANWHILE: {
  name: string
  code: string
  status: number
  happens: (to: Connection) => Promise<unknown>
}[] = [
  {
    name: 'a connection that is disabled meanwhile',
    status: 404,
    code: 'unknown_connection',
    happens: (connection) => change(connection, { status: 'disabled' }),
  },
  {
    name: 'an organization that is suspended meanwhile',
    status: 404,
    code: 'unknown_connection',
    happens: ({ organizationId }) =>
      usher.rows("update organizations set status = 'suspended' where id = $1", [organizationId]),
  },
]

/** Userinfo that comes once something else has happened. */
const once = (happened: () => Promise<unknown>): Lies => ({
  claims: ({ email, ...good }) => ({ ...good, iat: Math.floor(clock().getTime() / 1000) }),
  endpoints: {
    '/userinfo': async (response) => {
      await happened()
      json(response, { sub: 'ada', email: 'ada@acme.example' })
    },
  },
})

for (const { name, status = 400, code, plot } of PLOTS)
  t.test(`refused: ${name}`, async (t) => {
    const connection = await scene.connect()
    const browser = createBrowser()
    const answer = await answerOf(connection, browser)
    const turned = await plot(answer, { browser, connection })
    await checkRefused(t, scene, {
      connection,
      browser,
      ...turned,
      act: (own: Browser): Promise<Page> => own.open(turned.answer ?? answer),
      refused: { status, code },
    })
  })

for (const { name, status, code, happens } of MEANWHILE) {
  const refused = { status, code }
  t.test(`refused: ${name}`, async (t) => {
    const connection = await scene.connect()
    const browser = createBrowser()
    const answer = await answerOf(connection, browser)
    await happens(connection)
    const act = (own: Browser) => own.open(answer)
    await checkRefused(t, scene, { connection, browser, act, refused: { ...refused, unknown: true } })
  })
  t.test(`refused: ${name}, while the provider is asked`, async (t) => {
    const connection = await scene.connect()
    const browser = createBrowser()
    const answer = await answerOf(connection, browser)
    provider.lie(once(() => happens(connection)))
    await checkRefused(t, scene, { connection, browser, act: (own) => own.open(answer), refused })
    t.ok(provider.requests.includes('/userinfo'))
  })
}

t.test('refused: a connection to another provider since it was asked', async (t) => {
  const connection = await scene.connect()
  const browser = createBrowser()
  const answer = await answerOf(connection, browser)
  const another = { issuer: `${provider.issuer}/another`, clientSecret: 's' }
  provider.lie(once(() => change(connection, { oidc: another })))
  const refused = { status: 400, code: 'state_unknown' }
  await checkRefused(t, scene, { connection, browser, act: (own) => own.open(answer), refused })
})

t.test(
  'refused: a connection to another provider since the sign-in began, which hears of no code',
  async (t) => {
    const connection = await scene.connect()
    const browser = createBrowser()
    const answer = await answerOf(connection, browser)
    await change(connection, { oidc: { issuer: `${provider.issuer}/another`, clientSecret: 's' } })
    provider.lie({})
    const refused = { status: 400, code: 'state_unknown' }
    await checkRefused(t, scene, { connection, browser, act: (own) => own.open(answer), refused })
    t.same(provider.requests, [])
  },
)

t.test('a preview of an answer uses nothing up', async (t) => {
  const browser = createBrowser()
  const answer = await answerOf(await scene.connect(), browser)
  for (const method of ['HEAD', 'OPTIONS', 'POST', 'PUT']) {
    const { status, headers } = await browser.visit(answer, { method })
    t.ok(status >= 400 && status < 500, `${method} ${status}`)
    t.equal(headers.get('set-cookie'), null)
    t.equal(headers.get('access-control-allow-origin'), null)
  }
  t.match(await browser.open(answer), { status: 200, text: /My workspace/ })
})

t.test('what is said at an address with markup is escaped', async (t) => {
  const connection = await scene.connect()
  provider.lie({
    answer: (given) => {
      given.delete('code')
      given.set('error', 'access_denied')
      given.set('error_description', '"><img src=x onerror=alert(1)>\u202e<a href="javascript:x">')
    },
  })
  const page = await scene.enter(connection)
  t.match(page, { status: 403, text: /&lt;img src=x/ })
  t.notMatch(page.text, /<img|<a href="javascript|\u202e/)
})

/** Each way to say where a sign-in is to end. */
const ways: Record<
  string,
  (at: { connection: Connection; slug: string }, to: string) => [string, RequestInit?]
> = {
  'GET /login': (_, to) => [`/login?${new URLSearchParams({ return_to: to })}`],
  'POST /login': (_, to) => [
    '/login',
    { method: 'POST', body: new URLSearchParams({ login_hint: 'ada@acme.example', return_to: to }) },
  ],
  'GET /login/{organization}': ({ slug }, to) => [`/login/${slug}?${new URLSearchParams({ return_to: to })}`],
  'GET /oidc/{connection}/start': ({ connection: { id } }, to) => [
    `/oidc/${id}/start?${new URLSearchParams({ return_to: to })}`,
  ],
  'GET /oidc/{connection}/initiate': ({ connection: { id } }, to) => [
    `/oidc/${id}/initiate?${new URLSearchParams({ iss: provider.issuer, target_link_uri: to })}`,
  ],
  'POST /oidc/{connection}/initiate': ({ connection: { id } }, to) => [
    `/oidc/${id}/initiate`,
    { method: 'POST', body: new URLSearchParams({ iss: provider.issuer, target_link_uri: to }) },
  ],
}

async function beginnings(t: Test) {
  const connection = await scene.connect()
  const [row] = await usher.rows('select slug from organizations where id = $1', [connection.organizationId])
  const begun = async () =>
    (await usher.rows('select from sign_in_transactions where connection_id = $1', [connection.id])).length
  t.equal(await begun(), 0)
  return { connection, slug: String(row?.slug), begun }
}

for (const [way, addressOf] of Object.entries(ways)) {
  t.test(`refused: ${way} that would end elsewhere`, async (t) => {
    const { begun, ...at } = await beginnings(t)
    // Half a surrogate pair cannot be sent.
    for (const to of elsewhere(usher.url).filter((one) => !/\p{Cs}/u.test(one))) {
      const [path, init] = addressOf(at, to)
      const page = await createBrowser().visit(usher.url + path, init)
      t.match(page, { status: 400, text: /<code>invalid_return_to</ }, `${way} ${to.slice(0, 60)}`)
      t.same([page.headers.get('location'), page.headers.get('set-cookie')], [null, null])
    }
    t.equal(await begun(), 0)
  })
}

t.test('a sign-in ends where it was to end', async (t) => {
  const { connection, slug } = await beginnings(t)
  for (const [way, addressOf] of Object.entries(ways).slice(2)) {
    const [path, init] = addressOf({ connection, slug }, '/session?a=b%2F%2F')
    t.equal(
      (await createBrowser().open(usher.url + path, init)).url.href,
      `${usher.url}/session?a=b%2F%2F`,
      way,
    )
  }
})
