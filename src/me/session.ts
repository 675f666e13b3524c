import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type Db, findSession, type SessionRow } from '../../db/index.ts'
import { readToken } from '../auth.ts'
import { Problem } from '../errors.ts'

export interface SessionHost {
  readonly db: Db
  readonly clock: () => Date
  readonly sessionCookie: string
}

/** The session of the request's cookie in one round trip; null where there is none that is alive. */
export async function sessionOf(host: SessionHost, request: FastifyRequest): Promise<SessionRow | null> {
  const token = cookieOf(request.headers.cookie, host.sessionCookie)
  const key = token === null ? null : readToken(token)
  if (!key) return null
  const { db } = host
  const scope = {
    db,
    organizationId: key.organizationId,
    now: host.clock(),
    actor: 'system',
    requestId: request.id,
  }
  return findSession(scope, key.secretHash)
}

// Checked at every request of the product, so nothing but the one cookie is read; its value needs no decoding.
function cookieOf(header: string | undefined, name: string): string | null {
  if (!header) return null
  for (const pair of header.split(';')) {
    const at = pair.indexOf('=')
    if (pair.slice(0, at).trim() === name) return pair.slice(at + 1).trim()
  }
  return null
}

export const noSession = (): Problem =>
  new Problem('unauthorized', 'There is no session; sign in at /login/{organization}.')

/** Who is this, where, and as what: for the product, and for a reverse proxy in front of it. */
export async function sessionRoutes(app: FastifyInstance, host: SessionHost): Promise<void> {
  app.get('/session', async (request, reply) => {
    const row = await sessionOf(host, request)
    if (!row) throw noSession()
    reply.header('cache-control', 'no-store')
    return sessionView(row)
  })
  app.get('/session/verify', async (request, reply) => {
    const row = await sessionOf(host, request)
    if (!row) throw noSession()
    return verified(row, reply)
  })
}

function verified(row: SessionRow, reply: FastifyReply): FastifyReply {
  reply.header('cache-control', 'no-store')
  reply.header('x-usher-user', row.user_id)
  reply.header('x-usher-organization', row.organization_id)
  if (row.workspace_id && row.role) {
    reply.header('x-usher-workspace', row.workspace_id)
    reply.header('x-usher-role', row.role)
  }
  return reply.send()
}

function sessionView(row: SessionRow): object {
  return {
    user: {
      id: row.user_id,
      userName: row.user_name,
      ...(row.display_name !== null && { displayName: row.display_name }),
    },
    organization: { id: row.organization_id, slug: row.organization_slug, name: row.organization_name },
    workspace: row.workspace_id && {
      id: row.workspace_id,
      name: row.workspace_name,
      home: { id: row.home_id, name: row.home_name },
    },
    role: row.role,
    expiresAt: row.expires_at.toISOString(),
  }
}
