import {
  countDeferred,
  currentPolicy,
  type GroupInputsRow,
  groupInputs,
  latestRollout,
  type NamedPlaces,
  nextOfRoles,
  type Role,
  type RoleBesideRow,
  rolesBeside,
  type Scope,
} from '../../db/index.ts'
import { NO_ID } from '../ids.ts'
import { type GroupRule, type Matching, matchingOf, wantedOf } from './group-rules.ts'
import { wholePolicy } from './policy.ts'
import { type RoleChange, roleChanges } from './role-changes.ts'

const BATCH = 500
const MOST_LISTED = 100

/** A role that is not what groups say, and why it is so, or would be otherwise. */
interface Drifting {
  readonly kind: 'missing' | 'different' | 'surplus' | 'beyond'
  readonly userId: string
  readonly place: 'workspace' | 'team'
  readonly placeId: string
  readonly wanted?: Role
  readonly held?: Role
  readonly why: string
}

/**
 * Where people have other roles by rules than the rules in force and their groups give, and where something else makes
 * them more than that. By the rules that decide when a group changes; a batch of people at a time.
 */
export async function roleDrift(scope: Scope): Promise<object> {
  const policy = await currentPolicy(scope)
  const rules = policy ? wholePolicy(policy.document).groups : []
  const [matching, places] = [matchingOf(rules), placesOf(rules)]
  const counts = { missing: 0, different: 0, surplus: 0, beyond: 0 }
  const listed: Drifting[] = []
  let people = 0
  for (let after = NO_ID; ; ) {
    const ids = await nextOfRoles(scope, { after, limit: BATCH }, places)
    const rows = ids.length > 0 ? await groupInputs(scope, ids) : []
    const beside = ids.length > 0 ? await rolesBeside(scope, ids, places) : []
    for (const one of [...rows.flatMap((row) => drifts(matching, row)), ...beyond(matching, rows, beside)]) {
      counts[one.kind]++
      if (listed.length < MOST_LISTED) listed.push(one)
    }
    people += ids.length
    const last = ids.at(-1)
    if (!last || ids.length < BATCH) break
    after = last
  }
  const rollout = await latestRollout(scope)
  const isOpen = rollout && ['waiting', 'running', 'held'].includes(rollout.state)
  const waitingGroups = await countDeferred(scope)
  return { people, ...counts, ...(isOpen && { rollout: rollout.state }), waitingGroups, listed }
}

const placesOf = (rules: readonly GroupRule[]): NamedPlaces => ({
  workspaces: rules.flatMap(({ give }) => give.workspace ?? []),
  teams: rules.flatMap(({ give }) => give.team ?? []),
})

const kinds = { granted: 'missing', changed: 'different', revoked: 'surplus' } as const

const drifts = (matching: Matching, row: GroupInputsRow): Drifting[] =>
  roleChanges(matching, row).map(drifting)

function drifting({ kind, userId, place, placeId, role, before, rule }: RoleChange): Drifting {
  return {
    ...{ kind: kinds[kind], userId, place, placeId },
    ...(kind !== 'revoked' && { wanted: role }),
    ...(before && { held: before.role }),
    why: `group-rule: ${rule}`,
  }
}

const rank: Readonly<Record<Role, number>> = { owner: 3, admin: 2, member: 1, viewer: 0 }

function beyond(
  matching: Matching,
  rows: readonly GroupInputsRow[],
  beside: readonly RoleBesideRow[],
): Drifting[] {
  const wanted = new Map<string, Role>()
  const key = (userId: string, place: string, placeId: string) => `${userId} ${place} ${placeId}`
  for (const { id, groups, default_workspace: defaultWorkspace } of rows)
    for (const { place, placeId, role } of wantedOf(matching, { groups, defaultWorkspace }))
      wanted.set(key(id, place, placeId), role)
  return beside.flatMap(({ user_id: userId, place, place_id: placeId, role, source, rule }): Drifting[] => {
    const said = wanted.get(key(userId, place, placeId))
    if (said !== undefined && rank[role] <= rank[said]) return []
    const why = `${source}: ${rule}`
    return [{ kind: 'beyond', userId, place, placeId, ...(said && { wanted: said }), held: role, why }]
  })
}
