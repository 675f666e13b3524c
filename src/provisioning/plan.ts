import type { Match, MatchedBy } from '../../db/index.ts'
import type { Identity, Push, SignIn } from './identity.ts'
import type { Policy } from './policy.ts'

/** Why somebody is not let in or not written; stable codes. */
export type RefusalCode =
  | 'user_name_taken'
  | 'external_id_taken'
  | 'ambiguous_person'
  | 'login_taken'
  | 'just_in_time_off'
  | 'suspended'
  | 'signed_out'
  | 'deprovisioned'

/**
 * What is to be done about an identity, and by which rule. `create` makes a person; `adopt` and `restore` write the
 * push onto a known one; `link` adds a login to one; `recognize` changes nothing.
 */
export type Plan =
  | { readonly outcome: 'create'; readonly rule: string; readonly place: boolean }
  | {
      readonly outcome: 'adopt' | 'restore'
      readonly rule: string
      readonly user: Match
      readonly place: boolean
    }
  | {
      readonly outcome: 'link' | 'recognize'
      readonly rule: string
      readonly user: Match
      readonly place: boolean
    }
  | { readonly outcome: 'refuse'; readonly rule: string; readonly code: RefusalCode; readonly user?: Match }

const DAY = 24 * 60 * 60 * 1000

/** Pure: the same policy, identity and facts always give the same plan. `facts` is empty where nobody is known. */
export function plan(policy: Policy, identity: Identity, facts: readonly Match[], now: Date): Plan {
  return identity.via === 'scim'
    ? planPush(policy, identity, { facts, now })
    : planSignIn(policy, identity, facts)
}

const by = (facts: readonly Match[], way: MatchedBy) => facts.find((match) => match.matched_by === way)

function planPush(policy: Policy, push: Push, { facts, now }: { facts: readonly Match[]; now: Date }): Plan {
  const keyed = by(facts, 'externalId')
  const named = by(facts, 'userName')
  if (keyed && named && keyed.id !== named.id)
    return { outcome: 'refuse', rule: 'contradiction', code: 'ambiguous_person', user: named }
  const known = keyed ?? named
  if (known) return planKnownPush(policy, push, known)
  const former = by(facts, 'former')
  const restorable = former?.status === 'leaving' && isWithinGrace(policy, former, now)
  if (former && restorable)
    return {
      outcome: 'restore',
      rule: 'same externalId',
      user: former,
      place: push.active && !former.has_workspace,
    }
  return { outcome: 'create', rule: 'nobody known', place: push.active }
}

function planKnownPush(policy: Policy, push: Push, known: Match): Plan {
  const ours = known.connection_id === push.connectionId && !known.managed
  if (ours && policy.adoption === 'adopt') {
    const rule = known.matched_by === 'externalId' ? 'same correlation value' : 'same userName'
    return { outcome: 'adopt', rule, user: known, place: push.active && !known.has_workspace }
  }
  const code = known.matched_by === 'externalId' ? 'external_id_taken' : 'user_name_taken'
  return { outcome: 'refuse', rule: ours ? 'adoption rejected' : 'already there', code, user: known }
}

function isWithinGrace(policy: Policy, { deleted_at }: Match, now: Date): boolean {
  return deleted_at !== null && deleted_at.getTime() + policy.graceDays * DAY > now.getTime()
}

// The order of DESIGN section 3; the first rule that speaks decides.
function planSignIn(policy: Policy, signIn: SignIn, facts: readonly Match[]): Plan {
  const known = by(facts, 'identity')
  if (known && !known.deleted_at)
    return admitted(known) ?? { outcome: 'recognize', rule: 'known login', ...withPlace(known) }
  const keyed = by(facts, 'externalId')
  if (keyed) return planKeyed(keyed)
  const named = by(facts, 'userName')
  if (named) return planNamed(signIn, named)
  const gone = known ?? by(facts, 'former')
  if (gone) return { outcome: 'refuse', rule: 'person deleted', code: 'deprovisioned', user: gone }
  if (policy.justInTime === 'off')
    return { outcome: 'refuse', rule: 'just-in-time off', code: 'just_in_time_off' }
  return { outcome: 'create', rule: 'just-in-time on', place: true }
}

function planKeyed(keyed: Match): Plan {
  // Somebody else's login, or one that came with another correlation value, is a contradiction.
  if (keyed.managed ? keyed.linked_otherwise : keyed.linked)
    return { outcome: 'refuse', rule: 'contradiction', code: 'login_taken', user: keyed }
  return admitted(keyed) ?? { outcome: 'link', rule: 'externalId is correlation value', ...withPlace(keyed) }
}

function planNamed(signIn: SignIn, named: Match): Plan {
  const pushedHere = named.managed && named.connection_id === signIn.connectionId
  if (!signIn.bound || !pushedHere || named.linked)
    return { outcome: 'refuse', rule: 'name is another person’s', code: 'user_name_taken', user: named }
  return admitted(named) ?? { outcome: 'link', rule: 'userName on bound connection', ...withPlace(named) }
}

/** A person who was shut out is never revived by a sign-in. */
function admitted(user: Match): Plan | undefined {
  if (user.status !== 'suspended') return undefined
  return { outcome: 'refuse', rule: 'person suspended', code: 'suspended', user }
}

const withPlace = (user: Match) => ({ user, place: !user.has_workspace })
