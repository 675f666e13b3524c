import pg from 'pg'
import t from 'tap'
import type { Migration } from '../../db/ddl.ts'
import { migrate, pendingMigrations } from '../../db/migrate.ts'
import { migrations as released } from '../../db/migrations/index.ts'
import { makeDatabase, type TestDatabase } from '../database.ts'

const first: Migration = {
  name: '0001-first',
  async up(ddl) {
    await ddl.global('worlds', 'id int primary key')
    await ddl.table('people', 'organization_id uuid, id uuid, primary key (organization_id, id)')
  },
}
const second: Migration = { name: '0002-second', up: (ddl) => ddl.sql('create table late (id int)') }
const broken: Migration = {
  name: '0002-broken',
  async up(ddl) {
    await ddl.sql('create table half (id int)')
    await ddl.sql('create table worlds (id int)')
  },
}

async function query<R extends pg.QueryResultRow>({ config }: TestDatabase, text: string): Promise<R[]> {
  const client = new pg.Client(config)
  await client.connect()
  try {
    return (await client.query<R>(text)).rows
  } finally {
    await client.end()
  }
}

t.test('no index is on what a change of a person changes, so that it is written in its place', async (t) => {
  const database = await makeDatabase(t, { partitions: 0 })
  const indexed = await query<{ name: string }>(
    database,
    `select distinct a.attname as name from pg_depend d
     join pg_class i on i.oid = d.objid and i.relkind = 'i' and d.classid = 'pg_class'::regclass
     join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
     where d.refobjid = 'users'::regclass order by 1`,
  )
  // Beside the keys, which are those of constraints.
  t.same(
    indexed.map(({ name }) => name),
    [
      'connection_id',
      'deleted_at',
      'display_name',
      'email_keys',
      'external_id',
      'manager',
      'organization_id',
      'user_name_key',
    ],
  )
})

const tablesOf = async (database: TestDatabase) =>
  (
    await query<{ name: string }>(
      database,
      "select relname as name from pg_class where relkind in ('r', 'p') and relnamespace = 'public'::regnamespace order by 1",
    )
  ).map(({ name }) => name)

t.test('applies what is missing, in order, once', async (t) => {
  const { config: connection, url } = await makeDatabase(t, { empty: true })
  t.same(await pendingMigrations({ connection, migrations: [first, second] }), ['0001-first', '0002-second'])
  t.same(await migrate({ connection, migrations: [first] }), ['0001-first'])
  t.same(await pendingMigrations({ connection, migrations: [first, second] }), ['0002-second'])
  t.same(await migrate({ url, migrations: [first, second] }), ['0002-second'])
  t.same(await migrate({ url, migrations: [first, second] }), [])
})

t.test('instances starting at once apply each migration once', async (t) => {
  const { config: connection } = await makeDatabase(t, { empty: true })
  const applied = await Promise.all([1, 2, 3].map(() => migrate({ connection, migrations: [first, second] })))
  t.same(applied.flat().sort(), ['0001-first', '0002-second'])
})

t.test('a migration that fails changes nothing and says which one', async (t) => {
  const database = await makeDatabase(t, { empty: true })
  const options = { connection: database.config, migrations: [first, broken] }
  await t.rejects(migrate(options), { message: /^migration 0002-broken failed .* already exists$/ })
  t.same(await tablesOf(database), ['people', 'schema_migrations', 'worlds'])
  t.same(await pendingMigrations(options), ['0002-broken'])
})

t.test('an instance that raced past the lock fails before its first statement', async (t) => {
  const { config: connection } = await makeDatabase(t, { empty: true })
  const racing: Migration = {
    name: '0001-first',
    up: async () => void t.fail('must not run'),
  }
  const overtaken: Migration = {
    name: '0000-slow',
    async up() {
      const other = new pg.Client(connection)
      await other.connect()
      await other.query("insert into schema_migrations values ('0001-first')")
      await other.end()
    },
  }
  await t.rejects(migrate({ connection, migrations: [overtaken, racing] }), {
    message: /^another instance is applying migration 0001-first/,
    cause: { code: '23505' },
  })
})

t.test('a database from the future is refused, and said to be so', async (t) => {
  const { config: connection } = await makeDatabase(t, { empty: true })
  await migrate({ connection, migrations: [first, second] })
  const refusal = { message: /later release \(0002-second\)/ }
  await t.rejects(migrate({ connection, migrations: [first] }), refusal)
  await t.rejects(pendingMigrations({ connection, migrations: [first] }), refusal)
})

t.test('pendingMigrations changes nothing', async (t) => {
  const database = await makeDatabase(t, { empty: true })
  await pendingMigrations({ connection: database.config, migrations: [first] })
  t.same(await tablesOf(database), [])
})

t.test('the same migrations run hash-partitioned', async (t) => {
  const database = await makeDatabase(t, { empty: true })
  await migrate({ connection: database.config, migrations: [first], partitions: 2 })
  t.same(await tablesOf(database), ['people', 'people_p0', 'people_p1', 'schema_migrations', 'worlds'])
  const keyless: Migration = { name: '0002-keyless', up: (ddl) => ddl.table('wrong', 'id int primary key') }
  const options = { connection: database.config, migrations: [first, keyless], partitions: 2 }
  await t.rejects(migrate(options), /organization_id/)
})

for (const partitions of [0, 4])
  t.test(`the released migrations are all in the template of ${partitions} partitions`, async (t) => {
    const database = await makeDatabase(t, { partitions })
    t.same(await pendingMigrations({ url: database.url }), [])
    t.same(
      await query(database, 'select name from schema_migrations order by name'),
      released.map(({ name }) => ({ name })),
    )
  })
