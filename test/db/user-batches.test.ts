import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import t from 'tap'
import {
  connect,
  createConnection,
  createOrganization,
  type DatabaseAddress,
  type Db,
  disconnect,
  insertPushed,
  type Scope,
} from '../../db/index.ts'
import { newId } from '../../src/ids.ts'
import { makeDatabase } from '../database.ts'

const organizationId = newId()
const connectionId = newId()
const home = { id: newId(), name: 'Home' }

const { config } = await makeDatabase(t)
// The harness always says where its server is.
const database = config as DatabaseAddress
const held = new pg.Client(config)
// Inside its transaction, a connection sees the activity of others as it was at the first look.
const watching = new pg.Client(config)
const pools = [connect({ database }), connect({ database })] as const
t.before(async () => {
  await held.connect()
  await watching.connect()
  const scope = scopeOn(pools[0])
  await createOrganization(scope, { slug: 'acme', name: 'Acme', home, policy: {}, events: [] })
  const oidc = { issuer: null, clientId: null, clientSecret: null, scopes: null, correlationClaim: null }
  const rest = {
    tokenEndpointAuthMethod: null,
    scimProfile: 'lenient',
    scimBareToken: false,
    settings: {},
    signalToken: null,
  } as const
  await createConnection(scope, { id: connectionId, name: 'idp', ...oidc, ...rest }, [])
})
t.teardown(async () => {
  await held.end()
  await watching.end()
})

const scopeOn = (db: Db): Scope => ({
  db,
  organizationId,
  actor: 'test',
  now: new Date(),
  requestId: 'request',
})

function push(db: Db, userName: string): Promise<boolean> {
  const said = {
    user_name: userName,
    user_name_key: userName.toLowerCase(),
    external_id: `key of ${userName}`,
    attributes: {},
    sources: null,
  }
  const record = {
    ...said,
    connection_id: connectionId,
    managed: true,
    status: 'ready',
    reason: null,
  } as const
  const place = { workspaceId: newId(), teamId: home.id, name: 'W', role: 'owner', rule: 'r' } as const
  const guard = { policyVersion: 1, formerSeen: false }
  return insertPushed(scopeOn(db), { id: newId(), record, place, events: [] }, guard)
}

t.test('of those made together, each is written as they are, and so are their events', async (t) => {
  const pool = connect({ database })
  const people = Array.from({ length: 40 }, (_, n) => {
    const id = newId()
    const workspaceId = newId()
    const place = { workspaceId, teamId: home.id, name: `W ${n % 2}`, role: 'owner', rule: 'r' } as const
    const about = { subject_type: 'user', subject_id: id, policy_version: 1, rule: 'r' }
    const created = { id: newId(), type: 'user.created', ...about, changed: ['userName', `a "${n}"`] }
    const provisioned = { id: newId(), type: 'user.provisioned', ...about, changed: n % 3 === 0 ? ['x'] : [] }
    const workspace = { id: workspaceId, name: place.name }
    return {
      scope: { ...scopeOn(pool), actor: `actor ${n % 4}`, requestId: `r${n}`, now: new Date(1e12 + n) },
      id,
      place: n % 5 === 0 ? undefined : place,
      record: {
        connection_id: connectionId,
        managed: true,
        user_name: `each ${n}`,
        user_name_key: `each ${n}`,
        external_id: n % 7 === 0 ? null : `each ${n}`,
        status: n % 5 === 0 ? 'suspended' : 'ready',
        reason: null,
        attributes: { displayName: `Person ${n}` },
        sources: null,
      } as const,
      events: [
        { ...created, data: { via: 'scim', active: n % 5 !== 0 } },
        ...(n % 5 === 0 ? [] : [{ ...provisioned, data: { via: 'scim', workspace, role: 'owner' } }]),
      ],
    }
  })
  const guard = { policyVersion: 1, formerSeen: false }
  const made = await Promise.all(people.map(({ scope, ...write }) => insertPushed(scope, write, guard)))
  t.ok(made.every(Boolean))
  for (const { scope, id, place, record, events } of people) {
    const read = async (text: string) => (await watching.query(text, [id])).rows
    t.match(await read('select * from users where id = $1'), [{ ...record, created_at: scope.now }])
    t.match(
      await read('select * from workspaces where default_of = $1'),
      place ? [{ id: place.workspaceId, team_id: home.id, name: place.name }] : [],
    )
    t.match(
      await read('select * from memberships where user_id = $1'),
      place ? [{ workspace_id: place.workspaceId, role: 'owner', rule: 'r' }] : [],
    )
    const wanted = events.map((event) => ({ ...event, organization_id: organizationId, at: scope.now }))
    t.strictSame(
      await read('select * from events where subject_id = $1 order by id'),
      wanted.map((event) => ({ ...event, actor: scope.actor, request_id: scope.requestId })),
    )
  }
  await disconnect(pool)
})

async function waiting(count: number): Promise<void> {
  const text = `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
  while ((await watching.query(text)).rowCount !== count) await pause(5)
}

t.test(
  'two processes that make the same people in another order do not stand in each other’s way',
  async (t) => {
    await held.query('begin')
    await held.query(
      `insert into users (organization_id, id, connection_id, managed, user_name, user_name_key, status, attributes,
                        email_keys, created_at, updated_at)
     values ($1, $2, $3, true, 'mid', 'mid', 'ready', '{}', '[]', now(), now())`,
      [organizationId, newId(), connectionId],
    )
    // The first two of a queue go alone; those behind them share a statement, which stops at the one in the middle.
    const queues = [
      ['one', 'two', 'Aaron', 'mid', 'zoe'],
      ['three', 'four', 'zoe', 'mid', 'aaron'],
    ]
    const pushes = queues.flatMap((names, index) =>
      names.map((name) => push(pools[index === 0 ? 0 : 1], name)),
    )
    await waiting(2)
    await held.query('rollback')
    t.equal((await Promise.all(pushes)).filter(Boolean).length, 7, 'everybody is made once')
    for (const db of pools) await disconnect(db)
    // A connection tells of its deadlocks at its end.
    const counted = await watching.query(
      'select deadlocks from pg_stat_database where datname = current_database()',
    )
    t.equal(Number(counted.rows[0].deadlocks), 0)
  },
)
