import type { FastifyInstance } from 'fastify'
import { type Db, isReachable } from '../db/index.ts'
import { Problem } from './errors.ts'

/** For whoever runs Usher: `/livez` asks nothing of the database, `/readyz` does. */
export async function healthRoutes(app: FastifyInstance, { db }: { db: Db }): Promise<void> {
  const alive = async () => ({ status: 'ok' })
  const ready = async () => {
    if (!(await isReachable(db))) throw new Problem('unavailable', 'The database is away.', { retryAfter: 1 })
    return { status: 'ok' }
  }
  app.get('/livez', alive)
  app.get('/startupz', ready)
  app.get('/readyz', ready)
}
