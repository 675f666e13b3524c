import type { FastifyReply, FastifyRequest } from 'fastify'
import {
  approveProvider,
  type ConnectionRow,
  changeConnection,
  createConnection,
  deleteConnection,
  findConnection,
  listConnections,
  recordEvents,
  type Scope,
} from '../../db/index.ts'
import { Problem } from '../errors.ts'
import { eventOf } from '../events/record.ts'
import { isUuid, newId } from '../ids.ts'
import { type Admin, type AdminHandlers, notFound, taken } from './admin.ts'
import { changedNames, rowOf, type Wish, wishOf } from './connection-wish.ts'
import { mergePatch } from './merge-patch.ts'
import { listOf, pageOf } from './pages.ts'
import { assertOrdinary } from './public-connection.ts'
import { checkIfMatch, versionTag } from './versions.ts'
import { connectionView } from './views.ts'

export function connectionHandlers(admin: Admin): AdminHandlers {
  return {
    async createConnection(request: FastifyRequest, reply: FastifyReply) {
      const scope = admin.scopeOf(request)
      await assertOrdinary(scope)
      const wish = request.body as Wish // as the contract validated it
      const row = await rowOf(wish, {
        ...admin,
        ...scope,
        id: newId(),
        clientSecret: null,
        signalToken: null,
      })
      const event = eventOf({
        type: 'connection.created',
        subject: { type: 'connection', id: row.id },
        data: { oidc: row.issuer !== null, scim: row.scimProfile !== null },
      })
      await createConnection(scope, row, [event]).catch(nameTaken(row))
      const made = { ...row, status: 'active', version: 1, pins: null, drift: null } as const
      return tagged(reply.code(201), made, admin)
    },
    async listConnections(request: FastifyRequest) {
      const { limit, ...page } = pageOf(request)
      const rows = await listConnections(admin.scopeOf(request), { ...page, limit: limit + 1 })
      return listOf(rows, limit, (row) => connectionView(row, admin))
    },
    async getConnection(request: FastifyRequest, reply: FastifyReply) {
      return tagged(reply, await connectionOf(admin, request), admin)
    },
    selfTestConnection: (request: FastifyRequest) => selfTested(admin, request),
    async approveConnection(request: FastifyRequest, reply: FastifyReply) {
      return tagged(reply, await approved(admin, request), admin)
    },
    async changeConnection(request: FastifyRequest, reply: FastifyReply) {
      return tagged(reply, await changed(admin, request), admin)
    },
    async deleteConnection(request: FastifyRequest, reply: FastifyReply) {
      await deleted(admin, request)
      return reply.code(204).send()
    },
  }
}

function tagged(reply: FastifyReply, row: ConnectionRow, admin: Admin): FastifyReply {
  return reply.header('etag', versionTag(row.version)).send(connectionView(row, admin))
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

async function selfTested(admin: Admin, request: FastifyRequest) {
  const { id, status, scimProfile: profile } = await connectionOf(admin, request)
  if (profile === null) throw new Problem('conflict', 'This connection has no SCIM half.')
  if (status !== 'active') throw new Problem('conflict', 'This connection is disabled.')
  const scope = admin.scopeOf(request)
  const result = await admin.selfTest(scope, { id, profile })
  const subject = { type: 'connection', id } as const
  await recordEvents(scope, [eventOf({ type: 'connection.self-tested', subject, data: { ok: result.ok } })])
  return result
}

/** Pins what a provider has come to say; `If-Match` holds it to what was looked at. */
async function approved(admin: Admin, request: FastifyRequest): Promise<ConnectionRow> {
  const { drift, ...row } = await connectionOf(admin, request)
  checkIfMatch(request, row.version)
  if (drift === null) throw new Problem('conflict', 'There is nothing to approve.')
  const subject = { type: 'connection', id: row.id } as const
  const event = eventOf({ type: 'connection.approved', subject, changed: ['oidc.pins'], data: { ...drift } })
  if (!(await approveProvider(admin.scopeOf(request), row, [event])))
    throw new Problem('conflict', 'It has changed meanwhile: look at it again.')
  return { ...row, pins: drift, drift: null, version: row.version + 1 }
}

/** The patch as the contract let it in: `oidc` and `scim` are patches of their own. */
interface Patch extends Partial<Pick<ConnectionRow, 'name' | 'status'>> {
  readonly oidc?: {
    readonly issuer?: string | null
    readonly clientSecret?: string | null
    readonly signals?: { readonly endpoint?: string | null; readonly token?: string | null } | null
  }
  readonly scim?: object
}

const ATTEMPTS = 3

/** Merges the patch into what the connection is now, and again where that has changed meanwhile. */
async function changed(admin: Admin, request: FastifyRequest): Promise<ConnectionRow> {
  const scope = admin.scopeOf(request)
  await assertOrdinary(scope)
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const before = await connectionOf(admin, request)
    checkIfMatch(request, before.version)
    const change = await changeOf({ admin, scope }, before, request.body as Patch) // as the contract validated it
    const { row } = change
    if (change.events.length === 0) return before
    const done = await changeConnection(scope, change).catch(nameTaken(row))
    if (done) return { ...row, version: before.version + 1 }
  }
  throw new Problem('conflict', 'It is being changed by others; try again.')
}

