import type { FastifyInstance } from 'fastify'
import { type Db, isReachable } from '../db/index.ts'
import { Problem } from './errors.ts'
import type { Metrics } from './metrics.ts'

/** For whoever runs Usher: `/livez` and `/metrics` ask nothing of the database, `/readyz` does. */
export async function healthRoutes(
  app: FastifyInstance,
  { db, metrics }: { db: Db; metrics: Metrics },
): Promise<void> {
  const alive = async () => ({ status: 'ok' })
  const ready = async () => {
    if (!(await isReachable(db))) throw new Problem('unavailable', 'The database is away.', { retryAfter: 1 })
    return { status: 'ok' }
  }
  app.get('/livez', alive)
  app.get('/startupz', ready)
  app.get('/readyz', ready)
  app.get('/metrics', async (_request, reply) => reply.type(metrics.contentType).send(await metrics.text()))
}
