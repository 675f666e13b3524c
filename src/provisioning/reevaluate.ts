import {
  currentPolicy,
  deferGroups,
  deferTaking,
  groupInputs,
  type HomeMove,
  hasClaimedGroups,
  holdPeople,
  keepClaimedGroups,
  moveHomes,
  peopleMoved,
  type Scope,
  transact,
  updateUser,
  writeGroupRoles,
} from '../../db/index.ts'
import { newId } from '../ids.ts'
import { mayTakeRoles } from './brake.ts'
import { matchingOf } from './group-rules.ts'
import { homeMove } from './home-moves.ts'
import type { SignIn } from './identity.ts'
import { policyOf } from './policy.ts'
import { type RoleChange, roleChanges, takes } from './role-changes.ts'

/** Beyond these, the people of a group's change are seen to in the background. */
const MOST_IN_A_REQUEST = 1000

/** People for whom it is decided and written in one go. */
const MOST_AT_ONCE = 200

/** Within the transaction that has changed a group: puts the rules into effect for whoever came or went by it. */
export async function reevaluateMoved(scope: Scope, eventId: string): Promise<void> {
  const { people, groups } = await peopleMoved(scope, eventId, MOST_IN_A_REQUEST + 1)
  if (people.length > MOST_IN_A_REQUEST) await deferGroups(scope, { id: newId(), groups })
  else await reevaluateNow(scope, people)
}

/** Whatever the brake holds is taken in the background once it is released. */
async function reevaluateNow(scope: Scope, people: readonly string[]): Promise<void> {
  if (!(await reevaluate(scope, people))) await deferTaking(scope, newId())
}

/**
 * Decides anew what these people get by their groups, and writes what differs, by the newest policy and by what is
 * committed once nobody else decides about them. False where the brake holds roles that were to be taken. Runs within a
 * transaction.
 */
export async function reevaluate(scope: Scope, ids: readonly string[]): Promise<boolean> {
  const held = ids.length > 0 ? await holdPeople(scope, ids) : []
  const policy = held.length > 0 ? await currentPolicy(scope) : null
  if (!policy) return true
  const rules = policyOf(policy)
  const { version, brake } = rules
  const matching = matchingOf(rules.groups)
  let isWhole = true
  for (let begin = 0; begin < held.length; begin += MOST_AT_ONCE) {
    const rows = await groupInputs(scope, held.slice(begin, begin + MOST_AT_ONCE))
    const changes = rows.flatMap((row) => roleChanges(matching, row))
    const mayTake = await mayTakeRoles(scope, { version, brake, count: changes.filter(takes).length })
    const done = mayTake ? changes : changes.filter((change) => !takes(change))
    if (done.length > 0) await writeGroupRoles(scope, version, done.map(told))
    const moves = rows.flatMap((row) => homeMove(rules, matching, row) ?? [])
    if (moves.length > 0) await moveHomes(scope, version, moves.map(told))
    isWhole &&= mayTake
  }
  return isWhole
}

const told = <Change extends RoleChange | HomeMove>(change: Change) => ({ ...change, eventId: newId() })

/**
 * Keeps the groups that a sign-in named, where the connection has no SCIM half to name them, and puts the rules into
 * effect where they are others than before. A sign-in that names none keeps what was.
 */
export async function heedClaimedGroups(
  scope: Scope,
  userId: string,
  { bound, groups, connectionId }: SignIn,
): Promise<void> {
  if (bound || groups === null) return
  const claimed = { userId, connectionId, names: [...new Set(groups)].sort() }
  if (await hasClaimedGroups(scope, claimed)) return
  await transact(scope.db, async (db) => {
    const held = { ...scope, db }
    if (await keepClaimedGroups(held, claimed)) await reevaluateNow(held, [userId])
  })
}

/** Writes a person; who gets their place by it gets what their groups give in it, in the same transaction. */
export async function writePerson(scope: Scope, write: Parameters<typeof updateUser>[1]): Promise<boolean> {
  if (!write.place) return updateUser(scope, write)
  return transact(scope.db, async (db) => {
    const held = { ...scope, db }
    const isWritten = await updateUser(held, write)
    if (isWritten) await reevaluateNow(held, [write.id])
    return isWritten
  })
}
