import { findAnswers, type Scope } from '../../db/index.ts'
import { heeding, type Names, namesApart, namesOnto, newcomerKey } from './contest.ts'
import { factsOf } from './facts.ts'
import type { Identity } from './identity.ts'
import { type Plan, plan } from './plan.ts'
import type { Policy } from './policy.ts'

export interface Decision {
  readonly plan: Plan
  /** What the identity goes by: mostly what it came with. */
  readonly names: Names
  /** When the last answer was given that was heeded. */
  readonly heeded: Date | null
}

/** Plans by the facts of this moment; where they contradict each other, by what administrators have answered, too. */
export async function decide(scope: Scope, policy: Policy, identity: Identity): Promise<Decision> {
  const planned = plan(policy, identity, await factsOf(scope, policy, identity), scope.now)
  const { userName, userNameKey, externalId, connectionId } = identity
  const asked = { plan: planned, names: { userName, userNameKey, externalId }, heeded: null }
  if (planned.outcome !== 'refuse' || !planned.contest) return asked
  const answers = await findAnswers(scope, { connectionId, key: newcomerKey(identity) })
  const last = answers.at(-1)
  if (!last) return asked
  const names = namesApart(identity, answers)
  const renamed = { ...identity, ...names }
  const facts = await factsOf(scope, policy, renamed)
  const heeded = { ...heeding(facts.matches, answers), renamed: names.userNameKey !== userNameKey }
  return {
    plan: plan(policy, renamed, { ...facts, ...heeded }, scope.now),
    names: heeded.answered ? namesOnto(names, heeded.answered, heeded.matches) : names,
    heeded: last.answered_at,
  }
}