/** Deletes the connection as it is now, or as `If-Match` says that it was looked at. */
async function deleted(admin: Admin, request: FastifyRequest): Promise<void> {
  await assertOrdinary(admin.scopeOf(request))
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const row = await connectionOf(admin, request)
    checkIfMatch(request, row.version)
    const subject = { type: 'connection', id: row.id } as const
    const event = eventOf({ type: 'connection.deleted', subject, changed: ['status'] })
    if (await deleteConnection(admin.scopeOf(request), row, [event])) return
  }
  throw new Problem('conflict', 'It is being changed by others; try again.')
}

interface Changing {
  readonly admin: Admin
  readonly scope: Scope
}

async function changeOf(
  { admin, scope }: Changing,
  before: ConnectionRow,
  { status = before.status, ...patch }: Patch,
) {
  const now = wishOf(before)
  checkSecretStays(before, patch)
  const wish = admin.readBody('createConnection', mergePatch(now, patch)) as Wish // as that operation takes it
  const { id, clientSecret, version } = before
  const kept = patch.oidc?.clientSecret === null ? null : clientSecret
  const keptToken = patch.oidc?.signals?.token === null ? null : before.signalToken
  const { organizationId } = scope
  const made = await rowOf(wish, { ...admin, organizationId, id, clientSecret: kept, signalToken: keptToken })
  const issuerChanges = made.issuer !== before.issuer
  const { pins, drift } = issuerChanges ? { pins: null, drift: null } : before
  const row = { ...made, status, version, pins, drift }
  const names = changedNames(now, wishOf(row))
  if (row.clientSecret !== clientSecret) names.push('oidc.clientSecret')
  if (row.signalToken !== before.signalToken) names.push('oidc.signals.token')
  const statusChanges = status !== before.status
  const subject = { type: 'connection', id } as const
  const type = status === 'active' ? 'connection.enabled' : 'connection.disabled'
  const events = [
    ...(names.length > 0 ? [eventOf({ type: 'connection.changed', subject, changed: names })] : []),
    ...(statusChanges ? [eventOf({ type, subject, changed: ['status'] })] : []),
  ]
  return { row, statusChanges, issuerChanges, events }
}

/** A secret goes to the provider it was given for, and to no other that somebody who cannot read it may name. */
function checkSecretStays(before: ConnectionRow, { oidc = {} }: Patch): void {
  const { issuer, clientSecret, signalToken, settings } = before
  const moves = (oidc.issuer ?? issuer) !== issuer
  if (moves && clientSecret !== null && oidc.clientSecret === undefined)
    throw new Problem('invalid_request', 'Another issuer needs its own clientSecret, or null for none.')
  const { endpoint, token } = oidc.signals ?? {}
  const polledElsewhere = endpoint && endpoint !== settings.oidc?.signals?.endpoint
  if (polledElsewhere && signalToken !== null && token === undefined)
    throw new Problem('invalid_request', 'Another endpoint needs its own token, or null for none.')
}

const nameTaken = ({ name }: Pick<ConnectionRow, 'name'>) => taken(`Another connection is named "${name}".`)
