import type { FastifyReply, FastifyRequest } from 'fastify'
import {
  type ConnectionRow,
  createConnection,
  findConnection,
  listConnections,
  type NewConnection,
  recordEvents,
  setConnectionStatus,
} from '../../db/index.ts'
import { Problem } from '../errors.ts'
import { eventOf } from '../events/record.ts'
import { isUuid, newId } from '../ids.ts'
import { type Admin, type AdminHandlers, notFound, taken } from './admin.ts'
import { listOf, pageOf } from './pages.ts'
import { connectionView } from './views.ts'

/** A connection as the contract lets it in. */
interface Wish {
  readonly name: string
  readonly oidc?: {
    readonly issuer: string
    readonly clientId: string
    readonly clientSecret?: string
    readonly tokenEndpointAuthMethod?: string
    readonly correlationClaim: string
    readonly scopes: readonly string[]
  }
  readonly scim?: { readonly profile: 'lenient' | 'strict'; readonly bareToken: boolean }
}

export function connectionHandlers(admin: Admin): AdminHandlers {
  return {
    async createConnection(request: FastifyRequest, reply: FastifyReply) {
      const scope = admin.scopeOf(request)
      const row = await rowOf(admin, scope.organizationId, request.body as Wish) // as the contract validated it
      const event = eventOf({
        type: 'connection.created',
        subject: { type: 'connection', id: row.id },
        data: { oidc: row.issuer !== null, scim: row.scimProfile !== null },
      })
      await createConnection(scope, row, [event]).catch(taken(`Another connection is named "${row.name}".`))
      return reply.code(201).send(connectionView({ ...row, status: 'active', version: 1 }, admin))
    },
    async listConnections(request: FastifyRequest) {
      const { limit, ...page } = pageOf(request)
      const rows = await listConnections(admin.scopeOf(request), { ...page, limit: limit + 1 })
      return listOf(rows, limit, (row) => connectionView(row, admin))
    },
    async getConnection(request: FastifyRequest) {
      return connectionView(await connectionOf(admin, request), admin)
    },
    async selfTestConnection(request: FastifyRequest) {
      const { id, status, scimProfile: profile } = await connectionOf(admin, request)
      if (profile === null) throw new Problem('conflict', 'This connection has no SCIM half.')
      if (status !== 'active') throw new Problem('conflict', 'This connection is disabled.')
      const scope = admin.scopeOf(request)
      const result = await admin.selfTest(scope, { id, profile })
      const subject = { type: 'connection', id } as const
      await recordEvents(scope, [
        eventOf({ type: 'connection.self-tested', subject, data: { ok: result.ok } }),
      ])
      return result
    },
    async setConnectionStatus(request: FastifyRequest) {
      const row = await connectionOf(admin, request)
      const { status } = request.body as Pick<ConnectionRow, 'status'> // as the contract validated it
      const type = status === 'active' ? 'connection.enabled' : 'connection.disabled'
      const event = eventOf({ type, subject: { type: 'connection', id: row.id }, changed: ['status'] })
      await setConnectionStatus(admin.scopeOf(request), { id: row.id, status }, [event])
      return connectionView({ ...row, status }, admin)
    },
  }
}

/** The connection that the path names. */
export async function connectionOf(admin: Admin, request: FastifyRequest): Promise<ConnectionRow> {
  const { connectionId } = request.params as { connectionId: string } // as the path has it
  const row = isUuid(connectionId) ? await findConnection(admin.scopeOf(request), connectionId) : null
  if (!row) throw notFound('connection')
  return row
}

/** The same, where it takes pushes. */
export async function scimConnectionOf(admin: Admin, request: FastifyRequest): Promise<ConnectionRow> {
  const row = await connectionOf(admin, request)
  if (row.scimProfile === null) throw new Problem('conflict', 'This connection has no SCIM half.')
  return row
}

async function rowOf(
  { secrets }: Admin,
  organizationId: string,
  { name, oidc, scim }: Wish,
): Promise<Required<NewConnection>> {
  const id = newId()
  const place = { organizationId, column: 'connections.client_secret', rowId: id }
  return {
    id,
    name,
    issuer: oidc?.issuer ?? null,
    clientId: oidc?.clientId ?? null,
    clientSecret: oidc?.clientSecret ? await secrets.seal(oidc.clientSecret, place) : null,
    tokenEndpointAuthMethod: oidc?.tokenEndpointAuthMethod ?? null,
    correlationClaim: oidc?.correlationClaim ?? null,
    scopes: oidc ? [...new Set(['openid', ...oidc.scopes])] : null,
    scimProfile: scim?.profile ?? null,
    scimBareToken: scim?.bareToken ?? false,
  }
}
