import { query } from './connect.ts'
import type { Scope } from './scope.ts'

export interface TeamRow {
  readonly id: string
  readonly name: string
  /** Whether it is the organization's own, where everybody is. */
  readonly home: boolean
  readonly created_at: Date
}

const columns = 'id, name, home, created_at'

const list = {
  name: 'list_teams',
  text: `select ${columns} from teams where organization_id = $1 and id > $2 order by id limit $3`,
}

/** In order of their making, from after the team `after`. */
export function listTeams(
  { db, organizationId }: Scope,
  { after, limit }: { after: string; limit: number },
): Promise<TeamRow[]> {
  return query(db, list, [organizationId, after, limit])
}

const find = {
  name: 'find_team',
  text: `select ${columns} from teams where organization_id = $1 and id = $2`,
}

export async function findTeam({ db, organizationId }: Scope, id: string): Promise<TeamRow | null> {
  return (await query<TeamRow>(db, find, [organizationId, id]))[0] ?? null
}

const keep = { name: 'keep_team', text: `${find.text} for key share` }
const hold = { name: 'hold_team', text: `${find.text} for update` }

/** Reads a team that is to be there until the transaction ends. */
export async function keepTeam({ db, organizationId }: Scope, id: string): Promise<TeamRow | null> {
  return (await query<TeamRow>(db, keep, [organizationId, id]))[0] ?? null
}

/** Reads a team that nobody else is to use until the transaction ends. */
export async function holdTeam({ db, organizationId }: Scope, id: string): Promise<TeamRow | null> {
  return (await query<TeamRow>(db, hold, [organizationId, id]))[0] ?? null
}

const insert = {
  name: 'insert_team',
  text: 'insert into teams (organization_id, id, name, created_at) values ($1, $2, $3, $4)',
}

/** 23505 where the name is taken, as is it below. */
export async function insertTeam(
  { db, organizationId, now }: Scope,
  { id, name }: { id: string; name: string },
): Promise<void> {
  await query(db, insert, [organizationId, id, name, now])
}

const rename = {
  name: 'rename_team',
  text: 'update teams set name = $3 where organization_id = $1 and id = $2',
}

export async function renameTeam(
  { db, organizationId }: Scope,
  { id, name }: { id: string; name: string },
): Promise<void> {
  await query(db, rename, [organizationId, id, name])
}

const holding = {
  name: 'team_holds_workspaces',
  text: 'select from workspaces where organization_id = $1 and team_id = $2 limit 1',
}

/** Whether a workspace is at home in it, be it archived. */
export async function holdsWorkspaces({ db, organizationId }: Scope, id: string): Promise<boolean> {
  return (await query(db, holding, [organizationId, id])).length === 1
}

const remove = {
  name: 'delete_team',
  text: `with gone as (delete from team_memberships where organization_id = $1 and team_id = $2)
         delete from teams where organization_id = $1 and id = $2`,
}

/** Takes away a team, and every role in it. */
export async function deleteTeam({ db, organizationId }: Scope, id: string): Promise<void> {
  await query(db, remove, [organizationId, id])
}

// A statement that plans by the policy before runs for less than a minute.
const naming = {
  name: 'policy_naming',
  text: `
  select from policies p
  where p.organization_id = $1
    and jsonb_path_exists(p.document, '$.** ? (@ == $id)', jsonb_build_object('id', $2::text))
    and not exists (select from policies later where later.organization_id = $1 and later.version = p.version + 1
                    and later.created_at < $3::timestamptz - interval '1 minute')
  limit 1`,
}

/** Whether the policy in force names this team or workspace, or the one before did a moment ago. */
export async function isNamedByPolicy({ db, organizationId, now }: Scope, id: string): Promise<boolean> {
  return (await query(db, naming, [organizationId, id, now])).length === 1
}
