import t from 'tap'
import { createBrowser } from '../oidc/browser.ts'
import { json, newKey, publicJwk, startHostile } from '../oidc/hostile.ts'
import { answerCases } from '../oidc/lies/answers.ts'
import { endpointCases } from '../oidc/lies/endpoints.ts'
import { honestCases } from '../oidc/lies/honest.ts'
import { claimCases, signatureCases } from '../oidc/lies/tokens.ts'
import { makeOrganization } from './api.ts'
import { checkLie, deceived } from './deceived.ts'

const scene = await deceived(t)
const { provider, usher } = scene

for (const casesOf of [claimCases, signatureCases, endpointCases, answerCases])
  for (const one of casesOf(provider)) t.test(`refused: ${one.name}`, (t) => checkLie(t, scene, one))

for (const { name, lies } of honestCases(provider))
  t.test(`accepted: ${name}`, async (t) => {
    const connection = await scene.connect()
    provider.lie(lies)
    const browser = createBrowser()
    t.match(await scene.enter(connection, browser), { status: 200, text: /My workspace/ })
    t.ok(scene.sessionOf(browser))
    t.same(await scene.reasons(connection), [])
    t.notOk(provider.requests.some((path) => path.startsWith('/evil')))
  })

t.test('an access token is shown to userinfo in a header, and in no address', async (t) => {
  const connection = await scene.connect()
  const heard: (string | undefined)[] = []
  provider.lie({
    claims: ({ email, ...good }) => good,
    endpoints: {
      '/userinfo': (response, { method, url, headers }) => {
        heard.push(method, url, headers.authorization)
        json(response, { sub: 'ada' })
      },
    },
  })
  t.equal((await scene.enter(connection)).status, 200)
  t.same(heard, ['GET', '/userinfo', 'Bearer the-access-token'])
})

t.test('accepted: an issuer with a path', async (t) => {
  const { issuer, close } = await startHostile('/tenant/v2.0')
  t.teardown(close)
  t.match(await scene.enter(await scene.connect({ issuer })), { status: 200, text: /My workspace/ })
})

t.test('accepted: keys that rotate twice in a minute, also under the same kid', async (t) => {
  const connection = await scene.connect()
  for (const kid of ['rsa', 'next', 'next']) {
    const key = newKey('RS256')
    provider.lie({ key, header: (good) => ({ ...good, kid }), jwks: () => [publicJwk(key, kid)] })
    t.match(await scene.enter(connection), { status: 200, text: /My workspace/ }, kid)
    t.equal(provider.requests.filter((path) => path === '/token').length, 1, 'the grant is not repeated')
  }
})

t.test('refused: an issuer that would switch off its own comparison', async (t) => {
  const organization = await makeOrganization(usher.admin)
  const microsoft = 'https://login.microsoftonline.com'
  for (const issuer of [
    ...[`${provider.issuer}/.well-known/openid-configuration`, `${provider.issuer}/.well-known/x`],
    ...[`${provider.issuer}?a=b`, `${provider.issuer}/#a`, provider.issuer.replace('//', '//user:pass@')],
    ...['common', 'organizations', 'consumers', 'Common'].map((any) => `${microsoft}/${any}/v2.0`),
  ]) {
    const wish = { name: issuer, oidc: { issuer, clientId: 'usher' } }
    const made = await usher.admin('POST', `${organization.path}/connections`, wish)
    if (made.status === 400) continue
    const page = await createBrowser().open(`${usher.url}/oidc/${made.body.id}/start`)
    t.match(page, { status: 502, text: /<code>provider_metadata</ }, issuer)
  }
  t.same(
    provider.requests.filter((path) => path.includes('well-known/x')),
    [],
  )
})
