import { findMatches, findPerson, type Scope } from '../../db/index.ts'
import type { Identity } from './identity.ts'
import { news } from './news.ts'
import { type Plan, plan, type RefusalCode } from './plan.ts'
import type { Policies, Policy } from './policy.ts'
import { keysOf } from './provision.ts'
import { Refused } from './refused.ts'

/** What would come of an identity, and by which rule of which policy. */
export interface Foreseen {
  readonly outcome: Plan['outcome']
  readonly rule: string
  readonly policyVersion: number
  /** Why it would be refused. */
  readonly code?: RefusalCode
  readonly reason?: string
  /** Whom it would be linked to, or whose it is; where it is refused, who stands in the way. */
  readonly user?: { readonly id: string; readonly userName: string }
  /** Where they would be; without an id where the workspace would be made. */
  readonly workspace?: Place
  /** What would change about somebody who is known. */
  readonly changed: readonly string[]
}

interface Place {
  readonly id?: string
  readonly name: string
  readonly role: string
  readonly home: { readonly id: string; readonly name: string }
}

/** Plans by the facts of this moment, and applies nothing. */
export async function foresee(scope: Scope, identity: Identity, policies: Policies): Promise<Foreseen> {
  // No statement guards it, so it is the policy in force.
  policies.forget(scope.organizationId)
  const policy = await policies.current(scope)
  const planned = plan(policy, identity, await findMatches(scope, keysOf(identity)), scope.now)
  const { outcome, rule } = planned
  const user = 'user' in planned ? planned.user : undefined
  const known = user && { id: user.id, userName: user.user_name }
  const decided = { outcome, rule, policyVersion: policy.version, ...(known && { user: known }) }
  if (planned.outcome === 'refuse') {
    const { code } = planned
    return { ...decided, code, reason: new Refused({ code, rule }).message, changed: [] }
  }
  const said = user && identity.via === 'sign-in' && outcome === 'recognize' ? news(identity, user) : null
  const workspace = planned.place ? placeBy(policy) : user && (await placeOf(scope, user.id))
  return { ...decided, ...(workspace && { workspace }), changed: said?.changed ?? [] }
}

const placeBy = ({ workspace: { name, role }, home: { id, name: homeName } }: Policy): Place => ({
  name,
  role,
  home: { id, name: homeName },
})

async function placeOf(scope: Scope, userId: string): Promise<Place | undefined> {
  const {
    workspace_id: id,
    workspace_name: name,
    role,
    home_id,
    home_name,
  } = (await findPerson(scope, userId)) ?? {}
  if (!id || !name || !role || !home_id || !home_name) return undefined
  return { id, name, role, home: { id: home_id, name: home_name } }
}
