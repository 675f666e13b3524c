import type { Match, MatchedBy } from '../../db/index.ts'
import type { Identity, Push, SignIn } from './identity.ts'
import { news } from './news.ts'
import { type Newcomer, type Placing, placingOf } from './placing.ts'
import { justInTimeOf, type Policy } from './policy.ts'
import type { HoldCode } from './reasons.ts'
import { afterPush } from './sources.ts'

/** Why somebody is not let in or not written; stable codes. */
export type RefusalCode =
  | 'user_name_taken'
  | 'external_id_taken'
  | 'ambiguous_person'
  | 'login_taken'
  | 'just_in_time_off'
  | 'not_pushed'
  | 'domain_not_verified'
  | 'suspended'
  | 'signed_out'
  | 'deprovisioned'
  | HoldCode

/** What there is to know beside the identity itself. */
export interface Facts {
  /** Everybody who may be meant. */
  readonly matches: readonly Match[]
  /** Whether the address of the identity is verified, in a verified domain of the organization. */
  readonly inVerifiedDomain: boolean
  /** Whether SCIM has been at work on the connection. */
  readonly scimAtWork: boolean
  /** Who it is, where an administrator has said so. */
  readonly answered: Match | null
  /** Whether the userName is one that an administrator has given: it points to nobody. */
  readonly renamed: boolean
}

export const nothingKnown: Facts = {
  matches: [],
  inVerifiedDomain: false,
  scimAtWork: false,
  answered: null,
  renamed: false,
}

/**
 * What is to be done about an identity, and by which rule. `create` makes a person; `adopt` and `restore` write the
 * push onto a known one; `link` adds a login to one; `recognize` changes nothing. `place`: what they
 * are to get now; null where they have it, or are not to get it yet.
 */
export type Plan =
  | { readonly outcome: 'create'; readonly rule: string; readonly place: Placing | null }
  | {
      readonly outcome: 'adopt' | 'restore'
      readonly rule: string
      readonly user: Match
      readonly place: Placing | null
    }
  | {
      readonly outcome: 'link' | 'recognize'
      readonly rule: string
      readonly user: Match
      readonly place: Placing | null
    }
  | Refusal

export interface Refusal {
  readonly outcome: 'refuse'
  readonly rule: string
  readonly code: RefusalCode
  readonly user?: Match
  /** Everybody who it may be, or who stands in its way: only an administrator can tell. */
  readonly contest?: readonly Match[]
}

const DAY = 24 * 60 * 60 * 1000

/** Pure: the same policy, identity and facts always give the same plan. */
export function plan(policy: Policy, identity: Identity, facts: Facts, now: Date): Plan {
  return identity.via === 'scim'
    ? planPush(policy, identity, { ...facts, now })
    : planSignIn(policy, identity, facts)
}

const by = (matches: readonly Match[], way: MatchedBy) => matches.find((match) => match.matched_by === way)

function planPush(
  policy: Policy,
  push: Push,
  { matches, answered, renamed, now }: Facts & { now: Date },
): Plan {
  if (answered) return { outcome: 'adopt', rule: ANSWERED, ...pushed(policy, push, answered) }
  const keyed = by(matches, 'externalId')
  const named = by(matches, 'userName')
  if (named && renamed && keyed?.id !== named.id) return contested('user_name_taken', GIVEN, [named])
  if (keyed && named && keyed.id !== named.id)
    return contested('ambiguous_person', 'contradiction', [named, keyed])
  const known = keyed ?? named
  if (known) return planKnownPush(policy, push, known)
  const former = formerOf(policy, matches, now)
  if (former) return { outcome: 'restore', rule: 'same externalId', ...pushed(policy, push, former) }
  return { outcome: 'create', rule: 'nobody known', place: push.active ? placingOf(policy, push) : null }
}

function planKnownPush(policy: Policy, push: Push, known: Match): Plan {
  const ours = known.connection_id === push.connectionId && !known.managed
  if (ours && policy.adoption === 'adopt') {
    const rule = known.matched_by === 'externalId' ? 'same correlation value' : 'same userName'
    return { outcome: 'adopt', rule, ...pushed(policy, push, known) }
  }
  const code = known.matched_by === 'externalId' ? 'external_id_taken' : 'user_name_taken'
  if (isSameAgain(push, known)) return { outcome: 'refuse', rule: 'already there', code, user: known }
  return contested(code, ours ? 'adoption rejected' : 'another person’s', [known])
}

/** Whoever was pushed before, by the same connection, in the same words. */
function isSameAgain(push: Push, known: Match): boolean {
  const isSilent = push.externalId === null || known.external_id === null
  return (
    known.managed &&
    known.connection_id === push.connectionId &&
    known.user_name_key === push.userNameKey &&
    (isSilent || known.external_id === push.externalId)
  )
}

const ANSWERED = 'conflict answered'
const GIVEN = 'the name that was given is another person’s'

const contested = (code: RefusalCode, rule: string, people: readonly [Match, ...Match[]]): Refusal => ({
  outcome: 'refuse',
  rule,
  code,
  user: people[0],
  contest: people,
})

const pushed = (policy: Policy, push: Push, user: Match) => ({
  user,
  place: push.active && !isShutOut(user) ? missingPlace(policy, newcomerBy(policy, push, user), user) : null,
})

/** A known person as they are once the push is heard. */
const newcomerBy = (policy: Policy, { userName, attributes }: Push, user: Match): Newcomer => ({
  userName,
  attributes: afterPush(policy, user, attributes).attributes,
})

