import { query } from './connect.ts'
import type { Scope } from './scope.ts'

/** How somebody signs in. */
export interface LoginRow {
  readonly connection_id: string
  readonly created_at: Date
}

const ofUser = {
  name: 'logins_of_user',
  text: `select connection_id, created_at from identities where organization_id = $1 and user_id = $2 order by id`,
}

/** The first one first. */
export function loginsOf({ db, organizationId }: Scope, userId: string): Promise<LoginRow[]> {
  return query(db, ofUser, [organizationId, userId])
}
