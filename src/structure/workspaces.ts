import {
  findWorkspace,
  hasOwner,
  holdPerson,
  holdWorkspace,
  insertWorkspace,
  isNamedByPolicy,
  keepTeam,
  type NewEvent,
  putMembership,
  putVisibility,
  recordEvents,
  type Scope,
  type TeamRow,
  transact,
  updateWorkspace,
  type Visibility,
  type WorkspaceRow,
  type WorkspaceStatus,
} from '../../db/index.ts'
import { eventOf, type Happening } from '../events/record.ts'
import { newId } from '../ids.ts'
import { renewPolicyNaming } from '../provisioning/renewal.ts'
import { conflicting, missing } from './refusals.ts'

export interface NewWorkspace {
  readonly name: string
  readonly teamId: string
  readonly visibility: Visibility
  readonly ownerId: string
  readonly source: 'administrator' | 'person'
  /** The decision that let a person make it. */
  readonly by?: Happening['by']
}

/** Makes a named workspace with its owner, within a transaction. */
export async function makeWorkspace(scope: Scope, made: NewWorkspace): Promise<WorkspaceRow> {
  const { name, teamId, visibility, ownerId: userId, source, by } = made
  const home = await keptTeam(scope, teamId)
  if ((await holdPerson(scope, userId)) !== 'ready')
    throw conflicting('A workspace begins with an owner who is active.')
  const id = newId()
  await insertWorkspace(scope, { id, teamId, name })
  await putVisibility(scope, id, visibility)
  const rule = by?.rule ?? 'by hand'
  await putMembership(scope, { place: 'workspace', id, userId, role: 'owner', source, rule })
  const data = { via: source, workspace: { id, name }, role: 'owner', source }
  await recordEvents(scope, [
    eventOf({
      type: 'workspace.created',
      subject: { type: 'workspace', id },
      data: { via: source, name, visibility, home: { id: home.id, name: home.name } },
    }),
    eventOf({ type: 'membership.granted', subject: { type: 'user', id: userId }, data, ...(by && { by }) }),
  ])
  return read(scope, id)
}

export interface WorkspaceChange {
  readonly name?: string | undefined
  readonly teamId?: string | undefined
  readonly visibility?: Visibility | undefined
  readonly status?: WorkspaceStatus | undefined
}

/** Renames, moves, shows or hides, archives or brings back a workspace: all that is asked, or nothing. */
export function changeWorkspace(scope: Scope, id: string, change: WorkspaceChange): Promise<WorkspaceRow> {
  return transact(scope.db, async (db) => {
    const held = { ...scope, db }
    const before = await holdWorkspace(held, id)
    if (!before) throw missing('workspace')
    const { name = before.name, teamId = before.home_id, status = before.status } = change
    const { visibility = before.visibility } = change
    if (status === 'archived' && before.status === 'active') await assertNotNeeded(held, before)
    if (status === 'active' && before.status === 'archived') await assertOwned(held, id)
    const home = await keptTeam(held, teamId)
    const events = eventsOf(before, { name, visibility, status, home })
    if (events.length === 0) return before
    await updateWorkspace(held, { id, name, teamId, status })
    if (status !== before.status) await renewPolicyNaming(held, [id])
    await putVisibility(held, id, visibility)
    await recordEvents(held, events)
    return read(held, id)
  })
}

/** Where somebody who may come back, or who comes, would be. */
async function assertNotNeeded(scope: Scope, { id, default_of }: WorkspaceRow): Promise<void> {
  if (await isNamedByPolicy(scope, id))
    throw conflicting('The policy has people join this workspace: change it, and come again in a minute.')
  const status = default_of && (await holdPerson(scope, default_of))
  if (status && status !== 'archived' && status !== 'erased')
    throw conflicting('This is the default workspace of somebody who is here: it ends when they have left.')
}

async function assertOwned(scope: Scope, id: string): Promise<void> {
  if (!(await hasOwner(scope, id)))
    throw conflicting('Nobody who is active owns this workspace: give somebody the role of owner first.')
}

interface After {
  readonly name: string
  readonly visibility: Visibility
  readonly status: WorkspaceStatus
  readonly home: TeamRow
}

function eventsOf(before: WorkspaceRow, { name, visibility, status, home }: After): NewEvent[] {
  const subject = { type: 'workspace', id: before.id } as const
  const changed = [
    ...(name === before.name ? [] : ['name']),
    ...(visibility === before.visibility ? [] : ['visibility']),
  ]
  const moved = { from: { id: before.home_id, name: before.home_name }, to: { id: home.id, name: home.name } }
  const turned = status === 'archived' ? 'workspace.archived' : 'workspace.restored'
  return [
    ...(changed.length > 0
      ? [eventOf({ type: 'workspace.changed', subject, changed, data: { name, visibility } })]
      : []),
    ...(home.id === before.home_id ? [] : [eventOf({ type: 'workspace.moved', subject, data: moved })]),
    ...(status === before.status ? [] : [eventOf({ type: turned, subject, data: { name } })]),
  ]
}

async function keptTeam(scope: Scope, id: string): Promise<TeamRow> {
  const team = await keepTeam(scope, id)
  if (!team) throw missing('team')
  return team
}

async function read(scope: Scope, id: string): Promise<WorkspaceRow> {
  const row = await findWorkspace(scope, id)
  if (!row) throw missing('workspace')
  return row
}
