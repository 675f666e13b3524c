import { query, transact } from './connect.ts'
import { type NewEvent, recordEvents } from './events.ts'
import { schemasText } from './scim-schemas.ts'
import type { Scope } from './scope.ts'

export interface NewScimCredential {
  readonly id: string
  readonly connectionId: string
  readonly secretHash: Buffer
  readonly expiresAt: Date | null
}

export async function createScimCredential(
  scope: Scope,
  credential: NewScimCredential,
  events: readonly NewEvent[],
): Promise<void> {
  const { organizationId, now } = scope
  await transact(scope.db, async (db) => {
    const row = { ...credential, organizationId, createdAt: now, revokedAt: null, lastUsedAt: null }
    await db.models.ScimCredential.create(row, { transaction: db.transaction ?? null })
    await recordEvents({ ...scope, db }, events)
  })
}

// Not the access tokens that clients were given: those come and go by the hour.
const list = {
  name: 'scim_credentials',
  text: `select id, created_at, expires_at, revoked_at, last_used_at from scim_credentials
         where organization_id = $1 and connection_id = $2 and client_id is null order by id`,
}

export interface ScimCredentialRow {
  readonly id: string
  readonly created_at: Date
  readonly expires_at: Date | null
  readonly revoked_at: Date | null
  readonly last_used_at: Date | null
}

export function listScimCredentials(
  { db, organizationId }: Scope,
  connectionId: string,
): Promise<ScimCredentialRow[]> {
  return query(db, list, [organizationId, connectionId])
}

const revoke = {
  name: 'revoke_scim_credential',
  text: `update scim_credentials set revoked_at = $4
         where organization_id = $1 and connection_id = $2 and id = $3 and client_id is null and revoked_at is null
         returning id`,
}

/** False where there is none to revoke. */
export async function revokeScimCredential(
  scope: Scope,
  { id, connectionId }: { id: string; connectionId: string },
  events: readonly NewEvent[],
): Promise<boolean> {
  return transact(scope.db, async (db) => {
    const rows = await query(db, revoke, [scope.organizationId, connectionId, id, scope.now])
    if (rows.length === 1) await recordEvents({ ...scope, db }, events)
    return rows.length === 1
  })
}

const retire = {
  name: 'retire_scim_credential',
  text: `update scim_credentials set expires_at = least(expires_at, $5::timestamptz)
         where organization_id = $1 and connection_id = $2 and id = $3 and client_id is null
           and revoked_at is null and (expires_at is null or expires_at > $4)
         returning expires_at`,
}

export interface Rotation {
  readonly replaced: string
  /** When the replaced one ends, unless it ends before. */
  readonly overlapEndsAt: Date
  readonly replacement: NewScimCredential
}

/** Makes a credential in place of another; when that one ends, or null where there is none in use. */
export async function rotateScimCredential(
  scope: Scope,
  { replaced, overlapEndsAt, replacement }: Rotation,
  events: readonly NewEvent[],
): Promise<Date | null> {
  return transact(scope.db, async (db) => {
    const values = [scope.organizationId, replacement.connectionId, replaced, scope.now, overlapEndsAt]
    const [row] = await query<{ expires_at: Date }>(db, retire, values)
    if (row) await createScimCredential({ ...scope, db }, replacement, events)
    return row?.expires_at ?? null
  })
}

const bySecret = {
  name: 'scim_credential_by_secret',
  text: `select k.id, k.connection_id, k.expires_at, k.last_used_at, c.scim_profile as profile,
           c.scim_bare_token as bare_token, c.settings -> 'scim' ->> 'patchAnswer' as patch_answer, o.requests_per_second, ${schemasText('k.organization_id')} as schemas
         from scim_credentials k
         join connections c on c.organization_id = k.organization_id and c.id = k.connection_id
           and c.status = 'active' and c.scim_profile is not null
         join organizations o on o.id = k.organization_id and o.status = 'active'
         where k.organization_id = $1 and k.secret_hash = $2
           and k.revoked_at is null and (k.expires_at is null or k.expires_at > $3)`,
}

export interface ScimCaller {
  readonly id: string
  readonly connection_id: string
  readonly expires_at: Date | null
  readonly last_used_at: Date | null
  readonly profile: 'lenient' | 'strict'
  /** Whether the token may come without the word `Bearer`. */
  readonly bare_token: boolean
  readonly patch_answer: 'resource' | 'nothing' | null
  readonly requests_per_second: number | null
  /** The organization's own schemas, as `scimSettings` gives them. */
  readonly schemas: string | null
}

/** The credential whose secret this is the hash of, while it, its connection and its organization are active. */
export async function findScimCredential(
  { db, organizationId, now }: Pick<Scope, 'db' | 'organizationId' | 'now'>,
  secretHash: Buffer,
): Promise<ScimCaller | null> {
  return (await query<ScimCaller>(db, bySecret, [organizationId, secretHash, now]))[0] ?? null
}

const touch = {
  name: 'touch_scim_credential',
  text: `update scim_credentials set last_used_at = $3::timestamptz where organization_id = $1 and id = $2
         and (last_used_at is null or last_used_at < $3::timestamptz - interval '1 minute')`,
}

/** Notes the use of a credential, at most once a minute. */
export async function touchScimCredential(
  { db, organizationId, now }: Pick<Scope, 'db' | 'organizationId' | 'now'>,
  id: string,
): Promise<void> {
  await query(db, touch, [organizationId, id, now])
}

const atWork = {
  name: 'scim_at_work',
  text: `select from scim_credentials where organization_id = $1 and connection_id = $2 and last_used_at is not null limit 1`,
}

/** Whether anybody has pushed on the connection. */
export async function isScimAtWork({ db, organizationId }: Scope, connectionId: string): Promise<boolean> {
  return (await query(db, atWork, [organizationId, connectionId])).length === 1
}
