import t from 'tap'
import { freePort } from '../demo/usher.ts'
import { createBrowser, signIn } from '../oidc/browser.ts'
import { type Json, now, startHostile } from '../oidc/hostile.ts'
import { startProvider } from '../oidc/provider.ts'
import { logoutToken } from '../oidc/unasked.ts'
import * as api from './api.ts'
import { holdOnEachLayout } from './layouts.ts'
import { listen } from './listening.ts'
import type { TestSignIn, Usher } from './usher.ts'

const provider = await startHostile()
t.teardown(() => provider.close())

/** Two connections of an organization to the same provider, and somebody who signs in by both. */
async function scene({ call, signIn, rows, ...usher }: Usher) {
  const organization = await usher.makeOrganization()
  const oidc = { issuer: provider.issuer, clientId: 'usher' }
  const connection = await usher.makeConnection(organization, { oidc })
  const other = await usher.makeConnection(organization, { oidc })
  const enter = (claims: Partial<TestSignIn> = {}, at = connection) =>
    signIn(at, { iss: provider.issuer, sub: 'ada', ...claims })
  const isIn = async ({ cookie }: { cookie: string }) =>
    (await call({ method: 'GET', url: '/session', headers: { cookie } })).status === 200
  const logout = (claims: Json, at = connection) =>
    call({
      method: 'POST',
      url: `/oidc/${at.id}/backchannel-logout`,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: String(new URLSearchParams({ logout_token: logoutToken(provider, { claims }) })),
    })
  const told = (type: string) =>
    rows<{ data: Json; subject_id: string; actor: string }>(
      'select data, subject_id, actor from events where organization_id = $1 and type = $2 order by id',
      [organization.id, type],
    )
  return { organization, connection, other, enter, isIn, logout, told }
}

