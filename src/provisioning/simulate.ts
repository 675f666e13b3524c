import { isDeepStrictEqual } from 'node:util'
import { listNewcomers, type NewcomerRow, type Scope, supposedPolicy } from '../../db/index.ts'
import { type Placing, placingOf } from './placing.ts'
import { type Policies, type Policy, type PolicyDocument, policyOf } from './policy.ts'

/** Policies as if a document were in force; its version is 0. */
export async function suppose(scope: Scope, document: PolicyDocument): Promise<Policies> {
  const row = await supposedPolicy(scope, document)
  if (!row) throw new Error(`organization ${scope.organizationId} has no home`)
  const policy = policyOf(row)
  return { current: async () => policy, forget: () => {} }
}

/** What other rules would make of somebody. */
export interface Difference {
  readonly userId: string
  readonly userName: string
  /** Who has a place keeps it; who has none gets theirs when they come next. */
  readonly effect: 'keeps' | 'gets'
  readonly before: Placing
  readonly after: Placing
}

export interface Comparison {
  readonly people: number
  readonly different: number
  /** Of those who are different, how many would get a place. */
  readonly getting: number
  readonly items: readonly Difference[]
}

const BATCH = 1000

/** Everybody's place by the policy in force and by another, as if they came now: counts of all, and the first `most`. */
export async function compare(
  scope: Scope,
  [before, after]: readonly [Policy, Policy],
  most: number,
): Promise<Comparison> {
  const items: Difference[] = []
  let [people, different, getting] = [0, 0, 0]
  let rows: NewcomerRow[]
  let last: string | undefined
  do {
    rows = await listNewcomers(scope, { after: last, limit: BATCH })
    last = rows.at(-1)?.id
    people += rows.length
    for (const row of rows) {
      const difference = differenceOf(row, before, after)
      if (!difference) continue
      different++
      if (difference.effect === 'gets') getting++
      if (items.length < most) items.push(difference)
    }
  } while (rows.length === BATCH)
  return { people, different, getting, items }
}

function differenceOf(row: NewcomerRow, before: Policy, after: Policy): Difference | undefined {
  const { id: userId, user_name: userName, attributes, status, placed } = row
  const [was, is] = [before, after].map((policy) => placingOf(policy, { userName, attributes }))
  if (!was || !is || isDeepStrictEqual(was, is)) return undefined
  const gets = !placed && status === 'ready' && is.give !== 'none'
  return { userId, userName, effect: gets ? 'gets' : 'keeps', before: was, after: is }
}
