import { query } from './connect.ts'
import { type NewEvent, recording, written } from './events.ts'
import type { Scope } from './scope.ts'

/** A legal hold: while it stands, nothing of the person is archived, given away or erased. */
export interface HoldRow {
  readonly reason: string
  readonly actor: string
  readonly created_at: Date
}

const find = {
  name: 'find_hold',
  text: `select reason, actor, created_at from legal_holds where organization_id = $1 and user_id = $2`,
}

export async function findHold({ db, organizationId }: Scope, userId: string): Promise<HoldRow | null> {
  return (await query<HoldRow>(db, find, [organizationId, userId]))[0] ?? null
}

const place = {
  name: 'place_hold',
  text: `
  with held as (
    insert into legal_holds as h (organization_id, user_id, reason, actor, created_at) values ($1, $6, $7, $3, $2)
    on conflict (organization_id, user_id) do update set reason = excluded.reason where h.reason <> excluded.reason
    returning user_id
  ), ${recording('held')}
  select user_id from held`,
}

/** Whether anything has changed: somebody under hold for that reason stays so. */
export async function placeHold(
  scope: Scope,
  { userId, reason }: { userId: string; reason: string },
  events: readonly NewEvent[],
): Promise<boolean> {
  return (await query(scope.db, place, [...written(scope, events), userId, reason])).length === 1
}

const lift = {
  name: 'lift_hold',
  text: `
  with lifted as (
    delete from legal_holds where organization_id = $1 and user_id = $6 returning user_id
  ), ${recording('lifted')}
  select user_id from lifted`,
}

export async function liftHold(scope: Scope, userId: string, events: readonly NewEvent[]): Promise<boolean> {
  return (await query(scope.db, lift, [...written(scope, events), userId])).length === 1
}
