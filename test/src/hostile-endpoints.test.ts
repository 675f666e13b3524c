import t from 'tap'
import { createBrowser, type Page } from '../oidc/browser.ts'
import { type HostileProvider, json, type Lies, startHostile } from '../oidc/hostile.ts'
import { DELAYS } from '../oidc/lies/floods.ts'
import { makeCredential } from './api.ts'
import { deceived } from './deceived.ts'
import { person } from './people.ts'

const scene = await deceived(t)
const { usher } = scene
const DISCOVERY = '/.well-known/openid-configuration'

const little: Lies = { claims: ({ email, ...good }) => good }

/** One provider each, since they are to be slow at the same time. */
async function meet(lies: Lies, own?: HostileProvider) {
  const provider = own ?? (await startHostile())
  t.teardown(() => provider.close())
  provider.lie(lies)
  return { provider, connection: await scene.connect({ issuer: provider.issuer }) }
}

/** Requests are pushed to a provider that is asked to take them. */
async function meetPushed(answering: Lies['endpoints'], required = false) {
  const provider = await startHostile()
  const pushed_authorization_request_endpoint = `${provider.issuer}/par`
  const discovery: Lies['discovery'] = (good) => ({
    ...good,
    pushed_authorization_request_endpoint,
    require_pushed_authorization_requests: required,
  })
  const taken: Lies['endpoints'] = {
    '/par': (response) => json(response, { request_uri: 'urn:one', expires_in: 60 }, 201),
  }
  return meet({ discovery, endpoints: { ...taken, ...answering } }, provider)
}

t.test('whoever signs in where an endpoint comes to no end gets a page', async (t) => {
  const before = await scene.written()
  scene.logged()
  const slow = Object.entries(DELAYS).flatMap(([how, endpoint]) => [
    ...[DISCOVERY, '/jwks', '/token', '/userinfo'].map((path) => ({
      name: `${path} ${how}`,
      met: meet({ ...little, endpoints: { [path]: endpoint } }),
    })),
    { name: `/par ${how}`, met: meetPushed({ '/par': endpoint }) },
  ])
  const connections = await Promise.all(slow.map(async ({ name, met }) => ({ name, ...(await met) })))
  const began = Date.now()
  await Promise.all(
    connections.map(async ({ name, connection }) => {
      const browser = createBrowser()
      // Without a limit there would never be a page.
      t.match(await scene.enter(connection, browser), { status: 504, text: /<code>provider_timeout</ }, name)
      t.equal(scene.sessionOf(browser), undefined)
      t.same(await scene.reasons(connection), ['provider_timeout'], name)
    }),
  )
  // Five seconds, by design; the rest is for this machine, which does all of them at once.
  t.ok(Date.now() - began < 15_000, 'in a few seconds')
  t.same(await scene.written(), before)
  t.notMatch(scene.logged(), /state=|the-code|the-access-token/)
})

t.test('whoever begins without end has few requests pushed', async (t) => {
  for (const required of [false, true]) {
    const { provider, connection } = await meetPushed({}, required)
    const ends = async () => {
      const { status, headers } = await createBrowser().visit(`${usher.url}/oidc/${connection.id}/start`)
      return { status, wait: headers.get('retry-after') }
    }
    const all = []
    for (let begun = 0; begun < 100; begun++) all.push(await ends())
    const pushed = provider.requests.filter((path) => path === '/par').length
    t.ok(pushed >= 60 && pushed < 90, `${pushed} of 100`)
    if (!required) t.ok(all.every(({ status }) => status === 303))
    else t.match(all.at(-1), { status: 429, wait: /^[1-9]/ })
    const others = await meetPushed({}, required)
    t.match(await createBrowser().visit(`${usher.url}/oidc/${others.connection.id}/start`), { status: 303 })
    t.ok(others.provider.requests.includes('/par'), 'which is nothing to others')
  }
})

t.test('while twenty sign-ins hang, everybody else goes on', async (t) => {
  const { connection: well } = await meet({})
  const pushing = await scene.connect({}, { scim: {} })
  const { token } = await makeCredential(usher.admin, pushing)
  const scim = usher.scim(token)
  const ada = createBrowser()
  t.equal((await scene.enter(well, ada)).status, 200)

  let held = 0
  const hold = () => void held++
  const met = await Promise.all(
    Array.from({ length: 20 }, (_, at) =>
      meet({ ...little, endpoints: { [[DISCOVERY, '/jwks', '/token', '/userinfo'][at % 4] ?? '']: hold } }),
    ),
  )
  const hanging = met.map(({ connection }) => scene.enter(connection))
  while (held < 20) await new Promise((resolve) => setImmediate(resolve))
  const others: Record<string, () => Promise<Pick<Page, 'status'>>> = {
    session: () => ada.visit(`${usher.url}/session`),
    'session check': () => ada.visit(`${usher.url}/session/verify`),
    'SCIM create': () => scim('POST', '/Users', person(`p-${Math.random()}`)),
    'SCIM list': () => scim('GET', '/Users'),
    'sign-in elsewhere': () => scene.enter(well),
    readiness: () => ada.visit(`${usher.url}/readyz`),
  }
  for (const round of [1, 2, 3])
    await Promise.all(
      Object.entries(others).map(async ([what, ask]) => {
        const { status } = await ask()
        t.ok(status < 300, `${what} ${round}: ${status}`)
      }),
    )
  for (const page of await Promise.all(hanging)) t.equal(page.status, 504)
})
