import { query } from './connect.ts'
import { countingRole } from './memberships.ts'
import type { Scope } from './scope.ts'

/** A page of people, in order of their ids from after one of them. */
export interface OverduePage {
  /** Who have been so since then or longer. */
  readonly since: Date
  readonly after: string
  readonly limit: number
}

// `users` has no index on the status: a page walks along the primary key, and only where a policy asks for it.
const suspended = {
  name: 'long_suspended_owners',
  text: `
  select u.id from users u
  where u.organization_id = $1 and u.id > $2 and u.status = 'suspended' and u.id <> all($5::uuid[])
    and not exists (select from legal_holds h where h.organization_id = $1 and h.user_id = u.id)
    and exists (
      select from workspaces w where w.organization_id = $1 and w.status = 'active'
        and (w.default_of = u.id or w.id in (
          select m.workspace_id from memberships m
          where m.organization_id = $1 and m.user_id = u.id and m.role = 'owner'
            and ${countingRole('$1', 'u.id', 'm.workspace_id')} = 'owner'))
        and not exists (select from transfers t where t.organization_id = $1 and t.workspace_id = w.id)
        and not exists (
          select from memberships m join users o on o.organization_id = $1 and o.id = m.user_id
          where m.organization_id = $1 and m.workspace_id = w.id and m.role = 'owner' and o.status = 'ready'
            and ${countingRole('$1', 'm.user_id', 'w.id')} = 'owner'))
    and (select max(e.at) from events e where e.organization_id = $1 and e.subject_id = u.id
         and e.type in ('user.created', 'user.suspended', 'user.restored')) <= $3
  order by u.id limit $4`,
}

/** Suspended people who own something that nobody who is ready owns with them, but for those to be spared. */
export async function longSuspended(
  { db, organizationId }: Scope,
  { since, after, limit }: OverduePage,
  spared: readonly string[],
): Promise<string[]> {
  const values = [organizationId, after, since, limit, spared]
  return (await query<{ id: string }>(db, suspended, values)).map(({ id }) => id)
}

const guests = {
  name: 'expired_guests',
  text: `
  select u.id from users u
  where u.organization_id = $1 and u.id > $2 and u.status in ('staged', 'held', 'ready') and u.created_at <= $3
    and lower(btrim(u.attributes ->> 'userType')) = any($5::text[])
    and not exists (
      select from events e where e.organization_id = $1 and e.subject_id = u.id and e.at > $3
        and e.type in ('user.reactivated', 'user.restored'))
  order by u.id limit $4`,
}

/** People of one of these types, in lower case, who neither came nor came back after `since`. */
export async function expiredGuests(
  { db, organizationId }: Scope,
  { since, after, limit }: OverduePage,
  userTypes: readonly string[],
): Promise<string[]> {
  const values = [organizationId, after, since, limit, userTypes]
  return (await query<{ id: string }>(db, guests, values)).map(({ id }) => id)
}

const untold = {
  name: 'left_untold',
  text: `
  select where not exists (
    select from events e where e.organization_id = $1 and e.subject_id = $2 and e.type = 'user.protected-left'
      and e.at >= (select max(d.at) from events d where d.organization_id = $1 and d.subject_id = $2
                   and d.type in ('user.created', 'user.suspended', 'user.deleted')))`,
}

/** Whether it is still to be told that somebody who is protected was suspended or deleted. */
export async function leftUntold({ db, organizationId }: Scope, userId: string): Promise<boolean> {
  return (await query(db, untold, [organizationId, userId])).length === 1
}
