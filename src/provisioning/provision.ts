import {
  type Arrival,
  type Asked,
  connectionStands,
  failureOf,
  insertArrival,
  insertPushed,
  linkIdentity,
  type Match,
  type NewEvent,
  type Scope,
  transact,
  type UserRecord,
} from '../../db/index.ts'
import { Problem } from '../errors.ts'
import { eventOf } from '../events/record.ts'
import { newId } from '../ids.ts'
import { conflictOf, type Names } from './contest.ts'
import { type Decision, decide } from './decide.ts'
import { needsFacts } from './facts.ts'
import type { Identity, Push, SignIn } from './identity.ts'
import { news } from './news.ts'
import { placed, standingBy } from './placed.ts'
import { isShutOut, nothingKnown, type Plan, plan, type Refusal } from './plan.ts'
import type { Policies, Policy } from './policy.ts'
import { happened, newIdentity, recordOf } from './recorded.ts'
import { writePerson } from './reevaluate.ts'
import { ConnectionGone, Refused } from './refused.ts'
import { afterPush } from './sources.ts'
import { reviveArchived } from './standing.ts'

/** The record an identity has led to. */
export interface Provisioned {
  readonly userId: string
  /** After `create` the session of a sign-in has begun; after any other outcome it has not. */
  readonly outcome: Exclude<Plan['outcome'], 'refuse'>
}

/** What begins in the statement that makes somebody, and the connection that must be as it was for anything to. */
export interface Beginning {
  readonly asked: Asked
  readonly session: Arrival['session']
  /** That it has begun. */
  readonly event: (userId: string) => NewEvent
}

/** One plan, and what applying it needs. */
type Planned = Planning & (Pushed | SignedIn)
interface Pushed {
  readonly identity: Push
}
interface SignedIn {
  readonly identity: SignIn
  readonly beginning: Beginning
}

interface Planning {
  readonly policy: Policy
  readonly plan: Exclude<Plan, { outcome: 'refuse' }>
  /** Whether the facts were read; a first attempt plans as if nobody were known. */
  readonly informed: boolean
}

const ATTEMPTS = 3

/**
 * Recognizes or makes the person an IdP speaks of, wholly or not at all, exactly once whatever races with it.
 * First it is planned as if nobody were known, and applied in one statement that the unique keys guard; where that
 * writes nothing, the facts are read, planned and applied. Throws `Refused`, and for a sign-in `ConnectionGone`.
 */
export async function provision(
  scope: Scope,
  said: Pushed | SignedIn,
  policies: Policies,
): Promise<Provisioned> {
  // Of the policy: no statement guards a refusal, so it is by what was read now.
  let isFresh = false
  for (let attempt = 1; attempt <= ATTEMPTS + 1; attempt++) {
    const policy = await policies.current(scope)
    const informed = attempt > 1 || needsFacts(policy, said.identity)
    const decision = informed ? await decide(scope, policy, said.identity) : foreign(scope, policy, said)
    const decided = decision.plan
    if (decided.outcome !== 'refuse' && (isFresh || isGuarded(policy, decided))) {
      const goingBy = named(said, decision.names)
      const userId = await apply(scope, { ...goingBy, policy, plan: decided, informed })
      if (userId) return entered(said, { policy, plan: decided, informed }, userId)
      // Mostly somebody is known; were it the policy that is no longer the newest, the next attempt would show it.
      if ('beginning' in said && !informed) continue
    } else if (decided.outcome === 'refuse' && isFresh && informed) {
      throw refused(policy, said.identity, { ...decision, plan: decided })
    } else if (!informed) {
      await assertStanding(scope, said)
    }
    policies.forget(scope.organizationId)
    isFresh = true
  }
  throw new Problem('unavailable', 'The person is changed by too many at once.', { retryAfter: 1 })
}

