import type { Browser, BrowserContext, Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { startProvider } from '../oidc/provider.ts'
import { faults } from './accessible.ts'
import type { Body } from './api.ts'
import * as api from './api.ts'
import { launch, options } from './chromium.ts'
import { listen } from './listening.ts'
import { person } from './people.ts'

const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
)
const client = { client_id: 'usher', client_secret: 'a-secret-of-the-test' }
const names = ['Ada', 'Grace', 'Mallory'] as const
type Name = (typeof names)[number]

/** A browser, and an organization whose provider knows three people; Mallory is suspended. */
async function scene(t: Test) {
  const provider = await startProvider({
    people: names.map((name) => ({ sub: name, name, preferred_username: `${name}@acme.example` })),
    clients: [client],
    claimsInIdToken: true,
  })
  t.teardown(() => provider.close())
  const records: string[] = []
  const usher = await listen(t, new URL(provider.issuer).host, undefined, {
    resolveTxt: async () => records,
  })
  const organization = await api.makeOrganization(usher.admin)
  const oidc = { issuer: provider.issuer, clientId: client.client_id, clientSecret: client.client_secret }
  const connection = await api.makeConnection(usher.admin, organization, { oidc, scim: {} })
  const { token } = await api.makeCredential(usher.admin, connection)
  const mallory = person('Mallory@acme.example', { externalId: 'Mallory', active: false })
  await usher.scim(token)('POST', '/Users', mallory)
  const browser = await launch(t)
  return { usher, browser, organization, connection, oidc, records, home: `Company ${organization.slug}` }
}

/** A fresh profile; what its console says is a complaint, but for statuses that a test expects. */
async function newProfile(browser: Browser, locale = 'en-GB') {
  const context = await browser.newContext({ locale })
  const complaints: string[] = []
  context.on('console', (message) => {
    if (!message.text().startsWith('Failed to load resource')) complaints.push(message.text())
  })
  context.on('weberror', (error) => void complaints.push(String(error.error())))
  return { context, complaints }
}

const choose = (page: Page, name: Name) => page.getByRole('button', { name }).click()
const heading = (page: Page) => page.getByRole('heading', { level: 1 }).innerText()

async function signIn(context: BrowserContext, login: string, name: Name): Promise<Page> {
  const page = await context.newPage()
  await page.goto(login)
  await choose(page, name)
  return page
}

