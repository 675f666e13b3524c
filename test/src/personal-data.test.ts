import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { json } from 'node:stream/consumers'
import { setTimeout as pause } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { personExport } from '../../src/reports/person-export.ts'
import { holdOnEachLayout } from './layouts.ts'
import { patchUser, person } from './people.ts'
import { ADMIN_KEY, type Usher } from './usher.ts'

/** What is kept in a table about people, and what becomes of it. */
interface Kept {
  /** The column that says whose it is. */
  readonly by: string
  /** Columns whose values an export goes without, and why; or why it goes without all of them. */
  readonly untold?: string | Readonly<Record<string, string>>
  /** Why rows are there after erasure; else there are none. */
  readonly stays?: string
}

const LOOKED_UP = 'made of what is told, to be looked up by'
const SECRET = 'a secret, or of use to nobody but Usher'

/** Every table that has rows of a person. A new one is put here, with its part in `db/person-data.ts` and `db/erasure.ts`. */
const OF_PEOPLE: Readonly<Record<string, Kept>> = {
  users: {
    by: 'id',
    untold: {
      ...{ user_name_key: LOOKED_UP, email_keys: LOOKED_UP, display_name: LOOKED_UP, manager: LOOKED_UP },
      ...{ managed: 'told as managedBy', session_epoch: SECRET },
    },
    stays: 'that they were, without any value',
  },
  identities: { by: 'user_id' },
  sessions: {
    by: 'user_id',
    untold: { secret_hash: SECRET, id_token: SECRET, sid: SECRET, user_epoch: SECRET, touch_at: SECRET },
  },
  group_members: { by: 'user_id' },
  claimed_groups: { by: 'user_id' },
  memberships: { by: 'user_id' },
  team_memberships: { by: 'user_id' },
  workspaces: { by: 'default_of', stays: 'the workspace is of the organization; its name goes' },
  attribute_ends: { by: 'user_id' },
  departures: { by: 'user_id' },
  held_people: { by: 'user_id' },
  legal_holds: {
    by: 'user_id',
    untold: { reason: 'the organization’s own matter', actor: 'somebody else' },
    stays: 'nobody is erased who is under one',
  },
  transfers: { by: 'user_id', stays: 'the workspace waits for an owner; it says no more than whose it was' },
  conflicts: {
    by: 'user_id',
    untold: {
      ...{ evidence: 'of it, what is said of them', answer: 'of it, which', answered_by: 'somebody else' },
      ...{ newcomer: LOOKED_UP, user_id: 'the first of the people in it' },
    },
  },
  captured_people: { by: 'user_id', stays: 'by ids alone: it keeps them from being brought in again' },
  public_identities: {
    by: 'user_id',
    stays: 'nobody is deleted in an organization of their own, and only who was deleted is erased',
  },
  events: { by: 'subject_id', untold: { subject_type: 'always user' }, stays: 'what happened, by ids alone' },
  requests: { by: 'subject_id' },
  event_personal: { by: 'user_id', untold: { event_id: 'with the event' } },
  'onboarding.finished_steps': { by: 'user_id' },
  'onboarding.dismissals': { by: 'user_id' },
}

/** Of no person: what an organization has set up, what it is with providers, and what holds the data together. */
const OF_NOBODY = [
  ...[
    'organizations',
    'domains',
    'policies',
    'scim_schemas',
    'scim_values',
    'logos',
    'teams',
    'brakes',
    'captures',
  ],
  ...['connections', 'connection_directory', 'provider_documents', 'scim_clients', 'scim_assertions'],
  ...[
    'scim_credentials',
    'admin_keys',
    'signing_keys',
    'leases',
    'groups',
    'group_subgroups',
    'reevaluations',
  ],
  ...['visible_workspaces', 'event_numbers', 'spent_tokens', 'sign_outs', 'sign_in_transactions'],
  ...['onboarding.checklists', 'schema_migrations'],
  // What it holds of somebody is found by its values, and ends within days.
  'connection_tests',
]

const columnsOf = (usher: Usher) =>
  usher.rows<{ name: string; columns: string[] }>(
    `select case n.nspname when 'public' then '' else n.nspname || '.' end || c.relname as name,
       array_agg(a.attname::text order by a.attnum) as columns
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
     join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
     where n.nspname in ('public', 'onboarding') and c.relkind in ('r', 'p') and not c.relispartition
     group by 1 order by 1`,
  )

const MAIL = 'ada.lovelace@acme.example'

const wish = { oidc: { issuer: 'https://idp.example', clientId: 'c' }, scim: {} }