/** As if nobody were known. */
const foreign = (scope: Scope, policy: Policy, { identity }: Pushed | SignedIn): Decision => ({
  plan: plan(policy, identity, nothingKnown, scope.now),
  names: identity,
  heeded: null,
})

function named(said: Pushed | SignedIn, { userName, userNameKey, externalId }: Names): Pushed | SignedIn {
  const names = { userName, userNameKey, externalId }
  return 'beginning' in said
    ? { ...said, identity: { ...said.identity, ...names } }
    : { ...said, identity: { ...said.identity, ...names } }
}

/** Whether nothing can come of a policy that is no longer in force: what makes somebody names its version. */
const isGuarded = ({ version }: Policy, decided: Exclude<Plan, { outcome: 'refuse' }>): boolean =>
  decided.outcome === 'create' ||
  (decided.outcome === 'recognize' && decided.user.has_workspace && decided.user.policy_version === version)

/** Whoever is held has been written, and is not let in. */
function entered(said: Pushed | SignedIn, { policy, plan: decided }: Planning, userId: string): Provisioned {
  const { outcome, place } = decided
  if ('beginning' in said && place?.give === 'hold')
    throw new Refused({ code: place.reason, rule: place.rule, policyVersion: policy.version, userId })
  return { userId, outcome }
}

/** As the statement that makes somebody does by itself. */
async function assertStanding(scope: Scope, said: Pushed | SignedIn): Promise<void> {
  if ('beginning' in said && !(await connectionStands(scope, said.beginning.asked)))
    throw new ConnectionGone()
}

function refused(
  { version: policyVersion }: Policy,
  identity: Identity,
  { plan: refusal, heeded }: Decision & { plan: Refusal },
): Refused {
  const { code, rule, user } = refusal
  const conflict = conflictOf(identity, refusal, { policyVersion, heeded })
  return new Refused({ code, rule, policyVersion, userId: user?.id, conflict })
}

/** The id of the person, or nothing where somebody else was faster. */
async function apply(scope: Scope, planned: Planned): Promise<string | undefined> {
  try {
    return await write(scope, planned)
  } catch (error) {
    // A key that a concurrent writer took: the facts have changed. A transaction can read them no more.
    if (failureOf(error)?.kind === 'conflict' && !scope.db.transaction) return undefined
    throw error
  }
}

async function write(scope: Scope, planned: Planned): Promise<string | undefined> {
  const { plan: decided } = planned
  switch (decided.outcome) {
    case 'create':
      return create(scope, planned)
    case 'adopt':
    case 'restore':
      return (await rewrite(scope, planned, decided.user)) ? decided.user.id : undefined
    case 'link':
      return link(scope, planned, decided.user)
    case 'recognize':
      return recognize(scope, planned, decided.user)
  }
}

async function create(scope: Scope, planned: Planned): Promise<string | undefined> {
  if ('beginning' in planned) return arrive(scope, planned)
  const { policy, identity, plan: decided, informed } = planned
  const id = newId()
  const created = happened('user.created', id, { policy, identity, rule: decided.rule })
  const { told, ...given } = placed(id, { policy, identity, placing: decided.place })
  const record = { ...recordOf(identity, { managed: true }), ...(given.withheld && standingBy(given)) }
  const write = { id, record, ...given, events: [created, ...told] }
  const guard = { policyVersion: policy.version, formerSeen: informed }
  return (await insertPushed(scope, write, guard)) ? id : undefined
}

/** Whoever signs in themselves has their place at once, or is held. */
async function arrive(
  scope: Scope,
  { policy, identity, plan: { rule, place: placing }, beginning }: Planning & SignedIn,
): Promise<string | undefined> {
  const id = newId()
  const created = happened('user.created', id, { policy, identity, rule })
  const { told, ...given } = placed(id, { policy, identity, placing })
  const events = [created, ...told, ...(given.withheld ? [] : [beginning.event(id)])]
  const record = { ...recordOf(identity, { managed: false }), ...standingBy(given) }
  const attempt = await insertArrival(scope, {
    ...{ id, ...given, events, record, identity: newIdentity(identity) },
    ...{ session: beginning.session, asked: beginning.asked, policyVersion: policy.version },
  })
  if (attempt === 'gone') throw new ConnectionGone()
  return attempt === 'made' ? id : undefined
}

