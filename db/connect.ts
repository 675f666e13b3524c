import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import { Sequelize, type Transaction } from 'sequelize'
import { failureOf } from './errors.ts'
import { defineModels, type Models } from './models/index.ts'
import { Prepared } from './prepared.ts'

/** The pool, or one transaction on it. */
export interface Db {
  readonly sequelize: Sequelize
  readonly models: Models
  readonly transaction?: Transaction
}

export interface ConnectOptions {
  /** Where the database is: a URL, or host (a folder for a Unix socket) and credentials. */
  readonly database: string | DatabaseAddress
  /** Most connections of this process. */
  readonly poolSize?: number
  /** How long a request waits for a connection, in milliseconds. */
  readonly acquireTimeout?: number
  /** How long a statement may run, in milliseconds. */
  readonly statementTimeout?: number
}

export interface DatabaseAddress {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
  readonly database: string
}

/** With a name, a statement is prepared once a connection; a text that a client's filter shaped has none. */
export interface Statement {
  readonly name?: string
  readonly text: string
}

export function connect({ database, ...limits }: ConnectOptions): Db {
  const statementTimeout = limits.statementTimeout ?? 10_000
  const { ssl, ...place } = address(database)
  const sequelize = new Sequelize({
    dialect: 'postgres',
    dialectModule: pg,
    logging: false,
    pool: { max: limits.poolSize ?? 16, min: 0, acquire: limits.acquireTimeout ?? 2000, idle: 30_000 },
    dialectOptions: {
      connectionTimeoutMillis: 2000,
      statement_timeout: statementTimeout,
      // For a server that has stopped answering, and so cannot time a statement out itself.
      query_timeout: statementTimeout + 1000,
      idle_in_transaction_session_timeout: 10_000,
      // A prepared statement is planned once, whatever its values: where a list's condition may match many, the
      // server would plan it for each value again, at several times the cost of running it.
      options: '-c plan_cache_mode=force_generic_plan',
      keepAlive: true,
      application_name: 'usher',
      ...(ssl && { ssl }),
    },
    ...place,
  })
  return { sequelize, models: defineModels(sequelize) }
}

// Sequelize lets a URL override host options and cannot read a socket folder from one, so it is taken apart here.
function address(database: string | DatabaseAddress): Address {
  if (typeof database !== 'string') {
    const { user, ...rest } = database
    return { ...rest, username: user }
  }
  const url = new URL(database)
  return {
    host: url.searchParams.get('host') ?? url.hostname,
    port: Number(url.searchParams.get('port') ?? (url.port || 5432)),
    username: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
    database: decodeURIComponent(url.pathname.slice(1)),
    ...sslOf(url.searchParams.get('sslmode')),
  }
}

type Address = Omit<DatabaseAddress, 'user'> & {
  readonly username: string
  readonly ssl?: { readonly rejectUnauthorized: boolean }
}

function sslOf(mode: string | null): Pick<Address, 'ssl'> {
  if (mode === null || mode === 'disable' || mode === 'prefer' || mode === 'allow') return {}
  return { ssl: { rejectUnauthorized: mode.startsWith('verify') } }
}

export function disconnect({ sequelize }: Db): Promise<void> {
  return sequelize.close()
}

/** Runs a statement on the pool or inside the transaction, at the cost of bare pg or less. */
export async function query<Row extends pg.QueryResultRow>(
  db: Db,
  statement: Statement,
  values: unknown[],
): Promise<Row[]> {
  const held = (db.transaction as Held | undefined)?.connection
  if (held) return run(held, statement, values)
  const { pool } = db.sequelize.connectionManager as unknown as Pooled
  const client = await pool.acquire()
  try {
    return await run(client, statement, values)
  } catch (error) {
    // It may still be waiting for an answer; Sequelize's mark keeps it from being used again.
    if (failureOf(error)?.kind === 'unavailable') Reflect.set(client, '_invalid', true)
    throw error
  } finally {
    pool.release(client)
  }
}

async function run<Row extends pg.QueryResultRow>(
  client: pg.Client,
  { name, text }: Statement,
  values: unknown[],
): Promise<Row[]> {
  if (name === undefined) return (await client.query<Row>({ text, values, types: pg.types })).rows
  try {
    return await new Promise((resolve, reject) => {
      const settle = (error: unknown, rows: Row[]) => (error ? reject(error) : resolve(rows))
      client.query(new Prepared<Row>({ name, text }, values, settle))
    })
  } catch (error) {
    // It comes with the stack of the socket that read it; this one leads to who asked.
    if (error instanceof Error) Error.captureStackTrace(error)
    throw error
  }
}

// Not in Sequelize's types: its pool. `getConnection` runs hooks around it, which there are none of here.
interface Pooled {
  readonly pool: { acquire(): Promise<pg.Client>; release(client: pg.Client): void }
}

// Not in Sequelize's types: the connection a transaction holds.
interface Held {
  connection?: pg.Client
}

const ATTEMPTS = 3

/** Runs `work` in one transaction, again where it lost to a concurrent one (40001, 40P01). */
export async function transact<T>(db: Db, work: (db: Db) => Promise<T>): Promise<T> {
  if (db.transaction) return work(db)
  for (let attempt = 1; ; attempt++) {
    try {
      return await db.sequelize.transaction((transaction) => work({ ...db, transaction }))
    } catch (error) {
      if (attempt === ATTEMPTS || failureOf(error)?.kind !== 'contention') throw error
      await pause(attempt * 10 * Math.random())
    }
  }
}
