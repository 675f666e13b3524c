import {
  failureOf,
  findMatches,
  insertPushed,
  insertSignedIn,
  linkIdentity,
  type Match,
  type NewEvent,
  type NewIdentity,
  type NewPlace,
  type Scope,
  type UserRecord,
  updateUser,
} from '../../db/index.ts'
import { Problem } from '../errors.ts'
import { eventOf } from '../events/record.ts'
import { newId } from '../ids.ts'
import type { Identity } from './identity.ts'
import { news } from './news.ts'
import { type Plan, plan } from './plan.ts'
import type { Policies, Policy } from './policy.ts'
import { Refused } from './refused.ts'

/** The record an identity has led to. `version` and times are those of the write; absent where nothing was written. */
export interface Provisioned {
  readonly userId: string
  readonly outcome: Exclude<Plan['outcome'], 'refuse'>
}

/** One plan, and what applying it needs. */
interface Planned {
  readonly policy: Policy
  readonly identity: Identity
  readonly plan: Exclude<Plan, { outcome: 'refuse' }>
  /** Whether the facts were read; a first attempt plans as if nobody were known. */
  readonly informed: boolean
}

const ATTEMPTS = 3

/**
 * Recognizes or makes the person an IdP speaks of, wholly or not at all, exactly once whatever races with it.
 * A push is first planned as if nobody were known, and applied in one statement that the unique keys guard; where that
 * writes nothing, the facts are read, planned and applied. Throws `Refused`.
 */
export async function provision(scope: Scope, identity: Identity, policies: Policies): Promise<Provisioned> {
  for (let attempt = 1; attempt <= ATTEMPTS + 1; attempt++) {
    const policy = await policies.current(scope)
    const informed = attempt > 1 || identity.via === 'sign-in'
    const facts = informed ? await findMatches(scope, keysOf(identity)) : []
    const decided = plan(policy, identity, facts, scope.now)
    // No statement guards a refusal: it is by what was read now.
    if (decided.outcome === 'refuse' && attempt > 1) throw refused(policy, decided)
    if (decided.outcome !== 'refuse') {
      const userId = await apply(scope, { policy, identity, plan: decided, informed })
      if (userId) return { userId, outcome: decided.outcome }
    }
    policies.forget(scope.organizationId)
  }
  throw new Problem('unavailable', 'The person is changed by too many at once.', { retryAfter: 1 })
}

const refused = (policy: Policy, { code, rule, user }: Extract<Plan, { outcome: 'refuse' }>) =>
  new Refused({ code, rule, policyVersion: policy.version, userId: user?.id })

export function keysOf(identity: Identity) {
  const { connectionId, userNameKey, externalId } = identity
  const login = identity.via === 'sign-in' ? { issuer: identity.issuer, subject: identity.subject } : {}
  return { connectionId, userNameKey, externalId, ...login }
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

async function create(scope: Scope, { policy, identity, plan: decided, informed }: Planned) {
  const id = newId()
  const place = decided.place ? newPlace(policy) : undefined
  const events = [
    happened('user.created', id, { policy, identity, rule: decided.rule }),
    ...(place ? [provisioned(id, { policy, identity, place })] : []),
  ]
  const record = recordOf(identity, { managed: identity.via === 'scim' })
  const guard = { policyVersion: policy.version, formerSeen: informed }
  const write = { id, record, place, events }
  const made =
    identity.via === 'scim'
      ? await insertPushed(scope, write, guard)
      : await insertSignedIn(scope, { ...write, identity: newIdentity(identity) }, guard)
  return made ? id : undefined
}

/** Writes a push onto a person who is known: made by a sign-in, or deleted a while ago. */
function rewrite(scope: Scope, { policy, identity, plan: decided }: Planned, user: Match): Promise<boolean> {
  const place = decided.place ? newPlace(policy) : undefined
  const type = decided.outcome === 'adopt' ? 'user.adopted' : 'user.restored'
  const events = [
    happened(type, user.id, { policy, identity, rule: decided.rule }),
    ...(place ? [provisioned(user.id, { policy, identity, place })] : []),
  ]
  const record = recordOf(identity, { managed: true })
  const externalId = identity.externalId ?? user.external_id
  return updateUser(scope, {
    id: user.id,
    version: user.version,
    record: { ...record, external_id: externalId },
    place,
    events,
  })
}

async function link(scope: Scope, planned: Planned, user: Match): Promise<string | undefined> {
  const { policy, identity, plan: decided } = planned
  if (identity.via !== 'sign-in') throw new TypeError('only a sign-in is linked')
  if (decided.place && !(await complete(scope, planned, user))) return undefined
  const events = [happened('user.linked', user.id, { policy, identity, rule: decided.rule })]
  const linked = await linkIdentity(scope, user.id, { identity: newIdentity(identity), events })
  return linked ? user.id : undefined
}

/** Writes what a sign-in says anew, and where they have none yet, their place; mostly that is nothing. */
async function recognize(scope: Scope, planned: Planned, user: Match): Promise<string | undefined> {
  const { policy, identity, plan: decided } = planned
  const said = identity.via === 'sign-in' ? news(identity, user) : null
  if (!said) return !decided.place || (await complete(scope, planned, user)) ? user.id : undefined
  const place = decided.place ? newPlace(policy) : undefined
  const { via, connectionId } = identity
  const subject = { type: 'user', id: user.id } as const
  const events = [
    eventOf({ type: 'user.changed', subject, changed: said.changed, data: { via, connectionId } }),
    ...(place ? [provisioned(user.id, { policy, identity, place })] : []),
  ]
  const record = {
    ...user,
    attributes: said.attributes,
    ...(place && { status: 'ready' as const, reason: null }),
  }
  return (await updateUser(scope, { id: user.id, version: user.version, record, place, events }))
    ? user.id
    : undefined
}

/** Gives a person who is known the place they did not get when they were made. */
function complete(scope: Scope, { policy, identity }: Planned, user: Match): Promise<boolean> {
  const place = newPlace(policy)
  const events = [provisioned(user.id, { policy, identity, place })]
  const record = { ...user, status: 'ready' as const, reason: null }
  return updateUser(scope, { id: user.id, version: user.version, record, place, events })
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
  }
}

/** The default workspace that the policy gives, in its home. */
export function newPlace({ workspace, home }: Policy): NewPlace {
  const { name, role } = workspace
  return { workspaceId: newId(), teamId: home.id, name, role, rule: 'default workspace' }
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

/** The decision that gave somebody a place. */
export function provisioned(
  id: string,
  {
    policy,
    identity,
    place,
  }: { policy: Policy; identity: Pick<Identity, 'via' | 'connectionId'>; place: NewPlace },
): NewEvent {
  const { workspaceId, name, role, rule } = place
  return eventOf({
    type: 'user.provisioned',
    subject: { type: 'user', id },
    by: { policyVersion: policy.version, rule },
    data: {
      via: identity.via,
      connectionId: identity.connectionId,
      workspace: { id: workspaceId, name },
      role,
      home: policy.home,
    },
  })
}
