import { query } from './connect.ts'
import type { Scope } from './scope.ts'
import type { UserStatus } from './users.ts'

/** From then on, and before then. */
export interface Range {
  readonly from: Date
  readonly to: Date
}

/** Ids are made beside the clock that events tell the time by: an hour on either side keeps those of other machines. */
const SLACK = 60 * 60 * 1000

/** The ids around a range: events are found by them through their key, and none outside is looked at. */
export function idsAround({ from, to }: Range): [string, string] {
  const idAt = (time: number) => {
    const hex = Math.max(0, time).toString(16).padStart(12, '0')
    return `${hex.slice(0, 8)}-${hex.slice(8)}-0000-0000-000000000000`
  }
  return [idAt(from.getTime() - SLACK), idAt(to.getTime() + SLACK)]
}

const inRange = `e.organization_id = $1 and e.at >= $2 and e.at < $3 and e.id >= $4::uuid and e.id < $5::uuid`
const ranged = ({ organizationId }: Scope, range: Range) => [
  organizationId,
  range.from,
  range.to,
  ...idsAround(range),
]

const percentiles = (seconds: string) => `
  count(*)::integer as people, max(${seconds})::float8 as max,
  (percentile_cont(array[0.5, 0.95, 0.99]) within group (order by ${seconds}))::float8[] as percentiles`

const statuses = {
  name: 'report_readiness',
  text: `select status, count(*)::integer as people from users
         where organization_id = $1 and created_at >= $2 and created_at < $3 group by status`,
}

/** How many of the people made in a range are in which status. */
export function peopleByStatus(
  { db, organizationId }: Scope,
  { from, to }: Range,
): Promise<{ status: UserStatus; people: number }[]> {
  return query(db, statuses, [organizationId, from, to])
}

/** Seconds by way, of so many people. */
export interface LatencyRow {
  readonly way: string
  readonly people: number
  readonly percentiles: readonly [number, number, number]
  readonly max: number
}

/** The same, of those of whom it is known; null where it is of nobody. */
export interface DepartureRow extends Omit<LatencyRow, 'percentiles' | 'max'> {
  readonly measured: number
  readonly percentiles: readonly [number, number, number] | null
  readonly max: number | null
}

const toReady = {
  name: 'report_time_to_ready',
  text: `
  select e.data ->> 'via' as way, ${percentiles('extract(epoch from e.at - u.created_at)')}
  from events e join users u on u.organization_id = $1 and u.id = e.subject_id
  where ${inRange} and e.type = 'user.provisioned' group by 1 order by 1`,
}

/** From when a person was first told of until they got their place, of those who got it in a range. */
export function timeToReady(scope: Scope, range: Range): Promise<LatencyRow[]> {
  return query(scope.db, toReady, ranged(scope, range))
}

// Of a signal, from when it was issued until every session had ended. Of a push, until it was answered, which is after
// the commit that ended them: noted with the request, so that nobody waits for the measure.
const departed = `coalesce(
  extract(epoch from (e.data ->> 'appliedAt')::timestamptz - (e.data ->> 'issuedAt')::timestamptz), r.duration / 1000.0)`

const isRequest = `e.request_id ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'`

const departures = {
  name: 'report_deprovisioning',
  text: `
  select way, ${percentiles('seconds')}, count(seconds)::integer as measured from (
    select coalesce(e.data ->> 'via', 'administrator') as way, 
      case when ${departed} > 0 then ${departed} when ${departed} is not null then 0 end as seconds
    from events e
    left join requests r on r.organization_id = $1 and r.id = case when ${isRequest} then e.request_id::uuid end
      and r.duration is not null
    where ${inRange} and e.type in ('user.suspended', 'user.deleted')) gone
  group by 1 order by 1`,
}

/** From when an identity provider said that somebody goes until no session of theirs could be used. */
export function timeToGone(scope: Scope, range: Range): Promise<DepartureRow[]> {
  return query(scope.db, departures, ranged(scope, range))
}

export interface HeldRow {
  readonly reason: string
  readonly people: number
  readonly hour: number
  readonly day: number
  readonly week: number
  readonly oldest: Date
}

