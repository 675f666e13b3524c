import type { GroupInputsRow, HomeMove } from '../../db/index.ts'
import { homeByGroups, type Matching } from './group-rules.ts'
import { ownHome } from './placing.ts'
import type { Policy } from './policy.ts'

/**
 * Pure: where somebody's own workspace is to move by their groups; null where it stays. What rules have moved goes back
 * once no group speaks of it, and what a hand has moved stays where it is.
 */
export function homeMove(policy: Policy, matching: Matching, row: GroupInputsRow): HomeMove | null {
  const { id: userId, own, groups } = row
  if (!own || own.moved === 'hand') return null
  const given = homeByGroups(matching, groups)
  if (!given && own.moved !== 'rule') return null
  const back = given ? null : ownHome(policy, { userName: own.userName, attributes: own.attributes })
  const [to, rule] = given ? [given.team, given.rule] : [back?.id, back?.rule]
  if (to === undefined || rule === undefined || to === own.teamId) return null
  const names = [
    ...new Set(given ? groups.filter(isSpoken(matching, given.rule)).map(({ name }) => name) : []),
  ]
  return { userId, workspaceId: own.id, from: own.teamId, to, rule, groups: names.sort() }
}

const isSpoken = (matching: Matching, rule: string) => (group: GroupInputsRow['groups'][number]) =>
  matching(group).some(({ id }) => id === rule)
