import { isDeepStrictEqual } from 'node:util'
import { v7 as uuidv7 } from 'uuid'
import {
  changeGroup,
  deleteGroup,
  findGroup,
  type GroupRecord,
  type GroupRow,
  type GroupWritten,
  insertGroup,
  lockGroup,
  type MemberSets,
  type Scope,
  transact,
} from '../../db/index.ts'
import { eventOf } from '../events/record.ts'

interface Key {
  readonly id: string
  readonly connectionId: string
}

/** Null where the externalId is taken. */
export function makeGroup(
  scope: Scope,
  group: { connectionId: string; record: GroupRecord; members: MemberSets },
): Promise<GroupWritten | null> {
  return insertGroup(scope, { ...group, id: uuidv7(), eventId: uuidv7() })
}

export interface GroupEdit extends Key {
  readonly members: MemberSets
  /** From the record as it stands to what it should be; absent where only members change. */
  readonly change?: ((record: GroupRecord) => GroupRecord) | undefined
  /** The versions the caller allows. */
  readonly versions?: readonly number[] | undefined
}

/**
 * Changes a group; null where there is none, `version` where the caller allows none that it has. A change of members
 * alone needs no look at the group; another is computed from the record, and a writer that loses to one before it
 * holds the group for its second try.
 */
export async function editGroup(scope: Scope, edit: GroupEdit): Promise<GroupWritten | 'version' | null> {
  const { change, ...asked } = edit
  if (!change) return changeGroup(scope, { ...asked, changed: [], eventId: uuidv7() })
  const written = await editRow(scope, { ...asked, change }, await findGroup(scope, edit, false))
  if (written !== 'lost') return written
  return transact(scope.db, async (db) => {
    const held = { ...scope, db }
    const again = await editRow(held, { ...asked, change }, await lockGroup(held, edit))
    if (again === 'lost') throw new Error('a group has changed while it was held')
    return again
  })
}

async function editRow(
  scope: Scope,
  { change, ...asked }: GroupEdit & Required<Pick<GroupEdit, 'change'>>,
  row: GroupRow | null,
): Promise<GroupWritten | 'version' | 'lost' | null> {
  if (!row) return null
  if (asked.versions && !asked.versions.includes(row.version)) return 'version'
  const record = change?.(row) ?? row
  const changed = differences(row, record)
  const versions = changed.length > 0 ? [row.version] : asked.versions
  const write = { ...asked, versions, changed, eventId: uuidv7() }
  const written = await changeGroup(scope, { ...write, ...(changed.length > 0 && { record }) })
  return written === 'version' ? 'lost' : written
}

function differences(before: GroupRecord, after: GroupRecord): string[] {
  return [
    ...(before.display_name === after.display_name ? [] : ['displayName']),
    ...(before.external_id === after.external_id ? [] : ['externalId']),
    ...(isDeepStrictEqual(before.attributes, after.attributes) ? [] : ['attributes']),
  ]
}

/** Hides a group. Its people keep what else they have. */
export function removeGroup(
  scope: Scope,
  { id, connectionId, versions }: Key & { versions?: readonly number[] | undefined },
): Promise<boolean> {
  const event = eventOf({ type: 'group.deleted', subject: { type: 'group', id }, data: { connectionId } })
  return deleteGroup(scope, { id, connectionId, versions }, [event])
}
