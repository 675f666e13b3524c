import { findNewcomer, groupInputs, namesOfPlaces, type Scope } from '../../db/index.ts'
import { matchingOf, type Wanted, wantedOf } from './group-rules.ts'
import { type Placing, placingOf } from './placing.ts'
import { policyInForce } from './policy.ts'

/** A role by a rule of groups, in a place that has a name. */
export interface NamedRole extends Omit<Wanted, 'groups'> {
  readonly placeName: string
}

/** What the policy in force would decide about somebody, were they to come now; nothing of it is applied. */
export interface Now {
  readonly policyVersion: number
  readonly placing: Placing
  /** Whether they have a place, which they keep whatever is decided. */
  readonly placed: boolean
  readonly roles: readonly NamedRole[]
  /** The roles by groups that they have. */
  readonly held: readonly NamedRole[]
  readonly groups: readonly string[]
  /** How many rules there are that groups may match. */
  readonly rules: number
}

/** Null for who is gone: nothing is decided about them any more. */
export async function decidedNow(scope: Scope, userId: string): Promise<Now | null> {
  const [[person], [inputs], policy] = await Promise.all([
    findNewcomer(scope, userId),
    groupInputs(scope, [userId]),
    policyInForce(scope),
  ])
  if (!person || !inputs) return null
  const { groups, default_workspace: defaultWorkspace } = inputs
  const wanted = wantedOf(matchingOf(policy.groups), { groups, defaultWorkspace })
  const named = await namesFor(scope, [...wanted, ...inputs.held])
  return {
    policyVersion: policy.version,
    placing: placingOf(policy, { userName: person.user_name, attributes: person.attributes }),
    placed: person.placed,
    roles: wanted.map(named),
    held: inputs.held.map((role) => named({ ...role, role: role.role as Wanted['role'] })), // no rule makes an owner
    groups: groups.map(({ name }) => name),
    rules: policy.groups.length,
  }
}

async function namesFor(scope: Scope, roles: readonly { readonly placeId: string }[]) {
  const ids = [...new Set(roles.map(({ placeId }) => placeId))]
  const names = ids.length > 0 ? await namesOfPlaces(scope, ids) : new Map<string, string>()
  return ({ place, placeId, role, rule }: Omit<Wanted, 'groups'>): NamedRole => ({
    ...{ place, placeId, role, rule },
    placeName: names.get(placeId) ?? '',
  })
}
