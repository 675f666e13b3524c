import type { FastifyRequest } from 'fastify'
import type { ConnectionRow, Scope } from '../../db/index.ts'
import { findConnection } from '../../db/index.ts'
import { Problem } from '../errors.ts'
import { isUuid } from '../ids.ts'
import type { Policies, PolicyDocument } from '../provisioning/policy.ts'
import { type Comparison, compare, suppose } from '../provisioning/simulate.ts'
import { type Admin, type AdminHandlers, notFound } from './admin.ts'
import { policyInForce, policyPatched } from './policies.ts'

/** As the contract has it. */
interface Asked {
  readonly policy?: object
  readonly connection?: string
  readonly push?: object
  readonly signIn?: Readonly<Record<string, unknown>>
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
      if (!asked.push && !asked.signIn)
        return { people: await everybody(scope, { current, policies, asked }) }
      const row = await connectionOf(scope, asked)
      if (asked.push) return { outcome: await admin.previewPush(scope, row, { body: asked.push, policies }) }
      const { person, outcome } = await admin.previewClaims(scope, row, { claims: asked.signIn, policies })
      return { person, outcome }
    },
  }
}

interface Everybody {
  readonly current: PolicyDocument
  readonly policies: Policies
  readonly asked: Asked
}

async function everybody(scope: Scope, { current, policies, asked }: Everybody): Promise<Comparison> {
  const before = await (await suppose(scope, current)).current(scope)
  return compare(scope, [before, await policies.current(scope)], asked.limit)
}

/** With the half that what is asked comes by. */
async function connectionOf(scope: Scope, { connection = '', push }: Asked): Promise<ConnectionRow> {
  const row = isUuid(connection) ? await findConnection(scope, connection) : null
  if (!row) throw notFound('connection')
  if (push ? row.scimProfile === null : row.issuer === null)
    throw new Problem('conflict', `This connection has no ${push ? 'SCIM' : 'OIDC'} half.`)
  return row
}
