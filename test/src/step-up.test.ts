import { decodeJwt } from 'jose'
import t from 'tap'
import { createBrowser } from '../oidc/browser.ts'
import { makeConnection } from './api.ts'
import { providedSessions } from './provided-sessions.ts'

type Scene = Awaited<ReturnType<typeof providedSessions>>

/** What the provider is asked for at this address. */
async function askedOf(url: string): Promise<{ max_age: string | null; acr_values: string | null }> {
  const location = (await createBrowser().visit(url)).headers.get('location') ?? ''
  const { searchParams } = new URL(location)
  return { max_age: searchParams.get('max_age'), acr_values: searchParams.get('acr_values') }
}

/** The status of a sign-in that asks for this, and the code of its refusal. */
async function entering({ enter, usher }: Scene, query: string): Promise<string> {
  const browser = createBrowser()
  const { status, text } = await enter(browser, query)
  if (browser.cookies(usher.url).usher_session) return String(status)
  return `${status} ${/<code>(\w+)<\/code>/.exec(text)?.[1]}`
}

t.test('what an address demands is asked of the provider', async (t) => {
  const { usher, organization, connection } = await providedSessions(t)
  const demand = 'max_age=300&acr_values=mfa+urn:acme:loa:2'
  const asked = { max_age: '300', acr_values: 'mfa urn:acme:loa:2' }
  const start = `${usher.url}/oidc/${connection.id}/start`
  t.same(await askedOf(`${start}?${demand}`), asked)
  t.same(await askedOf(`${usher.url}/login/${organization.slug}?${demand}`), asked)
  t.same(await askedOf(start), { max_age: null, acr_values: null })
  t.equal((await askedOf(`${start}?max_age=0`)).max_age, '0')
  for (const wrong of ['max_age=-1', 'max_age=x', 'max_age=1.5', 'max_age=1&max_age=2', 'acr_values=a++b'])
    t.equal((await createBrowser().visit(`${start}?${wrong}`)).status, 400, wrong)
  for (const wrong of [`acr_values=${'a '.repeat(10)}a`, 'acr_values=%00', `acr_values=${'a'.repeat(201)}`])
    t.equal((await createBrowser().visit(`${start}?${wrong}`)).status, 400, wrong)

  await t.test('where there is a choice or an address is asked for, too', async (t) => {
    const wish = { oidc: { issuer: 'https://idp.example', clientId: 'other' } }
    await makeConnection(usher.admin, organization, wish)
    const choice = await createBrowser().visit(`${usher.url}/login/${organization.slug}?${demand}`)
    t.match(choice.text, `${connection.id}/start?return_to=%2F&amp;max_age=300&amp;acr_values=mfa`)
    const form = await createBrowser().visit(`${usher.url}/login?${demand}`)
    t.match(form.text, 'name="max_age" value="300"')
    t.match(form.text, 'name="acr_values" value="mfa urn:acme:loa:2"')
  })
})

t.test('what the provider says of it is checked', async (t) => {
  const scene = await providedSessions(t)
  const { say, seconds, usher } = scene
  const cases: [string, object, string][] = [
    ['?max_age=300', { auth_time: seconds() - 200 }, '200'],
    ['?max_age=300', { auth_time: seconds() - 330 }, '200'], // clocks differ
    ['?max_age=300', { auth_time: seconds() - 400 }, '403 authentication_too_old'],
    ['?max_age=0', { auth_time: seconds() }, '200'],
    ['?max_age=0', { auth_time: seconds() - 120 }, '403 authentication_too_old'],
    ['?max_age=300', {}, '400 invalid_id_token'],
    ['?max_age=300', { auth_time: String(seconds()) }, '400 invalid_id_token'],
    ['?max_age=300', { auth_time: -1 }, '400 invalid_id_token'],
    ['?max_age=300', { auth_time: seconds() + 3600 }, '400 invalid_id_token'],
    ['?acr_values=mfa+phr', { acr: 'phr' }, '200'],
    ['?acr_values=mfa', { acr: 'pwd' }, '403 authentication_too_weak'],
    ['?acr_values=mfa', { acr: 'MFA' }, '403 authentication_too_weak'],
    ['?acr_values=mfa', { acr: ['mfa'] }, '403 authentication_too_weak'],
    ['?acr_values=mfa', { amr: ['mfa'] }, '403 authentication_too_weak'],
    ['?acr_values=mfa&max_age=60', { acr: 'mfa' }, '400 invalid_id_token'],
    ['', { auth_time: 'yesterday' }, '400 invalid_id_token'],
    ['', { acr: 7, amr: 'mfa' }, '200'],
  ]
  for (const [query, claims, expected] of cases) {
    say({ ...claims })
    t.equal(await entering(scene, query), expected, `${query} ${JSON.stringify(claims)}`)
  }
  const granted = cases.filter(([, , expected]) => expected === '200').length
  t.equal((await usher.rows('select from sessions', [])).length, granted)
})

t.test('a connection demands it of every sign-in, and an address can only ask for more', async (t) => {
  const session = { maxAge: 600, acrValues: ['mfa', 'phr'] }
  const scene = await providedSessions(t, { session })
  const { usher, connection, say, seconds } = scene
  t.match((await usher.admin('GET', connection.path)).body.oidc, { session })
  const start = `${usher.url}/oidc/${connection.id}/start`
  t.same(await askedOf(start), { max_age: '600', acr_values: 'mfa phr' })
  t.same(await askedOf(`${start}?max_age=6000&acr_values=phr+pwd`), { max_age: '600', acr_values: 'phr' })
  t.same(await askedOf(`${start}?max_age=60`), { max_age: '60', acr_values: 'mfa phr' })
  t.equal((await createBrowser().visit(`${start}?acr_values=pwd`)).status, 400)
  say({ acr: 'mfa', auth_time: seconds() })
  t.equal(await entering(scene, ''), '200')
  t.equal(await entering(scene, '?acr_values=phr'), '403 authentication_too_weak')
  say({ acr: 'mfa' })
  t.equal(await entering(scene, ''), '400 invalid_id_token')
  say({ auth_time: seconds() })
  t.equal(await entering(scene, ''), '403 authentication_too_weak')

  const { url } = usher
  const browser = createBrowser()
  const begun = await browser.visit(start)
  const answer = await browser.visit(begun.headers.get('location') ?? '')
  await usher.admin('PATCH', connection.path, { oidc: { session: { acrValues: ['phr'] } } })
  say({ acr: 'mfa', auth_time: seconds() })
  t.equal((await browser.open(answer.headers.get('location') ?? '')).status, 403, 'changed meanwhile')
  t.notOk(browser.cookies(url).usher_session)
})

t.test('the session and its token say when and how', async (t) => {
  const { enter, ask, say, seconds } = await providedSessions(t)
  const browser = createBrowser()
  await enter(browser)
  t.notOk((await ask(browser)).body.authentication, 'nothing is said of what the provider does not say')
  const time = seconds() - 100
  say({ auth_time: time, acr: 'mfa', amr: ['pwd', 'otp'] })
  await enter(browser)
  t.same((await ask(browser)).body.authentication, {
    at: new Date(time * 1000).toISOString(),
    acr: 'mfa',
    amr: ['pwd', 'otp'],
  })
  const { token } = (await ask(browser, '/session/token')).body
  t.match(decodeJwt(token), { auth_time: time, acr: 'mfa', amr: ['pwd', 'otp'] })
})
