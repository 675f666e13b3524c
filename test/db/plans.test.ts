import t from 'tap'
import {
  endProviderSessions,
  endSession,
  endSessionsAtConnection,
  enterWorkspace,
  insertRequests,
  personByAddress,
  personByLogin,
  removeRequests,
  requestBeyond,
  type Scope,
  saveSignInTransaction,
  takeSignInTransaction,
  touchSession,
} from '../../db/index.ts'
import { hashOf } from '../../src/auth.ts'
import type { Body } from '../src/api.ts'
import { patchOp, patchUser, person } from '../src/people.ts'
import { type Pusher, startUsher, type Usher } from '../src/usher.ts'
import { explaining, type PlanNode } from './explain.ts'

const MANY = 3000
const EVENT = '0190aa3c-5d1c-7a39-9d3f-2f6a1c0b7e11'

/** Tables that grow with the organization. */
const large =
  /^(users|identities|groups|group_members|group_subgroups|workspaces|memberships|sessions|events|requests)(_p\d+)?$/

/** Fills an organization as if it had many people, each in a group, signed in, and with a past; the id in their middle. */
async function fill(usher: Usher, { organization, connection }: Pusher): Promise<string> {
  const ids = 'select gen_random_uuid() as id, n from generate_series(1, $3) n'
  await usher.rows(
    `with people as materialized (${ids}), crowd as materialized (${ids}), made as (
      insert into users (organization_id, id, connection_id, managed, user_name, user_name_key, external_id, status,
                         attributes, email_keys, display_name, created_at, updated_at)
      select $1, id, $2, true, 'user-' || n, 'user-' || n, 'x' || n, 'ready',
        jsonb_build_object('displayName', n, 'emails', jsonb_build_array(jsonb_build_object('value', n, 'type', 'work'))),
        jsonb_build_array(n || '@acme.example'), n::text, now(), now() from people
    ), logins as (
      insert into identities (organization_id, id, connection_id, issuer, subject, user_id, created_at)
      select $1, id, $2, 'https://idp.example', 's' || n, id, now() from people
    ), places as (
      insert into workspaces (organization_id, id, team_id, name, default_of, created_at)
      select $1, people.id, t.id, 'w', people.id, now() from people, teams t where t.organization_id = $1
    ), roles as (
      insert into memberships (organization_id, user_id, workspace_id, role, source, rule, created_at)
      select $1, id, id, 'owner', 'provisioning', 'r', now() from people
    ), signed_in as (
      insert into sessions (organization_id, id, secret_hash, user_id, user_epoch, connection_id, workspace_id,
                            created_at, expires_at, seen_at, touch_at, idle_at)
      select $1, id, sha256(id::text::bytea), id, 0, $2, id, now(), now() + interval '1 day',
        now(), now() + interval '5 minutes', now() + interval '2 hours' from people
    ), groups as (
      insert into groups (organization_id, id, connection_id, display_name, external_id, attributes, created_at, updated_at)
      select $1, id, $2, 'group-' || n, 'g' || n, '{}', now(), now() from crowd
    ), members as (
      insert into group_members (organization_id, group_id, user_id)
      select $1, crowd.id, people.id from crowd join people using (n)
    ), subgroups as (
      insert into group_subgroups (organization_id, group_id, subgroup_id)
      select $1, outer_one.id, inner_one.id from crowd outer_one join crowd inner_one on inner_one.n = outer_one.n + 1
      where outer_one.n % 2 = 0
    ), noted as (
      insert into requests (organization_id, id, at, kind, connection_id, subject_id, method, path, status, times)
      select $1, id, now(), 'scim', $2, id, 'POST', '/Users', 201, 1 from people
    )
    insert into events (organization_id, id, at, type, actor, subject_type, subject_id, changed, data)
    select $1, gen_random_uuid(), now(), 'user.created', 'system', 'user', id, '{}', '{}' from people`,
    [organization.id, connection.id, MANY],
  )
  await usher.rows('analyze')
  const [row] = await usher.rows<{ id: string }>('select id from users order by id offset $1 limit 1', [
    MANY / 2,
  ])
  return row?.id ?? ''
}

