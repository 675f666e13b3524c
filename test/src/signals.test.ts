import t from 'tap'
import { type Json, now, startHostile } from '../oidc/hostile.ts'
import { caep, risc, securityEvent } from '../oidc/unasked.ts'
import type { Body, Connection } from './api.ts'
import { holdOnEachLayout } from './layouts.ts'
import { patchUser, person } from './people.ts'
import type { TestSignIn, Usher } from './usher.ts'

const TOKEN = 'the-secret-of-the-stream-of-this-test'
const provider = await startHostile()
t.teardown(() => provider.close())
const signals = { issuer: provider.issuer, audience: 'signals', token: TOKEN }
const byLogin = (sub = 'ada') => ({ format: 'iss_sub', iss: provider.issuer, sub })

/** A connection that receives signals and pushes people too, and how these stand. */
async function scene(usher: Usher) {
  const { call, admin, signIn, rows } = usher
  const oidc = { issuer: provider.issuer, clientId: 'usher', signals }
  const { organization, connection, scim } = await usher.makePusher({ oidc, scim: {} })
  const enter = (claims: Partial<TestSignIn> = {}, at: Connection = connection) =>
    signIn(at, { iss: provider.issuer, sub: 'ada', ...claims })
  const isIn = async ({ cookie }: { cookie: string }) =>
    (await call({ method: 'GET', url: '/session', headers: { cookie } })).status === 200
  const push = (claims: Json, at: Connection = connection) =>
    call({
      method: 'POST',
      url: `/oidc/${at.id}/signals`,
      headers: { 'content-type': 'application/secevent+jwt', authorization: `Bearer ${TOKEN}` },
      body: securityEvent(provider, { claims }),
    })
  /** Sends one event, and sees it acknowledged. */
  const tell = async (type: string, sub_id: Json = byLogin(), more: Json = {}) => {
    const answer = await push({ sub_id, events: { [type]: {} }, ...more })
    if (answer.status !== 202) throw new Error(`${answer.status} ${answer.text}`)
  }
  const told = (type: string) =>
    rows<{ data: Json; actor: string }>(
      'select data, actor from events where organization_id = $1 and type = $2 order by id',
      [organization.id, type],
    )
  const statusOf = async (userName: string) => {
    const { items } = (await admin('GET', `${organization.path}/users?filter=userName eq "${userName}"`)).body
    return items[0]?.status
  }
  return { organization, connection, scim, enter, isIn, push, tell, told, statusOf }
}

