import t from 'tap'
import { claimDomain, verifyDomain } from '../../db/index.ts'
import { startProvider } from '../oidc/provider.ts'
import type { Answer, Organization } from './api.ts'
import { startUsher, type Usher } from './usher.ts'

const provider = await startProvider({ people: [], clients: [{ client_id: 'usher', client_secret: 's' }] })
t.teardown(() => provider.close())
const oidc = { issuer: provider.issuer, clientId: 'usher', clientSecret: 's' }

let asker = 0

/** From another network each time, as different people do. */
async function find(usher: Usher, address: string, more: Record<string, string> = {}): Promise<Answer> {
  const { statusCode, headers, body } = await usher.app.inject({
    method: 'POST',
    url: '/login',
    remoteAddress: `2001:db8:0:${(++asker).toString(16)}::1`,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    payload: String(new URLSearchParams({ login_hint: address, ...more })),
  })
  return { status: statusCode, headers, text: body, body: {} as Answer['body'] } // a page has no body of JSON
}

async function own(usher: Usher, { id: organizationId }: Organization, domain: string): Promise<void> {
  const scope = { db: usher.db, organizationId, actor: 'test', now: new Date(), requestId: '' }
  await claimDomain(scope, { domain, challenge: 'x' }, [])
  await verifyDomain(scope, domain, [])
}

/** The answer without what differs each time. */
const shapeOf = ({ status, headers, text }: Answer) => ({
  status,
  headers: Object.keys(headers).sort(),
  location: String(headers.location ?? '').replace(/(state|nonce|code_challenge|login_hint)=[^&]*/g, '$1'),
  text: text.replace(/[\w.]+@/g, '@'),
})

t.test('somebody is found by the domain of their address', async (t) => {
  const usher = await startUsher(t, { outboundAllow: new URL(provider.issuer).host })
  const acme = await usher.makeOrganization()
  const connection = await usher.makeConnection(acme, { oidc, scim: {} })
  await own(usher, acme, 'acme.example')
  await own(usher, acme, 'xn--mller-kva.example')
  const { token } = await usher.makeCredential(connection)
  await usher.scim(token)('POST', '/Users', { userName: 'ada@acme.example' })

  await t.test('and goes to the provider of its organization', async (t) => {
    for (const address of [
      'ada@acme.example',
      'ada@ACME.Example',
      'ada@acme.example.',
      'ada@müller.example',
    ]) {
      const { status, headers } = await find(usher, address, { return_to: '/place' })
      t.equal(status, 303, address)
      const location = new URL(String(headers.location))
      t.equal(location.origin, new URL(provider.issuer).origin)
      t.equal(location.searchParams.get('login_hint'), address)
      t.match(location.searchParams.get('redirect_uri'), connection.id)
    }
    t.match(await usher.rows('select distinct return_to from sign_in_transactions'), [
      { return_to: '/place' },
    ])
    const kept = await usher.rows("select 1 from sign_in_transactions s where s::text like '%ada@%'")
    t.same(kept, [], 'nothing of the address is kept')
  })

  await t.test('with the same answer for whoever is known and whoever is not', async (t) => {
    const known = shapeOf(await find(usher, 'ada@acme.example'))
    t.same(shapeOf(await find(usher, 'nobody@acme.example')), known)
    const unknown = shapeOf(await find(usher, 'ada@nowhere.example'))
    t.same(shapeOf(await find(usher, 'nobody@nowhere.example')), unknown)
  })

  await t.test('and is asked again where nothing is found, with a way to go on', async (t) => {
    const answer = await find(usher, 'ada@nowhere.example', { return_to: '/place' })
    t.equal(answer.status, 404)
    t.equal(answer.headers['set-cookie'], undefined)
    t.match(answer.text, 'value="ada@nowhere.example"')
    t.match(answer.text, 'name="return_to" value="/place"')
    t.match(answer.text, '/login/<em>organization</em>')
    t.match(answer.text, /aria-describedby="fault hint" aria-invalid="true"/)
    for (const text of ['', 'ada', 'ada@', '@acme.example', 'ada@acme.example@acme.example', 'ada@127.0.0.1'])
      t.match(await find(usher, text), { status: 400, text: /This is not an e-mail address/ }, text)
    t.match(await find(usher, 'a@acme.example\0'), { status: 400, text: /invalid_request/ })
  })

  await t.test('only by a domain that is verified, of an organization and a connection in use', async (t) => {
    const scope = { db: usher.db, organizationId: acme.id, actor: 'test', now: new Date(), requestId: '' }
    await claimDomain(scope, { domain: 'claimed.example', challenge: 'x' }, [])
    t.match(await find(usher, 'ada@claimed.example'), { status: 404 })
    t.match(await find(usher, 'ada@sub.acme.example'), { status: 404 }, 'exactly that domain')
    await usher.admin('PATCH', connection.path, { status: 'disabled' })
    t.match(await find(usher, 'ada@acme.example'), { status: 404 })
    await usher.admin('PATCH', connection.path, { status: 'active' })
    await usher.rows("update organizations set status = 'suspended'")
    t.match(await find(usher, 'ada@acme.example'), { status: 404 })
    await usher.rows("update organizations set status = 'active'")
    t.match(await find(usher, 'ada@acme.example'), { status: 303 })
  })

  await t.test('with a choice where several connections fit, which keeps the address', async (t) => {
    const two = await usher.makeOrganization()
    for (const name of ['Staff', 'Partners']) await usher.makeConnection(two, { name, oidc })
    await own(usher, two, 'two.example')
    const { status, text } = await find(usher, 'bob@two.example', { return_to: '/place' })
    t.equal(status, 200)
    const links = [...text.matchAll(/href="(\/oidc\/[^"]+)"/g)].map(([, link = '']) =>
      link.replaceAll('&amp;', '&'),
    )
    t.equal(links.length, 2)
    for (const url of links) {
      const { headers } = await usher.call({ method: 'GET', url })
      t.equal(new URL(String(headers.location)).searchParams.get('login_hint'), 'bob@two.example')
    }
  })
})

