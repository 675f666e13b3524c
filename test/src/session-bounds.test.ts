import t from 'tap'
import { createBrowser } from '../oidc/browser.ts'
import { HOUR, MINUTE } from './clock.ts'
import { providedSessions } from './provided-sessions.ts'

t.test('a connection says how long its sessions last', async (t) => {
  const { usher, connection, enter, ask, pass } = await providedSessions(t, {
    session: { absoluteMinutes: 60 },
  })
  const made = (await usher.admin('GET', connection.path)).body.oidc
  t.match(made, { session: { absoluteMinutes: 60 } })
  t.equal(
    (await usher.admin('PATCH', connection.path, { oidc: { session: { idleMinutes: 4 } } })).status,
    400,
  )
  await usher.admin('PATCH', connection.path, { oidc: { session: { idleMinutes: 10 } } })
  const browser = createBrowser()
  await enter(browser)
  pass(9 * MINUTE)
  t.equal((await ask(browser, '/session/verify')).status, 200)
  pass(11 * MINUTE)
  t.equal((await ask(browser, '/session/verify')).status, 401, 'idle')
  await usher.admin('PATCH', connection.path, { oidc: { session: { idleMinutes: 600 } } })
  await enter(browser)
  pass(59 * MINUTE)
  t.equal((await ask(browser, '/session/verify')).status, 200)
  pass(MINUTE)
  t.equal((await ask(browser, '/session/verify')).status, 401, 'over')
})

t.test('a session never outlives what the provider said', async (t) => {
  const { enter, ask, pass, say, seconds } = await providedSessions(t)
  const browser = createBrowser()
  const end = seconds() + 1800
  say({ session_expiry: end })
  t.equal((await enter(browser)).status, 200)
  t.equal((await ask(browser)).body.expiresAt, new Date(end * 1000).toISOString())
  pass(30 * MINUTE)
  t.equal((await ask(browser, '/session/verify')).status, 401)

  say({ session_expiry: seconds() + 30 * 24 * 3600 })
  await enter(browser)
  const left = Date.parse(String((await ask(browser)).body.expiresAt)) - seconds() * 1000
  t.ok(left <= 12 * HOUR + 1000, 'nor our own limit, where the provider allows more')
})

t.test('a session that is over, or whose end makes no sense, does not begin', async (t) => {
  const { enter, usher, say, seconds } = await providedSessions(t)
  for (const session_expiry of [seconds() - 1, 0, -1, '99999999999', null, 1e300, [], true]) {
    const browser = createBrowser()
    say({ session_expiry })
    t.match(await enter(browser), { status: 400, text: /invalid_claims/ }, String(session_expiry))
    t.notOk(browser.cookies(usher.url).usher_session)
  }
  t.same(await usher.rows('select from sessions', []), [])
  t.same(await usher.rows('select from users', []), [])
})

t.test('a sign-in ends the session that the browser had', async (t) => {
  const { enter, usher, ask } = await providedSessions(t)
  const browser = createBrowser()
  await enter(browser)
  const before = browser.clone()
  const elsewhere = createBrowser()
  await enter(elsewhere)
  await enter(browser)
  t.not(browser.cookies(usher.url).usher_session, before.cookies(usher.url).usher_session)
  t.equal((await ask(browser)).status, 200)
  t.equal((await ask(before)).status, 401, 'the cookie of before')
  t.equal((await ask(elsewhere)).status, 200, 'another browser')
  t.equal((await usher.rows('select from sessions', [])).length, 2)
  const ended = await usher.rows("select data from events where type = 'session.ended'", [])
  t.match(ended, [{ data: { cause: 'replaced' } }])
  t.equal(ended.length, 1)
})

t.test('a sign-in that is refused ends nothing', async (t) => {
  const { enter, say, ask } = await providedSessions(t)
  const browser = createBrowser()
  await enter(browser)
  say({ sub: '' })
  t.equal((await enter(browser)).status, 400)
  t.equal((await ask(browser)).status, 200)
})
