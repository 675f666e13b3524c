import pg from 'pg'
import { MigrationError, Umzug, type UmzugStorage } from 'umzug'
import { ddlFor, type Migration } from './ddl.ts'
import { migrations as ours } from './migrations/index.ts'

export type MigrateOptions = ({ readonly url: string } | { readonly connection: pg.ClientConfig }) & {
  /** Splits the tables of organizations' rows by hash; 0, the default, leaves them whole. */
  readonly partitions?: number
  readonly migrations?: readonly Migration[]
}

// Any constant, one per application.
const LOCK = 815_004_711

/** Brings the database up to this release; the names of what was applied. */
export function migrate(options: MigrateOptions): Promise<string[]> {
  const { migrations = ours, partitions = 0 } = options
  return withSession(options, async (client) => {
    await lock(client)
    await client.query(
      'create table if not exists schema_migrations (name text primary key, applied_at timestamptz not null default now())',
    )
    await refuseFuture(client, migrations)
    return await apply(client, migrations, partitions)
  })
}

/** What `migrate` would apply. Changes nothing. */
export function pendingMigrations(options: MigrateOptions): Promise<string[]> {
  const { migrations = ours } = options
  return withSession(options, async (client) => {
    await refuseFuture(client, migrations)
    const applied = await appliedNames(client)
    return migrations.map(({ name }) => name).filter((name) => !applied.includes(name))
  })
}

/** The session of its own holds the lock, and its end frees it. */
async function withSession<T>(options: MigrateOptions, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const access = 'url' in options ? { connectionString: options.url } : options.connection
  const client = new pg.Client({ ...access, application_name: 'usher-migrate' })
  // a session lost between two statements fails the next of them
  client.on('error', () => {})
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

async function lock(client: pg.Client): Promise<void> {
  await client.query("set lock_timeout = '60s'")
  try {
    await client.query('select pg_advisory_lock($1)', [LOCK])
  } catch (error) {
    if (stateOf(error) !== '55P03') throw error
    throw new Error('another instance has been migrating this database for a minute', { cause: error })
  }
  // A statement waiting longer for a table would hold up everybody behind it.
  await client.query("set lock_timeout = '10s'")
}

async function apply(client: pg.Client, migrations: readonly Migration[], partitions: number) {
  const umzug = new Umzug<pg.Client>({
    migrations: migrations.map((migration) => ({
      name: migration.name,
      up: () => applyOne(client, migration, partitions),
    })),
    context: client,
    storage,
    logger: undefined,
  })
  try {
    return (await umzug.up()).map(({ name }) => name)
  } catch (error) {
    throw error instanceof MigrationError ? explained(error) : error
  }
}

async function applyOne(client: pg.Client, { name, up }: Migration, partitions: number): Promise<void> {
  await client.query('begin')
  try {
    // First, so that an instance racing past the lock (a pooler in between may drop it) fails here, cleanly.
    await client.query('insert into schema_migrations (name) values ($1)', [name])
    await up(ddlFor(client, partitions))
    await client.query('commit')
  } catch (error) {
    await client.query('rollback').catch(() => {})
    throw error
  }
}

const storage: UmzugStorage<pg.Client> = {
  executed: ({ context }) => appliedNames(context),
  // `applyOne` has written it, in the transaction of the migration
  logMigration: async () => {},
  unlogMigration: () => Promise.reject(new Error('migrations are not reverted')),
}

async function appliedNames(client: pg.Client): Promise<string[]> {
  const { rows: made } = await client.query<{ made: boolean }>(
    "select to_regclass('schema_migrations') is not null as made",
  )
  if (!made[0]?.made) return []
  const { rows } = await client.query<{ name: string }>('select name from schema_migrations order by name')
  return rows.map(({ name }) => name)
}

async function refuseFuture(client: pg.Client, migrations: readonly Migration[]): Promise<void> {
  const known = new Set(migrations.map(({ name }) => name))
  const unknown = (await appliedNames(client)).filter((name) => !known.has(name))
  if (unknown.length === 0) return
  throw new Error(
    `the database was migrated by a later release (${unknown.join(', ')}): start that release, or a later one`,
  )
}

function explained(error: MigrationError): Error {
  const { name } = error.info
  const cause = error.cause
  if (stateOf(cause) === '23505')
    return new Error(`another instance is applying migration ${name}: start again when it is done`, { cause })
  return new Error(`migration ${name} failed and changed nothing: ${messageOf(cause)}`, { cause })
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function stateOf(error: unknown): string | undefined {
  return error instanceof pg.DatabaseError ? error.code : undefined
}
