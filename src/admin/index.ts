import type { FastifyInstance, FastifyRequest } from 'fastify'
import { findAdminKey, findOrganization, type Scope } from '../../db/index.ts'
import { bearerOf, hashOf } from '../auth.ts'
import { binaryBodies, bodyReader, type Contract, jsonBodies, operationRoutes } from '../contract.ts'
import { Problem } from '../errors.ts'
import { isUuid } from '../ids.ts'
import { LOGO_TYPES } from '../translate/logo.ts'
import { type Admin, notFound } from './admin.ts'
import { attributeHandlers } from './attributes.ts'
import { brakeHandlers } from './brake.ts'
import { captureHandlers } from './captures.ts'
import { checklistHandlers } from './checklists.ts'
import { conflictHandlers } from './conflicts.ts'
import { connectionTestHandlers } from './connection-tests.ts'
import { connectionHandlers } from './connections.ts'
import { credentialHandlers } from './credentials.ts'
import { domainHandlers } from './domains.ts'
import { exportHandlers } from './exports.ts'
import { leavingHandlers } from './leaving.ts'
import { logoHandlers, MOST_LOGO_BYTES } from './logos.ts'
import { memberHandlers } from './members.ts'
import { organizationHandlers } from './organizations.ts'
import { policyHandlers } from './policies.ts'
import { publicConnectionHandlers } from './public-connection.ts'
import { reportHandlers } from './reports.ts'
import { requestHandlers } from './requests.ts'
import { schemaHandlers } from './schemas.ts'
import { scimClientHandlers } from './scim-clients.ts'
import { sessionHandlers } from './sessions.ts'
import { simulationHandlers } from './simulation.ts'
import { teamHandlers } from './teams.ts'
import { userHandlers } from './users.ts'
import { valueHandlers } from './values.ts'
import { workspaceHandlers } from './workspaces.ts'

export interface AdminOptions extends Omit<Admin, 'scopeOf' | 'readBody'> {
  readonly contract: Contract
  /** Reads a JSON body; throws with a message that may be shown. */
  readonly parseJson: (text: string) => unknown
}

/** Everything below `/admin/v1`: who asks, which organization, and one file of handlers a noun. */
export async function adminRoutes(app: FastifyInstance, options: AdminOptions): Promise<void> {
  const { contract, parseJson, ...host } = options
  const scopes = new WeakMap<FastifyRequest, Scope>()
  jsonBodies(app, parseJson)
  binaryBodies(app, LOGO_TYPES, MOST_LOGO_BYTES)
  app.addHook('onRequest', async (request, reply) => {
    reply.header('cache-control', 'no-store')
    scopes.set(request, await scopeFor(request, host))
  })
  const admin: Admin = {
    ...host,
    readBody: bodyReader(contract),
    scopeOf: (request) => scopes.get(request) as Scope, // set by the hook above
  }
  const handlers = {
    ...attributeHandlers(admin),
    ...brakeHandlers(admin),
    ...checklistHandlers(admin),
    ...logoHandlers(admin),
    ...organizationHandlers(admin),
    ...captureHandlers(admin),
    ...conflictHandlers(admin),
    ...connectionHandlers(admin),
    ...connectionTestHandlers(admin),
    ...credentialHandlers(admin),
    ...domainHandlers(admin),
    ...leavingHandlers(admin),
    ...exportHandlers(admin),
    ...memberHandlers(admin),
    ...policyHandlers(admin),
    ...publicConnectionHandlers(admin),
    ...reportHandlers(admin),
    ...requestHandlers(admin),
    ...scimClientHandlers(admin),
    ...schemaHandlers(admin),
    ...sessionHandlers(admin),
    ...simulationHandlers(admin),
    ...teamHandlers(admin),
    ...userHandlers(admin),
    ...valueHandlers(admin),
    ...workspaceHandlers(admin),
  }
  operationRoutes(app, contract, { prefix: '/admin/v1/', handlers })
}

async function scopeFor(request: FastifyRequest, { db, clock }: Pick<Admin, 'db' | 'clock'>): Promise<Scope> {
  const now = clock()
  const secret = bearerOf(request.headers.authorization)
  const key = secret === null ? null : await findAdminKey(db, hashOf(secret), now)
  if (!key) throw new Problem('unauthorized', 'The API key is missing, unknown or no longer valid.')
  const { organizationId } = request.params as { organizationId?: string } // named so in every path of the contract
  const scope = {
    db,
    organizationId: organizationId ?? '',
    actor: `admin:${key.id}`,
    now,
    requestId: request.id,
  }
  if (organizationId === undefined) return scope
  if (!isUuid(organizationId) || !(await findOrganization(scope))) throw notFound('organization')
  return scope
}
