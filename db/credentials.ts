import { query, transact } from './connect.ts'
import { type NewEvent, recordEvents } from './events.ts'
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

const list = {
  name: 'scim_credentials',
  text: `select id, created_at, expires_at, revoked_at, last_used_at from scim_credentials
         where organization_id = $1 and connection_id = $2 order by id`,
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
         where organization_id = $1 and connection_id = $2 and id = $3 and revoked_at is null returning id`,
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

const bySecret = {
  name: 'scim_credential_by_secret',
  text: `select k.id, k.connection_id, k.expires_at, k.last_used_at, c.scim_profile as profile
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
