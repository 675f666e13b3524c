import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { migrate } from '../db/migrate.ts'
import { cluster, othersRunning } from './cluster.ts'

export interface TestDatabase {
  readonly config: pg.ClientConfig & { readonly database: string }
  /** The same, as a `DATABASE_URL`. */
  readonly url: string
  readonly partitions: number
}

export interface DatabaseOptions {
  /** Default: `USHER_TEST_PARTITIONS`, else 0. */
  readonly partitions?: number
  /** Without any table. */
  readonly empty?: boolean
}

let made = 0

/** A database of its own, migrated, dropped when the test ends. */
export async function makeDatabase(
  t: { teardown(drop: () => Promise<void>): void },
  { partitions = defaultPartitions(), empty = false }: DatabaseOptions = {},
): Promise<TestDatabase> {
  const database = `usher_test_${process.pid}_${++made}`
  const template = empty ? 'template0' : await ensureTemplate(partitions)
  await administer((client) => client.query(`create database ${database} template ${template}`))
  t.teardown(async () => {
    await administer((client) => client.query(`drop database ${database} with (force)`))
  })
  return { ...(await access(database)), partitions }
}

/** The name of the migrated database that others are copied from; made where it is missing. */
export async function ensureTemplate(partitions: number): Promise<string> {
  const name = templateName(partitions)
  await administer(async (client) => {
    if (!(await exists(client, name))) await makeTemplate(client, { name, partitions })
  })
  return name
}

/** What killed runs left behind, and templates of former migrations. */
export async function dropLeftovers(): Promise<void> {
  if (othersRunning().length > 0) return
  const keep = [templateName(0), templateName(4)]
  await administer(async (client) => {
    const { rows } = await client.query<{ datname: string }>(
      "select datname from pg_database where datname like 'usher\\_te%' and datname <> all ($1)",
      [keep],
    )
    for (const { datname } of rows) await client.query(`drop database ${datname} with (force)`)
  })
}

export function defaultPartitions(): number {
  return Number(process.env.USHER_TEST_PARTITIONS ?? 0)
}

async function makeTemplate(client: pg.Client, { name, partitions }: { name: string; partitions: number }) {
  const beside = `${name}_${process.pid}`
  await client.query(`create database ${beside}`)
  await migrate({ connection: (await access(beside)).config, partitions })
  // another process may have been first
  if (await exists(client, name)) await client.query(`drop database ${beside}`)
  else await client.query(`alter database ${beside} rename to ${name}`)
}

function templateName(partitions: number): string {
  const folder = join('db', 'migrations')
  const files = [...readdirSync(folder).map((file) => join(folder, file)), join('db', 'ddl.ts')]
  const hash = createHash('sha256')
  for (const file of files) hash.update(readFileSync(file))
  return `usher_template_${hash.digest('hex').slice(0, 12)}_p${partitions}`
}

async function exists(client: pg.Client, name: string): Promise<boolean> {
  return (await client.query('select from pg_database where datname = $1', [name])).rowCount === 1
}

async function administer<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client((await access('postgres')).config)
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

const reached = new Map<'cluster', ReturnType<typeof cluster>>()

async function access(database: string): Promise<Omit<TestDatabase, 'partitions'>> {
  const pending = reached.get('cluster') ?? cluster()
  reached.set('cluster', pending)
  const { host, port, user, password } = await pending
  const url = `postgres://${user}:${password}@/${database}?host=${encodeURIComponent(host)}`
  return { config: { host, port, user, password, database, ssl: false }, url }
}
