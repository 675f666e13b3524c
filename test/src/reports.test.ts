import { setTimeout as pause } from 'node:timers/promises'
import t from 'tap'
import { quarantineOf } from '../../src/reports/quarantine.ts'
import { explaining } from '../db/explain.ts'
import { holdOnEachLayout } from './layouts.ts'
import { patchUser, person } from './people.ts'
import { startUsher, type Usher } from './usher.ts'

const OIDC = { issuer: 'https://idp.example', clientId: 'c' }
const DATED = ['time-to-ready', 'deprovisioning', 'freshness'] as const
const NAMES = [...DATED, 'readiness', 'held', 'workspaces', 'onboarding', 'role-drift'] as const

async function scene(usher: Usher) {
  const pusher = await usher.makePusher({ oidc: OIDC, scim: {} })
  const ask = (name: string) => usher.admin('GET', `${pusher.organization.path}/reports/${name}`)
  const result = async (name: string) => (await ask(name)).body.result
  return { ...pusher, ask, result }
}

holdOnEachLayout(t, {
  'an organization that nobody is in yet has reports of nothing': async (t, usher) => {
    const { result } = await scene(usher)
    t.match(await result('readiness'), { ready: 0, shouldBeReady: 0, ratio: null, byStatus: {} })
    t.same(await result('time-to-ready'), { ways: [] })
    t.same(await result('deprovisioning'), { ways: [] })
    t.same(await result('held'), { people: 0, reasons: [] })
    t.same(await result('workspaces'), { kinds: [] })
    t.match(await result('freshness'), {
      connections: [{ changes: 0, failures: 0, quarantine: 'clear' }],
    })
    t.same(await result('onboarding'), { enabled: false })
  },

  'who is ready, by which way and how soon': async (t, usher) => {
    const { scim, connection, organization, result } = await scene(usher)
    const push = async (name: string, more: object = {}) =>
      (await scim('POST', '/Users', person(name, { externalId: name, ...more }))).body.id
    const [ada, late] = [await push('ada'), await push('late', { active: false })]
    await push('gone', { active: false })
    await usher.signIn(connection, { sub: 'newcomer' })
    await usher.rows(
      "update users set created_at = created_at - interval '100 seconds' where organization_id = $1 and id = $2",
      [organization.id, late],
    )
    await patchUser(scim, late, { active: true })
    t.match(await result('readiness'), {
      ready: 3,
      shouldBeReady: 3,
      ratio: 1,
      byStatus: { ready: 3, suspended: 1 },
    })
    await usher.rows(
      `with held as (update users set status = 'held', reason = 'example' where organization_id = $1 and id = $2)
       insert into held_people (organization_id, user_id, code, policy_version, since) values ($1, $2, 'example', 1, now())`,
      [organization.id, ada],
    )
    t.match(await result('readiness'), { ready: 2, shouldBeReady: 3, byStatus: { held: 1 } })
    t.match(await result('held'), {
      people: 1,
      reasons: [{ reason: 'example', people: 1, age: { hour: 1, day: 0, week: 0, longer: 0 } }],
    })
    const { ways } = (await result('time-to-ready')) as { ways: { way: string; seconds: { max: number } }[] }
    t.match(ways, [
      { way: 'scim', people: 2 },
      { way: 'sign-in', people: 1, seconds: { p50: 0, p95: 0, p99: 0 } },
    ])
    const [pushed] = ways
    t.ok(
      pushed && pushed.seconds.max >= 100 && pushed.seconds.max < 200,
      'from the first that was said of them',
    )
  },

  'who is held is told by reason and by how long, the most first': async (t, usher) => {
    const { scim, organization, result } = await scene(usher)
    const since = ['0 seconds', '59 minutes', '61 minutes', '25 hours', '6 days', '8 days', '400 days']
    for (const [at, ago] of since.entries()) {
      const { id } = (await scim('POST', '/Users', person(`p${at}`, { externalId: `p${at}` }))).body
      await usher.rows(
        `with held as (update users set status = 'held', reason = $3 where organization_id = $1 and id = $2)
         insert into held_people (organization_id, user_id, code, policy_version, since)
         values ($1, $2, $3, 1, now() - $4::interval)`,
        [organization.id, id, at === 3 ? 'rare' : 'common', ago],
      )
    }
    t.match(await result('held'), {
      people: 7,
      reasons: [
        { reason: 'common', people: 6, age: { hour: 2, day: 1, week: 1, longer: 2 } },
        { reason: 'rare', people: 1, age: { hour: 0, day: 0, week: 1, longer: 0 } },
      ],
    })
    t.match(await result('readiness'), { ready: 0, shouldBeReady: 7, ratio: 0, byStatus: { held: 7 } })
  },

  'who goes, what becomes of workspaces, and how pushes fare': async (t, usher) => {
    const { scim, ask, result, connection, organization } = await scene(usher)
    const { id } = (await scim('POST', '/Users', person('ada', { externalId: 'a' }))).body
    const other = (await scim('POST', '/Users', person('bob', { externalId: 'b' }))).body.id
    t.equal((await scim('POST', '/Users', person('ada', { externalId: 'other' }))).status, 409)
    await patchUser(scim, id, { active: false })
    t.match(await result('workspaces'), {
      kinds: [{ kind: 'default', active: 2, archived: 0, waiting: 1, orphaned: 0 }],
    })
    await scim('DELETE', `/Users/${other}`)
    t.match(await result('workspaces'), { kinds: [{ active: 2, waiting: 2, orphaned: 0, pending: 0 }] })
    await usher.rows(
      `with gone as (update users set status = 'archived' where organization_id = $1 and id = $2)
       insert into transfers (organization_id, workspace_id, user_id, created_at)
       select $1, id, $2, now() from workspaces where organization_id = $1 and default_of = $2`,
      [organization.id, other],
    )
    t.match(await result('workspaces'), { kinds: [{ active: 2, waiting: 1, orphaned: 1, pending: 1 }] })
    const noted = async () =>
      (
        await usher.rows(
          `select from requests where organization_id = $1 and method in ('PATCH', 'DELETE')`,
          [organization.id],
        )
      ).length === 2
    for (let tries = 0; tries < 200 && !(await noted()); tries++) await pause(50)
    await usher.rows(
      `update requests set duration = case method when 'PATCH' then 250 else 1250 end where organization_id = $1`,
      [organization.id],
    )
    const gone = (seconds: object) => ({ ways: [{ way: 'scim', people: 2, ...seconds }] })
    const both = { p50: 0.75, p95: 1.2, p99: 1.24, max: 1.25 }
    t.same(await result('deprovisioning'), gone({ measured: 2, seconds: both }), 'until it was answered')
    await usher.rows(`delete from requests where organization_id = $1`, [organization.id])
    t.same(await result('deprovisioning'), gone({ measured: 0 }), 'and unknown where it is not noted')
    const fresh = await result('freshness')
    t.match(fresh, {
      connections: [{ id: connection.id, changes: 4, failures: 1, quarantine: 'clear' }],
    })
    t.match(fresh, { connections: [{ lastRequestAt: /^\d{4}-/, lastChangeAt: /^\d{4}-/ }] })
    for (const name of DATED) {
      const before = await ask(`${name}?from=2020-01-01T00:00:00Z&to=2020-02-01T00:00:00Z`)
      t.match(before, { status: 200, body: { name, from: '2020-01-01T00:00:00.000Z' } })
      t.notMatch(before.text, /"(changes|people)":[1-9]/, `${name} of another time`)
    }
    t.match(await ask('readiness?to=2020-01-01T00:00:00Z'), { body: { result: { ratio: null } } })
  },

  'a provider that only reads is alive, and so is one whose tokens have gone': async (t, usher) => {
    const { scim, result, connection, organization } = await scene(usher)
    const fresh = async () => {
      const { connections } = (await result('freshness')) as { connections: Record<string, unknown>[] }
      return connections[0]
    }
    t.notOk((await fresh())?.lastRequestAt)
    await scim('GET', '/Users?filter=userName eq "nobody"')
    t.match(await fresh(), { changes: 0, lastRequestAt: /^\d{4}-/, lastChangeAt: undefined })
    const client = await usher.admin('POST', `${connection.path}/scim-clients`)
    const { clientId: client_id, clientSecret: client_secret } = client.body as unknown as Record<
      string,
      string
    >
    await usher.rows('delete from scim_credentials where organization_id = $1', [organization.id])
    t.notOk((await fresh())?.lastRequestAt)
    const asked = await usher.call({
      method: 'POST',
      url: '/oauth2/token',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: String(
        new URLSearchParams({ grant_type: 'client_credentials', client_id, client_secret } as Record<
          string,
          string
        >),
      ),
    })
    t.equal(asked.status, 200)
    await usher.rows('delete from scim_credentials where organization_id = $1', [organization.id])
    t.match(await fresh(), { lastRequestAt: /^\d{4}-/ })
  },

  'the checklist is reported apart': async (t, usher) => {
    const { organization, connection, result } = await scene(usher)
    await usher.admin('PUT', `${organization.path}/checklist`, { enabled: true })
    await usher.signIn(connection, { sub: 'ada' })
    t.same(await result('onboarding'), {
      enabled: true,
      people: 1,
      dismissed: 0,
      steps: [
        { key: 'sign-in', done: 1 },
        { key: 'workspace', done: 1 },
        { key: 'look-around', done: 0 },
      ],
    })
  },

  'what is no report, or no range, is refused': async (t, usher) => {
    const { ask } = await scene(usher)
    t.equal((await ask('nothing')).status, 400)
    t.equal((await ask('held?from=yesterday')).status, 400)
    t.equal((await ask('held?from=2016-12-31T23:59:60Z')).status, 400, 'a leap second is no time to us')
    t.equal((await ask('held?from=2021-01-01T00:00:00Z&to=2020-01-01T00:00:00Z')).status, 400)
    const { body } = await usher.admin(
      'GET',
      '/organizations/00000000-0000-7000-8000-000000000000/reports/held',
    )
    t.match(body, { code: 'not_found' })
  },
})

