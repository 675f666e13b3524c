import { type Db, query } from './connect.ts'
import type { Scope } from './scope.ts'

/** `held`: by the brake. */
export type ReevaluationState = 'waiting' | 'running' | 'held' | 'done' | 'superseded'

/** People for whom it is decided anew what they get by their groups, and how far that has come. */
export interface ReevaluationRow {
  readonly id: string
  /** By which change of the policy; null: by a group's, whose people are too many for a request. */
  readonly policy_version: number | null
  /** The first version whose rules are not wholly put into effect. */
  readonly since_version: number | null
  /** Of a group's change: the groups whose members are meant, beside whoever has a role by a rule. */
  readonly groups: string[] | null
  readonly cursor: string | null
  readonly total: number | null
  readonly done: number
  readonly state: ReevaluationState
  readonly created_at: Date
  readonly finished_at: Date | null
}

const columns = `id, policy_version, since_version, groups, cursor, total, done, state, created_at, finished_at`

const begin = {
  name: 'begin_rollout',
  text: `
  with before as (
    update reevaluations set state = 'superseded', finished_at = $2
    where organization_id = $1 and policy_version is not null and state in ('waiting', 'running', 'held')
    returning since_version
  )
  insert into reevaluations (organization_id, id, policy_version, since_version, done, state, created_at)
  select $1, $3, $4::integer, coalesce((select min(since_version) from before), $4::integer - 1), 0, 'waiting', $2`,
}

/** Has the rules of a version put into effect, with those of versions before it that are not. */
export async function beginRollout(
  { db, organizationId, now }: Scope,
  { id, policyVersion }: { id: string; policyVersion: number },
): Promise<void> {
  await query(db, begin, [organizationId, now, id, policyVersion])
}

const defer = {
  name: 'defer_groups',
  text: `insert into reevaluations (organization_id, id, groups, done, state, created_at)
         values ($1, $3, $4, 0, 'waiting', $2)`,
}

export async function deferGroups(
  { db, organizationId, now }: Scope,
  { id, groups }: { id: string; groups: readonly string[] },
): Promise<void> {
  await query(db, defer, [organizationId, now, id, groups])
}

const claim = {
  name: 'claim_reevaluation',
  text: `select ${columns} from reevaluations
         where organization_id = $1 and id = $2 and state in ('waiting', 'running') for update skip locked`,
}

/** Until the transaction ends, nobody else goes on with it; null where somebody does, or it has ended. */
export async function claimReevaluation(
  { db, organizationId }: Scope,
  id: string,
): Promise<ReevaluationRow | null> {
  return (await query<ReevaluationRow>(db, claim, [organizationId, id]))[0] ?? null
}

const advance = {
  name: 'advance_reevaluation',
  text: `update reevaluations set cursor = $4, total = coalesce(total, $5), done = done + $6,
           state = case when $4::uuid is null then 'done' else 'running' end,
           finished_at = case when $4::uuid is null then $2::timestamptz end
         where organization_id = $1 and id = $3`,
}

/** How far it has come; without a cursor, to its end. */
export async function advanceReevaluation(
  { db, organizationId, now }: Scope,
  { id, cursor, total, done }: { id: string; cursor: string | null; total: number; done: number },
): Promise<void> {
  await query(db, advance, [organizationId, now, id, cursor, total, done])
}

const latest = {
  name: 'latest_rollout',
  text: `select ${columns} from reevaluations
         where organization_id = $1 and policy_version is not null order by id desc limit 1`,
}

/** That of the newest policy whose rules of groups were others than before. */
export async function latestRollout({ db, organizationId }: Scope): Promise<ReevaluationRow | null> {
  return (await query<ReevaluationRow>(db, latest, [organizationId]))[0] ?? null
}

const deferred = {
  name: 'count_deferred_groups',
  text: `select count(*)::integer as total from reevaluations
         where organization_id = $1 and policy_version is null and state in ('waiting', 'running', 'held')`,
}

/** How many changes of groups are not yet put into effect. */
export async function countDeferred({ db, organizationId }: Scope): Promise<number> {
  return (await query<{ total: number }>(db, deferred, [organizationId]))[0]?.total ?? 0
}

/** Those of `$2`, and the groups in them, and so on downwards. */
const inside = `
  inside(id) as (
    select x.id from unnest($2::uuid[]) as x(id)
    union
    select m.subgroup_id from inside, lateral (
      select s.subgroup_id from group_subgroups s where s.organization_id = $1 and s.group_id = inside.id offset 0) m
  )`

const within = {
  name: 'groups_within',
  text: `with recursive ${inside} select id from inside`,
}

/** Groups, and those that are in them. */
export async function groupsWithin({ db, organizationId }: Scope, ids: readonly string[]): Promise<string[]> {
  return (await query<{ id: string }>(db, within, [organizationId, ids])).map(({ id }) => id)
}