holdOnEachLayout(
  t,
  {
    'a sid ends what began at that session, and tells when': async (t, usher) => {
      const { connection, enter, isIn, logout, told } = await scene(usher)
      const [one, again, two] = [
        await enter({ sid: 'one' }),
        await enter({ sid: 'one' }),
        await enter({ sid: 'two' }),
      ]
      const iat = now() - 3
      t.match(await logout({ sid: 'one', iat }), { status: 200, headers: { 'cache-control': 'no-store' } })
      t.same(await Promise.all([one, again, two].map(isIn)), [false, false, true])
      const [event, ...more] = await told('session.ended')
      t.same(more, [], 'one event for one person')
      const { text } = await usher.call({ method: 'GET', url: '/metrics' })
      const seconds = Number(/usher_signal_seconds_sum\{source="backchannel-logout"\} (.*)/.exec(text)?.[1])
      t.ok(seconds >= 3, `it took ${seconds} s`)
      t.match(text, /process_cpu_seconds_total/)
      t.notMatch(text, new RegExp(`${connection.id}|${connection.organizationId}`))
      t.match(event, {
        actor: `sign-in:${connection.id}`,
        data: {
          cause: 'back-channel',
          connectionId: connection.id,
          issuedAt: new Date(iat * 1000).toISOString(),
          appliedAt: /^20/,
        },
      })
      t.ok(await isIn(await enter({ sid: 'three' })), 'signing in stays possible')
    },
    'without a sid all of one person at one connection end': async (t, usher) => {
      const { other, enter, isIn, logout } = await scene(usher)
      const mine = [await enter({ sid: 'one' }), await enter()]
      const theirs = [await enter({ sub: 'bob' }), await enter({ sub: 'ada-elsewhere', sid: 'one' }, other)]
      t.equal((await logout({ sub: 'ada' })).status, 200)
      t.same(await Promise.all(mine.map(isIn)), [false, false])
      t.same(await Promise.all(theirs.map(isIn)), [true, true])
      t.ok(await isIn(await enter()), 'signing in stays possible, even at once')
    },
    'nothing of another organization ends': async (t, usher) => {
      const [mine, theirs] = [await scene(usher), await scene(usher)]
      const session = await theirs.enter({ sid: 'one' })
      t.equal((await mine.logout({ sub: 'ada' })).status, 200)
      t.equal((await mine.logout({ sid: 'one' })).status, 200)
      t.ok(await theirs.isIn(session))
    },
    'a token works once, on every connection by itself': async (t, usher) => {
      const { other, enter, isIn, logout, told } = await scene(usher)
      const claims = { sid: 'one', jti: 'the same' }
      t.equal((await logout(claims)).status, 200)
      const session = await enter({ sid: 'one', iat: now() + 5 })
      t.match(await logout(claims), { status: 400, body: { error: 'logout_token_replayed' } })
      t.ok(await isIn(session))
      t.match(await told('logout.refused'), [{ data: { code: 'logout_token_replayed' } }])
      t.equal((await logout(claims, other)).status, 200)
    },
    'who was being signed in meanwhile is out': async (t, usher) => {
      const { enter, logout, told } = await scene(usher)
      const iat = now() - 2
      for (const claims of [{ sid: 'one' }, { sub: 'ada' }]) {
        t.equal((await logout(claims)).status, 200)
        t.match(await enter({ sid: 'one', iat }), { cookie: '', code: 'signed_out' })
      }
      t.equal((await told('session.ended')).length, 2)
      t.equal((await told('sign-in.refused')).length, 2, 'each is told')
    },
    'at the same moment, too': async (t, usher) => {
      const { enter, isIn, logout } = await scene(usher)
      await enter()
      for (let round = 0; round < 20; round++) {
        const sid = `session ${round}`
        const [session] = await Promise.all([enter({ sid, iat: now() - 2 }), logout({ sid })])
        t.notOk(await isIn(session), sid)
      }
    },
    'a connection may tolerate tokens that lack something': async (t, usher) => {
      const { connection, logout } = await scene(usher)
      const tolerate = (lenientLogoutTokens: boolean | null) =>
        usher.admin('PATCH', connection.path, { oidc: { lenientLogoutTokens } })
      const status = async () => (await logout({ sid: 'one', exp: undefined })).status
      t.equal(await status(), 400)
      t.match(await tolerate(true), { status: 200, body: { oidc: { lenientLogoutTokens: true } } })
      t.equal(await status(), 200)
      t.match(await tolerate(null), { status: 200, body: { oidc: { lenientLogoutTokens: undefined } } })
      t.equal(await status(), 400)
    },
    'the provider may frame the page of a front-channel logout': async (t, usher) => {
      const { connection, enter, isIn, told } = await scene(usher)
      const [one, two] = [await enter({ sid: 'one' }), await enter({ sid: 'two' })]
      const query = new URLSearchParams({ iss: provider.issuer, sid: 'one' })
      const url = `/oidc/${connection.id}/frontchannel-logout?${query}`
      const page = await usher.call({ method: 'GET', url })
      t.match(page, { status: 200, headers: { 'cache-control': 'no-store', 'x-frame-options': undefined } })
      const policy = String(page.headers['content-security-policy']).split(/ *; */)
      t.ok(policy.includes(`frame-ancestors ${provider.issuer}`))
      t.ok(policy.includes(`default-src 'none'`), 'and all else is as on other pages')
      t.same(await Promise.all([one, two].map(isIn)), [false, true])
      t.match(await told('session.ended'), [{ data: { cause: 'front-channel' } }])
    },
    'what has expired is cleared away': async (t, usher) => {
      const { organization, logout } = await scene(usher)
      await logout({ sid: 'one' })
      for (const table of ['sign_outs', 'spent_tokens'])
        await usher.rows(`update ${table} set expires_at = now() - interval '1 day'`)
      await logout({ sid: 'two' })
      for (const table of ['sign_outs', 'spent_tokens'])
        t.equal(
          (await usher.rows(`select from ${table} where organization_id = $1`, [organization.id])).length,
          1,
        )
    },
  },
  { outboundAllow: new URL(provider.issuer).host },
)

t.test('a real provider that signs somebody out ends the session here', async (t) => {
  const port = await freePort(0)
  const usher = await listen(t, `127.0.0.1:${port}`)
  const organization = await api.makeOrganization(usher.admin)
  const client = { client_id: 'usher', client_secret: 'a-secret-of-the-test' }
  const oidc = {
    issuer: `http://127.0.0.1:${port}`,
    clientId: client.client_id,
    clientSecret: client.client_secret,
  }
  const { id } = await api.makeConnection(usher.admin, organization, { oidc })
  const real = await startProvider({
    port,
    people: [{ sub: 'ada', preferred_username: 'ada@acme.example' }],
    clients: [
      {
        ...client,
        backchannel_logout_uri: `${usher.url}/oidc/${id}/backchannel-logout`,
        backchannel_logout_session_required: true,
      },
    ],
  })
  t.teardown(() => real.close())
  const browser = createBrowser()
  const stranger = createBrowser()
  for (const each of [browser, stranger])
    t.equal((await signIn(each, `${usher.url}/login/${organization.slug}`, 'ada')).url.pathname, '/')
  const session = async (of = browser) => (await of.visit(`${usher.url}/session`)).status
  t.equal(await session(), 200)
  const question = await browser.open(`${real.issuer}/session/end`)
  t.match(await browser.submit(question, { logout: 'yes' }), { status: 200 })
  t.equal(await session(), 401)
  t.equal(await session(stranger), 200, 'another browser is another session of the provider')
})