/** Somebody of whom there is something in every table, and another beside them. */
async function scene(t: Test, usher: Usher) {
  const pusher = await usher.makePusher(wish)
  const { organization, connection, scim } = pusher
  const { path } = organization
  const admin = async (method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE', what: string, body?: object) => {
    const answer = await usher.admin(method, `${path}${what}`, body)
    if (answer.status >= 300) throw new Error(`${what}: ${answer.text}`)
    return answer.body
  }
  const push = async (userName: string, more: object) =>
    scim('POST', '/Users', person(userName, { externalId: userName, ...more }))
  await admin('PATCH', '/policy', { workspace: { name: '{displayName}’s desk' }, brake: { percent: 100 } })
  await admin('PUT', '/checklist', { enabled: true })
  const taken = (await push('boss', { externalId: 'b' })).body.id
  const who = {
    externalId: 'x-lovelace',
    displayName: 'Ada Lovelace',
    emails: [{ value: MAIL, type: 'work' }],
  }
  t.equal((await push('boss', who)).status, 409, 'she came as somebody else first')
  const ada = (await push('lovelace', who)).body.id
  await patchUser(scim, ada, { userName: 'a.lovelace', title: 'Countess', name: { familyName: 'Lovelace' } })
  const until = new Date(Date.now() + 3_600_000).toISOString()
  await admin('PUT', `/users/${ada}/attributes/title`, { value: 'Lady Lovelace', until })
  const claims = { sub: 's-lovelace', preferred_username: 'a.lovelace', email: MAIL }
  const { cookie } = await usher.signIn(connection, claims)
  t.ok(cookie)
  t.match(await usher.signIn(connection, { ...claims, sub: 'mallory' }), { code: /./ }, 'and another as her')
  await scim('POST', '/Groups', { displayName: 'Staff', members: [{ value: ada }] })
  const { workspace } = await admin('GET', `/users/${ada}`)
  const { id: own } = workspace as { id: string }
  await admin('PUT', `/workspaces/${own}/members/${taken}`, { role: 'owner' })
  const team = (await admin('POST', '/teams', { name: 'Engines' })).id
  await admin('PUT', `/teams/${team}/members/${ada}`, { role: 'member' })
  await usher.call({
    ...{ method: 'PUT', url: '/v1/me/checklist/steps/look-around' },
    headers: { cookie, 'sec-fetch-site': 'same-origin' },
  })
  await usher.call({
    ...{ method: 'POST', url: '/v1/me/checklist/dismiss' },
    headers: { cookie, 'sec-fetch-site': 'same-origin' },
  })
  await admin('PUT', `/users/${ada}/hold`, { reason: 'Case 17' })
  const by = [organization.id, ada, connection.id]
  await usher.rows(
    `with said as (
       insert into claimed_groups (organization_id, user_id, connection_id, names) values ($1, $2, $3, '{Analysts}')
     ), taken as (
       insert into captures (organization_id, id, domain, connection_id, actor, created_at)
       values ($1, gen_random_uuid(), 'acme.example', $3, 'system', now()) returning id
     )
     insert into captured_people (organization_id, source_organization_id, capture_id, user_id, outcome, created_at)
     select $1, gen_random_uuid(), id, $2, 'made', now() from taken`,
    by,
  )
  await usher.rows(
    `insert into connection_tests (organization_id, connection_id, kept_until, expires_at, created_at, id, token_hash, report)
     select $1, $2, now() + interval '1 day', now(), now(), gen_random_uuid(), sha256(body::bytea),
       jsonb_build_object('ok', true, 'claims', body::jsonb)
     from unnest($3::text[]) as body`,
    [organization.id, connection.id, [JSON.stringify(claims), '{"sub": "else"}']],
  )
  const rowsOf = async (table: string) =>
    (
      await usher.rows<{ row: Record<string, unknown> }>(
        `select to_jsonb(x) as row from ${table} x where organization_id = $1 and ${OF_PEOPLE[table]?.by} = $2`,
        [organization.id, ada],
      )
    ).map(({ row }) => row)
  const told = async (id = ada) => usher.admin('GET', `${path}/users/${id}/export`)
  /** Requests are noted late. */
  const noted = async (method: string) => {
    const isNoted = async () => (await rowsOf('requests')).some((row) => row.method === method)
    for (let tries = 0; tries < 200 && !(await isNoted()); tries++) await pause(50)
  }
  return { ...pusher, noted, ada, taken, own, team, admin, push, rowsOf, told, cookie }
}

/** Every value anywhere in it, as text; times as numbers. */
function leavesOf(value: unknown): string[] {
  if (value === null) return []
  if (typeof value === 'object') return Object.values(value).flatMap(leavesOf)
  return [leaf(value)]
}

const leaf = (value: unknown) =>
  typeof value === 'string' && /^\d{4}-\d\d-\d\dT/.test(value) ? String(Date.parse(value)) : String(value)

