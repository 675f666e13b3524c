import type { FastifyInstance } from 'fastify'
import { findLogo } from '../../db/index.ts'
import { Problem } from '../errors.ts'
import { isUuid } from '../ids.ts'
import type { SessionHost } from './current-session.ts'
import { stylesheet } from './stylesheet.ts'

const HOUR = 'public, max-age=3600'

/** What pages consist of beside their text. */
export async function assetRoutes(app: FastifyInstance, { db, clock }: SessionHost): Promise<void> {
  app.get('/assets/usher.css', async (_request, reply) => {
    reply.type('text/css; charset=utf-8').header('cache-control', HOUR)
    return stylesheet
  })
  app.get('/assets/logos/:organization', async (request, reply) => {
    const { organization: organizationId } = request.params as { organization: string } // as the path has it
    const scope = { db, organizationId, now: clock(), actor: 'system', requestId: request.id }
    const logo = isUuid(organizationId) ? await findLogo(scope) : null
    if (!logo) throw new Problem('not_found', 'There is no such logo.')
    return reply.type(logo.type).header('cache-control', HOUR).send(logo.image)
  })
}