t.test('who looks for many domains is slowed down, by the network', async (t) => {
  const usher = await startUsher(t, { clock: () => new Date('2026-01-01') })
  const ask = (remoteAddress: string) =>
    usher.app.inject({
      method: 'POST',
      url: '/login?lang=de',
      remoteAddress,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      payload: 'login_hint=a@nowhere.example',
    })
  const statuses: number[] = []
  for (let host = 1; host <= 25; host++)
    statuses.push((await ask(`2001:db8::${host.toString(16)}`)).statusCode)
  t.equal(statuses.filter((status) => status === 404).length, 20)
  const refused = await ask('2001:db8::ffff')
  t.match(refused, { statusCode: 429, headers: { 'retry-after': /^[1-9]\d*$/ }, body: /zu viele Anfragen/ })
  t.equal((await ask('2001:db8:0:1::1')).statusCode, 404, 'another network is served')
})

t.test('the address of an organization passes on who signs in, and in which languages', async (t) => {
  const usher = await startUsher(t, { outboundAllow: new URL(provider.issuer).host })
  const acme = await usher.makeOrganization()
  await usher.makeConnection(acme, { oidc })
  const url = `/login/${acme.slug}?login_hint=ada%2Bx@acme.example&ui_locales=de-AT%20en`
  const { headers } = await usher.call({ method: 'GET', url })
  const asked = new URL(String(headers.location)).searchParams
  t.equal(asked.get('login_hint'), 'ada+x@acme.example')
  t.equal(asked.get('ui_locales'), 'de-AT en')
  const odd = await usher.call({ method: 'GET', url: `/login/${acme.slug}?login_hint=a%0d%0ab` })
  t.match(odd, { status: 400, text: /invalid_request/ })
})

t.test('the page that asks keeps where to go, and who it is', async (t) => {
  const usher = await startUsher(t)
  const get = (url: string) => usher.call({ method: 'GET', url })
  const page = await get('/login?return_to=/place%3Fa=b&login_hint=ada@acme.example&lang=de')
  t.match(page, { status: 200, text: /<label for="address">Ihre E-Mail-Adresse/ })
  t.match(page.text, 'action="/login?lang=de"')
  t.match(page.text, 'name="return_to" value="/place?a=b"')
  t.match(page.text, 'value="ada@acme.example"')
  t.match(await get('/login?return_to=//evil.example'), { status: 400, text: /invalid_return_to/ })
  t.match(await get('/login/nobody'), { status: 404, text: /href="\/login"/ })
})
