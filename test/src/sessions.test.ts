import t from 'tap'
import type { Method } from './api.ts'
import { HOUR, MINUTE, stoppedClock } from './clock.ts'
import { PUBLIC_URL, startUsher, type Usher, type UsherOptions } from './usher.ts'

const OIDC = { issuer: 'https://idp.example', clientId: 'c' }

/** An organization whose people sign in, and what is asked with their cookies. */
async function signingIn(usher: Usher) {
  const { organization, connection, scim } = await usher.makePusher({ oidc: OIDC, scim: {} })
  const signIn = async (sub: string) => (await usher.signIn(connection, { sub, name: sub })).cookie
  const asking =
    (cookie: string, more: Record<string, string> = { origin: PUBLIC_URL }) =>
    (method: Method, url: string) =>
      usher.call({ method, url, headers: { cookie, ...more } })
  const verify = async (cookie: string) => (await asking(cookie)('GET', '/session/verify')).status
  const user = async (cookie: string) => (await asking(cookie)('GET', '/session')).body.user as { id: string }
  return { organization, connection, scim, signIn, asking, verify, user }
}

async function start(t: Parameters<typeof startUsher>[0], options: UsherOptions = {}) {
  const clock = stoppedClock()
  const usher = await startUsher(t, { clock: clock.now, ...options })
  return { clock, usher, ...(await signingIn(usher)) }
}

/** Until every note of a use is written. */
async function noted(usher: Usher, seenAt: Date): Promise<void> {
  for (;;) {
    const rows = await usher.rows('select from sessions where seen_at = $1', [seenAt])
    if (rows.length > 0) return
    await new Promise((resolve) => setImmediate(resolve))
  }
}

t.test('a session ends after twelve hours, whatever happens', async (t) => {
  const { clock, usher, signIn, verify } = await start(t)
  const cookie = await signIn('ada')
  for (let hour = 1; hour < 12; hour++) {
    clock.pass(HOUR)
    t.equal(await verify(cookie), 200, `after ${hour} hours`)
    await noted(usher, clock.now())
  }
  clock.pass(HOUR)
  t.equal(await verify(cookie), 401)
})

t.test('a session that is not used ends after two hours', async (t) => {
  const { clock, usher, signIn, verify } = await start(t)
  const cookie = await signIn('ada')
  clock.pass(2 * HOUR - MINUTE)
  t.equal(await verify(cookie), 200)
  await noted(usher, clock.now())
  clock.pass(2 * HOUR)
  t.equal(await verify(cookie), 401)
})

t.test('the use of a session is noted every few minutes, not at every check', async (t) => {
  const { clock, usher, signIn, verify } = await start(t)
  const cookie = await signIn('ada')
  const version = async () => (await usher.rows<{ xmin: string }>('select xmin::text from sessions'))[0]?.xmin
  const begun = await version()
  for (const minutes of [1, 1, 2]) {
    clock.pass(minutes * MINUTE)
    t.equal(await verify(cookie), 200)
  }
  t.equal(await version(), begun, 'nothing is written')
  clock.pass(MINUTE)
  await Promise.all(Array.from({ length: 10 }, () => verify(cookie)))
  await noted(usher, clock.now())
  t.not(await version(), begun)
})

t.test('a person sees their sessions and ends one', async (t) => {
  const { clock, signIn, asking, verify, usher, organization, user } = await start(t)
  const [here, there, stranger] = [await signIn('ada'), await signIn('ada'), await signIn('bob')]
  clock.pass(MINUTE)
  const ask = asking(here)
  const { items } = (await ask('GET', '/v1/me/sessions')).body
  t.match(items, [{ current: true }, { current: false, lastSeenAt: '2026-03-01T12:00:00.000Z' }])
  const [own, other] = items
  const foreign = (await asking(stranger)('GET', '/v1/me/sessions')).body.items[0]

  t.equal((await asking(there, {})('DELETE', `/v1/me/sessions/${own?.id}`)).status, 403, 'no Origin')
  const evil = { origin: 'https://evil.example' }
  t.equal((await asking(there, evil)('DELETE', `/v1/me/sessions/${own?.id}`)).status, 403)
  for (const site of ['cross-site', 'same-site', 'none']) {
    const headers = { origin: PUBLIC_URL, 'sec-fetch-site': site }
    t.equal((await asking(there, headers)('DELETE', `/v1/me/sessions/${own?.id}`)).status, 403, site)
  }
  t.equal(await verify(here), 200)

  t.equal((await ask('DELETE', `/v1/me/sessions/${foreign?.id}`)).status, 404, 'that of somebody else')
  t.equal((await ask('DELETE', '/v1/me/sessions/x')).status, 404)
  t.equal(await verify(stranger), 200)
  t.equal((await ask('DELETE', `/v1/me/sessions/${other?.id}`)).status, 204)
  t.equal(await verify(there), 401)
  t.equal(await verify(here), 200)
  t.equal((await ask('DELETE', `/v1/me/sessions/${other?.id}`)).status, 404)

  const { id } = await user(here)
  const timeline = (await usher.admin('GET', `${organization.path}/users/${id}/timeline`)).body.items
  const ended = timeline.filter(({ type }) => type === 'session.ended')
  t.match(ended, [{ actor: `user:${id}`, summary: 'Ended a session of their own' }])
  t.equal(ended.length, 1, 'one ending, one event')
})

t.test('an administrator ends one session of a person, and of nobody else', async (t) => {
  const { signIn, verify, usher, organization, user } = await start(t)
  const [one, two, stranger] = [await signIn('ada'), await signIn('ada'), await signIn('bob')]
  const path = `${organization.path}/users/${(await user(one)).id}/sessions`
  const strangers = `${organization.path}/users/${(await user(stranger)).id}/sessions`
  const { items } = (await usher.admin('GET', path)).body
  t.equal(items.length, 2)
  t.equal((await usher.admin('DELETE', `${strangers}/${items[0]?.id}`)).status, 404)
  const elsewhere = await usher.makeOrganization()
  const foreign = path.replace(organization.path, elsewhere.path)
  t.equal((await usher.admin('DELETE', `${foreign}/${items[0]?.id}`)).status, 404)
  t.equal((await usher.admin('DELETE', `${path}/x`)).status, 404)
  t.equal(await verify(one), 200)
  t.equal((await usher.admin('DELETE', `${path}/${items[0]?.id}`)).status, 204)
  t.same([await verify(one), await verify(two), await verify(stranger)], [401, 200, 200])
  const events = await usher.rows("select actor, data from events where type = 'session.ended'")
  t.match(events, [{ actor: /^admin:/, data: { cause: 'administrator', sessionId: items[0]?.id } }])
})
