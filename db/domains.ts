import { query, type Statement, transact } from './connect.ts'
import { type NewEvent, recordEvents } from './events.ts'
import type { Scope } from './scope.ts'

/** Its record was gone for too long, or when another organization verified its own claim. */
export type Loss = 'record-missing' | 'taken-over'

/** A domain that an organization claims; its own once it is verified, which it is for one organization at most. */
export interface DomainRow {
  readonly domain: string
  /** What the record at the domain must say. */
  readonly challenge: string
  readonly created_at: Date
  readonly verified_at: Date | null
  readonly checked_at: Date | null
  /** Since when checks no longer find the record. */
  readonly missing_since: Date | null
  /** When a verified one became a mere claim again, which it still is, and why. */
  readonly lost_at: Date | null
  readonly lost_why: Loss | null
}

const columns = 'domain, challenge, created_at, verified_at, checked_at, missing_since, lost_at, lost_why'

const list = {
  name: 'list_domains',
  text: `select ${columns} from domains where organization_id = $1 order by domain`,
}

export function listDomains({ db, organizationId }: Scope): Promise<DomainRow[]> {
  return query(db, list, [organizationId])
}

const find = {
  name: 'find_domain',
  text: `select ${columns} from domains where organization_id = $1 and domain = $2`,
}

export async function findDomain({ db, organizationId }: Scope, domain: string): Promise<DomainRow | null> {
  return (await query<DomainRow>(db, find, [organizationId, domain]))[0] ?? null
}

const claim = {
  name: 'claim_domain',
  text: `insert into domains (organization_id, domain, challenge, created_at) values ($1, $2, $4, $3)
         on conflict do nothing returning domain`,
}

/** Claims it; whatever others claim. False where the organization does so already. */
export function claimDomain(
  scope: Scope,
  { domain, challenge }: Pick<DomainRow, 'domain' | 'challenge'>,
  events: readonly NewEvent[],
): Promise<boolean> {
  return change(scope, claim, { values: [domain, scope.now, challenge], events })
}

const verify = {
  name: 'verify_domain',
  text: `update domains set verified_at = coalesce(verified_at, $3), checked_at = $3, missing_since = null, lost_at = null, lost_why = null
         where organization_id = $1 and domain = $2 and verified_at is null returning domain`,
}

/** Makes a claim the organization's own; 23505 where the domain is another's. False where there is none to verify. */
export function verifyDomain(scope: Scope, domain: string, events: readonly NewEvent[]): Promise<boolean> {
  return change(scope, verify, { values: [domain, scope.now], events })
}

const keep = {
  name: 'keep_domain',
  text: `update domains set checked_at = $3, missing_since = case when $4 then null else missing_since end
         where organization_id = $1 and domain = $2 and verified_at is not null returning domain`,
}

/** Notes a check that cost nothing: the record was found, or nobody could be asked. */
export function keepDomain(
  scope: Scope,
  domain: string,
  { found }: { readonly found: boolean },
): Promise<boolean> {
  return change(scope, keep, { values: [domain, scope.now, found], events: [] })
}

const miss = {
  name: 'miss_domain',
  text: `update domains set checked_at = $3, missing_since = $3
         where organization_id = $1 and domain = $2 and verified_at is not null and missing_since is null
         returning domain`,
}

/** Notes that a verified domain has its record no more. False where that was known. */
export function missDomain(scope: Scope, domain: string, events: readonly NewEvent[]): Promise<boolean> {
  return change(scope, miss, { values: [domain, scope.now], events })
}

const lose = {
  name: 'lose_domain',
  text: `update domains set verified_at = null, checked_at = $3, missing_since = null, lost_at = $3, lost_why = $4
         where organization_id = $1 and domain = $2 and verified_at is not null returning domain`,
}

/** Turns a verified domain back into a claim. */
export function loseDomain(
  scope: Scope,
  { domain, why }: { readonly domain: string; readonly why: Loss },
  events: readonly NewEvent[],
): Promise<boolean> {
  return change(scope, lose, { values: [domain, scope.now, why], events })
}

const remove = {
  name: 'delete_domain',
  text: 'delete from domains where organization_id = $1 and domain = $2 returning domain',
}

export function deleteDomain(scope: Scope, domain: string, events: readonly NewEvent[]): Promise<boolean> {
  return change(scope, remove, { values: [domain], events })
}

interface Change {
  /** After the organization. */
  readonly values: readonly unknown[]
  /** Written where it changes something. */
  readonly events: readonly NewEvent[]
}

function change(scope: Scope, statement: Statement, { values, events }: Change): Promise<boolean> {
  return transact(scope.db, async (db) => {
    const rows = await query(db, statement, [scope.organizationId, ...values])
    if (rows.length === 1) await recordEvents({ ...scope, db }, events)
    return rows.length === 1
  })
}
