import { currentPolicy, type Scope } from '../../db/index.ts'

/** The id of the organization's own team. */
export async function homeTeam(scope: Scope): Promise<string> {
  const row = await currentPolicy(scope)
  if (!row) throw new Error(`organization ${scope.organizationId} has no policy`)
  return row.home_id
}
