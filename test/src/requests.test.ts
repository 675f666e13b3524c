import { setTimeout as pause } from 'node:timers/promises'
import t from 'tap'
import { connect } from '../../db/connect.ts'
import { disconnect, insertRequests } from '../../db/index.ts'
import { requestLog } from '../../src/gateway/request-log.ts'
import { idAt, newId } from '../../src/ids.ts'
import { workOnce } from '../../src/worker.ts'
import { startHostile } from '../oidc/hostile.ts'
import type { Body, Organization } from './api.ts'
import { deceived } from './deceived.ts'
import { holdOnEachLayout } from './layouts.ts'
import { patchOp, patchUser, person } from './people.ts'
import { startUsher, type Usher } from './usher.ts'

const provider = await startHostile()
t.teardown(() => provider.close())

/** As many as are noted, once they are. */
async function noted(
  usher: Pick<Usher, 'admin'>,
  { path }: Pick<Organization, 'path'>,
  { query = '', least = 1 } = {},
): Promise<readonly Body[]> {
  for (let tries = 0; ; tries++) {
    const { items } = (await usher.admin('GET', `${path}/requests?${query}`)).body
    if (items.length >= least || tries === 100) return items
    await pause(50)
  }
}

const row = (connectionId: string, at: Date, more: object = {}) => ({
  id: newId(at.getTime()),
  at,
  kind: 'scim' as const,
  connection_id: connectionId,
  method: 'POST',
  path: '/Users',
  status: 201,
  times: 1,
  ...more,
})

let rounds = 0
const round = ({ db }: Usher, now: Date) =>
  workOnce(
    { db, resolveTxt: async () => [], log: { warn: () => {} }, clock: () => now },
    `worker of requests ${++rounds}`,
    new AbortController().signal,
  )

