import { query } from './connect.ts'
import { type NewEvent, recording, written } from './events.ts'
import type { ProviderPins } from './models/connection.ts'
import type { Scope } from './scope.ts'

/** Which provider: a connection as it was set to at this version. */
interface Pinned {
  readonly id: string
  readonly version: number
  readonly pins: ProviderPins
}

const pin = {
  name: 'pin_provider',
  text: `
  with pinned as (
    update connections set pins = $7
    where organization_id = $1 and id = $6 and version = $8 and pins is null returning pins
  ), ${recording('pinned')}
  select pins from pinned`,
}
const pinned = {
  name: 'pins_of_provider',
  text: `select pins from connections
         where organization_id = $1 and id = $2 and version = $3 and pins is not null`,
}

/** Pins what is not pinned yet. What is pinned now: null where the connection has changed meanwhile. */
export async function pinProvider(
  scope: Scope,
  { id, version, pins }: Pinned,
  events: readonly NewEvent[],
): Promise<ProviderPins | null> {
  const values = [...written(scope, events), id, JSON.stringify(pins), version]
  if ((await query(scope.db, pin, values)).length === 1) return pins
  // A statement of its own: it sees the pins of whoever was first.
  const rows = await query<{ pins: ProviderPins }>(scope.db, pinned, [scope.organizationId, id, version])
  return rows[0]?.pins ?? null
}

const drift = {
  name: 'record_provider_drift',
  text: `
  with drifted as (
    update connections
    set drift = case when $9 then null else $7::jsonb end, pins = case when $9 then $7::jsonb else pins end,
      version = version + 1, updated_at = $2
    where organization_id = $1 and id = $6 and version = $8 and drift is distinct from $7::jsonb
    returning id
  ), ${recording('drifted')}
  select id from drifted`,
}

/** Keeps what a provider says beyond its pins, once, or pins it at once where it is `accepted`. */
export async function recordDrift(
  scope: Scope,
  { id, version, pins, accepted }: Pinned & { readonly accepted: boolean },
  events: readonly NewEvent[],
): Promise<void> {
  await query(scope.db, drift, [...written(scope, events), id, JSON.stringify(pins), version, accepted])
}

const forget = {
  name: 'forget_provider_drift',
  text: `
  with returned as (
    update connections set drift = null, version = version + 1, updated_at = $2
    where organization_id = $1 and id = $6 and version = $7 and drift is not null returning id
  ), ${recording('returned')}
  select id from returned`,
}

/** A provider that is again as it was approved has nothing to be approved. */
export async function forgetDrift(
  scope: Scope,
  { id, version }: Pick<Pinned, 'id' | 'version'>,
  events: readonly NewEvent[],
): Promise<void> {
  await query(scope.db, forget, [...written(scope, events), id, version])
}

const approve = {
  name: 'approve_provider',
  text: `
  with approved as (
    update connections set pins = drift, drift = null, version = version + 1, updated_at = $2
    where organization_id = $1 and id = $6 and version = $7 and drift is not null returning id
  ), ${recording('approved')}
  select id from approved`,
}

/** Pins what awaits it; false where nothing does, or the version is another by now. */
export async function approveProvider(
  scope: Scope,
  { id, version }: Pick<Pinned, 'id' | 'version'>,
  events: readonly NewEvent[],
): Promise<boolean> {
  return (await query(scope.db, approve, [...written(scope, events), id, version])).length === 1
}
