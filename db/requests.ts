import { query } from './connect.ts'
import type { Scope } from './scope.ts'

/** A request as it is noted: what somebody else sent, redacted, and what was answered. */
export interface NewRequest {
  readonly id: string
  readonly at: Date
  readonly kind: 'scim' | 'sign-in' | 'logout' | 'signal' | 'lost'
  readonly connection_id?: string | undefined
  readonly credential_id?: string | undefined
  /** The person or group it was about. */
  readonly subject_id?: string | undefined
  readonly method?: string
  readonly path?: string
  readonly query?: string | undefined
  readonly body?: unknown
  /** Absent where nobody waited for the answer. */
  readonly status?: number | undefined
  readonly code?: string | undefined
  /** What was said of a refusal, redacted. */
  readonly detail?: string | undefined
  /** In milliseconds. */
  readonly duration?: number | undefined
  /** How many alike it stands for. */
  readonly times: number
}

export interface RequestRow {
  readonly id: string
  readonly at: Date
  readonly kind: NewRequest['kind']
  readonly connection_id: string | null
  readonly credential_id: string | null
  readonly subject_id: string | null
  readonly method: string | null
  readonly path: string | null
  readonly query: string | null
  readonly body: unknown
  readonly status: number | null
  readonly code: string | null
  readonly detail: string | null
  readonly duration: number | null
  readonly times: number
  /** Null where there is no such connection any more. */
  readonly connection_name: string | null
}

const columns = `id, at, kind, connection_id, credential_id, subject_id, method, path, query, body, status, code, detail,
  duration, times`

const read = `r.*, (
    select k.name from connections k where k.organization_id = $1 and k.id = r.connection_id) as connection_name`

const insert = {
  name: 'insert_requests',
  text: `insert into requests (organization_id, ${columns})
         select $1, ${columns} from json_to_recordset($2::json) as r(
           id uuid, at timestamptz, kind text, connection_id uuid, credential_id uuid, subject_id uuid, method text,
           path text, query text, body json, status smallint, code text, detail text, duration integer, times integer)
         on conflict do nothing`,
}

/** `rows`: each the JSON text of a `NewRequest`. */
export async function insertRequests(
  { db, organizationId }: Pick<Scope, 'db' | 'organizationId'>,
  rows: readonly string[],
): Promise<void> {
  await query(db, insert, [organizationId, `[${rows.join(',')}]`])
}

export interface RequestsAsked {
  /** Ids between which they are, and so times: none is included. */
  readonly before: string
  readonly after: string
  readonly connectionId?: string | undefined
  readonly subjectId?: string | undefined
  /** Statuses from the first up to the second. */
  readonly status?: readonly [number, number] | undefined
  readonly limit: number
}

// Two texts, since a condition that may be absent keeps a prepared statement from starting in the middle of an index.
const listed = (condition: string) => `
  select ${read} from requests r
  where organization_id = $1 and ${condition} and id < $2 and id > $3
    and ($4::uuid is null or connection_id = $4) and ($5::integer is null or status between $5 and $6)
  order by id desc limit $7`

const lists = {
  all: { name: 'requests', text: listed('true') },
  ofSubject: { name: 'requests_of_subject', text: listed('subject_id = $8') },
}

/** A request is over by then, and what it did has been told. */
const MILLISECONDS = 10 * 60_000

const soonAfter = (id: string) => `
  (lpad(to_hex(('x' || left(replace(${id}::text, '-', ''), 12))::bit(48)::bigint + ${MILLISECONDS}), 12, '0')
   || '70008000000000000000')::uuid`

const silent = {
  name: 'requests_without_event',
  text: `
  select ${read} from requests r
  where organization_id = $1 and subject_id = $2 and id < $3
    and not exists (
      select from events e where e.organization_id = $1 and e.subject_id = $2
        and e.id > r.id and e.id < ${soonAfter('r.id')} and e.request_id = r.id::text)
  order by id desc limit $4`,
}

/** About somebody, and nothing that happened to them came of it: the newest first. */
export function requestsWithoutEvent(
  { db, organizationId }: Scope,
  subjectId: string,
  { before = 'ffffffff-ffff-ffff-ffff-ffffffffffff', limit }: { before?: string; limit: number },
): Promise<RequestRow[]> {
  return query(db, silent, [organizationId, subjectId, before, limit])
}

/** The newest first. */
export function listRequests(
  { db, organizationId }: Scope,
  { before, after, connectionId, subjectId, status, limit }: RequestsAsked,
): Promise<RequestRow[]> {
  const [from = null, to = null] = status ?? []
  const values = [organizationId, before, after, connectionId, from, to, limit]
  return subjectId === undefined
    ? query(db, lists.all, values)
    : query(db, lists.ofSubject, [...values, subjectId])
}

const byIds = {
  name: 'requests_by_id',
  text: `select ${read} from requests r where organization_id = $1 and id = any($2::uuid[])`,
}

export function findRequests({ db, organizationId }: Scope, ids: readonly string[]): Promise<RequestRow[]> {
  return query(db, byIds, [organizationId, ids])
}

const beyond = {
  name: 'request_beyond',
  text: 'select id from requests where organization_id = $1 order by id desc offset $2 limit 1',
}

/** The newest that is more than an organization may keep. */
export async function requestBeyond(
  { db, organizationId }: Pick<Scope, 'db' | 'organizationId'>,
  kept: number,
): Promise<string | null> {
  return (await query<{ id: string }>(db, beyond, [organizationId, kept]))[0]?.id ?? null
}

/** Few enough for nobody to wait for. */
const MOST_AT_ONCE = 1000

// By an array, which is looked up id by id; with `in` the table may be read from end to end for each batch.
const remove = {
  name: 'remove_requests',
  text: `
  with gone as (
    delete from requests where organization_id = $1 and id = any(array(
      select id from requests where organization_id = $1 and id <= $2 order by id limit ${MOST_AT_ONCE}))
    returning 1
  )
  select count(*)::int as gone from gone`,
}

/** Removes some of those up to `last`; whether there may be more. */
export async function removeRequests(
  { db, organizationId }: Pick<Scope, 'db' | 'organizationId'>,
  last: string,
): Promise<boolean> {
  const [row] = await query<{ gone: number }>(db, remove, [organizationId, last])
  return row?.gone === MOST_AT_ONCE
}