holdOnEachLayout(t, {
  'every table is known to be of people, or not': async (t, usher) => {
    for (const { name, columns } of await columnsOf(usher)) {
      const kept = OF_PEOPLE[name]
      t.ok(kept || OF_NOBODY.includes(name), `${name} is one or the other: say in this file which`)
      if (kept) t.ok(columns.includes(kept.by), `${name} has ${kept.by}`)
      const personal = columns.filter((column) =>
        /(^|_)(user|subject|person|owner)_id$|^default_of$/.test(column),
      )
      t.ok(kept || personal.length === 0, `${name} has nobody’s id: ${personal}`)
    }
  },

  'every value that is kept of somebody is in their export, or said here not to be': async (t, usher) => {
    const of = await scene(t, usher)
    const { ada, organization } = of
    await of.scim('DELETE', `/Users/${ada}`)
    await of.noted('DELETE')
    await usher.rows(
      `with held as (
         insert into held_people (organization_id, user_id, code, policy_version, since)
         values ($1, $2, 'home_unknown', 17, now())
       ), waits as (
         insert into transfers (organization_id, workspace_id, user_id, created_at) values ($1, $3, $2, now())
       ), signed as (
         insert into sessions (organization_id, id, secret_hash, user_id, user_epoch, connection_id, workspace_id, sid,
           created_at, expires_at, seen_at, touch_at, idle_at)
         select $1, gen_random_uuid(), '\\x00', $2, 0, $4, $3, 'sid', now(), now() + interval '1 day', now(), now(), now()
       )
       insert into public_identities (issuer, subject, id, organization_id, user_id, domain, created_at)
       values ('https://public.example', $5, gen_random_uuid(), $1, $2, 'acme.example', now())`,
      [organization.id, ada, of.own, of.connection.id, ada],
    )
    const answer = await of.told()
    t.match(answer, {
      status: 200,
      headers: { 'content-disposition': /^attachment; /, 'cache-control': 'no-store' },
      body: { user: { status: 'leaving', userName: 'a.lovelace' }, departure: {}, dismissal: {} },
    })
    const leaves = new Set(leavesOf(answer.body))
    for (const [table, { by, untold = {} }] of Object.entries(OF_PEOPLE)) {
      const rows = await of.rowsOf(table)
      t.ok(rows.length > 0, `there is something in ${table}`)
      if (typeof untold === 'string') continue
      const known = { ...untold, [by]: 'told once', organization_id: 'told once' }
      for (const row of rows)
        for (const [column, value] of Object.entries(row)) {
          if (value === null || typeof value === 'boolean' || column in known) continue
          const missing = leavesOf(value).filter((one) => !leaves.has(one))
          t.same(missing, [], `${table}.${column} is told`)
        }
    }
    const [exported] = await usher.rows(
      `select actor, type from events where organization_id = $1 and subject_id = $2 order by id desc limit 1`,
      [organization.id, ada],
    )
    t.match(exported, { type: 'user.exported', actor: /^admin:/ })
    t.notMatch(answer.text, /Case 17|mallory|boss B|boss@/, 'nothing of others, nor why she is under hold')
    t.notMatch(
      (await of.told(of.taken)).text,
      /[axs][.-]lovelace/,
      'and another’s export has nothing of hers',
    )
    await usher.rows('delete from public_identities where organization_id = $1', [organization.id])
    await usher.rows('delete from held_people where organization_id = $1', [organization.id])
  },

  'of whoever was erased no table holds a name, an address or an id of the provider’s': async (t, usher) => {
    const of = await scene(t, usher)
    const { ada, admin, organization, scim } = of
    const enterprise = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'
    const { id: bob } = (await of.push('bob', { [enterprise]: { manager: { value: 'x-lovelace' } } })).body
    const holding = async () => {
      const found: string[] = []
      for (const { name } of await columnsOf(usher)) {
        const rows = await usher.rows(
          `select 1 from ${name} x where x::text ~* 'lovelace' and x::text ~ $1`,
          [organization.id],
        )
        if (rows.length > 0) found.push(name)
      }
      return found
    }
    t.same(await holding(), [
      ...['conflicts', 'connection_tests', 'event_personal', 'events', 'identities', 'users', 'workspaces'],
    ])
    await scim('DELETE', `/Users/${ada}`)
    await of.noted('DELETE')
    await admin('DELETE', `/users/${ada}/hold`)
    await admin('POST', `/users/${ada}/erase`)
    t.same(await holding(), ['users'])
    const left = await usher.rows(
      `select id, manager from users where organization_id = $1 and users::text ~* 'lovelace'`,
      [organization.id],
    )
    t.same(left, [{ id: bob, manager: 'x-lovelace' }], 'which is of another, as the provider has said it')
    for (const [table, { stays }] of Object.entries(OF_PEOPLE))
      if (stays === undefined) t.same(await of.rowsOf(table), [], `nothing is left in ${table}`)
    const [row] = await of.rowsOf('users')
    const { version, session_epoch, created_at, updated_at, deleted_at, ...values } = row ?? {}
    t.ok(version && created_at && updated_at && deleted_at && session_epoch)
    const empty = {
      reason: null,
      external_id: null,
      display_name: null,
      manager: null,
      sources: null,
      attributes: {},
    }
    t.same(values, {
      ...{
        ...empty,
        email_keys: [],
        id: ada,
        organization_id: organization.id,
        status: 'erased',
        managed: true,
      },
      ...{ connection_id: of.connection.id, user_name: `erased-${ada}`, user_name_key: `erased-${ada}` },
    })
    t.match(await of.told(), { status: 409, body: { code: 'conflict' } })
    const tests = await usher.rows('select report from connection_tests where organization_id = $1', [
      organization.id,
    ])
    t.match(tests, [{ report: { claims: { sub: 'else' } } }], 'what is of others stays')
    const shared = await usher.admin('GET', `${organization.path}/workspaces/${of.own}`)
    t.match(
      shared,
      { status: 200, body: { name: 'Workspace', status: 'active' } },
      'it goes on without her name',
    )
    t.match(
      await usher.admin('POST', `${organization.path}/users/${ada}/erase`),
      { status: 200 },
      'once more',
    )
  },

  'the export of whom nobody knows, and of another organization’s, is 404': async (t, usher) => {
    const [one, other] = [await usher.makePusher(), await usher.makeOrganization()]
    const { id } = (await one.scim('POST', '/Users', person('ada'))).body
    t.equal((await usher.admin('GET', `${other.path}/users/${id}/export`)).status, 404)
    t.equal((await usher.admin('GET', `${one.organization.path}/users/x/export`)).status, 404)
    t.same(await usher.rows(`select from events where type = 'user.exported' and subject_id = $1`, [id]), [])
  },

  'an export is of one moment, and comes in pieces': async (t, usher) => {
    const { organization, scim } = await usher.makePusher()
    const { id } = (await scim('POST', '/Users', person('ada', { title: 'Countess' }))).body
    const many = (count: number) =>
      usher.rows(
        `insert into events (organization_id, id, at, type, actor, subject_type, subject_id, changed, data)
         select $1, gen_random_uuid(), now(), 'user.changed', 'system', 'user', $2, '{title}', '{}'
         from generate_series(1, $3)`,
        [organization.id, id, count],
      )
    await many(1600)
    const scope = {
      db: usher.db,
      organizationId: organization.id,
      now: new Date(),
      actor: 'x',
      requestId: '',
    }
    const pieces: string[] = []
    for await (const piece of personExport(scope, id)) {
      if (pieces.length === 0) {
        await patchUser(scim, id, { title: 'Other' })
        await many(700)
      }
      pieces.push(piece)
    }
    const whole = JSON.parse(pieces.join(''))
    t.match(whole.user, { attributes: { title: 'Countess' } })
    t.equal(whole.events.length, 1602)
    t.ok(Math.max(...pieces.map(({ length }) => length)) < 200_000, 'no piece is large')
  },

  'whoever stops reading keeps neither a connection nor a turn': async (t, usher) => {
    const { organization, scim } = await usher.makePusher()
    const { id } = (await scim('POST', '/Users', person('ada'))).body
    await usher.rows(
      `insert into events (organization_id, id, at, type, actor, subject_type, subject_id, changed, data)
       select $1, gen_random_uuid(), now(), 'user.changed', 'system', 'user', $2, '{}', jsonb_build_object('x', repeat('x', 1000))
       from generate_series(1, 9000)`,
      [organization.id, id],
    )
    const origin = await usher.app.listen({ host: '127.0.0.1', port: 0 })
    const url = `${origin}/admin/v1${organization.path}/users/${id}/export`
    const ask = async () => {
      const request = get(url, { agent: false, headers: { authorization: `Bearer ${ADMIN_KEY}` } })
      const [response] = (await once(request, 'response')) as [IncomingMessage]
      return response
    }
    const two = [await ask(), await ask()]
    const third = await ask()
    t.match([third.statusCode, await json(third)], [503, { code: 'unavailable' }], 'more wait')
    for (const response of two) {
      await once(response, 'readable')
      response.destroy()
    }
    const free = async () =>
      (
        await usher.rows(
          `select from pg_stat_activity where datname = current_database() and state = 'idle in transaction'`,
        )
      ).length === 0
    let isFree = await free()
    for (let tries = 0; tries < 100 && !isFree; tries++) {
      await pause(50)
      isFree = await free()
    }
    t.ok(isFree)
    t.match(await json(await ask()), { events: { length: 9000 + 5 } })
  },
})
