// Every query that runs before an organization is known, and no other.
import { type Db, query } from './connect.ts'
import { organizationsWithExpired } from './expired.ts'
import type { OrganizationRow } from './organizations.ts'

export async function organizationOfConnection(
  { models, transaction }: Db,
  connectionId: string,
): Promise<string | null> {
  const row = await models.ConnectionDirectory.findByPk(connectionId, { transaction: transaction ?? null })
  return row?.organizationId ?? null
}

export async function organizationBySlug(
  { models, transaction }: Db,
  slug: string,
): Promise<{ id: string; slug: string; name: string; kind: OrganizationRow['kind'] } | null> {
  const where = { slug, status: 'active' }
  return models.Organization.findOne({ where, transaction: transaction ?? null })
}

const byDomain = {
  name: 'organization_by_domain',
  text: 'select organization_id from domains where domain = $1 and verified_at is not null',
}

/** Whose verified domain it is. */
export async function organizationByDomain(db: Db, domain: string): Promise<string | null> {
  const rows = await query<{ organization_id: string }>(db, byDomain, [domain])
  return rows[0]?.organization_id ?? null
}

// Both are looked for whichever is found, so that an answer takes as long for one address as for another.
const entrances = {
  name: 'entrances_of_domain',
  text: `select
    (select d.organization_id from domains d join organizations o on o.id = d.organization_id and o.status = 'active'
     where d.domain = $1 and d.verified_at is not null
       and exists (select from connections c where c.organization_id = d.organization_id and c.status = 'active'
                   and c.issuer is not null)) as owner,
    (select id from organizations where kind = 'environment') as environment`,
}

/** In which organizations somebody with an address in a domain signs in: in the domain's own, or by the public connection. */
export async function entrancesOfDomain(
  db: Db,
  domain: string,
): Promise<{ readonly owner: string | null; readonly environment: string | null }> {
  const [row] = await query<{ owner: string | null; environment: string | null }>(db, entrances, [domain])
  return row ?? { owner: null, environment: null }
}

const environment = {
  name: 'environment_organization',
  text: "select id from organizations where kind = 'environment'",
}

/** The organization that the public connection is in; null until there was one. */
export async function environmentOrganization(db: Db): Promise<string | null> {
  return (await query<{ id: string }>(db, environment, []))[0]?.id ?? null
}

/** Organizations that have something past its end. */
export async function organizationsToTidy(db: Db, now: Date): Promise<string[]> {
  const rows = await query<{ organization_id: string }>(db, organizationsWithExpired, [now])
  return rows.map((row) => row.organization_id)
}

const toSeeOff = {
  name: 'organizations_to_see_off',
  text: `select organization_id from departures
         union select organization_id from transfers
         union select organization_id from (
           select distinct on (organization_id) organization_id, document from policies
           order by organization_id, version desc) p
         where document #>> '{guests,expireDays}' is not null or document #>> '{suspended,keepDays}' is not null
           or document #> '{protected,users}' <> '[]'`,
}

/** Organizations where people leave, or whose policy ends something by time. */
export async function organizationsToSeeOff(db: Db): Promise<string[]> {
  const rows = await query<{ organization_id: string }>(db, toSeeOff, [])
  return rows.map((row) => row.organization_id)
}

// Skips from organization to organization along the key; `distinct` would read every request.
const withRequests = {
  name: 'organizations_with_requests',
  text: `
  with recursive seen(id) as (
    (select organization_id from requests order by organization_id limit 1)
    union all
    select (select r.organization_id from requests r where r.organization_id > seen.id
            order by r.organization_id limit 1)
    from seen where seen.id is not null
  )
  select id from seen where id is not null`,
}

/** Organizations of which requests are noted. */
export async function organizationsWithRequests(db: Db): Promise<string[]> {
  return (await query<{ id: string }>(db, withRequests, [])).map(({ id }) => id)
}

const toCheck = {
  name: 'domains_to_check',
  text: `select organization_id, domain from domains
         where verified_at is not null and checked_at <= $1 order by checked_at limit $2`,
}

/** Verified domains that were last checked before `before`, those first that have waited longest. */
export function domainsToCheck(
  db: Db,
  { before, limit }: { before: Date; limit: number },
): Promise<{ organization_id: string; domain: string }[]> {
  return query(db, toCheck, [before, limit])
}