type Requests = Record<string, () => Promise<unknown>>

/** Every kind of request that comes often, in an order in which each has something to do. */
function requestsOf(
  usher: Usher,
  pusher: Pusher,
  known: { user: string; group: string; crowd: string; cookie: string; middle: string; client: Client },
): Requests {
  const { scim, connection, organization } = pusher
  const { user, group, crowd, cookie, middle, client } = known
  const list = (type: string, filter: string) => () =>
    scim('GET', `/${type}?filter=${encodeURIComponent(filter)}`)
  const members = (op: string) => () =>
    scim(
      'PATCH',
      `/Groups/${group}`,
      patchOp({ Operations: [{ op, path: 'members', value: [{ value: user }] }] }),
    )
  const people = `${organization.path}/users`
  const requests = `${organization.path}/requests`
  const signedOut = (who: { subject?: string; sid?: string }) => ({
    connectionId: connection.id,
    issuer: 'https://idp.example',
    ...who,
  })
  const cursor = Buffer.from(middle).toString('base64url')
  return {
    'a push': () => scim('POST', '/Users', person('pushed', { externalId: 'p' })),
    'a push that comes again': () => scim('POST', '/Users', person('pushed', { externalId: 'p' })),
    'a read by id': () => scim('GET', `/Users/${user}`),
    'a filter by userName': list('Users', 'userName eq "USER-77"'),
    'a filter by externalId': list('Users', 'externalId eq "x77"'),
    'a filter by the name of people': list('Users', 'displayName eq "77"'),
    'a filter by work address': list('Users', 'emails[type eq "work"].value eq "77@acme.example"'),
    'a filter by address': list('Users', 'emails eq "77@acme.example"'),
    'a check of a manager': list('Users', `id eq "${user}" and manager eq "${user}"`),
    'a search for reports': list('Users', `manager eq "${user}"`),
    'a search over everything': () =>
      scim('POST', '/.search', { filter: 'userName eq "user-77" or userName eq "user-78"' }),
    'a page of people': () => scim('GET', '/Users?startIndex=1&count=10'),
    'people by cursor': () => twoPages(pusher, '/Users?count=10'),
    'people by cursor and name': () => twoPages(pusher, '/Users?count=10&sortBy=userName'),
    'people by cursor from the last name': () =>
      twoPages(pusher, '/Users?count=10&sortBy=userName&sortOrder=descending'),
    'groups by cursor': () => twoPages(pusher, '/Groups?count=10'),
    'groups by cursor and name': () => twoPages(pusher, '/Groups?count=10&sortBy=displayName'),
    'a change': () => patchUser(scim, user, { title: 'x' }),
    'a replacement': () => scim('PUT', `/Users/${user}`, person('ada', { externalId: 'a' })),
    'a group': () => scim('POST', '/Groups', { displayName: 'Staff', members: [{ value: user }] }),
    'a read of a group': () => scim('GET', `/Groups/${group}`),
    'a filter by displayName': () =>
      scim(
        'GET',
        `/Groups?excludedAttributes=members&filter=${encodeURIComponent('displayName eq "GROUP-77"')}`,
      ),
    'a check of a member': list('Groups', `id eq "${group}" and members eq "${user}"`),
    'the groups of a member': list('Groups', `members eq "${user}"`),
    'a member who comes': members('add'),
    'a member who goes': members('remove'),
    'a member who leaves a crowd': () =>
      scim(
        'PATCH',
        `/Groups/${crowd}`,
        patchOp({ Operations: [{ op: 'remove', path: `members[value eq "${middle}"]` }] }),
      ),
    'a group that comes to a group': () =>
      scim('POST', '/Groups', { displayName: 'Top', members: [{ value: group }] }),
    'a group that joins a group': async () => {
      const { id } = (await scim('POST', '/Groups', { displayName: 'Higher' })).body
      const value = [{ value: group }]
      await scim('PATCH', `/Groups/${id}`, patchOp({ Operations: [{ op: 'add', path: 'members', value }] }))
    },
    'groups, and the groups of these': () => scim('GET', `/Users/${user}?attributes=groups`),
    'a group that goes': () => scim('DELETE', `/Groups/${group}`),
    'a sign-in': () => usher.signIn(connection, { sub: 'a' }),
    'a first sign-in': () => usher.signIn(connection, { sub: 'newcomer' }),
    'a grant to a client': () => askToken(usher, client),
    'a check of a session': () => usher.call({ method: 'GET', url: '/session', headers: { cookie } }),
    'the first page for administrators': () => usher.admin('GET', people),
    'a later page for administrators': () => usher.admin('GET', `${people}?cursor=${cursor}&limit=20`),
    'a person for administrators': () => usher.admin('GET', `${people}/${user}`),
    'a time line': () => usher.admin('GET', `${people}/${user}/timeline`),
    'the requests about a person': () => usher.admin('GET', `${requests}?userId=${user}`),
    'the last requests': () => usher.admin('GET', requests),
    'requests that are noted': () =>
      insertRequests(scopeOf(usher, pusher), [
        JSON.stringify({
          ...{ id: EVENT, at: new Date(), kind: 'scim', connection_id: connection.id, method: 'POST' },
          ...{ path: '/Users', status: 201, times: 1 },
        }),
      ]),
    'requests that are forgotten': async () => {
      await requestBeyond(scopeOf(usher, pusher), 1)
      await removeRequests(scopeOf(usher, pusher), EVENT)
    },
    'an explanation': () => usher.admin('GET', `${people}/${user}/explain`),
    'the sessions of a person': () => usher.admin('GET', `${people}/${user}/sessions`),
    'the workspaces of a person': () =>
      usher.call({ method: 'GET', url: '/v1/me/workspaces', headers: { cookie } }),
    'another workspace': () =>
      enterWorkspace(scopeOf(usher, pusher), { userId: user, sessionId: EVENT, workspaceId: EVENT }, []),
    'the use of a session': () => touchSession(scopeOf(usher, pusher), EVENT),
    'one of the sessions of a person': () => usher.admin('DELETE', `${people}/${user}/sessions/${EVENT}`),
    'the end of a session': () =>
      endSession(scopeOf(usher, pusher), { secretHash: hashOf('x'), eventId: EVENT, cause: 'logout' }),
    'somebody by login': () =>
      personByLogin(scopeOf(usher, pusher), {
        ...signedOut({}),
        subject: 'x-unknown',
        correlates: true,
      }),
    'somebody by address': () =>
      personByAddress(scopeOf(usher, pusher), {
        connectionId: connection.id,
        email: '77@acme.example',
        userNameKey: '77@acme.example',
      }),
    'the end of sessions at a connection': () =>
      endSessionsAtConnection(scopeOf(usher, pusher), {
        userId: EVENT,
        connectionId: connection.id,
        sid: 'x',
      }),
    'a sign-out by session': () => endProviderSessions(scopeOf(usher, pusher), signedOut({ sid: 'x' })),
    'a sign-out of a person': () => endProviderSessions(scopeOf(usher, pusher), signedOut({ subject: 'x' })),
    'a sign-out of a person by session': () =>
      endProviderSessions(scopeOf(usher, pusher), signedOut({ subject: 'x', sid: 'x' })),
    'the end of every session': () => usher.admin('DELETE', `${people}/${user}/sessions`),
    'the start of a sign-in': () => beginSignIn(scopeOf(usher, pusher), pusher),
    'a deactivation': () => patchUser(scim, user, { active: false }),
    'a reactivation': () => patchUser(scim, user, { active: true }),
    'a deletion': () => scim('DELETE', `/Users/${user}`),
    'a restoration': () => scim('POST', '/Users', person('ada', { externalId: 'a' })),
  }
}

