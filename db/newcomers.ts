import { query } from './connect.ts'
import { beforeEveryId } from './page.ts'
import type { Scope } from './scope.ts'
import type { UserRecord, UserStatus } from './users.ts'

/** Somebody by what decides about their place. */
export interface NewcomerRow {
  readonly id: string
  readonly user_name: string
  readonly attributes: UserRecord['attributes']
  readonly sources: UserRecord['sources']
  readonly managed: boolean
  readonly status: UserStatus
  readonly placed: boolean
}

const newcomers = `
  select u.id, u.user_name, u.attributes, u.sources, u.managed, u.status,
    exists (select from workspaces w where w.organization_id = $1 and w.default_of = u.id)
      or exists (select from memberships m where m.organization_id = $1 and m.user_id = u.id
                 and m.source = 'provisioning') as placed
  from users u where u.organization_id = $1 and u.status not in ('archived', 'erased')`

const list = {
  name: 'newcomers',
  text: `${newcomers} and u.id > $2 order by u.id limit $3`,
}

const one = { name: 'newcomer', text: `${newcomers} and u.id = $2` }

/** Whoever has a place, or may get one; in order of their making, from after `after`. */
export function listNewcomers(
  { db, organizationId }: Scope,
  { after = beforeEveryId, limit }: { after?: string | undefined; limit: number },
): Promise<NewcomerRow[]> {
  return query(db, list, [organizationId, after, limit])
}

/** One of them, or nobody. */
export function findNewcomer({ db, organizationId }: Scope, id: string): Promise<NewcomerRow[]> {
  return query(db, one, [organizationId, id])
}