holdOnEachLayout(t, {
  'what a provider sent is told with what it was answered, and without its values': async (t, usher) => {
    const { organization, connection, scim, token } = await usher.makePusher()
    const { id } = (await scim('POST', '/Users', person('ada', { externalId: 'a', password: 'very-secret' })))
      .body
    await patchUser(scim, id, { active: false })
    await scim('POST', '/Users', person('ada'))
    await scim(
      'PATCH',
      `/Users/${id}`,
      patchOp({ Operations: [{ op: 'replace', path: 'nothing', value: 1 }] }),
    )
    await scim('PUT', `/Users/${newId()}`, person('eve'))
    const items = await noted(usher, organization, { least: 5 })
    const { credentialId } = items[0] as Body
    t.ok(credentialId)
    const about = { kind: 'scim', connectionId: connection.id, credentialId, times: 1, durationMs: Number }
    t.match(items, [
      { ...about, method: 'PUT', status: 404, code: 'notFound', detail: 'There is no such resource.' },
      {
        ...about,
        method: 'PATCH',
        path: `/Users/${id}`,
        subjectId: id,
        status: 400,
        code: 'invalidPath',
        detail: 'There is no attribute "[text]".',
      },
      { ...about, method: 'POST', path: '/Users', subjectId: id, status: 409, code: 'uniqueness' },
      {
        ...about,
        method: 'PATCH',
        subjectId: id,
        status: 200,
        body: { Operations: [{ op: 'replace', value: { active: false } }] },
      },
      {
        ...about,
        method: 'POST',
        path: '/Users',
        subjectId: id,
        status: 201,
        body: { password: '[secret]' },
      },
    ])
    const [kept] = await usher.rows(
      'select json_agg(r)::text as text from requests r where organization_id = $1',
      [organization.id],
    )
    for (const secret of ['"ada"', 'ada A', 'very-secret', token, 'acme.example'])
      t.notOk(String(kept?.text).includes(secret), secret)
    const first = items[0] as Body
    t.same((await usher.admin('GET', `${organization.path}/requests/${first.id}`)).body, first)
    const other = await usher.makeOrganization()
    t.equal((await usher.admin('GET', `${other.path}/requests/${first.id}`)).status, 404)
    t.equal((await usher.admin('GET', `${organization.path}/requests/x`)).status, 404)
  },

  'they are found by connection, person, status and time, page by page': async (t, usher) => {
    const { organization, connection, scim } = await usher.makePusher()
    const second = await usher.makeConnection(organization)
    const { token } = await usher.makeCredential(second)
    const { id } = (await scim('POST', '/Users', person('ada'))).body
    await scim('POST', '/Users', person('ada'))
    // A write is noted by itself whatever its query looks like.
    await usher.scim(token)('POST', '/Users?x=/.search', person('bob'))
    const items = await noted(usher, organization, { least: 3 })
    t.equal(items.length, 3)
    const found = async (query: string) =>
      (await usher.admin('GET', `${organization.path}/requests?${query}`)).body.items.map((one) => one.id)
    const [bob, again, ada] = items.map((one) => one.id)
    t.same(await found(`connectionId=${second.id}`), [bob])
    t.same(await found(`userId=${id}`), [again, ada])
    t.same(await found('status=409'), [again])
    t.same(await found('status=2xx'), [bob, ada])
    t.same(await found(`status=2xx&connectionId=${connection.id}&userId=${id}`), [ada])
    t.same(await found('until=2001-01-01T00:00:00Z'), [])
    t.same(await found('since=0001-01-01T00:00:00Z'), [bob, again, ada])
    t.same(await found('since=9999-01-01T00:00:00Z'), [])
    const page = (await usher.admin('GET', `${organization.path}/requests?limit=2`)).body
    t.same(
      page.items.map((one) => one.id),
      [bob, again],
    )
    t.same(await found(`limit=2&cursor=${page.next}`), [ada])
    for (const wrong of ['status=9', 'status=4x', 'since=yesterday', 'userId=7', 'cursor=x'])
      t.equal((await usher.admin('GET', `${organization.path}/requests?${wrong}`)).status, 400, wrong)
  },

  'an event in the time line is told with its request': async (t, usher) => {
    const { organization, scim } = await usher.makePusher()
    const { id } = (await scim('POST', '/Users', person('ada'))).body
    await noted(usher, organization)
    const { items } = (await usher.admin('GET', `${organization.path}/users/${id}/timeline`)).body
    t.ok(items.length >= 2)
    for (const item of items) t.match(item.request, { method: 'POST', path: '/Users', status: 201 })
  },

  'who is erased leaves no note': async (t, usher) => {
    const { organization, scim } = await usher.makePusher()
    const { id } = (await scim('POST', '/Users', person('ada'))).body
    await scim('POST', '/Users', person('bob'))
    await noted(usher, organization, { least: 2 })
    await usher.rows(
      `update users set status = 'archived', deleted_at = now() where organization_id = $1 and id = $2`,
      [organization.id, id],
    )
    t.equal((await usher.admin('POST', `${organization.path}/users/${id}/erase`)).status, 200)
    const left = (await usher.admin('GET', `${organization.path}/requests`)).body.items
    t.equal(left.length, 1)
    t.not(left[0]?.subjectId, id)
  },

  'the oldest go, and what is more than an organization may keep': async (t, usher) => {
    const { organization, connection } = await usher.makePusher()
    const of = { db: usher.db, organizationId: organization.id }
    const now = new Date()
    const ago = (days: number) => new Date(now.getTime() - days * 24 * 3_600_000)
    const rows = [31, 29, 0].map((days) =>
      JSON.stringify(row(connection.id, ago(days), { id: idAt(ago(days)) })),
    )
    await insertRequests(of, rows)
    const count = async () =>
      (
        await usher.rows('select count(*)::int as n from requests where organization_id = $1', [
          organization.id,
        ])
      )[0]?.n
    t.equal(await count(), 3)
    await round(usher, now)
    t.equal(await count(), 2, 'older than 30 days')
    await usher.rows(
      `insert into requests (organization_id, id, at, kind, connection_id, method, path, times)
       select $1, ($2 || substr(md5(i::text), 1, 12))::uuid, $3, 'scim', $4, 'POST', '/Users', 1
       from generate_series(1, 101500) i`,
      [organization.id, idAt(ago(1)).slice(0, 24), ago(1), connection.id],
    )
    await round(usher, new Date(now.getTime() + 3_600_000))
    t.equal(await count(), 100_000)
  },
})