interface Client {
  readonly clientId: string
  readonly clientSecret: string
}

function askToken({ call }: Usher, { clientId, clientSecret }: Client): Promise<unknown> {
  const form = { grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret }
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  return call({ method: 'POST', url: '/oauth2/token', headers, body: String(new URLSearchParams(form)) })
}

/** The first page by cursor, the second, and back again. */
async function twoPages({ scim }: Pusher, url: string): Promise<void> {
  const { nextCursor } = (await scim('GET', `${url}&cursor=`)).body
  const { previousCursor } = (await scim('GET', `${url}&cursor=${nextCursor}`)).body
  await scim('GET', `${url}&cursor=${previousCursor}`)
}

const scopeOf = ({ db }: Usher, { organization }: Pusher): Scope => ({
  db,
  organizationId: organization.id,
  actor: 'system',
  now: new Date(),
  requestId: 'r',
})

async function beginSignIn(scope: Scope, { connection }: Pusher): Promise<void> {
  const hash = hashOf('state')
  await saveSignInTransaction(scope, {
    connection_id: connection.id,
    issuer: 'https://idp.example',
    state_hash: hash,
    browser_hash: hash,
    nonce: 'n',
    code_verifier: 'v',
    return_to: '/',
    demand: { maxAge: 60 },
    test_id: null,
    expires_at: new Date(Date.now() + 60_000),
  })
  await takeSignInTransaction(scope, { connectionId: connection.id, stateHash: hash })
}

