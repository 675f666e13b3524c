import type { Sequelize } from 'sequelize'
import { query } from './connect.ts'
import { failureOf } from './errors.ts'
import type { NewEvent } from './events.ts'
import { insertHeld } from './held-people.ts'
import type { Scope } from './scope.ts'
import { displayNameOf, emailKeysOf, managerOf } from './user-keys.ts'
import type { InsertGuard, UserWrite } from './users.ts'

/** One person to be made. */
interface Row {
  readonly scope: Scope
  readonly write: UserWrite
  readonly guard: InsertGuard
}

// Each value is read once where it is the same for all: the parsing of what was repeated from row to row was a third
// of what a person costs. The look at former people is a subquery with a limit, since one in `not exists` may be
// planned as a hash of them all.
const insertMany = {
  name: 'insert_users',
  text: `
  with given as materialized (
    select * from jsonb_to_recordset($13::jsonb) as g(
      id uuid, user_name text, user_name_key text, external_id text, attributes jsonb, at timestamptz, request_id text,
      workspace_id uuid, event_ids uuid[], changed text[])
  ), person as (
    insert into users (organization_id, id, connection_id, managed, user_name, user_name_key, external_id, status,
                       attributes, email_keys, display_name, manager, created_at, updated_at)
    select $1, g.id, $2::uuid, $3, g.user_name, g.user_name_key, g.external_id, $4::user_status, g.attributes,
      ${emailKeysOf('g.attributes')}, ${displayNameOf('g.attributes')}, ${managerOf('g.attributes')}, g.at, g.at
    from given g
    where not exists (select from policies p where p.organization_id = $1 and p.version > $5)
      and ($6::boolean or (
        select 1 from users f where f.organization_id = $1 and f.external_id = g.external_id
          and f.connection_id = $2::uuid and f.deleted_at is not null limit 1) is null)
    on conflict do nothing
    returning id
  ), made as (
    select g.* from person join given g on g.id = person.id
  ), place as (
    insert into workspaces (organization_id, id, team_id, name, default_of, created_at)
    select $1, workspace_id, $7::uuid, $8, id, at from made where $7::uuid is not null
  ), membership as (
    insert into memberships (organization_id, user_id, workspace_id, role, source, rule, created_at)
    select $1, id, workspace_id, $9::membership_role, 'provisioning', $10, at from made where workspace_id is not null
  ), logged as (
    insert into events (organization_id, id, at, type, actor, subject_type, subject_id, changed,
                        policy_version, rule, request_id, data)
    select $1, made.event_ids[e.number], made.at, e.type, $11, e.subject_type, made.id,
      case e.number when 1 then made.changed else e.changed end, e.policy_version, e.rule, made.request_id,
      case when e.tells_place
        then e.data || jsonb_build_object('workspace', jsonb_build_object('id', made.workspace_id, 'name', $8::text))
        else e.data end
    from made, jsonb_to_recordset($12::jsonb) as e(
      number integer, type text, subject_type text, changed text[], policy_version integer, rule text,
      tells_place boolean, data jsonb)
  )
  select id from person`,
}

/** Whether `commonOf` tells the same of both; at less cost than telling it. */
function isAlike({ scope, write, guard }: Row, other: Row): boolean {
  const { record, place, events } = write
  const { record: otherRecord, place: otherPlace, events: otherEvents } = other.write
  return (
    scope.actor === other.scope.actor &&
    record.connection_id === otherRecord.connection_id &&
    record.managed === otherRecord.managed &&
    record.status === otherRecord.status &&
    isSame(guard, other.guard) &&
    isSame(place, otherPlace, ownOfPlace) &&
    events.length === otherEvents.length &&
    events.every((event, index) => isAlikeEvent(event, otherEvents[index], index))
  )
}

const ownOfPlace = ['workspaceId']
const ownOfFirst = ['id', 'subject_id', 'changed', 'data']
const ownOfOthers = ['id', 'subject_id', 'data']
const ownOfData = ['workspace']

const isAlikeEvent = (event: NewEvent, other: NewEvent | undefined, index: number) =>
  isSame(event, other, index === 0 ? ownOfFirst : ownOfOthers) && isSame(event.data, other?.data, ownOfData)

/** Whether two values have the same in them, in the same order, but for what is each one's `own`. */
function isSame(one: unknown, other: unknown, own: readonly string[] = []): boolean {
  if (one === other) return true
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return false
  const names = Object.keys(one)
  const others = Object.keys(other)
  return (
    names.length === others.length &&
    names.every((name, index) => {
      if (name !== others[index]) return false
      return own.includes(name) || isSame(Reflect.get(one, name), Reflect.get(other, name))
    })
  )
}

/** What of a row is the same for all that are alike, as the parameters $2 to $12. */
function commonOf({ scope: { actor }, write, guard }: Row): unknown[] {
  const { record, place, events } = write
  return [
    record.connection_id,
    record.managed,
    record.status,
    guard.policyVersion,
    guard.formerSeen,
    place?.teamId,
    place?.name,
    place?.role,
    place?.rule,
    actor,
    JSON.stringify(events.map(commonOfEvent)),
  ]
}

/** Without its id, whom it is about, what changed by the first, and the workspace that is the person's own. */
function commonOfEvent({ id: _id, subject_id: _subject, changed, data, ...event }: NewEvent, index: number) {
  const { workspace, ...rest } = data
  return {
    ...event,
    number: index + 1,
    ...(index > 0 && { changed }),
    tells_place: workspace !== undefined,
    data: rest,
  }
}

const ownOf = ({ scope, write: { id, record, place, events } }: Row) => ({
  id,
  user_name: record.user_name,
  user_name_key: record.user_name_key,
  external_id: record.external_id,
  attributes: record.attributes,
  at: scope.now,
  request_id: scope.requestId,
  workspace_id: place?.workspaceId,
  event_ids: events.map((event) => event.id),
  changed: events[0]?.changed ?? [],
})

/** Makes people of one organization who are alike in one statement; the ids of those that were made. */
async function insertRows(rows: readonly Row[]): Promise<Set<string>> {
  const [first] = rows
  if (!first) return new Set()
  const { db, organizationId } = first.scope
  const values = [organizationId, ...commonOf(first), JSON.stringify(rows.map(ownOf))]
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
  const { withheld } = write
  if (withheld) return insertHeld(scope, { ...write, withheld }, guard)
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
  while (queue.waiting.length > 0) await settle(takeAlike(queue).sort(byUserName))
  if (--queue.inFlight === 0) queues.get(scope.db.sequelize)?.delete(scope.organizationId)
}

/** The first, and those that are alike. */
function takeAlike(queue: Queue): Waiting[] {
  const [first] = queue.waiting
  const batch: Waiting[] = []
  const others: Waiting[] = []
  for (const row of queue.waiting)
    (first && batch.length < MOST_ROWS && isAlike(first, row) ? batch : others).push(row)
  queue.waiting = others
  return batch
}

// A statement holds the keys it has taken while it waits for one that another process is taking: the same order for
// all keeps them from waiting for each other.
function byUserName({ write: a }: Waiting, { write: b }: Waiting): number {
  const [one, other] = [a.record.user_name_key, b.record.user_name_key]
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