const held = {
  name: 'report_held',
  text: `
  select code as reason, count(*)::integer as people, min(since) as oldest,
    (count(*) filter (where since > $4::timestamptz - interval '1 hour'))::integer as hour,
    (count(*) filter (where since > $4::timestamptz - interval '1 day'))::integer as day,
    (count(*) filter (where since > $4::timestamptz - interval '7 days'))::integer as week
  from held_people
  where organization_id = $1 and since >= $2 and since < $3
  group by 1 order by 2 desc, 1`,
}

/** Who is held since a time in a range, by reason, and how many of them for no longer than an hour, a day and a week. */
export function heldByReason({ db, organizationId, now }: Scope, { from, to }: Range): Promise<HeldRow[]> {
  return query(db, held, [organizationId, from, to, now])
}

export interface WorkspacesRow {
  readonly kind: 'default' | 'named'
  readonly active: number
  readonly archived: number
  /** Active, of owners who are all suspended, or whose grace is not over. */
  readonly waiting: number
  /** Active, and nobody's. */
  readonly orphaned: number
  /** Of those, so many wait to be given to somebody. */
  readonly pending: number
}

const workspaces = {
  name: 'report_workspaces',
  text: `
  with owned as (
    select m.workspace_id, bool_or(u.status in ('staged', 'held', 'ready')) as present
    from memberships m join users u on u.organization_id = $1 and u.id = m.user_id
    where m.organization_id = $1 and m.role = 'owner' and u.status not in ('archived', 'erased')
      and (m.source = 'administrator' or not exists (
        select from memberships a where a.organization_id = $1 and a.user_id = m.user_id
          and a.workspace_id = m.workspace_id and a.source = 'administrator'))
    group by 1
  )
  select case when w.default_of is null then 'named' else 'default' end as kind,
    (count(*) filter (where w.status = 'active'))::integer as active,
    (count(*) filter (where w.status = 'archived'))::integer as archived,
    (count(*) filter (where w.status = 'active' and not o.present))::integer as waiting,
    (count(*) filter (where w.status = 'active' and o.workspace_id is null))::integer as orphaned,
    (count(t.workspace_id) filter (where w.status = 'active' and o.workspace_id is null))::integer as pending
  from workspaces w
  left join owned o on o.workspace_id = w.id
  left join transfers t on t.organization_id = $1 and t.workspace_id = w.id
  where w.organization_id = $1 and w.created_at >= $2 and w.created_at < $3 group by 1 order by 1`,
}

/** Workspaces made in a range, and whether somebody owns them. */
export function workspacesByKind(
  { db, organizationId }: Scope,
  { from, to }: Range,
): Promise<WorkspacesRow[]> {
  return query(db, workspaces, [organizationId, from, to])
}

export interface FreshnessRow {
  readonly id: string
  readonly name: string
  /** Of any request, be it that it only read. */
  readonly last_request: Date | null
  /** Of one that changed something, in the range. */
  readonly last_change: Date | null
  /** Requests that changed something. */
  readonly changes: number
  readonly failures: number
}

const changing = `e.type not in ('push.refused', 'conflict.opened')`

// A token that a client was given is gone within the hour, so when it was given stands for it.
const freshness = {
  name: 'report_freshness',
  text: `
  with said as (
    select e.actor, count(distinct e.request_id) filter (where ${changing}) as changes,
      max(e.at) filter (where ${changing}) as last_change,
      sum(coalesce((e.data ->> 'repeated')::integer, 1)) filter (where e.type = 'push.refused') as failures
    from events e where ${inRange} and e.actor like 'scim:%' group by 1
  ), used as (
    select connection_id, max(last_used_at) as last_request from (
      select connection_id, last_used_at from scim_credentials where organization_id = $1
      union all select connection_id, last_used_at from scim_clients where organization_id = $1) k
    group by 1
  )
  select c.id, c.name, used.last_request, said.last_change, coalesce(said.changes, 0)::integer as changes,
    coalesce(said.failures, 0)::integer as failures
  from connections c
  left join said on said.actor = 'scim:' || c.id
  left join used on used.connection_id = c.id
  where c.organization_id = $1 and c.scim_profile is not null and c.status <> 'deleted' order by c.id`,
}

/** When each connection was last pushed to, and how its pushes of a range fared. */
export function freshnessByConnection(scope: Scope, range: Range): Promise<FreshnessRow[]> {
  return query(scope.db, freshness, ranged(scope, range))
}
