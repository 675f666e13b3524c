import { randomBytes } from 'node:crypto'
import { connect } from '../../db/connect.ts'
import { type DatabaseAddress, disconnect } from '../../db/index.ts'
import { ensureAdminKey } from '../../src/admin-key.ts'
import { buildApp } from '../../src/app.ts'
import { readConfig } from '../../src/config.ts'
import { makeDatabase } from '../database.ts'
import { freePort } from '../demo/usher.ts'
import * as api from './api.ts'

export interface ListeningUsher {
  readonly url: string
  readonly admin: api.Ask
  readonly scim: (token: string) => api.Ask
}

interface Teardown {
  teardown(end: () => Promise<void>): void
}

const ADMIN_KEY = 'the-key-of-the-environment-in-tests'

/** The service in this process and on a port, for clients that speak HTTP themselves; `provider` is its `host:port`. */
export async function listen(t: Teardown, provider: string): Promise<ListeningUsher> {
  const { config: address } = await makeDatabase(t)
  const db = connect({ database: { ...address } as DatabaseAddress }) // the harness always says where its server is
  const port = await freePort(0)
  const url = `http://localhost:${port}`
  const config = readConfig({
    USHER_PUBLIC_URL: url,
    USHER_SECRET_KEY: randomBytes(32).toString('base64'),
    USHER_OUTBOUND_ALLOW: provider,
    LOG_LEVEL: 'error',
  })
  const app = await buildApp({ config, db })
  t.teardown(async () => {
    await app.close()
    await disconnect(db)
  })
  await ensureAdminKey(db, ADMIN_KEY, new Date())
  await app.listen({ host: '127.0.0.1', port })
  const call = api.callAt(url)
  return { url, admin: api.adminAsk(call, ADMIN_KEY), scim: (token) => api.scimAsk(call, token) }
}