/** By an administrator or by a rule: SCIM that has not shut them out does not let them in. */
export const isShutOut = ({ status, reason }: Pick<Match, 'status' | 'reason'>): boolean =>
  status === 'suspended' && reason !== null

/** Of those who had the externalId and can be restored by it, who left last. */
function formerOf(policy: Policy, matches: readonly Match[], now: Date): Match | undefined {
  const leftAt = ({ deleted_at }: Match) => deleted_at?.getTime() ?? 0
  return matches
    .filter(({ matched_by }) => matched_by === 'former')
    .filter((one) => (one.status === 'leaving' ? isWithinGrace(policy, one, now) : isRehired(policy, one)))
    .toSorted((a, b) => leftAt(b) - leftAt(a))[0]
}

const isRehired = ({ rehire }: Policy, { status }: Match) => rehire === 'restore' && status === 'archived'

function isWithinGrace(policy: Policy, { deleted_at }: Match, now: Date): boolean {
  return deleted_at !== null && deleted_at.getTime() + policy.graceDays * DAY > now.getTime()
}

interface SigningIn {
  readonly policy: Policy
  readonly signIn: SignIn
}

// The order of DESIGN section 3; the first rule that speaks decides.
function planSignIn(policy: Policy, signIn: SignIn, facts: Facts): Plan {
  const { matches } = facts
  const arrival = { policy, signIn }
  const known = by(matches, 'identity')
  if (known && !known.deleted_at) return admit(arrival, known, { outcome: 'recognize', rule: 'known login' })
  if (facts.answered) return admit(arrival, facts.answered, { outcome: 'link', rule: ANSWERED })
  const keyed = by(matches, 'externalId')
  if (keyed) return planKeyed(arrival, keyed)
  const named = by(matches, 'userName')
  if (named && facts.renamed) return contested('user_name_taken', GIVEN, [named])
  const mailed = policy.linking.email && facts.inVerifiedDomain ? byAddress(matches) : []
  if (isSomebody(mailed)) return planMailed(arrival, mailed, named)
  if (named) return planNamed(arrival, named)
  const gone = known ?? by(matches, 'former')
  if (gone) return { outcome: 'refuse', rule: 'person deleted', code: 'deprovisioned', user: gone }
  return planStranger(arrival, facts)
}

function planStranger({ policy, signIn }: SigningIn, { inVerifiedDomain, scimAtWork }: Facts): Plan {
  const mode = justInTimeOf(policy, signIn.connectionId)
  const rule = `just-in-time ${mode}`
  if (mode === 'off') return { outcome: 'refuse', rule, code: 'just_in_time_off' }
  if (mode === 'only-if-pushed' || (mode === 'until-scim-takes-over' && scimAtWork))
    return { outcome: 'refuse', rule, code: 'not_pushed' }
  if (mode === 'verified-domains' && !inVerifiedDomain)
    return { outcome: 'refuse', rule, code: 'domain_not_verified' }
  return { outcome: 'create', rule, place: placingOf(policy, signIn) }
}

function planKeyed(arrival: SigningIn, keyed: Match): Plan {
  // Somebody else's login, or one that came with another correlation value, is a contradiction.
  if (keyed.managed ? keyed.linked_otherwise : keyed.linked)
    return contested('login_taken', 'contradiction', [keyed])
  return admit(arrival, keyed, { outcome: 'link', rule: 'externalId is correlation value' })
}

/** People who have the address, and no login on the connection: one that has is told apart by it. */
const byAddress = (matches: readonly Match[]) =>
  matches.filter(({ matched_by, linked }) => matched_by === 'email' && !linked)

const isSomebody = (matches: readonly Match[]): matches is readonly [Match, ...Match[]] => matches.length > 0

function planMailed(
  arrival: SigningIn,
  [mailed, ...others]: readonly [Match, ...Match[]],
  named: Match | undefined,
): Plan {
  const another = named && named.id !== mailed.id ? [named] : []
  if (others.length + another.length > 0)
    return contested('ambiguous_person', 'contradiction', [mailed, ...others, ...another])
  return admit(arrival, mailed, { outcome: 'link', rule: 'verified e-mail address' })
}

function planNamed(arrival: SigningIn, named: Match): Plan {
  const { bound, connectionId } = arrival.signIn
  const pushedHere = named.managed && named.connection_id === connectionId
  if (!bound || !pushedHere || named.linked)
    return contested('user_name_taken', 'name is another person’s', [named])
  return admit(arrival, named, { outcome: 'link', rule: 'userName on bound connection' })
}

/** A person who was shut out is never revived by a sign-in. */
function admit(
  { policy, signIn }: SigningIn,
  user: Match,
  decided: { outcome: 'link' | 'recognize'; rule: string },
): Plan {
  if (user.status === 'suspended')
    return { outcome: 'refuse', rule: 'person suspended', code: 'suspended', user }
  const { attributes } = news(policy, signIn, user) ?? user
  const known = { userName: user.user_name, attributes: { ...signIn.attributes, ...attributes } }
  return { ...decided, user, place: missingPlace(policy, known, user) }
}

/** Who is ready without a place has none by a rule, and gets one when the rules give it. */
function missingPlace(policy: Policy, newcomer: Newcomer, { has_workspace, status }: Match): Placing | null {
  if (has_workspace) return null
  const placing = placingOf(policy, newcomer)
  const isGiven = placing.give === 'create' || placing.give === 'join'
  return status === 'ready' && !isGiven ? null : placing
}
