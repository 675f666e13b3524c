import { isDeepStrictEqual } from 'node:util'
import {
  dueEnds,
  lockAnybody,
  type NewEvent,
  postponeEnd,
  retrySoon,
  type Scope,
  transact,
  type UserRow,
  type Word,
  writeSources,
} from '../../db/index.ts'
import { Problem } from '../errors.ts'
import { eventOf } from '../events/record.ts'
import { type Policies, type Policy, policyInForce } from './policy.ts'
import {
  afterAdministrator,
  afterPush,
  type Effective,
  endOf,
  heardBy,
  otherwiseHeard,
  outranking,
  saidOf,
} from './sources.ts'

/** What SCIM says of a person, with what others are heard on: mostly that is nothing, and no policy is asked. */
export async function heardPush(
  scope: Scope,
  { current, pushed }: { current: UserRow; pushed: UserRow['attributes'] },
  policies: Policies,
): Promise<Effective> {
  if (current.managed && current.sources === null) return { attributes: pushed, sources: null }
  // No guard keeps a remembered policy from being used that is no longer in force.
  policies.forget(scope.organizationId)
  return afterPush(await policies.current(scope), current, pushed)
}

export interface Wish {
  readonly userId: string
  /** Its full name. */
  readonly name: string
  /** Throws where the caller's precondition does not hold. */
  readonly check: (current: UserRow) => void
}

/** What an administrator says of an attribute, and until when it is heard before others. */
export interface Saying extends Wish {
  readonly value: unknown
  readonly until?: Date | undefined
}

/**
 * Has an administrator heard on an attribute. Where another is heard first by the policy, only until a time. Null where
 * there is nobody.
 */
export function sayAttribute(scope: Scope, { value, until, ...wish }: Saying): Promise<UserRow | null> {
  return withPerson(scope, wish, (policy, user) => {
    const first = until === undefined ? outranking(policy, user, wish.name) : undefined
    if (first) throw outranked(wish.name, first)
    const { administrator } = saidOf(user, wish.name)
    const said = { value, ...(until && { until: until.toISOString() }) }
    const { by: _by, at: _at, ...before } = administrator ?? { value: undefined }
    if (isDeepStrictEqual(before, said)) return null
    const word = { ...said, by: scope.actor, at: scope.now.toISOString() }
    return told(policy, user, { name: wish.name, word })
  })
}

/** Has what others say heard again; null where there is nobody. */
export function unsayAttribute(scope: Scope, wish: Wish): Promise<UserRow | null> {
  return withPerson(scope, wish, (policy, user) => {
    if (!saidOf(user, wish.name).administrator)
      throw new Problem('not_found', 'No administrator has said anything of this attribute.')
    return told(policy, user, { name: wish.name })
  })
}

const speakers = { scim: 'SCIM', 'sign-in': 'A sign-in', administrator: 'An administrator' }

const outranked = (name: string, first: keyof typeof speakers): Problem =>
  new Problem(
    'outranked',
    `${speakers[first]} says what "${name}" is, and is heard first by the policy. Give \`until\` for an override that ends, ` +
      'or have the policy hear administrators first (`attributes`).',
    { errors: [{ path: 'body/until', message: 'is missing' }] },
  )

interface Change {
  readonly after: Effective
  readonly events: readonly NewEvent[]
}

function told(policy: Policy, user: UserRow, said: { name: string; word?: Word | undefined }): Change {
  const { name, word } = said
  const data = { via: 'administrator', ...(word ? { until: word.until ?? null } : { ended: true }) }
  const subject = { type: 'user', id: user.id } as const
  const event = eventOf({ type: 'user.changed', subject, changed: [name], data })
  return { after: afterAdministrator(policy, user, said), events: [event] }
}

function withPerson(
  scope: Scope,
  { userId, check }: Wish,
  decide: (policy: Policy, user: UserRow) => Change | null,
): Promise<UserRow | null> {
  return transact(scope.db, async (db) => {
    const held = { ...scope, db }
    const user = await lockAnybody(held, userId)
    if (!user) return null
    check(user)
    if (user.deleted_at)
      throw new Problem('conflict', 'Whoever was deleted stays as they are: restore them first.')
    const change = decide(await policyInForce(held), user)
    return change ? await write(held, user, change) : user
  })
}

async function write(scope: Scope, user: UserRow, { after, events }: Change): Promise<UserRow> {
  const { id, version } = user
  if (!(await writeSources(scope, { ...after, id, version, ends: endOf(after.sources), events })))
    throw new TypeError('a held row has changed')
  if (user.status === 'held') await retrySoon(scope, id)
  return { ...user, ...after, version: version + 1, updated_at: scope.now }
}

const PAGE = 100

/** Ends the overrides whose time is over, and hears by the policy in force whoever is to be looked at. */
export async function reviewAttributes(scope: Scope, stop: AbortSignal): Promise<void> {
  let ids: string[]
  do {
    ids = await dueEnds(scope, { limit: PAGE })
    for (const id of ids) {
      if (stop.aborted) return
      await transact(scope.db, (db) => review({ ...scope, db }, id))
    }
  } while (ids.length === PAGE)
}

async function review(scope: Scope, userId: string): Promise<void> {
  const user = await lockAnybody(scope, userId)
  if (!user?.sources) return postponeEnd(scope, userId, null)
  const policy = await policyInForce(scope)
  const { lapsed, ...after } = heardBy(policy, user, scope.now)
  const { heard } = otherwiseHeard(user, { ...user, ...after })
  const moved = heard.filter((name) => !lapsed.includes(name))
  const events = [
    ...(lapsed.length > 0 ? [ruled(policy, user, { changed: lapsed, rule: 'override ended' })] : []),
    ...(moved.length > 0 ? [ruled(policy, user, { changed: moved, rule: 'source of truth' })] : []),
  ]
  if (events.length > 0) await write(scope, user, { after, events })
  else await postponeEnd(scope, userId, endOf(user.sources))
}

const ruled = (
  { version: policyVersion }: Policy,
  { id }: UserRow,
  { changed, rule }: { changed: string[]; rule: string },
): NewEvent =>
  eventOf({
    type: 'user.changed',
    subject: { type: 'user', id },
    changed,
    by: { policyVersion, rule },
    data: { via: 'rule' },
  })
