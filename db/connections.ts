import { Op } from 'sequelize'
import { query, transact } from './connect.ts'
import { type NewEvent, recordEvents } from './events.ts'
import type { Connection } from './models/connection.ts'
import type { Scope } from './scope.ts'

export type ConnectionRow = Pick<
  Connection,
  | 'id'
  | 'name'
  | 'status'
  | 'issuer'
  | 'clientId'
  | 'clientSecret'
  | 'tokenEndpointAuthMethod'
  | 'correlationClaim'
  | 'scopes'
  | 'scimProfile'
  | 'scimBareToken'
  | 'version'
>

export type NewConnection = Omit<ConnectionRow, 'status' | 'version' | 'scimBareToken'> &
  Partial<Pick<ConnectionRow, 'scimBareToken'>>

/** Makes a connection and its directory entry; 23505 where the organization has one of that name. */
export async function createConnection(
  scope: Scope,
  connection: NewConnection,
  events: readonly NewEvent[],
): Promise<void> {
  const { organizationId, now } = scope
  await transact(scope.db, async (db) => {
    const transaction = db.transaction ?? null
    await db.models.Connection.create(
      {
        scimBareToken: false,
        ...connection,
        organizationId,
        status: 'active',
        version: 1,
        createdAt: now,
        updatedAt: now,
      },
      { transaction },
    )
    await db.models.ConnectionDirectory.create({ id: connection.id, organizationId }, { transaction })
    await recordEvents({ ...scope, db }, events)
  })
}

export async function findConnection(
  { db, organizationId }: Scope,
  id: string,
): Promise<ConnectionRow | null> {
  const where = { organizationId, id }
  return db.models.Connection.findOne({ where, raw: true, transaction: db.transaction ?? null })
}

/** In order of their making. */
export async function listConnections(
  { db, organizationId }: Scope,
  { after, limit }: { after?: string; limit: number },
): Promise<ConnectionRow[]> {
  const where = { organizationId, ...(after && { id: { [Op.gt]: after } }) }
  return db.models.Connection.findAll({
    where,
    order: ['id'],
    limit,
    raw: true,
    transaction: db.transaction ?? null,
  })
}

const setStatus = {
  name: 'set_connection_status',
  text: `update connections set status = $3, version = version + 1, updated_at = $4
         where organization_id = $1 and id = $2 and status <> $3 returning id`,
}

/** Disables or enables; false where it was so already. */
export async function setConnectionStatus(
  scope: Scope,
  { id, status }: Pick<ConnectionRow, 'id' | 'status'>,
  events: readonly NewEvent[],
): Promise<boolean> {
  return transact(scope.db, async (db) => {
    const rows = await query(db, setStatus, [scope.organizationId, id, status, scope.now])
    if (rows.length === 1) await recordEvents({ ...scope, db }, events)
    return rows.length === 1
  })
}

const signInSettings = {
  name: 'oidc_connection',
  text: `select c.id, c.name, c.issuer, c.client_id, c.client_secret, c.token_endpoint_auth_method,
           c.correlation_claim, c.scopes, c.scim_profile, c.version,
           o.slug as organization_slug, o.name as organization_name
         from connections c join organizations o on o.id = c.organization_id and o.status = 'active'
         where c.organization_id = $1 and ($2::uuid is null or c.id = $2) and c.status = 'active'
           and c.issuer is not null order by c.id`,
}

export interface OidcConnectionRow {
  readonly id: string
  readonly name: string
  readonly issuer: string
  readonly client_id: string
  readonly client_secret: string | null
  readonly token_endpoint_auth_method: string | null
  readonly correlation_claim: string | null
  readonly scopes: string[] | null
  readonly scim_profile: string | null
  readonly version: number
  readonly organization_slug: string
  readonly organization_name: string
}

/** The OIDC halves in use: of one connection, or of all; none where the organization is suspended. */
export function oidcConnections({ db, organizationId }: Scope, id?: string): Promise<OidcConnectionRow[]> {
  return query(db, signInSettings, [organizationId, id ?? null])
}
