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
  const said = { user_name: userName, external_id: `key of ${userName}`, attributes: {} }
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

async function waiting(count: number): Promise<void> {
  const text = `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
  while ((await watching.query(text)).rowCount !== count) await pause(5)
}

t.test(
  'two processes that make the same people in another order do not stand in each other’s way',
  async (t) => {
    await held.query('begin')
    await held.query(
      `insert into users (organization_id, id, connection_id, managed, user_name, status, attributes, email_keys,
                        created_at, updated_at)
     values ($1, $2, $3, true, 'mid', 'ready', '{}', '[]', now(), now())`,
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
