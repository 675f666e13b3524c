import t from 'tap'
import { startHostile } from '../oidc/hostile.ts'
import { caep, securityEvent } from '../oidc/unasked.ts'
import { patchUser, person } from './people.ts'
import { startUsher } from './usher.ts'

const provider = await startHostile()
t.teardown(() => provider.close())

t.test('each signal that had an effect is counted once, by the way it came', async (t) => {
  const usher = await startUsher(t, { outboundAllow: new URL(provider.issuer).host })
  const signals = {
    issuer: provider.issuer,
    audience: 'signals',
    token: 'the-secret-of-the-stream-of-this-test',
  }
  const oidc = { issuer: provider.issuer, clientId: 'usher', signals }
  const { connection, scim } = await usher.makePusher({ oidc, scim: {} })
  const get = async (url: string) => (await usher.call({ method: 'GET', url })).text
  const counted = async () =>
    Object.fromEntries(
      [...(await get('/metrics')).matchAll(/usher_signal_seconds_count\{source="(.*)"\} (\d+)/g)].map(
        ([, source, count]) => [source, Number(count)],
      ),
    )
  t.same(await counted(), {})

  const { id } = (await scim('POST', '/Users', person('ada', { externalId: 'ada' }))).body
  t.equal((await patchUser(scim, id, { active: false })).status, 200)
  t.equal((await patchUser(scim, id, { active: false })).status, 200)
  t.equal((await patchUser(scim, id, { active: true })).status, 200)
  t.same(await counted(), { scim: 1 })
  t.equal((await scim('DELETE', `/Users/${id}`)).status, 204)
  t.equal((await scim('DELETE', `/Users/${id}`)).status, 404)
  t.same(await counted(), { scim: 2 })

  await usher.signIn(connection, { iss: provider.issuer, sub: 'bob' })
  const event = (sub: string) =>
    securityEvent(provider, {
      claims: {
        sub_id: { format: 'iss_sub', iss: provider.issuer, sub },
        events: { [caep('session-revoked')]: {} },
      },
    })
  const push = (body: string) =>
    usher.call({
      method: 'POST',
      url: `/oidc/${connection.id}/signals`,
      headers: { 'content-type': 'application/secevent+jwt', authorization: `Bearer ${signals.token}` },
      body,
    })
  const bobs = event('bob')
  for (const body of [bobs, bobs, event('nobody')]) t.equal((await push(body)).status, 202)
  const frame = new URLSearchParams({ iss: provider.issuer, sid: 'one' })
  await usher.signIn(connection, { iss: provider.issuer, sub: 'bob', sid: 'one' })
  for (const _ of [1, 2]) await get(`/oidc/${connection.id}/frontchannel-logout?${frame}`)
  t.same(await counted(), { scim: 2, signal: 1, 'frontchannel-logout': 1 })
})
