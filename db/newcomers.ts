import { query } from './connect.ts'
import { beforeEveryId } from './page.ts'
import type { Scope } from './scope.ts'
import type { UserStatus } from './users.ts'

/** Somebody by what decides about their place. */
export interface NewcomerRow {
  readonly id: string
  readonly user_name: string
  readonly attributes: Readonly<Record<string, unknown>>
  readonly status: UserStatus
  readonly placed: boolean
}

const list = {
  name: 'newcomers',
  text: `
  select u.id, u.user_name, u.attributes, u.status,
    exists (select from workspaces w where w.organization_id = $1 and w.default_of = u.id)
      or exists (select from memberships m where m.organization_id = $1 and m.user_id = u.id
                 and m.source = 'provisioning') as placed
  from users u where u.organization_id = $1 and u.id > $2 and u.deleted_at is null order by u.id limit $3`,
}

/** Everybody who has not been deleted, as if they came now; in order of their making, from after `after`. */
export function listNewcomers(
  { db, organizationId }: Scope,
  { after = beforeEveryId, limit }: { after?: string | undefined; limit: number },
): Promise<NewcomerRow[]> {
  return query(db, list, [organizationId, after, limit])
}