const adminKey = {
  name: 'admin_key_by_secret',
  text: `select id, name from admin_keys
         where secret_hash = $1 and revoked_at is null and (expires_at is null or expires_at > $2)`,
}

/** The key of the environment whose secret this is the hash of. */
export async function findAdminKey(
  db: Db,
  secretHash: Buffer,
  now: Date,
): Promise<{ id: string; name: string } | null> {
  return (await query<{ id: string; name: string }>(db, adminKey, [secretHash, now]))[0] ?? null
}

// One row holds the environment's own key, so that processes starting at once make one.
const keepKey = {
  name: 'keep_admin_key',
  text: `insert into admin_keys as k (id, name, secret_hash, created_at)
         values ('00000000-0000-0000-0000-000000000001', 'environment', $1, $2)
         on conflict (id) do update set secret_hash = excluded.secret_hash, created_at = excluded.created_at
           where $3 and k.secret_hash <> excluded.secret_hash
         returning id`,
}

/** Stores the environment's key where there is none, or in its place. Whether it was stored. */
export async function keepAdminKey(
  db: Db,
  { secretHash, now, replace }: { secretHash: Buffer; now: Date; replace: boolean },
): Promise<boolean> {
  return (await query(db, keepKey, [secretHash, now, replace])).length === 1
}

const polling = {
  name: 'polling_connections',
  text: `select id from connections
         where status = 'active' and settings #>> '{oidc,signals,delivery}' = 'poll' order by id desc`,
}

/** Connections whose stream of signals is polled, the latest first. */
export async function pollingConnections(db: Db): Promise<string[]> {
  return (await query<{ id: string }>(db, polling, [])).map(({ id }) => id)
}

const open = {
  name: 'open_reevaluations',
  text: `select organization_id, id from reevaluations where state in ('waiting', 'running') order by id limit $1`,
}

/** What is to be decided anew of any organization's people, the first asked for first. */
export function openReevaluations(db: Db, limit: number): Promise<{ organization_id: string; id: string }[]> {
  return query(db, open, [limit])
}

const ending = {
  name: 'organizations_with_attribute_ends',
  text: 'select distinct organization_id from attribute_ends where at <= $1',
}

/** Which organizations have people whose attributes are to be looked at by then. */
export async function organizationsWithEnds(db: Db, now: Date): Promise<string[]> {
  const rows = await query<{ organization_id: string }>(db, ending, [now])
  return rows.map(({ organization_id }) => organization_id)
}

const toRetry = {
  name: 'organizations_to_retry',
  text: `select h.organization_id
         from (select organization_id, min(policy_version) as version from held_people group by organization_id) h
         where exists (select from policies p where p.organization_id = h.organization_id and p.version > h.version)`,
}

/** Organizations that have a newer policy than somebody is held by. */
export async function organizationsToRetry(db: Db): Promise<string[]> {
  const rows = await query<{ organization_id: string }>(db, toRetry, [])
  return rows.map((row) => row.organization_id)
}

/** Whether the database answers. */
export async function isReachable(db: Db): Promise<boolean> {
  return query(db, { text: 'select 1' }, []).then(
    () => true,
    () => false,
  )
}

const anywhere = {
  name: 'people_anywhere',
  text: `
  select o.id as organization_id, o.slug, u.id, u.user_name
  from organizations o cross join lateral (
    select x.id, x.user_name from users x where x.organization_id = o.id and x.id = $3::uuid
    union
    select x.id, x.user_name from users x
    where x.organization_id = o.id and x.user_name_key = $2 and x.deleted_at is null
    union
    select x.id, x.user_name from users x
    where x.organization_id = o.id and x.email_keys @> to_jsonb(lower($1::text)) and x.deleted_at is null) u
  where $4::text is null or o.slug = $4
  order by o.slug, u.id limit 20`,
}

/** What somebody is called by, and in which organization where that is said. */
export interface PersonKey {
  readonly email: string
  readonly userNameKey: string
  /** Of those who were deleted nothing else is known. */
  readonly id: string | null
  readonly slug: string | null
}

export interface FoundPerson {
  readonly organization_id: string
  readonly slug: string
  readonly id: string
  readonly user_name: string
}

/** Everybody who may be meant, in all organizations: for whoever has the database itself. */
export function peopleAnywhere(db: Db, { email, userNameKey, id, slug }: PersonKey): Promise<FoundPerson[]> {
  return query(db, anywhere, [email, userNameKey, id, slug])
}
