import { METHODS } from 'node:http'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { SessionRow } from '../../db/index.ts'
import { neededSession, noStore, type SessionHost } from './current-session.ts'
import { settledSession } from './settled-session.ts'

/** Who is this, where, and as what: for the product, and for a reverse proxy in front of it. */
export async function sessionRoutes(app: FastifyInstance, host: SessionHost): Promise<void> {
  app.get('/session', async (request, reply) => {
    noStore(reply)
    return sessionView(await settledSession(host, request))
  })
  verifyRoutes(app, host)
}

/**
 * Whether to let through. A proxy may ask with the method, the path and the headers of what it asks about, of which the
 * cookie alone matters.
 */
function verifyRoutes(app: FastifyInstance, host: SessionHost): void {
  const others = METHODS.filter((method) => method !== 'CONNECT' && !app.supportedMethods.includes(method))
  for (const method of others) app.addHttpMethod(method)
  const verify = async (request: FastifyRequest, reply: FastifyReply) => {
    noStore(reply)
    return verified(await neededSession(host, request), reply)
  }
  // Answered before its body is looked at, be there any.
  for (const path of ['/session/verify', '/session/verify/*']) app.all(path, { onRequest: verify }, verify)
}

function verified(row: SessionRow, reply: FastifyReply): FastifyReply {
  reply.header('x-usher-user', row.user_id)
  reply.header('x-usher-organization', row.organization_id)
  if (row.workspace_id && row.role) {
    reply.header('x-usher-workspace', row.workspace_id)
    reply.header('x-usher-role', row.role)
  }
  return reply.send()
}

export function sessionView(row: SessionRow): object {
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
    ...(row.authentication && { authentication: row.authentication }),
    expiresAt: row.expires_at.toISOString(),
  }
}
