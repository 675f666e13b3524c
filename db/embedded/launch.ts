import { existsSync, linkSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { totalmem } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { type Cluster, PORT, SUPERUSER } from './cluster.ts'

const PAUSE = 250 // ms
const STARTS = 20
const PATIENCE = 480 // pauses: recovery after a crash may take minutes

/** A quarter of the memory, in MB; of what is not used, nothing is taken. */
function sharedBuffers(): number {
  return Math.min(1024, Math.max(128, Math.floor(totalmem() / 4 / 2 ** 20)))
}

const SETTINGS = {
  max_connections: '200',
  shared_buffers: `${sharedBuffers()}MB`,
  effective_cache_size: '1GB',
  random_page_cost: '1.1',
  wal_compression: 'off',
  min_wal_size: '256MB',
  max_wal_size: '2GB',
  checkpoint_timeout: '15min',
  // A refused statement is told to whoever sent it; in a file its values would outlive the erasure of a person.
  log_min_messages: 'log',
  log_min_error_statement: 'panic',
  log_error_verbosity: 'terse',
  log_checkpoints: 'off',
  timezone: 'UTC',
  log_timezone: 'UTC',
}

type State = 'up' | 'busy' | 'down'

/** Starts the server, or adopts one that a killed process left running. True when adopted. */
export async function launch(cluster: Cluster): Promise<boolean> {
  let starts = 0
  for (let pauses = 0; pauses < PATIENCE; pauses++) {
    const state = await probe(cluster)
    if (state === 'up') return true
    // Dying children of a killed server may hold its shared memory for a moment: try again.
    const failed = state === 'down' ? await start(cluster) : undefined
    if (state === 'down' && !failed) return false
    if (failed && ++starts === STARTS) throw notStarted(cluster, failed)
    await sleep(PAUSE)
  }
  throw notStarted(cluster)
}

export async function halt(cluster: Cluster): Promise<void> {
  try {
    await cluster.run('pg_ctl', ['-D', cluster.data, '-m', 'fast', '-w', '-t', '60', 'stop'])
  } catch (error) {
    // another process that adopted the server may have stopped it
    if (existsSync(pidFile(cluster))) throw error
  }
}

async function probe({ socket, password }: Cluster): Promise<State> {
  const access = { host: socket, port: PORT, user: SUPERUSER, password, database: 'postgres' }
  const client = new pg.Client({ ...access, ssl: false, connectionTimeoutMillis: 2000 })
  try {
    await client.connect()
    await client.query('select 1')
    return 'up'
  } catch (error) {
    return stateOf(error)
  } finally {
    await client.end().catch(() => undefined)
  }
}

function stateOf(error: unknown): State {
  if (!(error instanceof pg.DatabaseError)) return 'down'
  const soon = ['57P03', '57P01', '53300'] // starting or stopping, stopped, no connection left
  if (error.code && soon.includes(error.code)) return 'busy'
  throw new Error(
    'the embedded PostgreSQL refuses its own password: was `secret` in the data folder changed?',
    {
      cause: error,
    },
  )
}

async function start(cluster: Cluster): Promise<unknown> {
  dropStalePid(cluster)
  const wait = ['-w', '-t', '60']
  try {
    await cluster.run('pg_ctl', [
      ...['-D', cluster.data, '-l', cluster.log, ...wait],
      ...['-o', serverOptions(cluster), 'start'],
    ])
    return undefined
  } catch (error) {
    return error
  }
}

function serverOptions({ socket }: Cluster): string {
  const own = { listen_addresses: '', unix_socket_directories: socket, unix_socket_permissions: '0700' }
  const settings = Object.entries({ ...SETTINGS, ...own, port: String(PORT) })
  return settings.map(([name, value]) => `-c ${name}=${shellQuoted(value)}`).join(' ')
}

function shellQuoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}

function pidFile({ data }: Cluster): string {
  return join(data, 'postmaster.pid')
}

/**
 * The server takes its own old pid file for a running server when that pid now belongs to any other program of the
 * same user, as it often does in a container.
 */
function dropStalePid(cluster: Cluster): void {
  const file = pidFile(cluster)
  if (process.platform !== 'linux' || !existsSync(file)) return
  const seen = readFileSync(file, 'utf8')
  if (commandOf(seen.split('\n')[0] ?? '').includes(cluster.data)) return
  const aside = `${file}.${process.pid}`
  renameSync(file, aside)
  // A start racing with this one may have just put its own in place.
  if (readFileSync(aside, 'utf8') !== seen) linkSync(aside, file)
  rmSync(aside)
}

function commandOf(pid: string): string[] {
  const file = `/proc/${pid}/cmdline`
  return existsSync(file) ? readFileSync(file, 'utf8').split('\0') : []
}

function notStarted({ log }: Cluster, cause?: unknown): Error {
  return new Error(`the embedded PostgreSQL did not start, see ${log}`, { cause })
}
