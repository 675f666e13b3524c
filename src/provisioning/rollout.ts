import { setTimeout as pause } from 'node:timers/promises'
import {
  advanceReevaluation,
  claimReevaluation,
  countMeant,
  type Db,
  databaseTime,
  findPolicyVersion,
  groupsWithin,
  hasOlderTransactions,
  holdReevaluation,
  listGroupNames,
  type Meant,
  nextMeant,
  openReevaluations,
  type ReevaluationRow,
  type Scope,
  transact,
} from '../../db/index.ts'
import { NO_ID } from '../ids.ts'
import { changedRules, type GroupRule, matchingOf } from './group-rules.ts'
import { wholePolicy } from './policy.ts'
import { reevaluate } from './reevaluate.ts'

export interface RolloutHost {
  readonly db: Db
  readonly clock: () => Date
}

const MOST_AT_ONCE = 100
const BATCH = 200
const PAGE = 1000

/** Puts rules of groups into effect where they or many people's groups have changed, until told to stop. */
export async function rollOut({ db, clock }: RolloutHost, stop: AbortSignal): Promise<void> {
  const open = await openReevaluations(db, MOST_AT_ONCE)
  if (open.length === 0) return
  await oldersEnd(db, stop)
  for (const { organization_id: organizationId, id } of open) {
    const scopeNow = () => ({ db, organizationId, actor: 'system', now: clock(), requestId: '' })
    let meant: Meant | undefined
    while (!stop.aborted) {
      const went = await step(scopeNow(), id, meant)
      if (!went) break
      meant = went
    }
  }
}

const LONGEST_WAIT = 30_000

/**
 * Whoever began before the change was committed may have gone by what was before it: they end first, so that what they
 * wrote is seen. No statement of ours lasts longer than this waits.
 */
async function oldersEnd(db: Db, stop: AbortSignal): Promise<void> {
  const time = await databaseTime(db)
  for (let waited = 0; waited < LONGEST_WAIT && !stop.aborted; waited += 50) {
    if (!(await hasOlderTransactions(db, time))) return
    await pause(50)
  }
}

/** One batch in a transaction with how far it has come; nothing where another is at it, it has ended, or is held. */
async function step(scope: Scope, id: string, known: Meant | undefined): Promise<Meant | undefined> {
  return transact(scope.db, async (db) => {
    const held = { ...scope, db }
    const row = await claimReevaluation(held, id)
    if (!row) return undefined
    const meant = known ?? (await meantBy(held, row))
    const total = row.total ?? (await countMeant(held, meant))
    const people = await nextMeant(held, meant, { after: row.cursor ?? NO_ID, limit: BATCH })
    if (!(await reevaluate(held, people))) {
      await holdReevaluation(held, { id, total })
      return undefined
    }
    const cursor = people.length < BATCH ? null : (people.at(-1) ?? null)
    await advanceReevaluation(held, { id, cursor, total, done: people.length })
    return cursor === null ? undefined : meant
  })
}

async function meantBy(scope: Scope, row: ReevaluationRow): Promise<Meant> {
  if (row.groups) return { groups: await groupsWithin(scope, row.groups), rules: null }
  const rules = await changedSince(scope, row)
  const groups = await groupsWithin(scope, await groupsNamed(scope, rules))
  return { groups, rules: [...new Set(rules.map(({ id }) => id))] }
}

/** Every rule that one of the versions has otherwise than the one before it. */
async function changedSince(scope: Scope, row: ReevaluationRow): Promise<GroupRule[]> {
  const [since, until] = [row.since_version ?? 1, row.policy_version ?? 1]
  const found: GroupRule[] = []
  let before = await rulesOf(scope, since)
  for (let version = since + 1; version <= until; version++) {
    const after = await rulesOf(scope, version)
    found.push(...changedRules(before, after))
    before = after
  }
  return found
}

async function rulesOf(scope: Scope, version: number): Promise<readonly GroupRule[]> {
  const row = await findPolicyVersion(scope, version)
  return row ? wholePolicy(row.document).groups : []
}

async function groupsNamed(scope: Scope, rules: readonly GroupRule[]): Promise<string[]> {
  const matching = matchingOf(rules)
  const found: string[] = []
  for (let after = NO_ID; ; ) {
    const page = await listGroupNames(scope, { after, limit: PAGE })
    for (const { id, display_name: name, connection_id: connectionId } of page)
      if (matching({ name, connectionId }).length > 0) found.push(id)
    const last = page.at(-1)
    if (!last || page.length < PAGE) return found
    after = last.id
  }
}