/** Tables of which more than one partition was run. */
function spread(nodes: readonly PlanNode[]): string[] {
  const run = new Map<string, Set<string>>()
  for (const { 'Relation Name': name } of nodes) {
    const [, table, part] = /^(.*)_p(\d+)$/.exec(name ?? '') ?? []
    if (table && part) run.set(table, (run.get(table) ?? new Set()).add(part))
  }
  return [...run].filter(([, parts]) => parts.size > 1).map(([table]) => table)
}

/** What reads a table that grows from end to end, or most of it only to drop it. */
function wasteful(nodes: readonly PlanNode[]): string[] {
  return nodes
    .filter(({ 'Relation Name': name }) => large.test(name ?? ''))
    .filter((node) => node['Node Type'] === 'Seq Scan' || (node['Rows Removed by Filter'] ?? 0) > MANY / 10)
    .map(
      (node) =>
        `${node['Node Type']} on ${node['Relation Name']} removes ${node['Rows Removed by Filter'] ?? 0}`,
    )
}

for (const partitions of [0, 4]) {
  t.test(`hot statements look at little, with ${partitions} partitions a table`, async (t) => {
    const usher = await startUsher(t, { partitions })
    const pusher = await usher.makePusher({
      oidc: { issuer: 'https://idp.example', clientId: 'c' },
      scim: {},
    })
    const middle = await fill(usher, pusher)
    const user = (await pusher.scim('POST', '/Users', person('ada', { externalId: 'a' }))).body.id
    const group = (await pusher.scim('POST', '/Groups', { displayName: 'Crew' })).body.id
    const crowd = (await pusher.scim('POST', '/Groups', { displayName: 'Crowd' })).body.id
    await usher.rows(
      'insert into group_members select organization_id, $2, id from users where organization_id = $1',
      [pusher.organization.id, crowd],
    )
    const { cookie } = await usher.signIn(pusher.connection, { sub: 'a' })
    const client = (await usher.admin('POST', `${pusher.connection.path}/scim-clients`)).body as Body & Client // as the contract has it
    const known = { user, group, crowd, cookie, middle, client }
    for (const [what, ask] of Object.entries(requestsOf(usher, pusher, known))) {
      const statements = await explaining(ask)
      t.ok(statements.length > 0, `${what} was seen`)
      for (const { text, mode, nodes } of statements) {
        const about = `${what}, ${mode}: ${text.trim().slice(0, 60)}`
        t.same(spread(nodes), [], `one partition a table: ${about}`)
        // A total is told by counting.
        if (!text.startsWith('select count')) t.same(wasteful(nodes), [], `an index: ${about}`)
      }
    }
  })
}
