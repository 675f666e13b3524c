import type { Test } from 'tap'
import { type Browser, createBrowser, type Page } from '../oidc/browser.ts'
import { type HostileProvider, type Lies, startHostile } from '../oidc/hostile.ts'
import { CLIENT_SECRET } from '../oidc/lies/case.ts'
import {
  type Connection,
  type ConnectionWish,
  makeConnection,
  makeOrganization,
  type Organization,
} from './api.ts'
import { type ListeningUsher, listen } from './listening.ts'

/** The assembled service with its database, a provider that lies to it, and everything that it logs. */
export interface Deceived {
  readonly usher: ListeningUsher
  readonly provider: HostileProvider
  /** A connection that has not yet met its provider; without `of`, in an organization of its own. */
  readonly connect: (
    oidc?: object,
    of?: Pick<ConnectionWish, 'scim'> & { organization?: Organization },
  ) => Promise<Connection>
  /** A sign-in on the connection, from its start to wherever it leads. */
  readonly enter: (connection: Connection, browser?: Browser) => Promise<Page>
  readonly sessionOf: (browser: Browser) => string | undefined
  /** How many rows there are of what a sign-in writes. */
  readonly written: () => Promise<Record<string, unknown>>
  /** The reasons of what was refused on the connection. */
  readonly reasons: (connection: Connection) => Promise<unknown[]>
  /** What was logged since it was last asked for. */
  readonly logged: () => string
}

const WRITTEN = `select ${['users', 'identities', 'workspaces', 'memberships', 'sessions']
  .map((table) => `(select count(*)::int from ${table}) as ${table}`)
  .join()}`
const REFUSED = `select data->>'code' as code from events
  where type = 'sign-in.refused' and data->>'connectionId' = $1 order by id`

export async function deceived(t: Test, clock?: () => Date): Promise<Deceived> {
  const provider = await startHostile()
  t.teardown(() => provider.close())
  const logged = logOf(t)
  const usher = await listen(t, '127.0.0.1', clock, { logLevel: 'info' })
  return {
    usher,
    provider,
    logged,
    async connect(oidc = {}, { organization, ...halves } = {}) {
      organization ??= await makeOrganization(usher.admin)
      return makeConnection(usher.admin, organization, {
        oidc: { issuer: provider.issuer, clientId: 'usher', clientSecret: CLIENT_SECRET, ...oidc },
        ...halves,
      })
    },
    enter: ({ id }, browser = createBrowser()) => browser.open(`${usher.url}/oidc/${id}/start`),
    sessionOf: (browser) => browser.cookies(usher.url).usher_session,
    written: async () => (await usher.rows(WRITTEN, []))[0] ?? {},
    reasons: async ({ id }) => (await usher.rows(REFUSED, [id])).map(({ code }) => code),
  }
}

/** The service writes its lines to standard error. */
function logOf(t: Test): () => string {
  const written = t.capture(process.stderr, 'write', () => true)
  return () =>
    written()
      .map(({ args: [line] }) => String(line))
      .join('')
}

const SECRETS = new RegExp(`${CLIENT_SECRET}|secret-in|the-code|the-access-token|eyJ[\\w-]{8}`)

export interface Refused {
  readonly status: number
  readonly code: string
  /** Where it is not known whose sign-in it was, there is no event. */
  readonly unknown?: boolean
}

/** What is done in a browser that leads to a refusal on a connection. */
export interface Act {
  readonly connection: Connection
  readonly browser?: Browser
  readonly act: (browser: Browser) => Promise<Page>
  readonly refused: Refused
}

/** What a refused sign-in leaves: a page that says why, one event, and nothing else. */
export async function checkRefused(
  t: Test,
  scene: Deceived,
  { connection, browser = createBrowser(), act, refused }: Act,
): Promise<void> {
  const before = await scene.written()
  const known = await scene.reasons(connection)
  scene.logged()
  const page = await act(browser)
  t.equal(page.status, refused.status)
  t.match(page.text, `<code>${refused.code}</code>`)
  t.equal(scene.sessionOf(browser), undefined, 'no session')
  t.same(await scene.written(), before, 'nothing written')
  const told = refused.unknown ? [] : [refused.code]
  t.same(await scene.reasons(connection), [...known, ...told], 'one event')
  t.notMatch(page.text, SECRETS)
  t.notMatch(page.text, /<script|onerror=/i)
  const log = scene.logged()
  t.match(log, refused.code, 'a line in the log')
  t.notMatch(log, SECRETS)
  t.notMatch(log, /state=/)
  t.match(page.headers.get('content-security-policy'), "default-src 'none'")
  t.equal(page.headers.get('cache-control'), 'no-store')
}

/** One lie, told to a connection that has not yet met its provider. */
export async function checkLie(
  t: Test,
  scene: Deceived,
  { lies, ...refused }: Refused & { readonly lies: Lies },
): Promise<void> {
  const connection = await scene.connect()
  scene.provider.lie(lies)
  await checkRefused(t, scene, { connection, act: (browser) => scene.enter(connection, browser), refused })
  t.notOk(
    scene.provider.requests.some((path) => path.startsWith('/evil')),
    'no address of a token is asked',
  )
  const asked = (path: string) => scene.provider.requests.filter((one) => one === path).length
  t.ok(asked('/jwks') <= 2, 'keys are fetched again once at most')
  t.ok(asked('/token') <= 1, 'a code is redeemed once')
}
