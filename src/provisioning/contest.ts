import type { AnsweredConflict, Match, NewConflict } from '../../db/index.ts'
import { hashOf } from '../auth.ts'
import { newId } from '../ids.ts'
import type { Identity } from './identity.ts'
import type { Refusal } from './plan.ts'

/** What of an identity tells whose it is, and is nobody else's. */
export type Names = Pick<Identity, 'userName' | 'userNameKey' | 'externalId'>

/** What tells a newcomer apart: the login, or the IdP's own key. */
export function newcomerKey(identity: Identity): Buffer {
  const { via, externalId, userNameKey } = identity
  const own =
    via === 'sign-in' ? [identity.issuer, identity.subject] : [externalId ?? '', externalId ?? userNameKey]
  return hashOf(JSON.stringify([via, ...own]))
}

type Contested = Refusal & { readonly code: NewConflict['code'] }

const codes: readonly string[] = [
  'user_name_taken',
  'external_id_taken',
  'ambiguous_person',
  'login_taken',
] satisfies NewConflict['code'][]

const isContested = (refusal: Refusal): refusal is Contested =>
  refusal.contest !== undefined && codes.includes(refusal.code)

/** What an administrator is asked about an identity that is refused; null where there is nothing to ask. */
export function conflictOf(
  identity: Identity,
  refusal: Refusal,
  { policyVersion, heeded }: { policyVersion: number; heeded: Date | null },
): NewConflict | null {
  if (!isContested(refusal)) return null
  const { contest = [], code, rule } = refusal
  // Whoever is named first may be another one the next time.
  const people = [...new Map(contest.map((match) => [match.id, match])).values()].sort(byId)
  const [first] = people
  if (!first) return null
  return {
    id: newId(),
    connectionId: identity.connectionId,
    via: identity.via,
    code,
    key: newcomerKey(identity),
    userId: first.id,
    evidence: {
      newcomer: newcomerOf(identity, contest),
      people: people.map((one) => claimantOf(one, contest)),
      rule,
      policyVersion,
    },
    heeded,
  }
}

const byId = ({ id: one }: Match, { id: other }: Match) => (one < other ? -1 : Number(one > other))

function newcomerOf(identity: Identity, contest: readonly Match[]): NewConflict['evidence']['newcomer'] {
  const { userName, userNameKey, externalId, attributes } = identity
  const { displayName } = attributes
  const said = { userName, userNameKey, externalId, ...(typeof displayName === 'string' && { displayName }) }
  if (identity.via === 'scim') return said
  const { issuer, subject, email } = identity
  const byAddress = contest.some(({ matched_by }) => matched_by === 'email')
  return { ...said, login: { issuer, subject }, ...(byAddress && email && { email: email.value }) }
}

const claimantOf = (match: Match, contest: readonly Match[]) => ({
  id: match.id,
  userName: match.user_name,
  status: match.status,
  managed: match.managed,
  linked: match.linked,
  foundBy: contest.filter(({ id }) => id === match.id).map(({ matched_by }) => matched_by),
  createdAt: match.created_at.toISOString(),
})

const isApart = ({ answer: { answer } }: AnsweredConflict) => answer === 'keep-apart'

/** What a newcomer goes by once it is kept apart from whom it was taken for. Pure. */
export function namesApart(identity: Identity, answers: readonly AnsweredConflict[]): Names {
  const apart = answers.filter(isApart)
  const { userName, userNameKey } = identity
  const given = apart.findLast(({ answer }) => answer.userNameKey !== undefined)?.answer
  return {
    userName: given?.userName ?? userName,
    userNameKey: given?.userNameKey ?? userNameKey,
    // It is the other's, and told them to be one.
    externalId: apart.some(({ code }) => code === 'login_taken') ? null : identity.externalId,
  }
}

/** Whom a newcomer may be once answers are heeded, and who it is where one says so. Pure. */
export function heeding(
  matches: readonly Match[],
  answers: readonly AnsweredConflict[],
): { matches: readonly Match[]; answered: Match | null } {
  const others = new Set(
    answers.filter(isApart).flatMap(({ evidence }) => evidence.people.map(({ id }) => id)),
  )
  const left = matches.filter(({ id, matched_by }) => matched_by === 'identity' || !others.has(id))
  const { userId } = answers.findLast(({ answer }) => answer.userId !== undefined)?.answer ?? {}
  const answered = left.find(({ id, deleted_at }) => id === userId && deleted_at === null) ?? null
  return { matches: left, answered }
}

/** What is another's stays theirs where a push is written onto the one who was named. Pure. */
export function namesOnto(names: Names, answered: Match, matches: readonly Match[]): Names {
  const isOthers = (way: Match['matched_by']) =>
    matches.some(({ id, matched_by }) => matched_by === way && id !== answered.id)
  const own = { userName: answered.user_name, userNameKey: answered.user_name_key }
  const { userName, userNameKey, externalId } = names
  return {
    ...(isOthers('userName') ? own : { userName, userNameKey }),
    externalId: isOthers('externalId') ? answered.external_id : externalId,
  }
}