t.test('reads are counted, and so is what fails alike too often', async (t) => {
  const usher = await startUsher(t)
  const { organization, scim } = await usher.makePusher()
  const { id } = (await scim('POST', '/Users', person('ada'))).body
  for (let i = 0; i < 7; i++) await scim('GET', `/Users/${id}`)
  for (let i = 0; i < 3; i++) await scim('GET', '/Users?filter=userName eq "ada"')
  for (let i = 0; i < 130; i++) await scim('DELETE', `/Users/${newId()}`)
  await usher.app.close()
  const counted = await usher.rows<{ key: string; times: number; rows: number }>(
    `select method || ' ' || regexp_replace(path, '[0-9a-f-]{36}', '{id}') as key, sum(times)::int as times,
       count(*)::int as rows, max(times) > 1 as counted
     from requests where organization_id = $1 group by 1 order by 1`,
    [organization.id],
  )
  t.match(counted, [
    { key: 'DELETE /Users/{id}', times: 130, counted: true },
    { key: 'GET /Users', times: 3, rows: 1 },
    { key: 'GET /Users/{id}', times: 7, rows: 1 },
    { key: 'POST /Users', times: 1, rows: 1 },
  ])
  t.ok(Number(counted[0]?.rows) <= 101, 'each alone, up to a bound')
})

t.test('a sign-in is noted with whose it is or why not, and no address of it', async (t) => {
  const usher = await startUsher(t, { outboundAllow: new URL(provider.issuer).host })
  const organization = await usher.makeOrganization()
  const oidc = { issuer: provider.issuer, clientId: 'usher' }
  const connection = await usher.makeConnection(organization, { oidc })
  const answer = await usher.call({
    method: 'GET',
    url: `/oidc/${connection.id}/callback?code=secret-code&state=x`,
  })
  t.equal(answer.status, 400)
  const [refused] = await noted(usher, organization)
  t.match(refused, {
    kind: 'sign-in',
    connectionId: connection.id,
    method: 'GET',
    path: '/oidc/{connection}/callback',
    status: 400,
    code: /./,
  })
  t.notMatch(JSON.stringify(refused), /secret-code/)
})

t.test('a sign-in is noted with the names of its claims, and what decided', async (t) => {
  const { usher, provider, connect, enter } = await deceived(t)
  const connection = await connect({ claims: { groups: 'groups' } })
  const path = `/organizations/${connection.organizationId}`
  const long = `${'x'.repeat(99)}😀`
  provider.lie({ claims: (honest) => ({ ...honest, email_verified: true, groups: ['Engineers', long] }) })
  await enter(connection)
  const [entered] = await noted(usher, { path })
  t.match(entered, {
    kind: 'sign-in',
    method: 'GET',
    path: '/oidc/{connection}/callback',
    status: 303,
    subjectId: /./,
    body: {
      decided: {
        correlationClaim: 'sub',
        emailVerifiedBy: 'email_verified',
        groups: ['Engineers', /^x{99}/],
      },
    },
  })
  const { claims } = Object(entered).body as { claims: string[] } // as was just matched
  t.ok(claims.includes('email'))
  const [person] = (await usher.admin('GET', `${path}/users`)).body.items
  await usher.admin('POST', `${path}/users/${person?.id}/suspend`)
  await enter(connection)
  const [refused] = await noted(usher, { path }, { least: 2 })
  t.match(refused, {
    ...{ status: 403, code: 'suspended', detail: 'person suspended', subjectId: person?.id },
    body: { claims },
  })
  t.notMatch(JSON.stringify([entered, refused]), /the-code|@|eyJ/)
})

