import type { FastifyReply, FastifyRequest } from 'fastify'
import {
  type ConnectionRow,
  changeConnection,
  createConnection,
  createOrganization,
  endPublicSessions,
  environmentOrganization,
  failureOf,
  findOrganization,
  listConnections,
  type NewConnection,
  type Scope,
} from '../../db/index.ts'
import { Problem } from '../errors.ts'
import { eventOf } from '../events/record.ts'
import type { EventType } from '../events/types.ts'
import { newId } from '../ids.ts'
import { PUBLIC } from '../provisioning/personal.ts'
import { defaultPolicy } from '../provisioning/policy.ts'
import { type Admin, type AdminHandlers, notFound, taken } from './admin.ts'
import { rowOf, type Wish } from './connection-wish.ts'
import { connectionView } from './views.ts'

/** The connection of the environment whose people get an organization of their own. */
export function publicConnectionHandlers(admin: Admin): AdminHandlers {
  return {
    async getPublicConnection(request: FastifyRequest) {
      const scope = await environmentOf(admin.scopeOf(request))
      const row = scope && (await connectionIn(scope))
      if (!scope || row?.status !== 'active') throw notFound('public connection')
      return view(admin, scope, row)
    },
    async putPublicConnection(request: FastifyRequest) {
      const asked = admin.scopeOf(request)
      const scope = (await environmentOf(asked)) ?? (await makeEnvironment(asked))
      const wish = request.body as PublicWish // as the contract validated it
      return view(admin, scope, await put(admin, scope, wish))
    },
    async deletePublicConnection(request: FastifyRequest, reply: FastifyReply) {
      const scope = await environmentOf(admin.scopeOf(request))
      const row = scope && (await connectionIn(scope))
      if (!scope || !row) throw notFound('public connection')
      if (row.status === 'active') await disable(scope, row)
      // Again where it was off already: whoever turned it off may not have come to the end.
      await endPublicSessions(scope.db, row.id)
      return reply.code(204).send()
    },
  }
}

type PublicWish = Required<Pick<Wish, 'name' | 'oidc'>>

function view(admin: Admin, scope: Scope, row: ConnectionRow): object {
  return {
    organizationId: scope.organizationId,
    loginUrl: `${admin.publicUrl}/login/${PUBLIC}`,
    connection: connectionView(row, admin),
  }
}

async function environmentOf(scope: Scope): Promise<Scope | null> {
  const organizationId = await environmentOrganization(scope.db)
  return organizationId === null ? null : { ...scope, organizationId }
}

/** What may be said of a connection in an organization: the public one is said so at its own address only. */
export async function assertOrdinary(scope: Scope): Promise<void> {
  const organization = await findOrganization(scope)
  if (organization?.kind === 'environment')
    throw new Problem('conflict', 'The public connection is set at /admin/v1/public-connection.')
  if (organization?.kind === 'personal')
    throw new Problem('conflict', 'This organization is one person’s own.')
}

async function makeEnvironment(asked: Scope): Promise<Scope> {
  const id = newId()
  const scope = { ...asked, organizationId: id }
  const name = 'Public connection'
  const event = eventOf({ type: 'organization.created', subject: { type: 'organization', id } })
  const made = { slug: PUBLIC, name, kind: 'environment', home: { id: newId(), name } } as const
  try {
    await createOrganization(scope, { ...made, policy: defaultPolicy, events: [event] })
    return scope
  } catch (error) {
    // By whoever does the same at this moment, or by a customer who was here before the slug was reserved.
    if (failureOf(error)?.kind !== 'conflict') throw error
    return (await environmentOf(asked)) ?? taken(`Another organization has the slug "${PUBLIC}".`)(error)
  }
}

/** The one there is, be it turned off: its address at the provider stays what it was. */
async function connectionIn(scope: Scope): Promise<ConnectionRow | undefined> {
  return (await listConnections(scope, { limit: 1 }))[0]
}

const ATTEMPTS = 3

async function put(admin: Admin, scope: Scope, wish: PublicWish): Promise<ConnectionRow> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const before = await connectionIn(scope)
    const row = await wishedRow(admin, scope, { wish, before })
    const done = before ? await change(scope, before, row) : await create(scope, row)
    const after = done && (await connectionIn(scope))
    if (after) return after
  }
  throw new Problem('conflict', 'It is being changed by others; try again.')
}

async function wishedRow(
  admin: Admin,
  scope: Scope,
  { wish, before }: { readonly wish: PublicWish; readonly before: ConnectionRow | undefined },
): Promise<NewConnection> {
  // A secret goes to the provider it was given for, and to no other.
  const stays = before?.issuer === wish.oidc.issuer
  const clientSecret = stays ? before.clientSecret : null
  const signalToken = stays ? before.signalToken : null
  const kept = { id: before?.id ?? newId(), clientSecret, signalToken }
  return rowOf(wish, { ...admin, ...scope, ...kept, everybody: true })
}

/** False where somebody else has made it at this moment. */
async function create(scope: Scope, row: NewConnection): Promise<boolean> {
  try {
    await createConnection(scope, row, [happened('connection.created', row)])
    return true
  } catch (error) {
    if (failureOf(error)?.kind === 'conflict') return false
    throw error
  }
}

async function change(scope: Scope, before: ConnectionRow, row: NewConnection): Promise<boolean> {
  const statusChanges = before.status !== 'active'
  const issuerChanges = before.issuer !== row.issuer
  const events = [
    happened('connection.changed', row, ['oidc']),
    ...(statusChanges ? [happened('connection.enabled', row, ['status'])] : []),
  ]
  const changed = { ...before, ...row, status: 'active' as const }
  if (!(await changeConnection(scope, { row: changed, statusChanges, issuerChanges, events }))) return false
  // Whoever met those people could end their sessions no more.
  if (issuerChanges) await endPublicSessions(scope.db, row.id)
  return true
}

async function disable(scope: Scope, before: ConnectionRow): Promise<void> {
  const row = { ...before, status: 'disabled', clientSecret: null, signalToken: null } as const
  const events = [happened('connection.disabled', row, ['status'])]
  if (!(await changeConnection(scope, { row, statusChanges: true, issuerChanges: false, events })))
    throw new Problem('conflict', 'It has changed meanwhile: look at it again.')
}

const happened = (type: EventType, { id }: { readonly id: string }, changed: string[] = []) =>
  eventOf({ type, subject: { type: 'connection', id }, changed })
