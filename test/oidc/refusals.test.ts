import t from 'tap'
import { createOutbound } from '../../src/outbound.ts'
import { createBrowser, type Page } from './browser.ts'
import { json, type Lies, startHostile } from './hostile.ts'
import { answerCases } from './lies/answers.ts'
import { CLIENT_SECRET } from './lies/case.ts'
import { endpointCases } from './lies/endpoints.ts'
import { honestCases } from './lies/honest.ts'
import { claimCases, signatureCases } from './lies/tokens.ts'
import { connectionTo, reset, SESSION, startHost } from './memory-host.ts'

const provider = await startHostile()
const outbound = createOutbound({ allow: ['127.0.0.1'] })
const host = await startHost({ fetch: outbound.fetch, allowInsecure: outbound.allowInsecure })
const connection = connectionTo(provider.issuer, { clientSecret: CLIENT_SECRET })
host.connections.push(connection)
t.teardown(async () => {
  await host.app.close()
  await outbound.close()
  await provider.close()
})

/** One sign-in from its start to wherever the lies lead. */
async function attempt(lies: Lies, browser = createBrowser()): Promise<Page> {
  reset(host)
  provider.lie(lies)
  return browser.open(`${host.url}/login/acme`)
}

for (const casesOf of [claimCases, signatureCases, endpointCases, answerCases])
  for (const { name, lies, status, code } of casesOf(provider))
    t.test(`refused: ${name}`, async (t) => {
      const browser = createBrowser()
      const page = await attempt(lies, browser)
      t.equal(page.status, status)
      t.match(host.refusals, [{ refusal: { code }, connectionId: connection.id }])
      t.match(page.text, `refused ${code}`)
      t.notMatch(page.text, '<script')
      t.equal(page.headers.get('cache-control'), 'no-store')
      t.equal(browser.cookies(host.url)[SESSION], undefined, 'no session')
      t.same(host.signIns, [])
      t.notMatch(host.log.join(''), /secret|the-code|the-access-token|eyJ|state=/)
      t.notOk(provider.requests.some((path) => path.startsWith('/evil')))
    })

for (const { name, lies } of honestCases(provider))
  t.test(`accepted: ${name}`, async (t) => {
    t.match(await attempt(lies), { status: 200, text: 'home' })
    t.match(host.signIns, [{ subject: /^(ada|1|x{255})$/ }])
  })

t.test('refused: at a host of Entra, where openid-client tolerates it, a differing issuer', async (t) => {
  const microsoft = 'https://login.microsoftonline.com'
  const here: typeof fetch = (input, init) => fetch(String(input).replace(microsoft, provider.issuer), init)
  const entra = await startHost({ fetch: here })
  t.teardown(() => entra.app.close())
  const issuer = `${microsoft}/3f0a/v2.0`
  entra.connections.push(connectionTo(issuer))
  provider.lie({
    endpoints: {
      '/3f0a/v2.0/.well-known/openid-configuration': (response) =>
        json(response, {
          issuer: `${microsoft}/{tenantid}/v2.0`,
          authorization_endpoint: `${microsoft}/authorize`,
          token_endpoint: `${microsoft}/token`,
          jwks_uri: `${microsoft}/jwks`,
        }),
    },
  })
  const page = await createBrowser().open(`${entra.url}/login/acme`)
  t.match(page, { status: 502, text: /provider_metadata/ })
  t.match(entra.refusals, [{ refusal: { detail: 'issuer differs' } }])
})
