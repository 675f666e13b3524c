import { findPerson, type Scope, workspacesOf } from '../../db/index.ts'
import { decide } from './decide.ts'
import { homeByGroups, matchingOf } from './group-rules.ts'
import type { Identity } from './identity.ts'
import { news } from './news.ts'
import type { Placing } from './placing.ts'
import type { Plan, RefusalCode } from './plan.ts'
import type { Policies, Policy } from './policy.ts'
import { type Reason, reasonOf } from './reasons.ts'
import { Refused } from './refused.ts'

/** What would come of an identity, and by which rule of which policy. */
export interface Foreseen {
  readonly outcome: Plan['outcome']
  readonly rule: string
  readonly policyVersion: number
  /** Why it would be refused. */
  readonly code?: RefusalCode
  readonly reason?: string
  /** Why they would be held; a sign-in is refused by that code. */
  readonly held?: Reason
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
  /** Of a workspace of their own. */
  readonly home?: { readonly id: string; readonly name: string }
}

/** Plans by the facts of this moment, and applies nothing. */
export async function foresee(scope: Scope, identity: Identity, policies: Policies): Promise<Foreseen> {
  // No statement guards it, so it is the policy in force.
  policies.forget(scope.organizationId)
  const policy = await policies.current(scope)
  const { plan: planned } = await decide(scope, policy, identity)
  const { outcome, rule } = planned
  const user = 'user' in planned ? planned.user : undefined
  const known = user && { id: user.id, userName: user.user_name }
  const decided = { outcome, rule, policyVersion: policy.version, ...(known && { user: known }) }
  if (planned.outcome === 'refuse') {
    const { code } = planned
    return { ...decided, code, reason: new Refused({ code, rule }).message, changed: [] }
  }
  const said = user && identity.via === 'sign-in' ? news(policy, identity, user) : null
  const { place } = planned
  const held = place?.give === 'hold' && reasonOf(place.reason)
  const workspace = place ? placeBy(policy, identity, place) : user && (await placeOf(scope, user.id))
  return { ...decided, ...(held && { held }), ...(workspace && { workspace }), changed: said?.changed ?? [] }
}

/** Nothing where a rule gives none, or not yet. */
function placeBy(policy: Policy, identity: Identity, placing: Placing): Place | undefined {
  switch (placing.give) {
    case 'create':
      return { name: placing.name, role: placing.role, home: homeByClaims(policy, identity) ?? placing.team }
    case 'join':
      return { ...placing.workspace, role: placing.role }
    case 'none':
    case 'hold':
      return undefined
  }
}

/** Where the groups that a sign-in names bring the workspace, as soon as it is made. */
function homeByClaims(policy: Policy, identity: Identity): Place['home'] {
  if (identity.via === 'scim' || identity.bound || !identity.groups) return undefined
  const { connectionId, groups } = identity
  const named = groups.map((name) => ({ name, connectionId }))
  const id = homeByGroups(matchingOf(policy.groups), named)?.team
  const name = id && policy.teams[id]
  return id && name ? { id, name } : undefined
}

/** The default workspace of somebody who is known, or else where they have had a role for the longest. */
async function placeOf(scope: Scope, userId: string): Promise<Place | undefined> {
  const person = await findPerson(scope, userId)
  const { workspace_id: id, workspace_name: name, role, home_id, home_name } = person ?? {}
  if (id && name && role && home_id && home_name)
    return { id, name, role, home: { id: home_id, name: home_name } }
  const [other] = await workspacesOf(scope, userId)
  return other && { id: other.id, name: other.name, role: other.role }
}
