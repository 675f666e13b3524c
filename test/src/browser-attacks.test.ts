import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { BrowserContext, Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { createBrowser } from '../oidc/browser.ts'
import { startProvider } from '../oidc/provider.ts'
import * as api from './api.ts'
import { launch, options } from './chromium.ts'
import { listen } from './listening.ts'

const client = { client_id: 'usher', client_secret: 'a-secret-of-the-test' }
const names = ['Ada', 'Mallory'] as const

async function scene(t: Test) {
  const people = names.map((name) => ({ sub: name, name, preferred_username: name }))
  const provider = await startProvider({ people, clients: [client], claimsInIdToken: true })
  t.teardown(() => provider.close())
  const usher = await listen(t, new URL(provider.issuer).host)
  const organization = await api.makeOrganization(usher.admin)
  const oidc = { issuer: provider.issuer, clientId: client.client_id, clientSecret: client.client_secret }
  await api.makeConnection(usher.admin, organization, { oidc })
  return { usher, provider, browser: await launch(t), login: `${usher.url}/login/${organization.slug}` }
}

/** A page of another site. */
async function elsewhere(t: Test, body: string): Promise<string> {
  const server = createServer((_request, response) =>
    response.writeHead(200, { 'content-type': 'text/html' }).end(body),
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  // A server that listens on a port has an address of this kind.
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

/** The address of the callback that somebody is sent to, who does not go there. */
async function answerFor(sub: string, login: string, home: string): Promise<string> {
  const browser = createBrowser()
  const page = await browser.open(login)
  let next = await browser.visit(page.url, { method: 'POST', body: new URLSearchParams({ sub }) })
  for (;;) {
    const { href, origin } = new URL(next.headers.get('location') ?? '', next.url)
    if (origin === home) return href
    next = await browser.visit(href)
  }
}

const choose = (page: Page, name: string) => page.getByRole('button', { name }).click()
const heading = (page: Page) => page.getByRole('heading', { level: 1 }).innerText()

t.test('in a browser that is attacked', options, async (t) => {
  const { usher, provider, browser, login } = await scene(t)
  const session = async (context: BrowserContext) =>
    (await context.cookies(usher.url)).find(({ name }) => name === 'usher_session')?.value
  const signedIn = async (context: BrowserContext, name = 'Ada') => {
    const page = await context.newPage()
    await page.goto(login)
    await choose(page, name)
    await page.waitForURL(`${usher.url}/`)
    return page
  }

  await t.test('the provider is on another site, and its answer finds the cookies', async (t) => {
    t.not(new URL(provider.issuer).hostname, new URL(usher.url).hostname)
    const context = await browser.newContext()
    const page = await signedIn(context)
    t.equal(page.url(), `${usher.url}/`)
    for (const { sameSite, httpOnly, domain } of await context.cookies(usher.url))
      t.match({ sameSite, httpOnly, domain }, { sameSite: 'Lax', httpOnly: true, domain: 'localhost' })
  })

  await t.test('an answer of somebody else is refused, and whoever is signed in stays so', async (t) => {
    const answer = await answerFor('Mallory', login, usher.url)
    for (const who of [null, 'Ada']) {
      const victim = await browser.newContext()
      if (who) await signedIn(victim, who)
      const before = await session(victim)
      const planted = await victim.newPage()
      const link = `<a href="${answer.replaceAll('&', '&amp;')}">look</a>`
      await planted.goto(await elsewhere(t, link))
      await planted.getByRole('link').click()
      t.equal(await heading(planted), 'You are not signed in')
      t.match(await planted.getByRole('main').innerText(), /browser_mismatch/)
      t.equal(await session(victim), before)
    }
  })

  await t.test('the way back leads to no second sign-in, and a new one has a new session', async (t) => {
    const context = await browser.newContext()
    const page = await signedIn(context)
    const first = await session(context)
    await page.evaluate('history.back()')
    await page.waitForURL(`${provider.issuer}/**`)
    await page.evaluate('history.forward()')
    await page.waitForURL(`${usher.url}/`)
    t.equal(await session(context), first)
    await page.goto(login)
    t.equal(page.url(), `${usher.url}/`, 'the provider knows them still')
    const second = await session(context)
    t.ok(second)
    t.not(second, first)
    const cookie = `usher_session=${first}`
    t.equal((await fetch(`${usher.url}/session`, { headers: { cookie } })).status, 401, 'the former is over')
  })

  await t.test('a session that was there before signing in is not the one after it', async (t) => {
    const context = await browser.newContext()
    const planted = '00000000-0000-7000-8000-000000000000.planted'
    await context.addCookies([{ name: 'usher_session', value: planted, url: usher.url }])
    await signedIn(context)
    t.not(await session(context), planted)
  })

  await t.test(
    'another site signs nobody out, changes nothing, and shows no page of ours in its own',
    async (t) => {
      const context = await browser.newContext()
      await signedIn(context)
      const form = `<form method="post" action="${usher.url}/logout"><button>win</button></form>
      <iframe src="${usher.url}/"></iframe><img src="${usher.url}/logout">`
      const page = await context.newPage()
      await page.goto(await elsewhere(t, form))
      t.notMatch(
        await Promise.all(
          page
            .frames()
            .slice(1)
            .map((frame) => frame.content()),
        ),
        /My workspace|not signed/,
      )
      await page.getByRole('button').click()
      t.match(await page.getByRole('main').innerText(), /cross_site/)
      const home = await context.newPage()
      await home.goto(usher.url)
      t.equal(await heading(home), 'My workspace')
    },
  )
})
