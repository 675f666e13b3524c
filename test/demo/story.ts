import { deepEqual, equal, match } from 'node:assert/strict'
import { type Browser, createBrowser } from '../oidc/browser.ts'
import { type Ask, adminAsk, callAt, scimAsk } from '../src/api.ts'
import { type Directory, directory, expected } from './directory.ts'
import { ada, alan, type Employee, grace } from './people.ts'
import { type Row, report, table } from './report.ts'

export interface Stage {
  readonly url: string
  readonly adminKey: string
  readonly issuer: string
  readonly say: (line: string) => void
}

/** The client that the provider knows Usher as. */
export const client = { client_id: 'usher', client_secret: 'a-secret-of-the-demo' }

/** What the scenes share; `path` is that of the organization in the administration. */
interface Scene extends Stage {
  readonly admin: Ask
  readonly path: string
  readonly idp: Directory
  readonly times: Map<string, number>
}

/** Plays administrator, identity provider and people, each over HTTP; throws where something is not as it should be. */
export async function play(stage: Stage): Promise<{ path: string }> {
  const admin = adminAsk(callAt(stage.url), stage.adminKey)
  const { path, token } = await setUp(stage, admin)
  const idp = directory(scimAsk(callAt(stage.url), token))
  const scene = { ...stage, admin, path, idp, times: new Map<string, number>() }
  const graceId = await push(scene)
  await arrive(scene, alan)
  const browser = await arrive(scene, grace)
  await leave(scene, { id: graceId, browser })
  await conclude(scene)
  return { path }
}

async function setUp({ issuer, say }: Stage, admin: Ask): Promise<{ path: string; token: string }> {
  say('\nThe administrator, with the admin key:')
  const made = async (path: string, body: object) => expected(await admin('POST', path, body), 201).body
  const organization = await made('/organizations', { slug: 'acme', name: 'Acme Ltd' })
  say('  made the organization acme')
  const path = `/organizations/${organization.id}`
  const oidc = {
    issuer,
    clientId: client.client_id,
    clientSecret: client.client_secret,
    correlationClaim: 'oid',
  }
  const connection = await made(`${path}/connections`, { name: 'Acme directory', oidc, scim: {} })
  say('  made its connection, with an OIDC half and a SCIM half')
  const { token } = await made(`${path}/connections/${connection.id}/scim-credentials`, {})
  say('  made a credential for SCIM')
  return { path, token }
}

async function push(scene: Scene): Promise<string> {
  const { idp, say } = scene
  say('\nThe identity provider, by SCIM as Entra does it:')
  await idp.testConnection()
  say('  tested the connection')
  const pushed = async (person: Employee) => {
    const id = await timed(scene, person, () => idp.pushUser(person))
    say(`  pushed ${person.name}`)
    return id
  }
  const members = [await pushed(ada), await pushed(grace)] as const
  await idp.pushGroup('Engineering', members)
  say('  pushed the group Engineering, then its two members')
  return members[1]
}

/** Signs somebody in through the provider's own pages. */
async function arrive(scene: Scene, person: Employee): Promise<Browser> {
  const { url, say } = scene
  const browser = createBrowser()
  const provider = await browser.open(`${url}/login/acme`)
  const landed = await timed(scene, person, () => browser.submit(provider, { sub: person.sub }))
  equal(landed.url.href, `${url}/`, `${person.name} landed at ${landed.url}: ${landed.text}`)
  match(landed.text, /My workspace/)
  if (person === alan) say('\nPeople, with a browser:')
  say(`  ${person.name} signed in at the provider and landed in “My workspace”`)
  return browser
}

/** How long it takes, the first time, until the administration shows the person ready. */
async function timed<T>({ admin, path, times }: Scene, person: Employee, work: () => Promise<T>): Promise<T> {
  const began = performance.now()
  const result = await work()
  const filter = encodeURIComponent(`userName eq "${person.preferred_username}" and status eq "ready"`)
  const { items } = expected(await admin('GET', `${path}/users?filter=${filter}`), 200).body
  equal(items.length, 1, `${person.name} is not ready`)
  if (!times.has(person.name)) times.set(person.name, Math.round(performance.now() - began))
  return result
}

async function leave(
  { url, idp, say }: Scene,
  { id, browser }: { id: string; browser: Browser },
): Promise<void> {
  equal((await browser.open(`${url}/session`)).status, 200)
  say(`\nThe identity provider, when ${grace.name} leaves:`)
  await idp.deactivate(id)
  say('  set active to "False"')
  equal((await browser.open(`${url}/session`)).status, 401)
  say('  her session is over: GET /session answers 401')
  // The provider still knows her browser, and lets her pass without asking.
  const refused = await browser.open(`${url}/login/acme`)
  equal(refused.status, 403)
  match(refused.text, /<code>suspended<\/code>/)
  say('  her next sign-in is refused: 403, suspended')
}

const place = { workspace: 'My workspace', role: 'owner', home: 'Acme Ltd' }

const outcome: readonly Row[] = [
  { who: ada.name, way: 'SCIM push', status: 'ready', ...place, session: 'none yet' },
  { who: grace.name, way: 'SCIM push', status: 'suspended', ...place, session: 'ended' },
  { who: alan.name, way: 'sign-in', status: 'ready', ...place, session: 'alive' },
]

async function conclude({ admin, path, times, say }: Scene): Promise<void> {
  const rows = await report(admin, path)
  say(`\nWhat the administration says of them:\n\n${tableOf(rows, times)}`)
  say('\nReady after: from the push, or from the button at the provider, until it showed them ready.')
  deepEqual(rows, outcome, 'the table is not as it should be')
}

function tableOf(rows: readonly Row[], times: ReadonlyMap<string, number>): string {
  const head = ['Who', 'By', 'Workspace', 'Role', 'Home', 'Status', 'Ready after', 'Session']
  const cells = rows.map(({ who, way, workspace, role, home, status, session }) => [
    ...[who, way, workspace, role, home, status],
    ...[`${times.get(who)} ms`, session],
  ])
  return table(head, cells)
}