t.test('in a browser', options, async (t) => {
  const { usher, browser, organization, connection, oidc, records, home } = await scene(t)
  const login = `${usher.url}/login/${organization.slug}`
  const session = async (context: BrowserContext) =>
    (await context.cookies(usher.url)).find(({ name }) => name === 'usher_session')

  await t.test('a newcomer signs in and lands at their place', async (t) => {
    const { context, complaints } = await newProfile(browser)
    const page = await signIn(context, login, 'Ada')
    t.equal(page.url(), `${usher.url}/`)
    t.equal(await heading(page), 'My workspace')
    const terms = await page.getByRole('term').allInnerTexts()
    const said = await page.getByRole('definition').allInnerTexts()
    t.match(Object.fromEntries(terms.map((term, index) => [term, said[index]])), {
      'Signed in as': 'Ada@acme.example',
      Organization: home,
      'Your role': 'owner',
      Home: home,
    })
    t.match(await session(context), { httpOnly: true, sameSite: 'Lax', path: '/' })
    t.same(await faults(page), [])
    t.same(complaints, [])
  })

  await t.test('a checklist beside the place is done, put away and brought back', async (t) => {
    const { path } = organization
    await usher.admin('PUT', `${path}/checklist`, { enabled: true })
    for (const [locale, finish, hide, show] of [
      ['en-GB', 'Mark as done: Look around in your workspace', 'Hide this list', 'Show the list'],
      ['de-DE', '', 'Liste ausblenden', 'Liste der ersten Schritte'],
    ] as const) {
      const { context, complaints } = await newProfile(browser, locale)
      const page = await signIn(context, login, 'Ada')
      const steps = page.getByRole('listitem')
      t.equal(await steps.count(), 3)
      t.same(await faults(page), [])
      if (finish) await page.getByRole('button', { name: finish }).click()
      t.equal(await page.locator('button[value=finish]').count(), 0, 'all is done, also for the next browser')
      await page.getByRole('button', { name: hide }).click()
      t.equal(await steps.count(), 0)
      t.same(await faults(page), [])
      await page.getByRole('button', { name: show }).click()
      t.equal(await steps.count(), 3)
      t.equal(page.url(), `${usher.url}/`)
      t.same(complaints, [])
    }
    await usher.admin('PUT', `${path}/checklist`, { enabled: false })
  })

  await t.test('two tabs that sign in at once both arrive', async (t) => {
    const { context } = await newProfile(browser)
    const tabs = [await context.newPage(), await context.newPage()]
    for (const tab of tabs) await tab.goto(login)
    for (const tab of tabs) await choose(tab, 'Grace')
    for (const tab of tabs) {
      t.equal(tab.url(), `${usher.url}/`)
      t.equal(await heading(tab), 'My workspace')
      await tab.reload()
      t.equal(await heading(tab), 'My workspace')
    }
    const left = (await context.cookies(usher.url)).map(({ name }) => name)
    t.same(left, ['usher_session'], 'nothing of the sign-ins themselves is left')
  })

  await t.test('signing out ends the session here and at the provider', async (t) => {
    const { context, complaints } = await newProfile(browser)
    const page = await signIn(context, login, 'Ada')
    const cookie = `usher_session=${(await session(context))?.value}`
    const answer = () => fetch(`${usher.url}/session`, { headers: { cookie } })
    t.equal((await answer()).status, 200)
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByRole('button', { name: 'Sign out' }).click() // the provider asks too
    t.equal(page.url(), `${usher.url}/logout/done`)
    t.equal(await heading(page), 'You are signed out')
    t.equal(await page.getByRole('banner').innerText(), home)
    t.same(await faults(page), [])
    t.equal(await session(context), undefined)
    t.equal((await answer()).status, 401, 'the cookie is worth nothing any more')
    t.same(complaints, [])
  })

  await t.test('a suspended person gets a page with the reason, and no session', async (t) => {
    const { context, complaints } = await newProfile(browser)
    const page = await context.newPage()
    await page.goto(login)
    const [answer] = await Promise.all([page.waitForResponse(/\/callback\?/), choose(page, 'Mallory')])
    t.equal(answer.status(), 403)
    t.equal(await heading(page), 'You are not signed in')
    const text = await page.getByRole('main').innerText()
    t.match(text, /Reason\s+suspended/)
    t.match(text, /Reference\s+[0-9a-f]{8}-[0-9a-f-]{27}/)
    t.equal(await session(context), undefined)
    t.same(await faults(page), [])
    t.same(complaints, [])
  })

  await t.test('the pages before and after a sign-in need no script either', async (t) => {
    const { context, complaints } = await newProfile(browser)
    const other = { ...oidc, clientId: 'another' }
    const two = await api.makeOrganization(usher.admin)
    for (const name of ['Staff', 'Contractors'])
      await api.makeConnection(usher.admin, two, { name, oidc: other })
    const page = await signIn(context, login, 'Ada')
    for (const [path, title] of [
      ['/logout', 'Sign out?'],
      [`/login/${two.slug}`, 'Choose how to sign in'],
      ['/login/nobody', 'You are not signed in'],
    ] as const) {
      await page.goto(usher.url + path)
      t.equal(await heading(page), title)
      t.same(await faults(page), [], path)
    }
    await context.clearCookies()
    await page.goto(usher.url)
    t.same(await faults(page), [])
    t.same(complaints, [])
  })
  await t.test('a test of a connection is begun by its button, and nobody is signed in', async (t) => {
    const { context, complaints } = await newProfile(browser)
    const { body } = await usher.admin('POST', `${connection.path}/tests`)
    const page = await context.newPage()
    for (const time of ['seen', 'seen again']) {
      await page.goto(String(body.url))
      t.equal(await heading(page), 'Test the sign-in?', time)
    }
    t.same(await faults(page), [])
    await page.getByRole('button', { name: 'Begin the test' }).click()
    await choose(page, 'Ada')
    t.equal(await heading(page), 'The test is over')
    t.same(await faults(page), [])
    t.equal(await session(context), undefined)
    t.same(complaints, [])
  })

  await t.test(
    'whoever knows only their own address finds their organization, by its name and logo',
    async (t) => {
      const { context, complaints } = await newProfile(browser)
      const domains = `${organization.path}/domains`
      const claimed = await usher.admin('POST', domains, { domain: 'acme.example' })
      records.push((claimed.body as Body & { record: { value: string } }).record.value)
      t.equal((await usher.admin('POST', `${domains}/acme.example/verify`)).status, 200)
      await usher.rows("insert into logos values ($1, 'image/png', $2, 'v', now())", [organization.id, PNG])
      const page = await context.newPage()
      await page.goto(`${usher.url}/login`)
      await page.keyboard.type('Ada@ACME.example')
      await page.keyboard.press('Enter')
      await choose(page, 'Ada')
      t.equal(await heading(page), 'My workspace')
      t.equal(await page.getByRole('banner').innerText(), home)
      t.equal(await page.evaluate('document.images[0].naturalWidth'), 1, 'the policy lets the logo be seen')
      t.same(await faults(page), [])
      t.same(complaints, [])
    },
  )

  await t.test('an address of an unknown domain is asked for again, ready to be mended', async (t) => {
    const { context, complaints } = await newProfile(browser)
    const page = await context.newPage()
    await page.goto(usher.url)
    await page.getByRole('link', { name: 'Sign in' }).click()
    t.equal(await heading(page), 'Sign in')
    t.same(await faults(page), [])
    await page.getByLabel('Your e-mail address at work').fill('ada@nowhere.example')
    await page.getByRole('button', { name: 'Continue' }).click()
    const field = page.getByLabel('Your e-mail address at work')
    t.equal(await field.inputValue(), 'ada@nowhere.example')
    t.equal(await field.and(page.locator(':focus')).count(), 1, 'where to type is where the keyboard is')
    t.match(await page.getByRole('main').innerText(), /No organization signs in here by this domain/)
    t.same(await faults(page), [])
    t.same(complaints, [])
  })

  await t.test('whoever reads German signs in, is refused and leaves in German', async (t) => {
    const { context, complaints } = await newProfile(browser, 'de-AT')
    const page = await signIn(context, login, 'Ada')
    t.match(await page.getByRole('main').innerText(), /Willkommen, Ada/)
    t.same(await faults(page), [])
    await page.getByRole('button', { name: 'Abmelden' }).click()
    await page.goto(`${usher.url}/logout/done`)
    t.equal(await heading(page), 'Sie sind abgemeldet')
    await page.goto(`${usher.url}/login/nobody`)
    t.equal(await heading(page), 'Sie sind nicht angemeldet')
    t.same(await faults(page), [])
    t.same(complaints, [])
  })
  await t.test('the check of pages knows', async (t) => {
    const page = await browser.newPage()
    await page.setContent(
      '<h1>x</h1><p style="color: #ccc">pale</p><input name="x"><a href="x" tabindex="-1">x</a>',
    )
    const found = (await faults(page)).join()
    for (const one of [/style=/, /main/, /color-contrast/, /label: <input/, /html-has-lang/, /reached: x/])
      t.match(found, one)
  })
})
