import type { FastifyRequest } from 'fastify'
import type { ConnectionRow, Scope } from '../../db/index.ts'
import { findConnection } from '../../db/index.ts'
import { Problem } from '../errors.ts'
import { isUuid } from '../ids.ts'
import { type Policies, policyInForce as policyNow } from '../provisioning/policy.ts'
import { compare, type ForetoldRole, suppose } from '../provisioning/simulate.ts'
import { type Admin, type AdminHandlers, notFound } from './admin.ts'
import { cursorAt, idIn } from './pages.ts'
import { policyInForce, policyPatched } from './policies.ts'

/** As the contract has it. */
interface Asked {
  readonly policy?: object
  readonly connection?: string
  readonly push?: object
  readonly signIn?: Readonly<Record<string, unknown>>
  readonly user?: string
  readonly cursor?: string
  readonly limit: number
}

/** What would be, by other rules or by those in force; nothing of it is. */
export function simulationHandlers(admin: Admin): AdminHandlers {
  return {
    async simulatePolicy(request: FastifyRequest) {
      const scope = admin.scopeOf(request)
      const asked = request.body as Asked // as the contract validated it
      const current = await policyInForce(scope)
      const patched = await policyPatched(scope, { admin, current, patch: asked.policy ?? {} })
      const policies = await suppose(scope, patched)
      if (!asked.push && !asked.signIn) return { people: await everybody(scope, policies, asked) }
      const row = await connectionOf(scope, asked)
      if (asked.push) return { outcome: await admin.previewPush(scope, row, { body: asked.push, policies }) }
      const { person, outcome } = await admin.previewClaims(scope, row, { claims: asked.signIn, policies })
      return { person, outcome }
    },
  }
}

/** A page of everybody, or somebody alone. */
async function everybody(scope: Scope, policies: Policies, { user: userId, cursor, limit }: Asked) {
  const before = await policyNow(scope)
  const after = cursor === undefined ? undefined : idIn(cursor)
  const asked = { userId, after, most: limit }
  const { last, roles, ...places } = await compare(scope, [before, await policies.current(scope)], asked)
  if (userId !== undefined && places.people === 0) throw notFound('user')
  return {
    policyVersion: before.version,
    ...places,
    roles: { ...roles, items: roles.items.map(roleView) },
    ...(last !== undefined && { next: cursorAt(last) }),
  }
}

const roleView = ({ kind, place, placeId, placeName, ...role }: ForetoldRole) => ({
  ...role,
  change: kind,
  [place]: { id: placeId, name: placeName },
})

/** With the half that what is asked comes by. */
async function connectionOf(scope: Scope, { connection = '', push }: Asked): Promise<ConnectionRow> {
  const row = isUuid(connection) ? await findConnection(scope, connection) : null
  if (!row) throw notFound('connection')
  if (push ? row.scimProfile === null : row.issuer === null)
    throw new Problem('conflict', `This connection has no ${push ? 'SCIM' : 'OIDC'} half.`)
  return row
}
