import { get } from 'node:http'
import t, { type Test } from 'tap'
import { createBrowser } from '../oidc/browser.ts'
import { startHostile } from '../oidc/hostile.ts'
import { requireProgram } from '../require.ts'
import { callAt, makeConnection, makeCredential, makeOrganization } from './api.ts'
import { listen } from './listening.ts'
import { startNginx, startProduct } from './nginx.ts'
import { patchUser, person } from './people.ts'

const { path, options } = requireProgram('nginx')

/** A product behind nginx, and somebody whom SCIM pushed and who is signed in. */
async function scene(t: Test) {
  const provider = await startHostile()
  t.teardown(() => provider.close())
  const usher = await listen(t, new URL(provider.issuer).host)
  const organization = await makeOrganization(usher.admin)
  const oidc = { issuer: provider.issuer, clientId: 'usher', clientSecret: 's' }
  const connection = await makeConnection(usher.admin, organization, { oidc, scim: {} })
  const scim = usher.scim((await makeCredential(usher.admin, connection)).token)
  const { id } = (await scim('POST', '/Users', person('ada', { externalId: 'ada' }))).body
  const browser = createBrowser()
  await browser.open(`${usher.url}/oidc/${connection.id}/start`)
  const cookie = `usher_session=${browser.cookies(usher.url).usher_session}`
  const product = await startProduct(t)
  const at = await startNginx(t, { path, usher: new URL(usher.url).host, product: product.address })
  return { usher, organization, scim, id, cookie, product, at }
}

/** Asks with these very headers and this very path, as no well-behaved client might. */
function ask(at: string, url: string, headers: string[] = []): Promise<{ status: number; location: string }> {
  const { hostname, port } = new URL(at)
  return new Promise((resolve, reject) => {
    const request = get(
      { hostname, port, path: url, headers: ['Host', 'localhost', ...headers] },
      (answer) => {
        answer.resume()
        resolve({ status: answer.statusCode ?? 0, location: answer.headers.location ?? '' })
      },
    )
    request.on('error', reject)
  })
}

const chunks = (...parts: string[]) => ReadableStream.from(parts.map((part) => Buffer.from(part)))
const page = ['Accept', 'text/html,*/*']

t.test('behind nginx, the product meets people with a session only', options, async (t) => {
  const { at, cookie, product, id, organization, usher, scim } = await scene(t)
  const withCookie = ['Cookie', cookie]

  await t.test('without a session a page leads to the sign-in, and all else is refused', async (t) => {
    t.equal((await ask(at, '/a/path')).status, 401)
    t.same(await ask(at, '/a/path', page), { status: 302, location: '/login?return_to=/a/path' })
    const told = await ask(at, '/a?x=1&return_to=//evil.example&y', page)
    t.equal(told.location, '/login?return_to=/a')
    const split = await ask(at, '/a%0d%0aSet-Cookie:%20x=1', page)
    t.equal(split.location, '/login?return_to=/a%0d%0aSet-Cookie:%20x=1')
    for (const wrong of ['usher_session=', 'usher_session=x', `usher_session=${organization.id}.x`])
      t.equal((await ask(at, '/', ['Cookie', wrong])).status, 401, wrong)
    t.equal((await ask(at, '/.usher-verify', withCookie)).status, 404, 'which is for nginx alone')
    t.same(product.asked, [])
  })

  await t.test('with a session the product is told whose it is', async (t) => {
    t.equal((await ask(at, '/a/path?x=1', withCookie)).status, 200)
    const { url, headers } = product.asked.pop() ?? { headers: {} }
    const { body: session } = await callAt(at)({ method: 'GET', url: '/session', headers: { cookie } })
    t.equal(url, '/a/path?x=1')
    t.match(headers, {
      'x-usher-user': id,
      'x-usher-organization': organization.id,
      'x-usher-workspace': (session.workspace as { id: string }).id,
      'x-usher-role': 'owner',
    })
    const bodies = [() => 'text', () => 'GET /session/verify HTTP/1.1\r\n\r\n', () => chunks('a', 'b')]
    for (const body of bodies) {
      // `duplex` is undici's own.
      const post = (headers: Record<string, string>) =>
        fetch(`${at}/b`, { method: 'POST', headers, body: body(), duplex: 'half' } as RequestInit)
      t.equal((await post({ cookie })).status, 200, 'a body does not disturb the check')
      t.equal((await post({})).status, 401, 'nor the next')
    }
    product.asked.length = 0
  })

  await t.test('a client cannot say who it is', async (t) => {
    const forged = [
      ...['X-Usher-User', 'evil', 'x-usher-user', 'evil', 'X-USHER-ROLE', 'evil', 'X_Usher_User', 'evil'],
      ...['x-usher-organization', 'evil', 'x_usher_role', 'evil', 'X-Usher-Workspace', 'evil'],
      ...['X-Forwarded-For', 'evil'],
    ]
    t.equal((await ask(at, '/', [...withCookie, ...forged])).status, 200)
    t.equal((await ask(at, '/', forged)).status, 401)
    await usher.rows('delete from memberships where user_id = $1', [id])
    t.equal((await ask(at, '/', [...withCookie, ...forged])).status, 200)
    const [placed, placeless] = product.asked
    t.equal(product.asked.length, 2)
    t.match(placed?.headers, { 'x-usher-user': id, 'x-usher-role': 'owner' })
    t.notOk(placed?.raw.includes('evil'))
    t.match(placeless?.headers, { 'x-usher-user': id })
    t.notOk(placeless?.raw.includes('evil'), 'nor where nothing is said in place of it')
    product.asked.length = 0
  })

  await t.test('after a deactivation the next request is refused', async (t) => {
    t.equal((await ask(at, '/', withCookie)).status, 200)
    t.equal((await patchUser(scim, id, { active: false })).status, 200)
    t.equal((await ask(at, '/', withCookie)).status, 401)
    t.equal(product.asked.length, 1)
  })
})

t.test('where Usher cannot be asked, nginx lets nobody in', options, async (t) => {
  const product = await startProduct(t)
  const at = await startNginx(t, { path, usher: '127.0.0.1:1', product: product.address })
  t.equal((await ask(at, '/', ['Cookie', 'usher_session=x'])).status, 500)
  t.equal((await ask(at, '/', page)).status, 500)
  t.same(product.asked, [])
})
