import { query } from './connect.ts'
import type { Scope } from './scope.ts'

/** Which of a connection's documents, and for which version of its settings. */
export interface DocumentKey {
  readonly connectionId: string
  readonly kind: 'discovery' | 'keys' | 'signal-keys' | 'endpoints'
  readonly version: number
}

export interface ProviderDocumentRow {
  readonly version: number
  /** Raised with each body. */
  readonly generation: number
  readonly body: string | null
  readonly fetched_at: Date | null
  readonly failure: { readonly code: string; readonly detail?: string } | null
  readonly failed_at: Date | null
  /** Until when somebody is asking the provider for it. */
  readonly asking_until: Date | null
}

const find = {
  name: 'provider_document',
  text: `select version, generation, body, fetched_at, failure, failed_at, asking_until from provider_documents
         where organization_id = $1 and connection_id = $2 and kind = $3 and version = $4`,
}

export async function findProviderDocument(
  { db, organizationId }: Scope,
  { connectionId, kind, version }: DocumentKey,
): Promise<ProviderDocumentRow | null> {
  const values = [organizationId, connectionId, kind, version]
  return (await query<ProviderDocumentRow>(db, find, values))[0] ?? null
}

// `$5` now. A minute's worth of asking is counted from its first.
const claim = {
  name: 'claim_provider_document',
  text: `
  insert into provider_documents as d
    (organization_id, connection_id, kind, version, generation, asking_until, minute_from, asked)
  values ($1, $2, $3, $4, 0, $5::timestamptz + interval '10 seconds', $5, 1)
  on conflict (organization_id, connection_id, kind) do update set
    version = $4,
    generation = case when d.version = $4 then d.generation else 0 end,
    body = case when d.version = $4 then d.body end,
    fetched_at = case when d.version = $4 then d.fetched_at end,
    failure = case when d.version = $4 then d.failure end,
    failed_at = case when d.version = $4 then d.failed_at end,
    asking_until = excluded.asking_until,
    minute_from = case when d.version = $4 and d.minute_from > $5 - interval '1 minute'
      then d.minute_from else $5 end,
    asked = case when d.version = $4 and d.minute_from > $5 - interval '1 minute' then d.asked + 1 else 1 end
  where d.version < $4 or (d.version = $4 and d.generation = $6
    and (d.asking_until is null or d.asking_until <= $5)
    and (d.failed_at is null or d.failed_at <= $5 - interval '10 seconds')
    and (d.asked < $7 or d.minute_from <= $5 - interval '1 minute'))
  returning d.connection_id`,
}

/**
 * Whether the caller is the one to ask the provider, for as long as ten seconds. Nobody is while somebody else is at
 * it, within ten seconds of a failure, after `mostAsked` in a minute, and where what was seen has been replaced.
 */
export async function claimProviderDocument(
  { db, organizationId, now }: Scope,
  { connectionId, kind, version }: DocumentKey,
  { generation, mostAsked }: { readonly generation: number; readonly mostAsked: number },
): Promise<boolean> {
  const values = [organizationId, connectionId, kind, version, now, generation, mostAsked]
  return (await query(db, claim, values)).length === 1
}

const keep = {
  name: 'keep_provider_document',
  text: `update provider_documents
         set body = $5, generation = generation + 1, fetched_at = $6, failure = null, failed_at = null,
           asking_until = null
         where organization_id = $1 and connection_id = $2 and kind = $3 and version = $4`,
}

/** Keeps what was claimed. */
export async function keepProviderDocument(
  { db, organizationId, now }: Scope,
  { connectionId, kind, version }: DocumentKey,
  body: string,
): Promise<void> {
  await query(db, keep, [organizationId, connectionId, kind, version, body, now])
}

const fail = {
  name: 'keep_provider_failure',
  text: `
  insert into provider_documents as d
    (organization_id, connection_id, kind, version, generation, failure, failed_at, minute_from, asked)
  values ($1, $2, $3, $4, 0, $5, $6, $6, 1)
  on conflict (organization_id, connection_id, kind) do update
    set version = $4, failure = excluded.failure, failed_at = $6, asking_until = null
    where d.version <= $4`,
}

/** Remembers that the provider failed, whether or not it was claimed. */
export async function keepProviderFailure(
  { db, organizationId, now }: Scope,
  { connectionId, kind, version }: DocumentKey,
  failure: NonNullable<ProviderDocumentRow['failure']>,
): Promise<void> {
  await query(db, fail, [organizationId, connectionId, kind, version, JSON.stringify(failure), now])
}
