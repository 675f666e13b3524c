import { isDeepStrictEqual } from 'node:util'
import {
  findNewcomer,
  groupInputs,
  listNewcomers,
  type NewcomerRow,
  namesOfPlaces,
  type Scope,
  supposedPolicy,
} from '../../db/index.ts'
import { matchingOf } from './group-rules.ts'
import { homeMove } from './home-moves.ts'
import { type Placing, placingOf } from './placing.ts'
import { type Policies, type Policy, type PolicyDocument, policyOf } from './policy.ts'
import { type RoleChange, roleChanges, takes } from './role-changes.ts'
import { heardBy } from './sources.ts'

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
  /**
   * Who has a place keeps it; who has none gets theirs when they come next. Who is held gets theirs within seconds, or
   * is released: ready without one.
   */
  readonly effect: 'keeps' | 'gets' | 'released'
  readonly before: Placing
  readonly after: Placing
}

/** What other rules of groups would make of a role; where it is has its name. */
export type ForetoldRole = RoleChange & { readonly userName: string; readonly placeName: string }

export interface Comparison {
  readonly people: number
  readonly different: number
  /** Of those who are different, how many would get a place. */
  readonly getting: number
  readonly items: readonly Difference[]
  /** What putting the rules of groups into effect would do. */
  readonly roles: Readonly<Tally['roles']> & { readonly items: readonly ForetoldRole[] }
  /** How many own workspaces they would move to another team. */
  readonly homes: { readonly moved: number }
  /** Where there are more people: the last who was looked at. */
  readonly last?: string
}

const BATCH = 1000
const MOST_IN_A_PAGE = 10_000

export interface Compared {
  /** The only one who is looked at, or whom a page begins after. */
  readonly userId?: string | undefined
  readonly after?: string | undefined
  /** How many of each list there are. */
  readonly most: number
}

interface Tally {
  people: number
  different: number
  getting: number
  readonly items: Difference[]
  /** `taken`: how many of them the brake counts. */
  readonly roles: Record<RoleChange['kind'] | 'taken', number>
  readonly homes: { moved: number }
  readonly roleItems: (RoleChange & { readonly userName: string })[]
}

/**
 * The places of a page of people by the policy in force and by another, as if they came now, and the roles that the
 * other's rules of groups would give and take: counts of all, and the first `most`.
 */
export async function compare(
  scope: Scope,
  policies: readonly [Policy, Policy],
  { userId, after, most }: Compared,
): Promise<Comparison> {
  const roles = { granted: 0, changed: 0, revoked: 0, taken: 0 }
  const counts = { people: 0, different: 0, getting: 0 }
  const tally: Tally = { ...counts, items: [], roles, homes: { moved: 0 }, roleItems: [] }
  let rows: NewcomerRow[]
  let last = after
  let seen = 0
  do {
    rows = await (userId === undefined
      ? listNewcomers(scope, { after: last, limit: BATCH })
      : findNewcomer(scope, userId))
    last = rows.at(-1)?.id ?? last
    seen += rows.length
    for (const row of rows) countPlace(tally, row, policies, most)
    await countRoles(scope, tally, { rows, policy: policies[1], most })
  } while (rows.length === BATCH && seen < MOST_IN_A_PAGE)
  const { roleItems, ...told } = tally
  return {
    ...told,
    roles: { ...roles, items: await withNames(scope, roleItems) },
    ...(rows.length === BATCH && last !== undefined && { last }),
  }
}

function countPlace(tally: Tally, row: NewcomerRow, policies: readonly [Policy, Policy], most: number): void {
  // Who is leaving has no part in it until they are back, but their roles follow the rules.
  if (row.status === 'leaving') return
  tally.people++
  const difference = differenceOf(row, ...policies)
  if (!difference) return
  tally.different++
  if (difference.effect === 'gets') tally.getting++
  if (tally.items.length < most) tally.items.push(difference)
}

function differenceOf(row: NewcomerRow, before: Policy, after: Policy): Difference | undefined {
  const { id: userId, user_name: userName, status, placed } = row
  const [was, is] = [before, after].map((policy) =>
    placingOf(policy, { userName, attributes: heardBy(policy, row).attributes }),
  )
  if (!was || !is || isDeepStrictEqual(was, is)) return undefined
  return { userId, userName, effect: effectOf(is, { placed, status }), before: was, after: is }
}

function effectOf({ give }: Placing, { placed, status }: Pick<NewcomerRow, 'placed' | 'status'>) {
  if (placed || give === 'hold' || (status !== 'ready' && status !== 'held')) return 'keeps'
  if (give !== 'none') return 'gets'
  return status === 'held' ? 'released' : 'keeps'
}

async function countRoles(
  scope: Scope,
  { roles, homes, roleItems }: Tally,
  { rows, policy, most }: { rows: readonly NewcomerRow[]; policy: Policy; most: number },
): Promise<void> {
  const matching = matchingOf(policy.groups)
  const ids = rows.map(({ id }) => id)
  const inputs = new Map((await groupInputs(scope, ids)).map((row) => [row.id, row]))
  for (const { id, user_name: userName } of rows) {
    const row = inputs.get(id)
    if (row && homeMove(policy, matching, row)) homes.moved++
    for (const change of row ? roleChanges(matching, row) : []) {
      roles[change.kind]++
      if (takes(change)) roles.taken++
      if (roleItems.length < most) roleItems.push({ ...change, userName })
    }
  }
}

async function withNames(scope: Scope, items: Tally['roleItems']): Promise<ForetoldRole[]> {
  if (items.length === 0) return []
  const names = await namesOfPlaces(scope, [...new Set(items.map(({ placeId }) => placeId))])
  return items.map((item) => ({ ...item, placeName: names.get(item.placeId) ?? '' }))
}