holdOnEachLayout(
  t,
  {
    'a revoked session ends, by whatever names it': async (t, usher) => {
      const { enter, isIn, tell, told, connection } = await scene(usher)
      const opaque = (id: string) => ({ format: 'opaque', id })
      const ways: Json[] = [
        byLogin(),
        opaque('one'),
        { format: 'complex', user: byLogin(), session: opaque('one') },
      ]
      for (const way of ways) {
        const [one, bob] = [await enter({ sid: 'one' }), await enter({ sub: 'bob', sid: 'two' })]
        await tell(caep('session-revoked'), way)
        t.same(await Promise.all([one, bob].map(isIn)), [false, true])
      }
      t.match(await told('session.ended'), Array(3).fill({ data: { cause: 'session-revoked' } }))
      const [event] = await told('signal.received')
      t.match(event, {
        actor: `signals:${connection.id}`,
        data: { signals: ['session-revoked'], people: 1, issuedAt: /^20/, appliedAt: /^20/ },
      })
      t.ok(await isIn(await enter({ sid: 'three' })), 'signing in stays possible')
    },
    'a changed credential ends sessions, and nothing else': async (t, usher) => {
      const { enter, isIn, tell, statusOf } = await scene(usher)
      const session = await enter({ preferred_username: 'ada@acme.example' })
      await tell(caep('credential-change'))
      t.notOk(await isIn(session))
      t.equal(await statusOf('ada@acme.example'), 'ready')
    },
    'a disabled account is suspended, and comes back as it was': async (t, usher) => {
      const { enter, isIn, tell, statusOf, told } = await scene(usher)
      const session = await enter({ preferred_username: 'ada@acme.example' })
      const iat = now() - 5
      await tell(risc('account-disabled'), byLogin(), { iat })
      t.equal(await statusOf('ada@acme.example'), 'suspended')
      t.notOk(await isIn(session))
      t.match(await enter(), { code: 'suspended' })
      await tell(risc('account-disabled'))
      t.match(await told('user.suspended'), [
        { data: { via: 'signal', issuedAt: new Date(iat * 1000).toISOString(), appliedAt: /^20/ } },
      ])
      await tell(risc('account-enabled'))
      t.equal(await statusOf('ada@acme.example'), 'ready')
      t.ok(await isIn(await enter()))
    },
    'whom SCIM has suspended no signal brings back': async (t, usher) => {
      const { scim, tell, statusOf } = await scene(usher)
      const { id } = (await scim('POST', '/Users', person('ada', { externalId: 'ada' }))).body
      await tell(risc('account-disabled'))
      t.equal(await statusOf('ada'), 'suspended', 'known by externalId before the first sign-in')
      await patchUser(scim, id, { active: true })
      await patchUser(scim, id, { active: false })
      await tell(risc('account-enabled'))
      t.equal(await statusOf('ada'), 'suspended')
    },
    'a purged account is deleted, and its session over': async (t, usher) => {
      const { scim, enter, isIn, tell } = await scene(usher)
      const { id } = (await scim('POST', '/Users', person('ada', { externalId: 'ada' }))).body
      const session = await enter()
      await tell(risc('account-purged'))
      t.equal((await scim('GET', `/Users/${id}`)).status, 404)
      t.notOk(await isIn(session))
    },
    'an address means somebody where it is one person’s': async (t, usher) => {
      const { scim, tell, statusOf } = await scene(usher)
      const mail = (value: string) => ({ emails: [{ value }] })
      await scim('POST', '/Users', person('ada', mail('shared@acme.example')))
      await scim('POST', '/Users', person('bob', mail('Bob@acme.example')))
      await scim('POST', '/Users', person('carol', mail('shared@acme.example')))
      for (const email of ['shared@acme.example', 'bob@acme.example', 'nobody@acme.example'])
        await tell(risc('account-disabled'), { format: 'email', email })
      t.same(await Promise.all(['ada', 'bob', 'carol'].map(statusOf)), ['ready', 'suspended', 'ready'])
    },
    'nobody of another connection or organization is reached': async (t, usher) => {
      const [mine, theirs] = [await scene(usher), await scene(usher)]
      const other = await usher.makeConnection(mine.organization, {
        oidc: { issuer: provider.issuer, clientId: 'usher', signals },
      })
      const session = await theirs.enter({ sid: 'one', preferred_username: 'ada' })
      await mine.scim('POST', '/Users', person('ada', { externalId: 'ada' }))
      for (const kind of ['account-disabled', 'account-purged'])
        for (const subject of [byLogin(), { format: 'email', email: 'ada@acme.example' }])
          t.equal((await mine.push({ sub_id: subject, events: { [risc(kind)]: {} } }, other)).status, 202)
      t.equal(await mine.statusOf('ada'), 'ready')
      await mine.tell(caep('session-revoked'), { format: 'opaque', id: 'one' })
      await mine.tell(risc('account-disabled'))
      t.ok(await theirs.isIn(session))
      t.equal(await theirs.statusOf('ada'), 'ready')
    },
    'each takes effect once': async (t, usher) => {
      const { enter, isIn, tell, told } = await scene(usher)
      await enter()
      await tell(risc('account-disabled'), byLogin(), { jti: 'one' })
      await tell(risc('account-enabled'), byLogin(), { jti: 'two' })
      await tell(risc('account-disabled'), byLogin(), { jti: 'one' })
      t.ok(await isIn(await enter()))
      t.equal((await told('signal.received')).length, 2)
    },
    'who is disabled or purged while they sign in for the first time is out': async (t, usher) => {
      const { enter, isIn, tell } = await scene(usher)
      for (const kind of ['account-disabled', 'account-purged']) {
        await tell(risc(kind), byLogin(kind))
        t.match(await enter({ sub: kind, iat: now() - 2 }), { code: 'signed_out' })
      }
      await tell(risc('account-enabled'), byLogin('bob'))
      t.ok(await isIn(await enter({ sub: 'bob', iat: now() - 2 })))
    },
    'who is being signed in meanwhile is out': async (t, usher) => {
      const { enter, tell } = await scene(usher)
      await tell(caep('session-revoked'), byLogin())
      t.match(await enter({ iat: now() - 2 }), { code: 'signed_out' })
    },
    'a refused signal leaves an event, a secret none': async (t, usher) => {
      const { connection, push, told } = await scene(usher)
      t.equal((await push({ aud: 'another' })).status, 400)
      t.match(await told('signal.refused'), [{ data: { via: 'signal', code: 'invalid_signal' } }])
      const shown = await usher.admin('GET', connection.path)
      t.match(shown.body, { oidc: { signals: { issuer: provider.issuer, audience: 'signals' } } })
      t.notMatch(shown.text, TOKEN)
      const kept = await usher.rows<{ x: string }>('select x::text from connections x')
      t.notMatch(JSON.stringify(kept), TOKEN)
    },
    'the stream changes as the rest of the connection does': async (t, usher) => {
      const { connection, push } = await scene(usher)
      const patch = (given: unknown) => usher.admin('PATCH', connection.path, { oidc: { signals: given } })
      const event = { sub_id: byLogin(), events: { [caep('session-revoked')]: {} } }
      t.equal((await patch({ audience: 'moved' })).status, 200)
      t.equal((await push({ ...event, aud: 'moved' })).status, 202, 'the secret is kept')
      t.match(await patch({ issuer: 'https://other.example' }), { status: 400, body: { detail: /jwksUri/ } })
      t.match(await patch({ token: 'short' }), { status: 400 })
      t.match(await patch({ token: `${TOKEN}-another` }), { status: 200 })
      t.match(await push({ ...event, aud: 'moved' }), { status: 400, body: { err: 'authentication_failed' } })
      t.equal((await patch({ token: null })).status, 200)
      t.equal((await push({ ...event, aud: 'moved' })).status, 202)
      const endpoint = 'https://idp.example/poll'
      t.match(await patch({ delivery: 'poll' }), { status: 400, body: { detail: /endpoint/ } })
      t.match(await patch({ endpoint }), { status: 400, body: { detail: /endpoint/ } })
      t.equal((await patch({ delivery: 'poll', endpoint, token: TOKEN })).status, 200)
      t.match(await push({ ...event, aud: 'moved' }), { status: 400, body: { err: 'access_denied' } })
      const elsewhere = { endpoint: 'https://evil.example/poll' }
      t.match(await patch(elsewhere), { status: 400, body: { detail: /token/ } }, 'no secret goes elsewhere')
      t.equal((await patch({ ...elsewhere, token: null })).status, 200)
      const none = (await patch(null)).body as Body & { oidc: object } // as the contract has it
      t.notOk('signals' in none.oidc)
      t.match(await push({ ...event, aud: 'moved' }), { status: 400, body: { err: 'access_denied' } })
    },
  },
  { outboundAllow: new URL(provider.issuer).host },
)
