import { type Db, query, transact } from './connect.ts'
import { type NewEvent, recordEvents } from './events.ts'
import type { Scope } from './scope.ts'

/** An organization's taking in of the people of personal ones who have a verified address in its domain. */
export interface CaptureRow {
  readonly id: string
  readonly domain: string
  readonly connection_id: string
  readonly created_at: Date
  readonly finished_at: Date | null
  readonly made: number
  readonly already_there: number
}

const start = {
  name: 'start_capture',
  text: `insert into captures (organization_id, id, domain, connection_id, actor, created_at)
         values ($1, $2, $3, $4, $5, $6) on conflict do nothing returning id`,
}

/** False where one of the domain is under way. */
export function startCapture(
  scope: Scope,
  {
    id,
    domain,
    connectionId,
  }: { readonly id: string; readonly domain: string; readonly connectionId: string },
  events: readonly NewEvent[],
): Promise<boolean> {
  return transact(scope.db, async (db) => {
    const values = [scope.organizationId, id, domain, connectionId, scope.actor, scope.now]
    const rows = await query(db, start, values)
    if (rows.length === 1) await recordEvents({ ...scope, db }, events)
    return rows.length === 1
  })
}

const latest = {
  name: 'latest_capture',
  text: `select c.id, c.domain, c.connection_id, c.created_at, c.finished_at,
           (count(p) filter (where p.outcome = 'made'))::integer as made,
           (count(p) filter (where p.outcome = 'already-there'))::integer as already_there
         from captures c left join captured_people p on p.organization_id = c.organization_id and p.capture_id = c.id
         where c.organization_id = $1 and c.domain = $2
         group by c.organization_id, c.id order by c.id desc limit 1`,
}

/** The last one that was started for a domain, with how far it has come. */
export async function latestCapture(
  { db, organizationId }: Scope,
  domain: string,
): Promise<CaptureRow | null> {
  return (await query<CaptureRow>(db, latest, [organizationId, domain]))[0] ?? null
}

const open = {
  name: 'open_captures',
  text: `select organization_id, id, domain, connection_id, actor from captures where finished_at is null order by id`,
}

export interface OpenCapture {
  readonly organization_id: string
  readonly id: string
  readonly domain: string
  readonly connection_id: string
  readonly actor: string
}

/** Those of every organization that have not come to their end. */
export const openCaptures = (db: Db): Promise<OpenCapture[]> => query(db, open, [])

const finish = {
  name: 'finish_capture',
  text: `update captures set finished_at = $3 where organization_id = $1 and id = $2 and finished_at is null returning id`,
}

export async function finishCapture(scope: Scope, id: string, events: readonly NewEvent[]): Promise<void> {
  await transact(scope.db, async (db) => {
    const rows = await query(db, finish, [scope.organizationId, id, scope.now])
    if (rows.length === 1) await recordEvents({ ...scope, db }, events)
  })
}

const note = {
  name: 'note_captured',
  text: `insert into captured_people (organization_id, source_organization_id, capture_id, user_id, outcome, created_at)
         values ($1, $2, $3, $4, $5, $6) on conflict do nothing`,
}

export async function noteCaptured(
  { db, organizationId, now }: Scope,
  { source, captureId, userId, outcome }: Captured,
): Promise<void> {
  await query(db, note, [organizationId, source, captureId, userId, outcome, now])
}

export interface Captured {
  readonly source: string
  readonly captureId: string
  readonly userId: string
  readonly outcome: 'made' | 'already-there'
}

const isNoted = {
  name: 'is_captured',
  text: 'select from captured_people where organization_id = $1 and source_organization_id = $2',
}

/** Whether the organization has the person of a personal one already. */
export async function isCaptured({ db, organizationId }: Scope, source: string): Promise<boolean> {
  return (await query(db, isNoted, [organizationId, source])).length === 1
}
