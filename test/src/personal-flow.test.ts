import t from 'tap'
import { createBrowser } from '../oidc/browser.ts'
import { startProvider } from '../oidc/provider.ts'
import { makeConnection, makeOrganization } from './api.ts'
import { listen } from './listening.ts'

const client = { client_id: 'usher', client_secret: 'a-secret-of-the-test' }
const OIDC = { clientId: client.client_id, clientSecret: client.client_secret }
const people = [
  { sub: 'ada', name: 'Ada Lovelace', email: 'ada@home.example', email_verified: true },
  { sub: 'bob', name: 'Bob', email: 'bob@acme.example', email_verified: true },
]

t.test(
  'a real provider signs people in to places of their own, and elsewhere whom a company has',
  async (t) => {
    const provider = await startProvider({ people, clients: [client], claimsInIdToken: true })
    t.teardown(() => provider.close())
    const usher = await listen(t, new URL(provider.issuer).host)
    const oidc = { issuer: provider.issuer, ...OIDC }
    t.match(await usher.admin('PUT', '/public-connection', { oidc }), { status: 200 })
    const acme = await makeOrganization(usher.admin)
    await makeConnection(usher.admin, acme, { oidc })
    await usher.rows(
      `insert into domains (organization_id, domain, challenge, created_at, verified_at, checked_at)
     values ($1, 'acme.example', 'x', now(), now(), now())`,
      [acme.id],
    )
    const ada = createBrowser()
    const signInAs = async (browser: typeof ada, sub: string, at = '/login/public') =>
      browser.submit(await browser.open(`${usher.url}${at}`), { sub })
    t.match(await signInAs(ada, 'ada'), { status: 200, text: /My workspace/ })
    const slugs = await usher.rows("select slug from organizations where kind = 'personal'", [])
    t.equal(slugs.length, 1)
    const again = createBrowser()
    t.match(await signInAs(again, 'ada', `/login/${slugs[0]?.slug}`), { status: 200, text: /Ada Lovelace/ })
    const form = { method: 'POST', body: new URLSearchParams({ login_hint: 'ada@home.example' }) }
    const found = createBrowser()
    t.match(await found.submit(await found.open(`${usher.url}/login`, form), { sub: 'ada' }), {
      status: 200,
      text: /Ada Lovelace/,
    })
    const refused = await signInAs(createBrowser(), 'bob')
    t.match(refused, { status: 403, text: /domain_managed/ })
    t.match(refused.text, `href="/login/${acme.slug}"`)
    t.equal((await usher.rows("select 1 from organizations where kind = 'personal'", [])).length, 1)
    const bob = createBrowser()
    t.match(await signInAs(bob, 'bob', `/login/${acme.slug}`), { status: 200, text: /Company/ })
  },
)