for (const partitions of [0, 4])
  t.test(
    `no report looks at events outside of its range, with ${partitions} partitions a table`,
    async (t) => {
      const usher = await startUsher(t, { partitions })
      const { organization, scim, ask } = await scene(usher)
      await usher.admin('PUT', `${organization.path}/checklist`, { enabled: true })
      await usher.rows(
        `insert into events (organization_id, id, at, type, actor, subject_type, subject_id, changed, data)
       select $1, ('01000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, '2005-01-01', 'user.provisioned',
         'system', 'user', gen_random_uuid(), '{}', '{}' from generate_series(1, 20000) n`,
        [organization.id],
      )
      await scim('POST', '/Users', person('ada', { externalId: 'a' }))
      await usher.rows('analyze')
      for (const name of NAMES) {
        const range = name === 'onboarding' ? `?from=${new Date(Date.now() - 60_000).toISOString()}` : ''
        const statements = await explaining(() => ask(name + range))
        for (const { text, mode, nodes } of statements) {
          const ofEvents = nodes.filter((node) => /^events(_p\d+)?$/.test(node['Relation Name'] ?? ''))
          const removed = ofEvents.map((node) => node['Rows Removed by Filter'] ?? 0)
          t.notOk(
            ofEvents.some((node) => node['Node Type'] === 'Seq Scan') || removed.some((rows) => rows > 1000),
            `${name}, ${mode}: ${text.trim().slice(0, 60)}`,
          )
        }
      }
    },
  )

t.test('a connection is warned half way to the line of Entra', async (t) => {
  for (const [attempts, failures, quarantine] of [
    [0, 0, 'clear'],
    [4999, 4999, 'near'],
    [2499, 2499, 'clear'],
    [5000, 2000, 'near'],
    [5000, 2001, 'reached'],
    [5000, 1000, 'clear'],
    [5000, 1001, 'near'],
    [1_000_000, 19_999, 'clear'],
    [1_000_000, 20_000, 'near'],
    [1_000_000, 40_000, 'reached'],
  ] as const)
    t.equal(quarantineOf({ attempts, failures }), quarantine, `${failures} of ${attempts}`)
})
