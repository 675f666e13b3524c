import { ScimError } from './errors.ts'
import type { Filter } from './filter/ast.ts'
import { isRecord } from './filter/match.ts'
import type { PatchOperation } from './handler.ts'
import type { Json } from './schema/types.ts'

export interface MemberRef {
  readonly value: string
  readonly type?: 'User' | 'Group'
}

/** A change of a group's members that needs no look at the members it has. */
export type MemberChange =
  | { readonly kind: 'add'; readonly members: readonly MemberRef[] }
  | { readonly kind: 'replace'; readonly members: readonly MemberRef[] }
  | { readonly kind: 'remove'; readonly ids: readonly string[] }
  | { readonly kind: 'removeAll' }

/** The members that a (cleaned) `members` value names. */
export function memberRefs(value: Json | undefined): MemberRef[] {
  if (!Array.isArray(value)) return []
  return value.flatMap((member) => {
    if (!isRecord(member) || typeof member.value !== 'string') return []
    const type = member.type === 'User' || member.type === 'Group' ? member.type : undefined
    return [{ value: member.value, ...(type && { type }) }]
  })
}

/** The ids in `value eq "a" or value eq "b"`, the only way members are chosen. */
function chosenIds(filter: Filter): string[] {
  if (filter.kind === 'or') return filter.terms.flatMap(chosenIds)
  if (filter.kind === 'compare' && filter.op === 'eq' && filter.path.name === 'value')
    return [String(filter.value)]
  throw new ScimError(
    'invalidFilter',
    'Members are chosen by members[value eq "…"], or by several joined with "or".',
  )
}

function toChange({ op, path, value }: PatchOperation): MemberChange {
  if (path?.filter) {
    if (op === 'remove') return { kind: 'remove', ids: chosenIds(path.filter) }
    throw new ScimError('mutability', 'A member can be added or removed, not changed.')
  }
  if (op !== 'remove') return { kind: op, members: memberRefs(value) }
  if (value === undefined) return { kind: 'removeAll' }
  return { kind: 'remove', ids: memberRefs(value).map((member) => member.value) }
}

/** The operations on a group, those on its members apart, in the order of the request. */
export function memberChanges(operations: readonly PatchOperation[]): {
  attributes: PatchOperation[]
  members: MemberChange[]
} {
  const onMembers = ({ path }: PatchOperation) => path?.path.name === 'members' && !path.path.urn
  return {
    attributes: operations.filter((operation) => !onMembers(operation)),
    members: operations.filter(onMembers).map(toChange),
  }
}
