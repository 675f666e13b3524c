import type { FastifyRequest } from 'fastify'
import type { ConnectionRow } from '../../db/index.ts'
import { Problem } from '../errors.ts'
import type { Admin, AdminHandlers } from './admin.ts'
import { connectionOf } from './connections.ts'

export function connectionTestHandlers(admin: Admin): AdminHandlers {
  return {
    async previewClaims(request: FastifyRequest) {
      const row = await oidcConnectionOf(admin, request)
      const pasted = request.body as Parameters<Admin['previewClaims']>[2] // as the contract validated it
      return admin.previewClaims(admin.scopeOf(request), row, pasted)
    },
  }
}

/** The connection that the path names, where people sign in by it. */
async function oidcConnectionOf(admin: Admin, request: FastifyRequest): Promise<ConnectionRow> {
  const row = await connectionOf(admin, request)
  if (row.issuer === null) throw new Problem('conflict', 'This connection has no OIDC half.')
  return row
}
