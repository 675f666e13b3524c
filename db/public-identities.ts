import { type Db, query } from './connect.ts'
import type { Scope } from './scope.ts'

/** Who signs in by the public connection, by what its provider calls them. */
export interface PublicLogin {
  readonly issuer: string
  readonly subject: string
}

export interface PublicIdentityRow {
  readonly organization_id: string
  readonly domain: string | null
  /** The slug of the organization that has taken the person in, where one has. */
  readonly captured_slug: string | null
}

const find = {
  name: 'find_public_identity',
  text: `select p.organization_id, p.domain, o.slug as captured_slug
         from public_identities p left join organizations o on o.id = p.captured_by
         where p.issuer = $1 and p.subject = $2`,
}

/** Where somebody has their own organization; runs before any is known. */
export async function findPublicIdentity(
  db: Db,
  { issuer, subject }: PublicLogin,
): Promise<PublicIdentityRow | null> {
  return (await query<PublicIdentityRow>(db, find, [issuer, subject]))[0] ?? null
}

const reserve = {
  name: 'reserve_public_identity',
  text: `insert into public_identities (issuer, subject, id, organization_id, domain, created_at)
         values ($1, $2, $3, $4, $5, $6) on conflict (issuer, subject) do nothing returning id`,
}

/**
 * Leads a login to the organization of the scope, which is to be made in the same transaction; waits for whoever does
 * so at the same time. False where it leads to one already.
 */
export async function reservePublicIdentity(
  { db, organizationId, now }: Scope,
  { issuer, subject, id, domain }: PublicLogin & { readonly id: string; readonly domain: string | null },
): Promise<boolean> {
  return (await query(db, reserve, [issuer, subject, id, organizationId, domain, now])).length === 1
}

const complete = {
  name: 'complete_public_identity',
  text: `update public_identities p set user_id = u.id from users u
         where p.issuer = $2 and p.subject = $3 and p.organization_id = $1 and u.organization_id = $1
         returning p.id`,
}

/** Leads the login to the one person of the organization. */
export async function completePublicIdentity(
  { db, organizationId }: Scope,
  { issuer, subject }: PublicLogin,
): Promise<void> {
  const rows = await query(db, complete, [organizationId, issuer, subject])
  if (rows.length !== 1) throw new Error('a personal organization has one person')
}

const note = {
  name: 'note_public_domain',
  text: `update public_identities set domain = $3 where issuer = $1 and subject = $2`,
}

/** In which domain the person has a verified address now; null where in none. */
export async function notePublicDomain(
  { db }: Scope,
  { issuer, subject }: PublicLogin,
  domain: string | null,
): Promise<void> {
  await query(db, note, [issuer, subject, domain])
}

export interface CapturableRow {
  readonly id: string
  readonly organization_id: string
  readonly user_id: string
}

const capturable = {
  name: 'capturable_people',
  text: `select id, organization_id, user_id from public_identities
         where domain = $1 and captured_by is null and id > $2 order by id limit $3`,
}

/** People of personal organizations with a verified address in the domain, of whichever organization that is. */
export function capturablePeople(
  db: Db,
  { domain, after, limit }: { readonly domain: string; readonly after: string; readonly limit: number },
): Promise<CapturableRow[]> {
  return query(db, capturable, [domain, after, limit])
}

const counting = {
  name: 'count_capturable',
  text: 'select count(*)::integer as count from public_identities where domain = $1 and captured_by is null',
}

export async function countCapturable(db: Db, domain: string): Promise<number> {
  return (await query<{ count: number }>(db, counting, [domain]))[0]?.count ?? 0
}

const archive = {
  name: 'archive_personal_organization',
  text: `with home as (
           update organizations set status = 'archived' where id = $1 and kind = 'personal' returning id
         ), places as (
           update workspaces set status = 'archived' where organization_id = $1
         )
         update public_identities set captured_by = $2, captured_at = $3 where organization_id = $1 and captured_by is null`,
}

/** Closes the personal organization of the scope, whose person is in another from now on; nothing of it is deleted. */
export async function archivePersonal({ db, organizationId, now }: Scope, capturedBy: string): Promise<void> {
  await query(db, archive, [organizationId, capturedBy, now])
}
