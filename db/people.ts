import { query } from './connect.ts'
import { countingRole } from './memberships.ts'
import { beforeEveryId, type Condition, listing } from './page.ts'
import type { Scope } from './scope.ts'
import { type Role, type UserRow, type UserStatus, userColumns } from './users.ts'

/** A person as administrators see them: the record with its place. */
export interface ListedPersonRow {
  readonly id: string
  readonly user_name: string
  readonly external_id: string | null
  readonly display_name: string | null
  readonly status: UserStatus
  readonly reason: string | null
  readonly managed: boolean
  readonly connection_id: string | null
  readonly created_at: Date
  readonly workspace_id: string | null
  readonly workspace_name: string | null
  readonly role: Role | null
  readonly home_id: string | null
  readonly home_name: string | null
}

/** With the legal hold that they are under, which lists do not look for. */
export interface PersonRow extends ListedPersonRow {
  readonly hold_reason: string | null
  readonly hold_actor: string | null
  readonly hold_since: Date | null
}

const columns = `
  u.id, u.user_name, u.external_id, u.attributes ->> 'displayName' as display_name, u.status, u.reason,
    u.managed, u.connection_id, u.created_at,
    w.id as workspace_id, w.name as workspace_name, ${countingRole('u.organization_id', 'u.id', 'w.id')} as role,
    t.id as home_id, t.name as home_name`

const from = `
  users u
  left join workspaces w on w.organization_id = u.organization_id and w.default_of = u.id
  left join teams t on t.organization_id = w.organization_id and t.id = w.team_id`

const byId = {
  name: 'person_by_id',
  text: `
  select ${columns}, h.reason as hold_reason, h.actor as hold_actor, h.created_at as hold_since
  from ${from} left join legal_holds h on h.organization_id = u.organization_id and h.user_id = u.id
  where u.organization_id = $1 and u.id = $2`,
}

export async function findPerson({ db, organizationId }: Scope, id: string): Promise<PersonRow | null> {
  return (await query<PersonRow>(db, byId, [organizationId, id]))[0] ?? null
}

const whole = {
  name: 'record_of_person',
  text: `select ${userColumns} from users u where u.organization_id = $1 and u.id = $2`,
}

/** The whole record of a person, whatever became of them. */
export async function findRecord({ db, organizationId }: Scope, id: string): Promise<UserRow | null> {
  return (await query<UserRow>(db, whole, [organizationId, id]))[0] ?? null
}

/** Parameters of a list's condition begin here. */
export const peopleFirstParameter = 3

export interface PeopleQuery {
  readonly where: Condition
  readonly after?: string
  readonly limit: number
}

const people = listing({
  columns,
  from: `${from} where u.organization_id = $1 and u.id > $2`,
  table: 'users',
  alias: 'u',
})

/** In order of their making, from after the person `after`. */
export function listPeople(
  { db, organizationId }: Scope,
  { where, after, limit }: PeopleQuery,
): Promise<ListedPersonRow[]> {
  const asked = { values: [organizationId, after ?? beforeEveryId], where }
  return query(db, ...people.page(asked, { orderBy: 'u.id', limit, offset: 0 }))
}

const hold = {
  name: 'hold_person',
  text: 'select status from users where organization_id = $1 and id = $2 for no key update',
}

/** The status of a person who stays as they are until the transaction ends. */
export async function holdPerson({ db, organizationId }: Scope, id: string): Promise<UserStatus | null> {
  return (await query<{ status: UserStatus }>(db, hold, [organizationId, id]))[0]?.status ?? null
}
