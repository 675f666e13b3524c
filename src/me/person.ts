import type { FastifyInstance } from 'fastify'
import { type SessionHost, sessionOf } from './current-session.ts'
import { pagesFor } from './pages.ts'
import { stylesheet } from './stylesheet.ts'

/** The page of the person who is signed in. */
export async function personRoutes(app: FastifyInstance, host: SessionHost): Promise<void> {
  app.get('/', async (request, reply) => {
    const row = await sessionOf(host, request)
    reply.type('text/html; charset=utf-8').header('cache-control', 'no-store')
    const pages = pagesFor(request)
    if (!row) return pages.nobody()
    const { workspace_name: name, role, home_name: home } = row
    return pages.place({
      displayName: row.display_name ?? row.user_name,
      userName: row.user_name,
      organization: { name: row.organization_name },
      workspace: name && role && home ? { name, role, home } : null,
    })
  })
  app.get('/assets/usher.css', async (_request, reply) => {
    reply.type('text/css; charset=utf-8').header('cache-control', 'public, max-age=3600')
    return stylesheet
  })
}
