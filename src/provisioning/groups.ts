import { isDeepStrictEqual } from 'node:util'
import {
  changeGroup,
  deleteGroup,
  findGroup,
  type GroupRecord,
  type GroupRow,
  type GroupWritten,
  holdAlone,
  insertGroup,
  isInItself,
  lockGroup,
  type MemberSets,
  type Scope,
  transact,
} from '../../db/index.ts'
import { Problem } from '../errors.ts'
import { eventOf } from '../events/record.ts'
import { newId } from '../ids.ts'
import type { Policies } from './policy.ts'
import { reevaluateMoved } from './reevaluate.ts'

interface Key {
  readonly id: string
  readonly connectionId: string
}

/** One change of a group, by the id of its event. */
interface Attempted {
  readonly eventId: string
  readonly policyVersion: number
}

const ATTEMPTS = 4

/**
 * Does it by the newest policy, and where that has rules of groups, puts into effect what follows for whoever came or
 * went, in the same transaction. An organization without such rules has nothing more to do.
 */
async function byRules<T>(
  scope: Scope,
  policies: Policies,
  work: (scope: Scope, attempted: Attempted) => Promise<T | 'policy'>,
): Promise<T> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const { version, groups } = await policies.current(scope)
    const attempted = { eventId: newId(), policyVersion: version }
    const done =
      groups.length === 0
        ? await work(scope, attempted)
        : await transact(scope.db, async (db) => {
            const held = { ...scope, db }
            const outcome = await work(held, attempted)
            if (outcome !== 'policy') await reevaluateMoved(held, attempted.eventId)
            return outcome
          })
    if (done !== 'policy') return done
    policies.forget(scope.organizationId)
  }
  throw new Problem('unavailable', 'The policy is changed too often at once.', { retryAfter: 1 })
}

/** Null where the externalId is taken. */
export function makeGroup(
  scope: Scope,
  group: { connectionId: string; record: GroupRecord; members: MemberSets },
  policies: Policies,
): Promise<GroupWritten | null> {
  const id = newId()
  return byRules(scope, policies, (at, attempted) => insertGroup(at, { ...group, ...attempted, id }))
}

export interface GroupEdit extends Key {
  readonly members: MemberSets
  /** From the record as it stands to what it should be; absent where only members change. */
  readonly change?: ((record: GroupRecord) => GroupRecord) | undefined
  /** The versions the caller allows. */
  readonly versions?: readonly number[] | undefined
}

type Outcome = GroupWritten | 'version' | 'others' | 'lost' | 'policy' | null

/**
 * Changes a group; null where there is none, `version` where the caller allows none that it has. A change of members
 * alone needs no look at the group; another is computed from the record. The first try is for people only; a writer that
 * loses to one before it, or has others come, holds what it needs for its second.
 */
export function editGroup(
  scope: Scope,
  edit: GroupEdit,
  policies: Policies,
): Promise<GroupWritten | 'version' | null> {
  return byRules(scope, policies, (at, attempted) => changeAsAsked(at, { ...edit, ...attempted }))
}

async function changeAsAsked(
  scope: Scope,
  edit: GroupEdit & Attempted,
): Promise<GroupWritten | 'version' | 'policy' | null> {
  const { add, strangers } = edit.members
  const first =
    strangers.length > 0
      ? 'others'
      : await attempt(scope, edit, { nested: false, find: () => findGroup(scope, edit, false) })
  if (first !== 'lost' && first !== 'others') return first
  const nested = add.length + strangers.length > 0
  return transact(scope.db, async (db) => {
    const held = { ...scope, db }
    // Two writers who do not see each other could make a cycle together.
    if (nested) await holdAlone(held, 'nesting')
    const again = await attempt(held, edit, { nested, find: () => lockGroup(held, edit) })
    if (again === 'lost' || again === 'others') throw new Error('a group has changed while it was held')
    if (again === 'policy') return again
    if (nested && (add.includes(edit.id) || (await isInItself(held, edit.id)))) throw inItself()
    return again
  })
}

const inItself = () =>
  new Problem('invalid_request', 'A group cannot be a member of itself, be it through other groups.')

interface Attempt {
  /** Whether groups may come too. */
  readonly nested: boolean
  readonly find: () => Promise<GroupRow | null>
}

async function attempt(
  scope: Scope,
  { change, ...asked }: GroupEdit & Attempted,
  { nested, find }: Attempt,
): Promise<Outcome> {
  const write = { ...asked, nested }
  if (!change) return changeGroup(scope, { ...write, changed: [] })
  const row = await find()
  if (!row) return null
  if (asked.versions && !asked.versions.includes(row.version)) return 'version'
  const record = change(row)
  const changed = differences(row, record)
  if (changed.length === 0) return changeGroup(scope, { ...write, changed })
  const written = await changeGroup(scope, { ...write, changed, record, versions: [row.version] })
  return written === 'version' ? 'lost' : written
}

function differences(before: GroupRecord, after: GroupRecord): string[] {
  return [
    ...(before.display_name === after.display_name ? [] : ['displayName']),
    ...(before.external_id === after.external_id ? [] : ['externalId']),
    ...(isDeepStrictEqual(before.attributes, after.attributes) ? [] : ['attributes']),
  ]
}

/** Hides a group. Its people keep what they have otherwise. */
export function removeGroup(
  scope: Scope,
  { id, connectionId, versions }: Key & { versions?: readonly number[] | undefined },
  policies: Policies,
): Promise<boolean> {
  return byRules(scope, policies, (at, { eventId, policyVersion }) => {
    const event = eventOf({ type: 'group.deleted', subject: { type: 'group', id }, data: { connectionId } })
    return deleteGroup(at, { id, connectionId, versions, policyVersion }, [{ ...event, id: eventId }])
  })
}
