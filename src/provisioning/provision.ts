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
  type NewIdentity,
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
import { placed } from './placed.ts'
import { isShutOut, nothingKnown, type Plan, plan, type Refusal } from './plan.ts'
import type { Policies, Policy } from './policy.ts'
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
    if (decided.outcome !== 'refuse' && (isFresh || isGuarded(decided))) {
      const goingBy = named(said, decision.names)
      const userId = await apply(scope, { ...goingBy, policy, plan: decided, informed })
      if (userId) return { userId, outcome: decided.outcome }
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

/** Whether it holds by any policy: what makes somebody names its version, and whoever is known and has a place keeps it. */
const isGuarded = (decided: Exclude<Plan, { outcome: 'refuse' }>): boolean =>
  decided.outcome === 'create' || (decided.outcome === 'recognize' && decided.user.has_workspace)

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
  const { place, told } = placed(id, { policy, identity, placing: decided.place })
  const events = [created, ...told]
  const write = { id, record: recordOf(identity, { managed: true }), place, events }
  const guard = { policyVersion: policy.version, formerSeen: informed }
  return (await insertPushed(scope, write, guard)) ? id : undefined
}

/** Whoever signs in themselves has their place at once. */
async function arrive(
  scope: Scope,
  { policy, identity, plan: { rule, place: placing }, beginning }: Planning & SignedIn,
): Promise<string | undefined> {
  const id = newId()
  const created = happened('user.created', id, { policy, identity, rule })
  const { place, told } = placed(id, { policy, identity, placing })
  const events = [created, ...told, beginning.event(id)]
  const attempt = await insertArrival(scope, {
    ...{ id, place, events, record: recordOf(identity, { managed: false }), identity: newIdentity(identity) },
    ...{ session: beginning.session, asked: beginning.asked, policyVersion: policy.version },
  })
  if (attempt === 'gone') throw new ConnectionGone()
  return attempt === 'made' ? id : undefined
}

/** Writes a push onto a person who is known: made by a sign-in, or deleted a while ago. */
function rewrite(scope: Scope, { policy, identity, plan: decided }: Planned, user: Match): Promise<boolean> {
  const type = decided.outcome === 'adopt' ? 'user.adopted' : 'user.restored'
  const rewritten = happened(type, user.id, { policy, identity, rule: decided.rule })
  const { place, told } = placed(user.id, { policy, identity, placing: decided.place })
  const events = [rewritten, ...told]
  const { id, version } = user
  const write = { id, version, record: recordOver(policy, identity, user), place, events }
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
  const { place, told } = placed(user.id, { policy, identity, placing: decided.place })
  const events = [changed, ...told]
  const record = {
    ...user,
    attributes: said.attributes,
    sources: said.sources,
    ...(decided.place && { status: 'ready' as const, reason: null }),
  }
  return (await writePerson(scope, { id: user.id, version: user.version, record, place, events }))
    ? user.id
    : undefined
}

/** Gives a person who is known the place they did not get when they were made. */
function complete(scope: Scope, { policy, identity, plan: decided }: Planned, user: Match): Promise<boolean> {
  const { place, told: events } = placed(user.id, { policy, identity, placing: decided.place })
  const record = { ...user, status: 'ready' as const, reason: null }
  return writePerson(scope, { id: user.id, version: user.version, record, place, events })
}

function recordOf(identity: Identity, { managed }: { managed: boolean }): UserRecord {
  const active = identity.via === 'sign-in' || identity.active
  return {
    connection_id: identity.connectionId,
    managed,
    user_name: identity.userName,
    user_name_key: identity.userNameKey,
    external_id: identity.externalId,
    status: active ? 'ready' : 'suspended',
    reason: null,
    attributes: identity.attributes,
    sources: null,
  }
}

const newIdentity = ({ connectionId, issuer, subject, externalId }: Extract<Identity, { via: 'sign-in' }>) =>
  ({ id: newId(), connectionId, issuer, subject, correlation: externalId }) satisfies NewIdentity

function happened(
  type: 'user.created' | 'user.adopted' | 'user.restored' | 'user.linked',
  id: string,
  { policy, identity, rule }: { policy: Policy; identity: Identity; rule: string },
): NewEvent {
  const { via, connectionId, attributes } = identity
  const active = via === 'sign-in' || identity.active
  return eventOf({
    type,
    subject: { type: 'user', id },
    changed: type === 'user.linked' ? [] : ['userName', 'externalId', ...Object.keys(attributes)],
    by: { policyVersion: policy.version, rule },
    data: { via, connectionId, active },
  })
}
