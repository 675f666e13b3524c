import {
  claimHeld,
  type Db,
  keepHeld,
  organizationsToRetry,
  type Scope,
  transact,
  type UserRow,
  updateUser,
} from '../../db/index.ts'
import { placed, standingBy } from './placed.ts'
import { placingOf } from './placing.ts'
import { type Policy, policyInForce } from './policy.ts'
import { reevaluate } from './reevaluate.ts'

export interface RetryHost {
  readonly db: Db
  readonly clock: () => Date
  readonly log: { warn(what: object, message: string): void }
}

const BATCH = 50

/** Tries again whoever is held by a policy that is no longer the newest, until told to stop. */
export async function retryHeld({ db, clock, log }: RetryHost, stop: AbortSignal): Promise<void> {
  for (const organizationId of await organizationsToRetry(db)) {
    const scopeNow = () => ({ db, organizationId, actor: 'system', now: clock(), requestId: '' })
    // What is wrong in one organization is not to keep the others waiting.
    await retryIn(scopeNow, stop).catch((err: unknown) =>
      log.warn({ err, organizationId }, 'trying held people again failed'),
    )
  }
}

async function retryIn(scopeNow: () => Scope, stop: AbortSignal): Promise<void> {
  while (!stop.aborted && (await retrySome(scopeNow())));
}

/** One batch in a transaction, of people whom no other process is at. False where there is nobody left. */
function retrySome(scope: Scope): Promise<boolean> {
  return transact(scope.db, async (db) => {
    const held = { ...scope, db }
    const policy = await policyInForce(held)
    const people = await claimHeld(held, { before: policy.version, limit: BATCH })
    const tried = people.map((user) => ({ user, ...tryAgain(policy, user) }))
    const ids = tried.filter(({ told }) => told.length === 0).map(({ user }) => user.id)
    await keepHeld(held, { ids, policyVersion: policy.version })
    const given: string[] = []
    for (const { user, told: events, ...decided } of tried) {
      if (events.length === 0) continue
      const { id, version, status: was } = user
      const record = { ...user, ...standingBy(decided) }
      const write = { id, version, was, record, ...decided, events, policyVersion: policy.version }
      if ((await updateUser(held, write)) && decided.place) given.push(id)
    }
    await reevaluate(held, given)
    return people.length > 0
  })
}

function tryAgain(policy: Policy, { id, connection_id, user_name: userName, ...user }: UserRow) {
  const placing = placingOf(policy, { userName, attributes: user.attributes })
  const identity = { via: 'retry' as const, connectionId: connection_id ?? '' }
  return placed(id, { policy, identity, placing, before: user })
}
