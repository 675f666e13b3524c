import { query } from './connect.ts'
import { type NewEvent, recording, written } from './events.ts'
import type { Scope } from './scope.ts'
import { type UserRow, userColumns } from './users.ts'

const due = {
  name: 'due_departures',
  text: `select d.user_id as id from departures d
         where d.organization_id = $1 and d.since <= $2 and d.user_id <> all($3::uuid[])
           and not exists (select from legal_holds h where h.organization_id = $1 and h.user_id = d.user_id)
         order by d.since, d.user_id limit $4`,
}

/** Who left by then, and neither is one of those to be spared nor under legal hold; who left first, first. */
export async function dueDepartures(
  { db, organizationId }: Scope,
  { until, spared, limit }: { until: Date; spared: readonly string[]; limit: number },
): Promise<string[]> {
  return (await query<{ id: string }>(db, due, [organizationId, until, spared, limit])).map(({ id }) => id)
}

const counting = {
  name: 'count_due_departures',
  text: `select count(*)::int as count from (${due.text}) d`,
}

export async function countDueDepartures(
  { db, organizationId }: Scope,
  { until, spared, limit }: { until: Date; spared: readonly string[]; limit: number },
): Promise<number> {
  const [row] = await query<{ count: number }>(db, counting, [organizationId, until, spared, limit])
  return row?.count ?? 0
}

const anybody = {
  name: 'lock_anybody',
  text: `select ${userColumns} from users u where u.organization_id = $1 and u.id = $2 for update`,
}

/** A person whatever became of them; the row is held until the transaction ends. */
export async function lockAnybody({ db, organizationId }: Scope, userId: string): Promise<UserRow | null> {
  return (await query<UserRow>(db, anybody, [organizationId, userId]))[0] ?? null
}

const forget = {
  name: 'forget_departure',
  text: 'delete from departures where organization_id = $1 and user_id = $2',
}

export async function forgetDeparture({ db, organizationId }: Scope, userId: string): Promise<void> {
  await query(db, forget, [organizationId, userId])
}

const archive = {
  name: 'archive_user',
  text: `
  with person as (
    update users set status = 'archived', version = version + 1, updated_at = $2
    where organization_id = $1 and id = $6 and status = 'leaving'
    returning id
  ), departed as (
    delete from departures d using person where d.organization_id = $1 and d.user_id = person.id
  ), ${recording('person')}
  select id from person`,
}

/** Ends the grace of somebody who is leaving; false where they are not. */
export async function archiveUser(
  scope: Scope,
  userId: string,
  events: readonly NewEvent[],
): Promise<boolean> {
  return (await query(scope.db, archive, [...written(scope, events), userId])).length === 1
}

const placed = {
  name: 'has_place',
  text: `select where exists (select from workspaces w where w.organization_id = $1 and w.default_of = $2
                              and w.status = 'active')
         or exists (select from memberships m where m.organization_id = $1 and m.user_id = $2
                    and m.source = 'provisioning')`,
}

/** Whether somebody has the workspace of their own, or that they joined by a rule. */
export async function hasPlace({ db, organizationId }: Scope, userId: string): Promise<boolean> {
  return (await query(db, placed, [organizationId, userId])).length === 1
}

const lastly = {
  name: 'last_event_of_type',
  text: `select data from events where organization_id = $1 and subject_id = $2 and type = $3
         order by id desc limit 1`,
}

/** What the last event of that type tells of somebody. */
export async function lastTold(
  { db, organizationId }: Scope,
  subjectId: string,
  type: string,
): Promise<Readonly<Record<string, unknown>>> {
  const [row] = await query<{ data: Record<string, unknown> }>(db, lastly, [organizationId, subjectId, type])
  return row?.data ?? {}
}

const known = {
  name: 'known_people',
  text: `select id from users where organization_id = $1 and id = any($2::uuid[])`,
}

/** Those of these ids that are people, whatever became of them. */
export async function peopleAmong(
  { db, organizationId }: Scope,
  ids: readonly string[],
): Promise<ReadonlySet<string>> {
  const rows = await query<{ id: string }>(db, known, [organizationId, ids])
  return new Set(rows.map(({ id }) => id))
}
