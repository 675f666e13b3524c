import {
  deleteTeam,
  failureOf,
  findTeam,
  holdsWorkspaces,
  holdTeam,
  insertTeam,
  isNamedByPolicy,
  recordEvents,
  renameTeam,
  type Scope,
  type TeamRow,
  transact,
} from '../../db/index.ts'
import { eventOf } from '../events/record.ts'
import { newId } from '../ids.ts'
import { conflicting, missing } from './refusals.ts'

function taken(error: unknown): never {
  if (failureOf(error)?.kind !== 'conflict') throw error
  throw conflicting('Another team has this name.')
}

export async function makeTeam(scope: Scope, name: string): Promise<TeamRow> {
  const id = newId()
  await transact(scope.db, async (db) => {
    const held = { ...scope, db }
    await insertTeam(held, { id, name })
    await recordEvents(held, [
      eventOf({ type: 'team.created', subject: { type: 'team', id }, data: { name } }),
    ])
  }).catch(taken)
  return read(scope, id)
}

export async function changeTeam(
  scope: Scope,
  id: string,
  { name }: { name?: string | undefined },
): Promise<TeamRow> {
  await transact(scope.db, async (db) => {
    const held = { ...scope, db }
    const before = await holdTeam(held, id)
    if (!before) throw missing('team')
    if (name === undefined || name === before.name) return
    await renameTeam(held, { id, name })
    const data = { name, before: before.name }
    await recordEvents(held, [
      eventOf({ type: 'team.changed', subject: { type: 'team', id }, changed: ['name'], data }),
    ])
  }).catch(taken)
  return read(scope, id)
}

/** Takes away a team that nothing needs, and with it every role in it. */
export async function removeTeam(scope: Scope, id: string): Promise<void> {
  await transact(scope.db, async (db) => {
    const held = { ...scope, db }
    const team = await holdTeam(held, id)
    if (!team) throw missing('team')
    if (team.home) throw conflicting('The home team of the organization stays.')
    if (await isNamedByPolicy(held, id))
      throw conflicting('The policy names this team: change the policy, and come again in a minute.')
    if (await holdsWorkspaces(held, id))
      throw conflicting(
        'Workspaces are at home in this team: move them to another first, the archived ones too.',
      )
    await deleteTeam(held, id)
    const data = { name: team.name }
    await recordEvents(held, [eventOf({ type: 'team.deleted', subject: { type: 'team', id }, data })])
  })
}

async function read(scope: Scope, id: string): Promise<TeamRow> {
  const row = await findTeam(scope, id)
  if (!row) throw missing('team')
  return row
}