t.test('a database that is slow or away loses notes, and neither a request nor memory', async (t) => {
  const usher = await startUsher(t)
  const { organization, connection } = await usher.makePusher()
  const dead = connect({ database: 'postgres://nobody@127.0.0.1:1/none', acquireTimeout: 200 })
  t.teardown(() => disconnect(dead))
  let lost = 0
  const log = requestLog({
    db: dead,
    clock: () => new Date(),
    lost: (n) => (lost += n),
    log: { warn: () => {} },
  })
  const before = process.memoryUsage().heapUsed
  const told = (key: string, more: object = {}) => {
    const one = row(connection.id, new Date(), more)
    return { key, failed: one.status >= 400, alike: () => one, whole: () => one }
  }
  for (let i = 0; i < 200_000; i++) log.note(organization.id, told('one'))
  for (let i = 0; i < 50_000; i++) log.count(newId(), told(newId()))
  for (let i = 0; i < 50_000; i++) log.note(newId(), told(newId(), { status: 400 }))
  t.ok(process.memoryUsage().heapUsed - before < 100 * 1024 * 1024)
  await log.written()
  t.equal(lost, 200 + 1 + 50_000 + 50_000, 'each note is counted')
  await usher.rows('alter table requests rename to requests_away')
  const { token } = await usher.makeCredential(connection)
  t.equal((await usher.scim(token)('POST', '/Users', person('eve'))).status, 201)
  for (let tries = 0; tries < 100 && !(await lostOf(usher)); tries++) await pause(50)
  t.equal(await lostOf(usher), 1)
})

t.test('what comes too fast is counted, and what an organization has not used up is kept', async (t) => {
  const usher = await startUsher(t)
  const { organization, connection } = await usher.makePusher()
  const other = await usher.makeOrganization()
  const log = requestLog({
    ...{ db: usher.db, clock: () => new Date(), lost: () => {}, log: { warn: () => {} } },
  })
  const one = (organizationId: string) => {
    const noted = row(connection.id, new Date())
    log.note(organizationId, { key: organizationId, failed: false, alike: () => noted, whole: () => noted })
  }
  for (let i = 0; i < 300; i++) one(organization.id)
  for (let i = 0; i < 3; i++) one(other.id)
  await log.written()
  const timesOf = ({ id }: Organization) =>
    usher.rows<{ times: number; rows: number }>(
      `select times, count(*)::int as rows from requests where organization_id = $1 group by 1 order by 1`,
      [id],
    )
  t.same(await timesOf(organization), [
    { times: 1, rows: 200 },
    { times: 100, rows: 1 },
  ])
  t.same(await timesOf(other), [{ times: 1, rows: 3 }])
})

t.test('what was lost is said in the log itself, once it can be', async (t) => {
  const usher = await startUsher(t)
  const { organization, connection } = await usher.makePusher()
  const log = requestLog({
    ...{ db: usher.db, clock: () => new Date(), lost: () => {}, log: { warn: () => {} } },
  })
  const one = () => {
    const noted = row(connection.id, new Date())
    log.note(organization.id, { key: 'one', failed: false, alike: () => noted, whole: () => noted })
  }
  await usher.rows('alter table requests rename to requests_away')
  for (let i = 0; i < 3; i++) one()
  await log.written()
  await usher.rows('alter table requests_away rename to requests')
  one()
  await log.written()
  one()
  await log.written()
  const { items } = (await usher.admin('GET', `${organization.path}/requests`)).body
  t.same(
    items.map(({ kind, times }) => [kind, times]),
    [
      ['scim', 1],
      ['lost', 3],
      ['scim', 1],
    ],
  )
})

async function lostOf(usher: Usher): Promise<number> {
  const { text } = await usher.call({ method: 'GET', url: '/metrics' })
  return Number(/^usher_requests_not_noted_total (\d+)/m.exec(text)?.[1])
}
