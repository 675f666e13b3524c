import type { GroupRecord, GroupRow, MemberRow, MemberSets } from '../../db/index.ts'
import type { Attributes, MemberChange, MemberRef, Stored } from '../../scim/index.ts'
import { isUuid } from '../ids.ts'

/** The record that SCIM attributes make; `members` are kept apart, as rows. */
export function groupRecordOf({
  displayName,
  externalId,
  members: _,
  ...attributes
}: Attributes): GroupRecord {
  return {
    display_name: String(displayName),
    external_id: typeof externalId === 'string' ? externalId : null,
    attributes,
  }
}

export function groupAttributesOf({ display_name, external_id, attributes }: GroupRecord): Attributes {
  return {
    displayName: display_name,
    ...(external_id !== null && { externalId: external_id }),
    ...(attributes as Attributes), // jsonb that was Attributes when written
  }
}

export function storedGroup(row: GroupRow & { members?: readonly MemberRow[] | null }): Stored {
  // Asked for, they are told even where there are none: clients go through the list.
  const members = row.members?.map(({ value, type, display }) => ({ value, type, display }))
  return {
    id: row.id,
    attributes: { ...groupAttributesOf(row), ...(members && { members }) },
    created: row.created_at,
    lastModified: row.updated_at,
    version: row.version,
  }
}

/** Changes in the order of a request, as the sets they come to; there may be many, so that each costs what it names. */
export function memberSets(changes: readonly MemberChange[]): MemberSets {
  let reset = false
  let [add, remove] = [new Set<string>(), new Set<string>()]
  for (const change of changes) {
    if (change.kind === 'replace' || change.kind === 'removeAll') {
      reset = true
      ;[add, remove] = [new Set(), new Set()]
    }
    const [to, from] = change.kind === 'remove' ? [remove, add] : [add, remove]
    for (const id of idsOf(change)) {
      to.add(id)
      from.delete(id)
    }
  }
  const strangers = [...add].filter((id) => !isUuid(id))
  return { reset, add: [...add].filter(isUuid), remove: [...remove].filter(isUuid), strangers }
}

/** Ids as we give them out; another spelling of the same UUID is the same. */
function idsOf(change: MemberChange): string[] {
  if (change.kind === 'removeAll') return []
  const ids = change.kind === 'remove' ? change.ids : change.members.map((member: MemberRef) => member.value)
  return ids.map((id) => id.toLowerCase())
}
