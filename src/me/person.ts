import type { FastifyInstance } from 'fastify'
import { logoVersion, type SessionRow } from '../../db/index.ts'
import { checklistsBeside } from '../onboarding/beside.ts'
import { logoPath } from '../translate/logo.ts'
import { ownerOf } from './checklist.ts'
import { type SessionHost, scopeOf, sessionOf } from './current-session.ts'
import { type Brand, pagesFor } from './pages.ts'

/** The page of the person who is signed in. */
export async function personRoutes(app: FastifyInstance, host: SessionHost): Promise<void> {
  const checklistBeside = checklistsBeside((err) =>
    app.log.warn({ err }, 'a page went without its checklist'),
  )
  app.get('/', async (request, reply) => {
    const row = await sessionOf(host, request)
    reply.type('text/html; charset=utf-8').header('cache-control', 'no-store')
    const pages = pagesFor(request)
    if (!row) return pages.nobody()
    const { workspace_name: name, role, home_name: home } = row
    const [organization, checklist] = await Promise.all([
      brandOf(host, row),
      checklistBeside(scopeOf(host, request, row), ownerOf(request, row)),
    ])
    return pages.place({
      displayName: row.display_name ?? row.user_name,
      userName: row.user_name,
      organization,
      workspace: name && role && home ? { name, role, home } : null,
      ...(checklist && { checklist }),
    })
  })
}

async function brandOf(
  { db, clock }: SessionHost,
  { organization_id: organizationId, organization_name: name }: SessionRow,
): Promise<Brand> {
  const scope = { db, organizationId, now: clock(), actor: 'system', requestId: '' }
  const version = await logoVersion(scope)
  return { name, ...(version && { logo: logoPath(organizationId, version) }) }
}
