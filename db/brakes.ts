import { query } from './connect.ts'
import { type NewEvent, recording, written } from './events.ts'
import type { Scope } from './scope.ts'

/** How much has been done of what cannot be undone easily, in an hour that began with the first of it. */
export interface BrakeRow {
  readonly hour_from: Date
  readonly done: number
  readonly held_since: Date | null
  readonly released_until: Date | null
}

const find = {
  name: 'find_brake',
  text: `select hour_from, done, held_since, released_until from brakes where organization_id = $1`,
}

export async function findBrake({ db, organizationId }: Scope): Promise<BrakeRow | null> {
  return (await query<BrakeRow>(db, find, [organizationId]))[0] ?? null
}

const over = `b.hour_from <= $2::timestamptz - interval '1 hour'`
const pass = {
  name: 'pass_brake',
  text: `
  insert into brakes as b (organization_id, hour_from, done)
  select $1, $2, $3::integer where $3::integer <= $4::integer or exists (select from brakes where organization_id = $1)
  on conflict (organization_id) do update set
    hour_from = case when ${over} then excluded.hour_from else b.hour_from end,
    done = case when ${over} then 0 else b.done end + excluded.done
  where b.released_until > $2
    or (b.held_since is null and case when ${over} then 0 else b.done end + $3::integer <= $4::integer)
  returning done`,
}

/** Counts what is about to be done; false where that is more than may be, or a brake is on. */
export async function countChanges(
  { db, organizationId, now }: Scope,
  { count, most }: { count: number; most: number },
): Promise<boolean> {
  return (await query(db, pass, [organizationId, now, count, most])).length === 1
}

const hold = {
  name: 'hold_brake',
  text: `
  with held as (
    insert into brakes as b (organization_id, hour_from, done, held_since) values ($1, $2, 0, $2)
    on conflict (organization_id) do update set held_since = excluded.held_since
      where b.held_since is null and (b.released_until is null or b.released_until <= $2)
    returning organization_id
  ), ${recording('held')}
  select 1 from held`,
}

/** Puts the brake on, once. */
export async function holdBrake(scope: Scope, events: readonly NewEvent[]): Promise<void> {
  await query(scope.db, hold, written(scope, events))
}

const release = {
  name: 'release_brake',
  text: `
  with released as (
    update brakes set held_since = null, released_until = $6
    where organization_id = $1 and held_since is not null returning organization_id
  ), ${recording('released')}
  select 1 from released`,
}

/** Takes it off, and keeps it off until then; false where it is not on. */
export async function releaseBrake(scope: Scope, until: Date, events: readonly NewEvent[]): Promise<boolean> {
  return (await query(scope.db, release, [...written(scope, events), until])).length === 1
}

const people = {
  name: 'count_people',
  text: `select count(*)::int as count from (
           select from users where organization_id = $1 and deleted_at is null limit $2) u`,
}

/** How many people there are, as far as it matters. */
export async function countPeople({ db, organizationId }: Scope, limit: number): Promise<number> {
  return (await query<{ count: number }>(db, people, [organizationId, limit]))[0]?.count ?? 0
}
