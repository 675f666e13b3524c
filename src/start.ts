import closeWithGrace from 'close-with-grace'
import { connect, type DatabaseAddress, disconnect, migrate, startEmbedded } from '../db/index.ts'
import { ensureAdminKey } from './admin-key.ts'
import { buildApp } from './app.ts'
import type { Config } from './config.ts'

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

/** Serves until the process is told to stop; then requests under way are finished first. */
export async function serve(config: Config): Promise<void> {
  const database = await openDatabase(config)
  try {
    await migrate(migrateOptions(database))
    await listen(config, database)
  } catch (error) {
    await database.stop()
    throw error
  }
}

async function listen(config: Config, database: Database): Promise<void> {
  const db = connect({ database: database.address })
  const app = await buildApp({ config, db })
  const stop = async () => {
    await app.close()
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
  closeWithGrace({ delay: 10_000, logger: app.log }, async ({ err }) => {
    if (err) app.log.fatal({ err }, 'stopping')
    await stop()
    await database.stop()
  })
  process.stdout.write(`ready: ${config.publicUrl}\n`)
}