// As subqueries with a limit: those in `exists` may be planned as hashes of everybody there is.
/** Whose inputs are meant: members of the groups, whom a sign-in said to be in any, or who have a role by a rule. */
const meant = `
  (select 1 from group_members m
   where m.organization_id = $1 and m.user_id = u.id and m.group_id = any($2::uuid[]) limit 1) is not null
  or (select 1 from claimed_groups c where c.organization_id = $1 and c.user_id = u.id limit 1) is not null
  or (select 1 from memberships m where m.organization_id = $1 and m.user_id = u.id and m.source = 'group-rule'
      and ($3::text[] is null or m.rule = any($3)) limit 1) is not null
  or (select 1 from team_memberships m where m.organization_id = $1 and m.user_id = u.id
      and m.source = 'group-rule' and ($3::text[] is null or m.rule = any($3)) limit 1) is not null`

export interface Meant {
  /** Groups whose members are meant. */
  readonly groups: readonly string[]
  /** Rules whose holders are meant; null: those of all. */
  readonly rules: readonly string[] | null
}

const total = {
  name: 'count_meant',
  text: `select count(*)::integer as total from users u where u.organization_id = $1 and (${meant})`,
}

export async function countMeant({ db, organizationId }: Scope, { groups, rules }: Meant): Promise<number> {
  return (await query<{ total: number }>(db, total, [organizationId, groups, rules]))[0]?.total ?? 0
}

const next = {
  name: 'next_meant',
  text: `select u.id from users u where u.organization_id = $1 and u.id > $4 and (${meant}) order by u.id limit $5`,
}

/** Of whom is meant, the next after a person. */
export async function nextMeant(
  { db, organizationId }: Scope,
  { groups, rules }: Meant,
  { after, limit }: { after: string; limit: number },
): Promise<string[]> {
  const values = [organizationId, groups, rules, after, limit]
  return (await query<{ id: string }>(db, next, values)).map(({ id }) => id)
}

const moved = {
  name: 'people_moved',
  text: `
  with recursive told as (
    select type, subject_id, changed, data from events where organization_id = $1 and id = $2
  ), named(id) as materialized (
    select value::uuid from told,
      jsonb_array_elements_text(coalesce(data -> 'added', '[]') || coalesce(data -> 'removed', '[]'))
    union
    select subject_id from told where type = 'group.deleted' or 'displayName' = any(changed)
  ), inside(id) as (
    select n.id from named n join groups g on g.organization_id = $1 and g.id = n.id
    union
    select m.subgroup_id from inside, lateral (
      select s.subgroup_id from group_subgroups s where s.organization_id = $1 and s.group_id = inside.id offset 0) m
  ), people as (
    select u.id from named n join users u on u.organization_id = $1 and u.id = n.id
    union
    select m.user_id from inside i, lateral (
      select x.user_id from group_members x where x.organization_id = $1 and x.group_id = i.id limit $3) m
    limit $3
  )
  select coalesce((select array_agg(id) from people), '{}') as people,
    coalesce((select array_agg(id) from (select id from inside union select subject_id from told) g), '{}') as groups`,
}

/** Whose groups are others by what an event of a group tells: people, at most so many, and the groups they are of. */
export async function peopleMoved(
  { db, organizationId }: Scope,
  eventId: string,
  limit: number,
): Promise<{ people: string[]; groups: string[] }> {
  const [row] = await query<{ people: string[]; groups: string[] }>(db, moved, [
    organizationId,
    eventId,
    limit,
  ])
  return row ?? { people: [], groups: [] }
}

const names = {
  name: 'group_names',
  text: `select id, display_name, connection_id from groups
         where organization_id = $1 and id > $2 and deleted_at is null order by id limit $3`,
}

/** The groups of every connection by their ids, from after one. */
export function listGroupNames(
  { db, organizationId }: Scope,
  { after, limit }: { after: string; limit: number },
): Promise<{ id: string; display_name: string; connection_id: string }[]> {
  return query(db, names, [organizationId, after, limit])
}

const clock = { name: 'clock', text: 'select clock_timestamp()::text as now' }

/** The database's own time, as it writes it. */
export async function databaseTime(db: Db): Promise<string> {
  return (await query<{ now: string }>(db, clock, []))[0]?.now ?? ''
}

const older = {
  name: 'has_older_transactions',
  text: `select from pg_stat_activity
         where datname = current_database() and application_name = 'usher' and pid <> pg_backend_pid()
           and xact_start < $1::timestamptz limit 1`,
}

/** Whether a statement or transaction of a process that began before is still under way. */
export async function hasOlderTransactions(db: Db, time: string): Promise<boolean> {
  return (await query(db, older, [time])).length === 1
}
