import { readFileSync } from 'node:fs'
import { Agent, type IncomingHttpHeaders, METHODS, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { parse } from 'yaml'
import { startUsher } from './usher.ts'

/** On one connection, so that a body which was left there would be taken for the next request. */
const agent = new Agent({ keepAlive: true, maxSockets: 1 })
t.teardown(() => agent.destroy())

const usher = await startUsher(t)
const { connection, organization } = await usher.makePusher({
  oidc: { issuer: 'https://idp.example', clientId: 'c' },
  scim: {},
})
const { cookie } = await usher.signIn(connection, { sub: 'ada' })
await usher.app.listen({ host: '127.0.0.1', port: 0 })
const { port } = usher.app.server.address() as AddressInfo // it listens on a port

interface Check {
  readonly method: string
  readonly path?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

interface Verdict {
  readonly status: number
  readonly headers: IncomingHttpHeaders
}

function check({ method, path = '', headers = {}, body }: Check): Promise<Verdict> {
  const asked = { agent, port, host: '127.0.0.1', method, path: `/session/verify${path}`, headers }
  return new Promise((resolve, reject) => {
    const asking = request(asked, (answer) => {
      answer.resume().on('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers }))
    })
    asking.on('error', reject).end(body)
  })
}

const through = { status: 200, headers: { 'x-usher-organization': organization.id, 'x-usher-role': 'owner' } }
const lengthless = { 'content-length': '0' }

t.test('Envoy asks by the method and below the path that it was asked for', async (t) => {
  for (const method of METHODS.filter((one) => one !== 'CONNECT'))
    for (const path of ['/', '/a/path?x=1&return_to=//evil.example', `/${'long/'.repeat(500)}`]) {
      const at = `${method} ${path.slice(0, 20)}`
      const headers = { host: 'product.example', ...lengthless }
      t.match(await check({ method, path, headers: { ...headers, cookie } }), through, at)
      const refused = await check({ method, path, headers })
      t.match(refused, { status: 401, headers: { 'x-usher-user': undefined } }, `${at} without a session`)
    }
})

t.test('Traefik asks with what it was asked, be it by GET or by the same method', async (t) => {
  for (const method of ['GET', 'POST']) {
    const forwarded = {
      'x-forwarded-method': 'POST',
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'product.example',
      'x-forwarded-uri': '/a/path?x=1',
      'x-forwarded-for': '203.0.113.7',
    }
    t.match(await check({ method, headers: { ...forwarded, cookie } }), through, method)
    t.equal((await check({ method, headers: forwarded })).status, 401)
    const claimed = { 'x-usher-user': 'evil', 'x-usher-role': 'admin', 'x-forwarded-user': 'evil' }
    t.equal((await check({ method, headers: { ...forwarded, ...claimed } })).status, 401)
    const { headers } = await check({ method, headers: { ...claimed, cookie } })
    t.notOk(JSON.stringify(headers).includes('evil'))
  }
})

t.test('a body makes no difference, whatever it is said to be', async (t) => {
  const types = ['application/json', 'application/x-www-form-urlencoded', 'text/plain', 'none', ';', 'é/é']
  const bodies = ['', '{', 'GET /session/verify HTTP/1.1\r\n\r\n', 'x'.repeat(1024 * 1024 + 1)]
  for (const method of ['POST', 'DELETE', 'PROPFIND'])
    for (const type of types)
      for (const body of bodies) {
        const headers = {
          'content-type': Buffer.from(type).toString('latin1'),
          'content-length': String(body.length),
        }
        const at = `${method} ${type} ${body.length}`
        t.match(await check({ method, headers: { ...headers, cookie }, body }), through, at)
        t.equal((await check({ method, headers, body })).status, 401, at)
      }
})

const SAID = ['x-usher-organization', 'x-usher-role', 'x-usher-user', 'x-usher-workspace']

t.test('the examples take from a client each header that they let Usher say', async (t) => {
  const { http } = parse(readFileSync('deploy/traefik.yaml', 'utf8'))
  const names = (http.middlewares['signed-in'].forwardAuth.authResponseHeaders as string[]).map((name) =>
    name.toLowerCase(),
  )
  t.same(names.toSorted(), SAID, 'Traefik replaces or removes them')
  const likenesses = http.middlewares['without-likenesses'].headers.customRequestHeaders
  const alike = Object.keys(likenesses).map((name) => name.toLowerCase().replaceAll('_', '-'))
  t.same(alike.toSorted(), SAID)

  const envoy = parse(readFileSync('deploy/envoy.yaml', 'utf8'))
  const manager = envoy.static_resources.listeners[0].filter_chains[0].filters[0].typed_config
  t.equal(manager.common_http_protocol_options.headers_with_underscores_action, 'DROP_HEADER')
  const [first, second] = manager.http_filters
  const removed = (first.typed_config.mutations.request_mutations as { remove: string }[]).map(
    ({ remove }) => remove,
  )
  t.same(removed.toSorted(), SAID, 'Envoy removes them before it asks')
  const { http_service: service, failure_mode_allow: open } = second.typed_config
  const { patterns } = service.authorization_response.allowed_upstream_headers
  t.same((patterns as { exact: string }[]).map(({ exact }) => exact).toSorted(), SAID)
  t.match({ open, path: service.path_prefix }, { open: false, path: '/session/verify' })
})
