import type { GroupInputsRow, GroupRole, Role } from '../../db/index.ts'
import { type Matching, wantedOf } from './group-rules.ts'

/** What is to become of one role that somebody has, or is to have, by a rule of groups. */
export interface RoleChange extends GroupRole {
  readonly kind: 'granted' | 'changed' | 'revoked'
  readonly userId: string
  /** Of who has it already. */
  readonly before?: { readonly role: Role }
  /** The names of those that bring it. */
  readonly groups: readonly string[]
}

/** Whether somebody loses a role, or has another in its place: what may be a mistake in great numbers. */
export const takes = ({ kind, role, before }: RoleChange): boolean =>
  kind === 'revoked' || (kind === 'changed' && before?.role !== role)

const placeOf = ({ place, placeId }: Pick<GroupRole, 'place' | 'placeId'>) => `${place} ${placeId}`

/** Pure: from what somebody has by rules to what they are to have. */
export function roleChanges(matching: Matching, row: GroupInputsRow): RoleChange[] {
  const held = new Map(row.held.map((role) => [placeOf(role), role]))
  const wanted = wantedOf(matching, { groups: row.groups, defaultWorkspace: row.default_workspace })
  const known = new Set(wanted.map(placeOf))
  const userId = row.id
  return [
    ...wanted.flatMap((role): RoleChange[] => {
      const before = held.get(placeOf(role))
      if (!before) return [{ ...role, userId, kind: 'granted' }]
      const isAlike = before.role === role.role && before.rule === role.rule
      return isAlike ? [] : [{ ...role, userId, kind: 'changed', before: { role: before.role } }]
    }),
    ...row.held
      .filter((role) => !known.has(placeOf(role)))
      .map(
        (role): RoleChange => ({
          ...role,
          userId,
          groups: [],
          kind: 'revoked',
          before: { role: role.role },
        }),
      ),
  ]
}
