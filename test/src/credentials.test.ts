import t from 'tap'
import { holdOnEachLayout } from './layouts.ts'
import type { Usher } from './usher.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

let ahead = 0
const clock = () => new Date(Date.now() + ahead)
const later = (milliseconds: number) => new Date(clock().getTime() + milliseconds).toISOString()

const headed = (usher: Usher, authorization?: string) =>
  usher.call({ method: 'GET', url: '/scim/v2/Users', headers: authorization ? { authorization } : {} })

holdOnEachLayout(
  t,
  {
    'a credential is replaced while the old one works for a while': async (t, usher) => {
      const { connection, token, scim } = await usher.makePusher()
      const path = `${connection.path}/scim-credentials`
      const [first] = (await usher.admin('GET', path)).body.items
      const overlapEndsAt = later(HOUR)
      const rotated = await usher.admin('POST', `${path}/${first?.id}/rotate`, { overlapEndsAt })
      t.match(rotated, { status: 201, headers: { 'cache-control': 'no-store' } })
      const { id, token: fresh, ...rest } = rotated.body
      t.same(rest, { replaces: { id: first?.id, expiresAt: overlapEndsAt } })
      t.not(fresh, token)
      for (const ask of [scim, usher.scim(fresh)]) t.match(await ask('GET', '/Users'), { status: 200 })
      ahead += HOUR + SECOND
      t.match(await scim('GET', '/Users'), { status: 401 })
      t.match(await usher.scim(fresh)('GET', '/Users'), { status: 200 })
      const events = await usher.rows(
        "select data from events where type = 'scim-credential.rotated' and subject_id = $1",
        [connection.id],
      )
      t.same(events, [{ data: { credentialId: id, replaced: first?.id } }])

      t.match(await usher.admin('POST', `${path}/${first?.id}/rotate`), { status: 404 }, 'one that has ended')
      t.match(await usher.admin('POST', `${path}/${id}/rotate`, { overlapEndsAt: '2020-01-01T00:00:00Z' }), {
        status: 400,
        body: { detail: /overlapEndsAt/ },
      })
      const other = await usher.makePusher()
      const theirs = `${other.connection.path}/scim-credentials/${id}/rotate`
      t.match(await usher.admin('POST', theirs), { status: 404 }, 'another organization’s')
      const soon = later(MINUTE)
      const short = await usher.admin('POST', path, { expiresAt: soon })
      const expiresAt = later(2 * HOUR)
      t.match(await usher.admin('POST', `${path}/${short.body.id}/rotate`, { expiresAt }), {
        body: { expiresAt, replaces: { expiresAt: soon } },
      })
      t.equal((await usher.admin('GET', path)).body.items.length, 4)
    },

    'the use of a credential is noted once a minute at most': async (t, usher) => {
      const { connection, scim } = await usher.makePusher()
      const noted = async () => {
        await scim('GET', '/Users')
        // It is noted beside the answer.
        await new Promise((resolve) => setTimeout(resolve, 50))
        const [row] = await usher.rows<{ last_used_at: Date }>(
          'select last_used_at from scim_credentials where connection_id = $1',
          [connection.id],
        )
        return row?.last_used_at.getTime() ?? 0
      }
      const first = await noted()
      ahead += 30 * SECOND
      t.equal(await noted(), first)
      ahead += 31 * SECOND
      t.ok((await noted()) > first)
    },

    'a refusal says what to do as RFC 6750 has it': async (t, usher) => {
      const { token, scim, organization } = await usher.makePusher()
      const nobody = 'Bearer realm="scim"'
      const invalid = `${nobody}, error="invalid_token"`
      const cases: [string | undefined, string][] = [
        [undefined, nobody],
        ['Basic eDp5', nobody],
        ['Bearer', nobody],
        ['Bearer x', invalid],
        [`Bearer ${token}x`, invalid],
        [`Bearer ${organization.id}.x`, invalid],
        [token, invalid],
      ]
      for (const [authorization, challenge] of cases)
        t.match(
          await headed(usher, authorization),
          { status: 401, headers: { 'www-authenticate': challenge }, body: { status: '401' } },
          authorization?.slice(0, 10) ?? 'none',
        )
      for (const authorization of [`bearer ${token}`, `BEARER  ${token} `])
        t.match(await headed(usher, authorization), { status: 200 })
      const { id } = (await scim('POST', '/Users', { userName: 'ada' })).body
      const other = await usher.makeConnection(organization)
      const { token: theirs } = await usher.makeCredential(other)
      t.match(await usher.scim(theirs)('DELETE', `/Users/${id}`), {
        status: 403,
        headers: { 'www-authenticate': `${nobody}, error="insufficient_scope"` },
      })
    },

    'a token without the word Bearer is taken where the connection says so': async (t, usher) => {
      const { connection, token } = await usher.makePusher({ scim: { bareToken: true } })
      t.match((await usher.admin('GET', connection.path)).body, { scim: { bareToken: true } })
      for (const authorization of [token, `Bearer ${token}`])
        t.match(await headed(usher, authorization), { status: 200 })
      for (const authorization of [`${token}x`, `${token} x`, `Token ${token}`])
        t.match(await headed(usher, authorization), { status: 401 })
      const strict = await usher.makePusher()
      await headed(usher, `Bearer ${strict.token}`)
      t.match(await headed(usher, strict.token), { status: 401 }, 'though it is remembered')
      t.notOk('bareToken' in Object((await usher.admin('GET', strict.connection.path)).body.scim))
    },
  },
  { clock },
)
