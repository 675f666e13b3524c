import type { Sequelize } from 'sequelize'
import { query } from './connect.ts'
import { failureOf } from './errors.ts'
import type { Scope } from './scope.ts'
import type { InsertGuard, UserWrite } from './users.ts'

/** One person to be made, with everything that differs from row to row. */
interface Row {
  readonly scope: Scope
  readonly write: UserWrite
  readonly guard: InsertGuard
}

// The look at former people is a subquery with a limit, since one in `not exists` may be planned as a hash of them all.
const insertMany = {
  name: 'insert_users',
  text: `
  with given as materialized (
    select * from jsonb_to_recordset($2::jsonb) as g(
      id uuid, connection_id uuid, managed boolean, user_name text, external_id text, status user_status,
      attributes jsonb, at timestamptz, policy_version integer, former_seen boolean,
      workspace_id uuid, team_id uuid, workspace_name text, role membership_role, rule text)
  ), person as (
    insert into users (organization_id, id, connection_id, managed, user_name, external_id, status,
                       attributes, email_keys, manager, created_at, updated_at)
    select $1, g.id, g.connection_id, g.managed, g.user_name, g.external_id, g.status, g.attributes,
      lower(jsonb_path_query_array(g.attributes, '$.emails[*].value')::text)::jsonb,
      g.attributes #>> '{urn:ietf:params:scim:schemas:extension:enterprise:2.0:User,manager,value}', g.at, g.at
    from given g
    where not exists (select from policies p where p.organization_id = $1 and p.version > g.policy_version)
      and (g.former_seen or (
        select 1 from users f where f.organization_id = $1 and f.external_id = g.external_id
          and f.connection_id = g.connection_id and f.deleted_at is not null limit 1) is null)
    on conflict do nothing
    returning id
  ), placed as (
    select g.* from person join given g on g.id = person.id where g.workspace_id is not null
  ), place as (
    insert into workspaces (organization_id, id, team_id, name, default_of, created_at)
    select $1, workspace_id, team_id, workspace_name, id, at from placed
  ), membership as (
    insert into memberships (organization_id, user_id, workspace_id, role, source, rule, created_at)
    select $1, id, workspace_id, role, 'provisioning', rule, at from placed
  ), logged as (
    insert into events (organization_id, id, at, type, actor, subject_type, subject_id, changed,
                        policy_version, rule, request_id, data)
    select $1, e.id, e.at, e.type, e.actor, e.subject_type, e.subject_id, e.changed, e.policy_version, e.rule,
      e.request_id, e.data
    from person join jsonb_to_recordset($3::jsonb) as e(
      id uuid, at timestamptz, type text, actor text, subject_type text, subject_id uuid, changed text[],
      policy_version integer, rule text, request_id text, data jsonb) on e.subject_id = person.id
  )
  select id from person`,
}

const personOf = ({ scope, write: { id, record, place }, guard }: Row) => ({
  ...record,
  id,
  at: scope.now,
  policy_version: guard.policyVersion,
  former_seen: guard.formerSeen,
  ...(place && {
    workspace_id: place.workspaceId,
    team_id: place.teamId,
    workspace_name: place.name,
    role: place.role,
    rule: place.rule,
  }),
})

const eventsOf = ({ scope, write }: Row) =>
  write.events.map((event) => ({ ...event, at: scope.now, actor: scope.actor, request_id: scope.requestId }))

/** Makes people of one organization in one statement; the ids of those that were made. */
async function insertRows(rows: readonly Row[]): Promise<Set<string>> {
  const [first] = rows
  if (!first) return new Set()
  const { db, organizationId } = first.scope
  const values = [organizationId, JSON.stringify(rows.map(personOf)), JSON.stringify(rows.flatMap(eventsOf))]
  const made = await query<{ id: string }>(db, insertMany, values)
  return new Set(made.map(({ id }) => id))
}

interface Waiting extends Row {
  readonly done: (made: boolean) => void
  readonly failed: (error: unknown) => void
}

interface Queue {
  inFlight: number
  waiting: Waiting[]
}

const MOST_IN_FLIGHT = 2
const MOST_ROWS = 100
const queues = new WeakMap<Sequelize, Map<string, Queue>>()

/**
 * Makes a person with place and events. What arrives while the statements before are under way goes in the next one
 * together: under load a statement, its plan and its commit are shared; without load nobody waits. False where the
 * guard holds it back, or the userName or externalId is taken: then nothing of it was written.
 */
export async function insertPushed(scope: Scope, write: UserWrite, guard: InsertGuard): Promise<boolean> {
  const row = { scope, write, guard }
  if (scope.db.transaction) return (await insertRows([row])).has(write.id)
  return new Promise((done, failed) => {
    const queue = queueOf(scope)
    queue.waiting.push({ ...row, done, failed })
    void drain(queue, scope)
  })
}

function queueOf({ db, organizationId }: Scope): Queue {
  const ofPool = queues.get(db.sequelize) ?? new Map<string, Queue>()
  queues.set(db.sequelize, ofPool)
  const queue = ofPool.get(organizationId) ?? { inFlight: 0, waiting: [] }
  ofPool.set(organizationId, queue)
  return queue
}

async function drain(queue: Queue, scope: Scope): Promise<void> {
  if (queue.inFlight >= MOST_IN_FLIGHT) return
  queue.inFlight++
  while (queue.waiting.length > 0) await settle(queue.waiting.splice(0, MOST_ROWS).sort(byUserName))
  if (--queue.inFlight === 0) queues.get(scope.db.sequelize)?.delete(scope.organizationId)
}

// A statement holds the keys it has taken while it waits for one that another process is taking: the same order for
// all keeps them from waiting for each other.
function byUserName({ write: a }: Waiting, { write: b }: Waiting): number {
  const [one, other] = [a.record.user_name.toLowerCase(), b.record.user_name.toLowerCase()]
  return one < other ? -1 : Number(one > other)
}

async function settle(batch: readonly Waiting[]): Promise<void> {
  try {
    const made = await insertRows(batch)
    for (const { write, done } of batch) done(made.has(write.id))
  } catch (error) {
    await settleApart(batch, error)
  }
}

/** One row's failure is not the others': each is tried by itself, unless the database is away for all of them. */
async function settleApart(batch: readonly Waiting[], error: unknown): Promise<void> {
  const kind = failureOf(error)?.kind
  const ofAll = batch.length === 1 || kind === 'unavailable' || kind === 'busy'
  for (const row of batch) {
    if (ofAll) row.failed(error)
    else await insertRows([row]).then((made) => row.done(made.has(row.write.id)), row.failed)
  }
}
