import closeWithGrace from 'close-with-grace'
import { connect, type DatabaseAddress, disconnect, migrate, startEmbedded } from '../db/index.ts'
import { ensureAdminKey } from './admin-key.ts'
import { buildApp } from './app.ts'
import type { Config } from './config.ts'
import { dnsRecords } from './domains/records.ts'
import { startWorker } from './worker.ts'

/** Where the database is, and what stops it again. */
export interface Database {
  readonly address: string | DatabaseAddress
  /** Whether it was running already: then another process uses it, or was killed while it did. */
  readonly adopted: boolean
  stop(): Promise<void>
}

/** The configured database, or the embedded one, which is started. */
export async function openDatabase(config: Config): Promise<Database> {
  if (config.databaseUrl) return { address: config.databaseUrl, adopted: true, stop: async () => {} }
  const { adopted, stop, ...address } = await startEmbedded(config.dataDir)
  return { address, adopted, stop }
}

export const migrateOptions = ({ address }: Database) =>
  typeof address === 'string' ? { url: address } : { connection: { ...address } }

const SIGNALS = ['SIGHUP', 'SIGINT', 'SIGTERM'] as const

/** Serves until the process is told to stop; then requests under way are finished first. */
export async function serve(config: Config): Promise<void> {
  const told = toldToStop()
  const database = await openDatabase(config)
  try {
    if (!told.aborted) await migrate(migrateOptions(database))
    if (!told.aborted) return await listen(config, database, told)
  } catch (error) {
    await database.stop()
    throw error
  }
  await database.stop()
}

/**
 * Aborted once the process is told to stop, be it while it starts: a start left half-way leaves a database running. To
 * be told again changes nothing, since npm passes on the Ctrl-C that the terminal has sent to this process as well.
 */
function toldToStop(): AbortSignal {
  const controller = new AbortController()
  for (const signal of SIGNALS) process.on(signal, () => controller.abort())
  return controller.signal
}

async function listen(config: Config, database: Database, told: AbortSignal): Promise<void> {
  const db = connect({ database: database.address })
  const resolveTxt = dnsRecords()
  const app = await buildApp({ config, db, resolveTxt })
  const work = startWorker({ db, resolveTxt, clock: () => new Date(), log: app.log })
  const stop = async () => {
    await Promise.all([work(), app.close()])
    await disconnect(db)
  }
  try {
    const madeKey = await ensureAdminKey(db, config.adminKey, new Date())
    if (madeKey) process.stdout.write(`admin key: ${madeKey}\n`)
    await app.listen({ host: config.host, port: config.port })
  } catch (error) {
    await stop()
    throw error
  }
  const grace = { delay: 10_000, logger: app.log, skip: [...SIGNALS] }
  const { close } = closeWithGrace(grace, async ({ err }) => {
    if (err) app.log.fatal({ err }, 'stopping')
    await stop()
    await database.stop()
  })
  told.addEventListener('abort', () => void close())
  if (told.aborted) return void close()
  process.stdout.write(`ready: ${config.publicUrl}\n`)
}
