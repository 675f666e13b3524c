import { randomBytes } from 'node:crypto'
import { connect, query } from '../../db/connect.ts'
import { type DatabaseAddress, disconnect } from '../../db/index.ts'
import { ensureAdminKey } from '../../src/admin-key.ts'
import { buildApp } from '../../src/app.ts'
import { readConfig } from '../../src/config.ts'
import type { ResolveTxt } from '../../src/domains/records.ts'
import { makeDatabase } from '../database.ts'
import { freePort } from '../demo/usher.ts'
import * as api from './api.ts'

export interface ListeningUsher {
  readonly url: string
  readonly admin: api.Ask
  /** The same with these headers. */
  readonly adminWith: (headers: Record<string, string>) => api.Ask
  readonly scim: (token: string) => api.Ask
  readonly rows: (text: string, values: unknown[]) => Promise<Record<string, unknown>[]>
  /** One more process of the same deployment, as far as its memory and its connections to the database go. */
  readonly another: () => Promise<ListeningUsher>
}

interface Teardown {
  teardown(end: () => Promise<void>): void
}

interface Listening {
  readonly resolveTxt?: ResolveTxt
  readonly logLevel?: string
}

const ADMIN_KEY = 'the-key-of-the-environment-in-tests'

/** The service in this process and on a port, for clients that speak HTTP themselves; `provider` is its `host:port`. */
export async function listen(
  t: Teardown,
  provider: string,
  clock: () => Date = () => new Date(),
  { resolveTxt, logLevel = 'error' }: Listening = {},
): Promise<ListeningUsher> {
  const { config } = await makeDatabase(t)
  const database = { ...config } as DatabaseAddress // the harness always says where its server is
  const key = randomBytes(32).toString('base64')
  const start = async (): Promise<ListeningUsher> => {
    const db = connect({ database })
    const port = await freePort(0)
    const url = `http://localhost:${port}`
    const app = await buildApp({
      config: readConfig({
        USHER_PUBLIC_URL: url,
        USHER_SECRET_KEY: key,
        USHER_OUTBOUND_ALLOW: provider,
        LOG_LEVEL: logLevel,
      }),
      db,
      clock,
      ...(resolveTxt && { resolveTxt }),
    })
    t.teardown(async () => {
      await app.close()
      await disconnect(db)
    })
    await ensureAdminKey(db, ADMIN_KEY, clock())
    await app.listen({ host: '127.0.0.1', port })
    const call = api.callAt(url)
    const admin = api.adminAsk(call, ADMIN_KEY)
    return {
      url,
      admin,
      adminWith: (headers) => api.adminAsk(call, ADMIN_KEY, headers),
      scim: (token) => api.scimAsk(call, token),
      rows: (text, values) => query(db, { text }, values),
      another: start,
    }
  }
  return start()
}
