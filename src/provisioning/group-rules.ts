import type { Role } from '../../db/index.ts'

/** What the members of a group get, where. */
export interface GroupRule {
  /** By which memberships name it. */
  readonly id: string
  /** The whole name of a group, or how it begins and `*`; in any letter case. */
  readonly group: string
  /** Whose groups; absent: those of every connection. */
  readonly connection?: string
  /** Of the rules that name a place the highest decides, and of its equals the higher role. */
  readonly priority?: number
  /** A role in a place, or the team where a member's own workspace is at home. */
  readonly give: GivenIn | GivenHome
}

interface GivenIn {
  readonly role: GivenRole
  readonly workspace?: string
  readonly team?: string
  readonly home?: never
}

interface GivenHome {
  readonly home: string
  readonly role?: never
  readonly workspace?: never
  readonly team?: never
}

/** Whatever a provider calls its groups, none of them makes an owner. */
export type GivenRole = Exclude<Role, 'owner'>

/** A group that somebody belongs to, by what rules tell it by. */
export interface NamedGroup {
  readonly name: string
  readonly connectionId: string
}

/** What decides about a person. */
export interface GroupInputs {
  readonly groups: readonly NamedGroup[]
  /** Where a rule gives a role that names no place. */
  readonly defaultWorkspace: string | null
}

/** A role that somebody is to have by a rule, and the names of the groups that brought it. */
export interface Wanted {
  readonly place: 'workspace' | 'team'
  readonly placeId: string
  readonly role: GivenRole
  readonly rule: string
  readonly groups: readonly string[]
}

/** Which rules a group's name is one of; made once for many people. */
export type Matching = (group: NamedGroup) => readonly GroupRule[]

export function matchingOf(rules: readonly GroupRule[]): Matching {
  const whole = new Map<string, GroupRule[]>()
  const begun: { readonly start: string; readonly rule: GroupRule }[] = []
  for (const rule of rules) {
    const pattern = rule.group.toLowerCase()
    if (pattern.endsWith('*')) begun.push({ start: pattern.slice(0, -1), rule })
    else whole.set(pattern, [...(whole.get(pattern) ?? []), rule])
  }
  return ({ name, connectionId }) => {
    const key = name.toLowerCase()
    const named = begun.filter(({ start }) => key.startsWith(start)).map(({ rule }) => rule)
    return [...(whole.get(key) ?? []), ...named].filter(
      ({ connection }) => connection === undefined || connection === connectionId,
    )
  }
}

/** Pure: where somebody is to be and as what; one role for each place, in no order. */
export function wantedOf(matching: Matching, { groups, defaultWorkspace }: GroupInputs): Wanted[] {
  const best = new Map<string, Candidate>()
  for (const group of groups) {
    for (const rule of matching(group)) {
      const place = placeOf(rule, defaultWorkspace)
      if (!place || rule.give.home !== undefined) continue
      const key = `${place.place} ${place.placeId}`
      const known = best.get(key)
      if (known?.rule.id === rule.id) known.groups.push(group.name)
      else if (!known || precedes(rule, known.rule))
        best.set(key, { ...place, role: rule.give.role, rule, groups: [group.name] })
    }
  }
  return [...best.values()].map(({ rule, groups: names, ...place }) => ({
    ...place,
    rule: rule.id,
    groups: [...new Set(names)].sort(),
  }))
}

interface Candidate extends Pick<Wanted, 'place' | 'placeId' | 'role'> {
  readonly rule: GroupRule
  readonly groups: string[]
}

function placeOf(
  { give }: GroupRule,
  defaultWorkspace: string | null,
): Pick<Wanted, 'place' | 'placeId'> | null {
  if (give.team !== undefined) return { place: 'team', placeId: give.team }
  const placeId = give.workspace ?? defaultWorkspace
  return placeId === null ? null : { place: 'workspace', placeId }
}

/** Pure: where a person's own workspace is to be at home by their groups, and by which rule; null where none says. */
export function homeByGroups(
  matching: Matching,
  groups: readonly NamedGroup[],
): { readonly team: string; readonly rule: string } | null {
  let best: GroupRule | undefined
  for (const rule of groups.flatMap(matching))
    if (rule.give.home !== undefined && (!best || precedes(rule, best))) best = rule
  return best?.give.home === undefined ? null : { team: best.give.home, rule: best.id }
}

const rank = { admin: 2, member: 1, viewer: 0 } as const

const rankOf = ({ give: { role } }: GroupRule) => (role === undefined ? 0 : rank[role])

/** Whether a rule decides before another; of equals the one whose id comes first, whatever the order of the groups. */
function precedes(one: GroupRule, other: GroupRule): boolean {
  const difference = (one.priority ?? 0) - (other.priority ?? 0)
  if (difference !== 0) return difference > 0
  const higher = rankOf(one) - rankOf(other)
  return higher === 0 ? one.id < other.id : higher > 0
}

/** The rules that are in one of the documents and not alike in the other. */
export function changedRules(before: readonly GroupRule[], after: readonly GroupRule[]): GroupRule[] {
  const told = (rules: readonly GroupRule[]) => new Map(rules.map((rule) => [canonical(rule), rule]))
  const [old, current] = [told(before), told(after)]
  const without = (from: Map<string, GroupRule>, other: Map<string, GroupRule>) =>
    [...from].filter(([key]) => !other.has(key)).map(([, rule]) => rule)
  return [...without(old, current), ...without(current, old)]
}

const canonical = ({ id, group, connection, priority = 0, give }: GroupRule) =>
  JSON.stringify([
    id,
    group.toLowerCase(),
    connection,
    priority,
    give.role,
    give.workspace,
    give.team,
    give.home,
  ])
