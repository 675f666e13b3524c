import { query } from './connect.ts'
import type { Scope } from './scope.ts'

export interface PolicyRow {
  readonly version: number
  readonly document: unknown
  /** The team where a default workspace is at home unless the policy says otherwise. */
  readonly home_id: string
  readonly home_name: string
}

const current = {
  name: 'current_policy',
  text: `select p.version, p.document, t.id as home_id, t.name as home_name
         from policies p join teams t on t.organization_id = $1 and t.home
         where p.organization_id = $1 order by p.version desc limit 1`,
}

export async function currentPolicy({ db, organizationId }: Scope): Promise<PolicyRow | null> {
  return (await query<PolicyRow>(db, current, [organizationId]))[0] ?? null
}
