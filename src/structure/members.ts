import {
  deleteMemberships,
  hasOwner,
  holdPerson,
  holdWorkspace,
  keepTeam,
  type MembershipRow,
  type MembershipSource,
  membershipsIn,
  type PlaceKey,
  putMembership,
  type Role,
  recordEvents,
  type Scope,
  transact,
} from '../../db/index.ts'
import { eventOf, type Happening } from '../events/record.ts'
import { conflicting, missing } from './refusals.ts'

/** Whose role in which place. */
export interface Member extends PlaceKey {
  readonly userId: string
}

/** Gives a role by an administrator's hand, which counts before what any rule gives. */
export function giveRole(scope: Scope, member: Member, role: Role): Promise<void> {
  return transact(scope.db, async (db) => {
    const held = { ...scope, db }
    const place = await holdPlace(held, member)
    if (place.status === 'archived') throw conflicting('This workspace is archived.')
    await assertPresent(held, member.userId)
    const rows = await membershipsIn(held, member, member.userId)
    const [before] = rows
    if (before?.source === 'administrator' && before.role === role) return
    if (role !== 'owner') await assertOwnedBeside(held, member, before)
    await putMembership(held, { ...member, role, source: 'administrator', rule: 'by hand' })
    await tell(held, { member, name: place.name, before, after: { role, source: 'administrator' } })
  })
}

/** Sources that a person or an administrator may take back; what a rule gives, only the rule takes. */
const byHand: readonly MembershipSource[] = ['administrator', 'person']

/** Takes back what was given by hand; what a rule gives stands again. */
export function takeRole(scope: Scope, member: Member): Promise<void> {
  return transact(scope.db, async (db) => {
    const held = { ...scope, db }
    const place = await holdPlace(held, member)
    const rows = await membershipsIn(held, member, member.userId)
    if (rows.length === 0) throw missing('member')
    if (!rows.some(({ source }) => byHand.includes(source)))
      throw conflicting(
        'A rule gives this role: change the rule or its groups, or give another role by hand.',
      )
    await withdraw(held, { member, name: place.name, rows }, byHand)
  })
}

/** Takes back what a person gave themselves. */
export function leave(scope: Scope, member: Member): Promise<void> {
  return transact(scope.db, async (db) => {
    const held = { ...scope, db }
    const place = await holdPlace(held, member)
    const rows = await membershipsIn(held, member, member.userId)
    if (rows.length === 0) throw missing('workspace')
    // Else who was given less than joining gives could leave, and join again.
    if (rows.some(({ source }) => source !== 'person'))
      throw conflicting('An administrator or a rule has put you here: ask an administrator.')
    await withdraw(held, { member, name: place.name, rows }, ['person'])
  })
}

interface Standing {
  readonly member: Member
  readonly name: string
  readonly rows: readonly MembershipRow[]
}

async function withdraw(
  scope: Scope,
  { member, name, rows }: Standing,
  sources: readonly MembershipSource[],
): Promise<void> {
  const [before] = rows
  const after = rows.find(({ source }) => !sources.includes(source))
  if (after?.role !== 'owner') await assertOwnedBeside(scope, member, before)
  await deleteMemberships(scope, member, sources)
  await tell(scope, { member, name, before, after })
}

/** Holds the place, so that nobody else changes who owns it; a team only stays. */
async function holdPlace(
  scope: Scope,
  { place, id }: PlaceKey,
): Promise<{ readonly name: string; readonly status?: string }> {
  const row = place === 'team' ? await keepTeam(scope, id) : await holdWorkspace(scope, id)
  if (!row) throw missing(place)
  return row
}

async function assertPresent(scope: Scope, userId: string): Promise<void> {
  const status = await holdPerson(scope, userId)
  if (!status || ['leaving', 'archived', 'erased'].includes(status)) throw missing('user')
}

/** An active workspace has an owner who is active when the last hand has done with it. */
async function assertOwnedBeside(
  scope: Scope,
  { place, id, userId }: Member,
  before: MembershipRow | undefined,
): Promise<void> {
  if (place === 'team' || before?.role !== 'owner') return
  if (!(await hasOwner(scope, id, userId)))
    throw conflicting('Nobody else who is active owns this workspace: make somebody else its owner first.')
}

interface Told {
  readonly member: Member
  readonly name: string
  readonly before: Pick<MembershipRow, 'role' | 'source'> | undefined
  readonly after: Pick<MembershipRow, 'role' | 'source'> | undefined
  readonly by?: Happening['by']
}

/** One event of the person's: what they are in the place now. */
export async function tell(scope: Scope, { member, name, before, after, by }: Told): Promise<void> {
  const { place, id, userId } = member
  const type = !after ? 'membership.revoked' : before ? 'membership.changed' : 'membership.granted'
  const via = scope.actor === `user:${userId}` ? 'person' : 'administrator'
  const data = {
    via,
    [place]: { id, name },
    ...(before && { before: { role: before.role, source: before.source } }),
    ...(after && { role: after.role, source: after.source }),
  }
  await recordEvents(scope, [
    eventOf({ type, subject: { type: 'user', id: userId }, data, ...(by && { by }) }),
  ])
}
