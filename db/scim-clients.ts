import { query, transact } from './connect.ts'
import { type NewEvent, recordEvents } from './events.ts'
import type { Scope } from './scope.ts'

/** How a client proves itself: one of a secret, keys, and an address of keys. */
export interface ScimClientProof {
  readonly secret_hash: Buffer | null
  readonly jwks: object | null
  readonly jwks_url: string | null
  /** Who signs the assertions, where that is not the client itself; with its subject and audience, or none of them. */
  readonly issuer: string | null
  readonly subject: string | null
  readonly audience: string | null
}

export interface NewScimClient extends ScimClientProof {
  readonly id: string
  readonly connection_id: string
}

export interface ScimClientRow extends NewScimClient {
  readonly created_at: Date
  readonly revoked_at: Date | null
  readonly last_used_at: Date | null
}

const insert = {
  name: 'insert_scim_client',
  text: `insert into scim_clients (organization_id, id, connection_id, secret_hash, jwks, jwks_url,
                                   issuer, subject, audience, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
}

export async function createScimClient(
  scope: Scope,
  client: NewScimClient,
  events: readonly NewEvent[],
): Promise<void> {
  const { id, connection_id, secret_hash, jwks, jwks_url, issuer, subject, audience } = client
  const proof = [secret_hash, jwks, jwks_url, issuer, subject, audience]
  await transact(scope.db, async (db) => {
    await query(db, insert, [scope.organizationId, id, connection_id, ...proof, scope.now])
    await recordEvents({ ...scope, db }, events)
  })
}

const columns = `k.id, k.connection_id, k.secret_hash, k.jwks, k.jwks_url, k.issuer, k.subject, k.audience,
  k.created_at, k.revoked_at, k.last_used_at`

const list = {
  name: 'scim_clients',
  text: `select ${columns} from scim_clients k
         where k.organization_id = $1 and k.connection_id = $2 order by k.id`,
}

export function listScimClients(
  { db, organizationId }: Scope,
  connectionId: string,
): Promise<ScimClientRow[]> {
  return query(db, list, [organizationId, connectionId])
}

const revoke = {
  name: 'revoke_scim_client',
  text: `update scim_clients set revoked_at = $4
         where organization_id = $1 and connection_id = $2 and id = $3 and revoked_at is null returning id`,
}
const dropTokens = {
  name: 'drop_tokens_of_scim_client',
  text: `delete from scim_credentials where organization_id = $1 and client_id = $2`,
}

/** Revokes a client with every token that it holds; false where there is none to revoke. */
export async function revokeScimClient(
  scope: Scope,
  { id, connectionId }: { id: string; connectionId: string },
  events: readonly NewEvent[],
): Promise<boolean> {
  return transact(scope.db, async (db) => {
    const rows = await query(db, revoke, [scope.organizationId, connectionId, id, scope.now])
    if (rows.length === 0) return false
    // A statement of its own: it sees the token of a grant that held the client's row until now.
    await query(db, dropTokens, [scope.organizationId, id])
    await recordEvents({ ...scope, db }, events)
    return true
  })
}

const active = {
  name: 'active_scim_client',
  text: `select ${columns} from scim_clients k
         join connections c on c.organization_id = k.organization_id and c.id = k.connection_id
           and c.status = 'active' and c.scim_profile is not null
         join organizations o on o.id = k.organization_id and o.status = 'active'
         where k.organization_id = $1 and k.id = $2 and k.revoked_at is null`,
}

/** The client of that id, while it, its connection and its organization are active. */
export async function findScimClient(
  { db, organizationId }: Pick<Scope, 'db' | 'organizationId'>,
  id: string,
): Promise<ScimClientRow | null> {
  return (await query<ScimClientRow>(db, active, [organizationId, id]))[0] ?? null
}

const grant = {
  name: 'grant_scim_token',
  text: `
  with old_tokens as (
    delete from scim_credentials where organization_id = $1 and id in (
      select id from scim_credentials
      where organization_id = $1 and client_id is not null and expires_at <= $2
      order by expires_at limit 10 for update skip locked)
  ), old_assertions as (
    delete from scim_assertions where organization_id = $1 and (client_id, jti_hash) in (
      select client_id, jti_hash from scim_assertions
      where organization_id = $1 and expires_at <= $2
      order by expires_at limit 10 for update skip locked)
  ), spent as (
    insert into scim_assertions (organization_id, client_id, jti_hash, expires_at)
    select $1, $3, $7, $8 where $7::bytea is not null
    on conflict do nothing returning client_id
  ), client as (
    update scim_clients set last_used_at = $2
    where organization_id = $1 and id = $3 and revoked_at is null
      and ($7::bytea is null or exists (select from spent))
    returning connection_id
  )
  insert into scim_credentials (organization_id, id, connection_id, client_id, secret_hash, created_at, expires_at)
  select $1, $4, connection_id, $3, $5, $2, $6 from client
  returning id`,
}

export interface NewScimToken {
  readonly id: string
  readonly clientId: string
  readonly secretHash: Buffer
  readonly expiresAt: Date
  /** The assertion that is used up by this grant. */
  readonly spent?: { readonly jtiHash: Buffer; readonly expiresAt: Date }
}

/**
 * Gives a client an access token, and clears away a few that have expired. False where the assertion was used before
 * or the client was revoked meanwhile.
 */
export async function grantScimToken(
  { db, organizationId, now }: Pick<Scope, 'db' | 'organizationId' | 'now'>,
  { id, clientId, secretHash, expiresAt, spent }: NewScimToken,
): Promise<boolean> {
  const assertion = [spent?.jtiHash ?? null, spent?.expiresAt ?? null]
  const values = [organizationId, now, clientId, id, secretHash, expiresAt, ...assertion]
  return (await query(db, grant, values)).length === 1
}