/** Writes a push onto a person who is known: made by a sign-in, or deleted a while ago. */
function rewrite(scope: Scope, { policy, identity, plan: decided }: Planned, user: Match): Promise<boolean> {
  const type = decided.outcome === 'adopt' ? 'user.adopted' : 'user.restored'
  const rewritten = happened(type, user.id, { policy, identity, rule: decided.rule })
  const { told, ...given } = placed(user.id, { policy, identity, placing: decided.place, before: user })
  const record = { ...recordOver(policy, identity, user), ...(given.withheld && standingBy(given)) }
  const { id, version, status: was } = user
  const events = [rewritten, ...told]
  const write = { id, version, was, record, ...given, events, policyVersion: policy.version }
  if (user.status !== 'archived') return writePerson(scope, write)
  return transact(scope.db, async (db) => {
    const held = { ...scope, db }
    const isWritten = await writePerson(held, write)
    if (isWritten) await reviveArchived(held, id)
    return isWritten
  })
}

function recordOver(policy: Policy, identity: Identity, user: Match): UserRecord {
  const heard = afterPush(policy, user, identity.attributes)
  const record = { ...recordOf(identity, { managed: true }), ...heard }
  const { status, reason } = record.status === 'ready' && isShutOut(user) ? user : record
  return { ...record, external_id: identity.externalId ?? user.external_id, status, reason }
}

async function link(scope: Scope, planned: Planned, user: Match): Promise<string | undefined> {
  if (!('beginning' in planned)) throw new TypeError('only a sign-in is linked')
  const { policy, identity, plan: decided } = planned
  if (!(await recognize(scope, planned, user))) return undefined
  const events = [happened('user.linked', user.id, { policy, identity, rule: decided.rule })]
  const linked = await linkIdentity(scope, user.id, { identity: newIdentity(identity), events })
  return linked ? user.id : undefined
}

/** Writes what a sign-in says anew, and where they have none yet, their place; mostly that is nothing. */
async function recognize(scope: Scope, planned: Planned, user: Match): Promise<string | undefined> {
  const { policy, identity, plan: decided } = planned
  const said = identity.via === 'sign-in' ? news(policy, identity, user) : null
  if (!said) return !decided.place || (await complete(scope, planned, user)) ? user.id : undefined
  const { via, connectionId } = identity
  const subject = { type: 'user', id: user.id } as const
  const changed = eventOf({
    type: 'user.changed',
    subject,
    changed: said.changed,
    data: { via, connectionId, ...(said.beneath.length > 0 && { beneath: said.beneath }) },
  })
  const { told, ...given } = placed(user.id, { policy, identity, placing: decided.place, before: user })
  const record = {
    ...user,
    attributes: said.attributes,
    sources: said.sources,
    ...(decided.place && standingBy(given)),
  }
  const write = { ...about(user, policy), record, ...given, events: [changed, ...told] }
  return (await writePerson(scope, write)) ? user.id : undefined
}

/** Gives a person who is known the place they did not get when they were made, or what they are held for. */
async function complete(
  scope: Scope,
  { policy, identity, plan: decided }: Planned,
  user: Match,
): Promise<boolean> {
  const { told, ...given } = placed(user.id, { policy, identity, placing: decided.place, before: user })
  if (told.length === 0) return true
  const record = { ...user, ...standingBy(given) }
  return writePerson(scope, { ...about(user, policy), record, ...given, events: told })
}

const about = ({ id, version, status: was }: Match, { version: policyVersion }: Policy) => ({
  id,
  version,
  was,
  policyVersion,
})
