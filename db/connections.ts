import { Op } from 'sequelize'
import { query, transact } from './connect.ts'
import { type NewEvent, recordEvents } from './events.ts'
import type { Connection, ConnectionSettings, ProviderPins } from './models/connection.ts'
import type { OrganizationRow } from './organizations.ts'
import type { ProviderDocumentRow } from './provider-documents.ts'
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
  | 'settings'
  | 'signalToken'
  | 'pins'
  | 'drift'
  | 'version'
>

export type NewConnection = Omit<ConnectionRow, 'status' | 'version' | 'pins' | 'drift'>

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

const notDeleted = { status: { [Op.ne]: 'deleted' } }

export async function findConnection(
  { db, organizationId }: Scope,
  id: string,
): Promise<ConnectionRow | null> {
  const where = { organizationId, id, ...notDeleted }
  return db.models.Connection.findOne({ where, raw: true, transaction: db.transaction ?? null })
}

/** In order of their making. */
export async function listConnections(
  { db, organizationId }: Scope,
  { after, limit }: { after?: string; limit: number },
): Promise<ConnectionRow[]> {
  const where = { organizationId, ...notDeleted, ...(after && { id: { [Op.gt]: after } }) }
  return db.models.Connection.findAll({
    where,
    order: ['id'],
    limit,
    raw: true,
    transaction: db.transaction ?? null,
  })
}

const endSessions = {
  name: 'end_sessions_of_connection',
  text: 'delete from sessions where organization_id = $1 and connection_id = $2',
}

export interface ConnectionChange {
  readonly row: ConnectionRow
  readonly statusChanges: boolean
  /** What was approved of another provider says nothing of this one. */
  readonly issuerChanges: boolean
  readonly events: readonly NewEvent[]
}

/**
 * Replaces what a connection is set to; false where its version is another by now. Disabling it ends its sessions,
 * and enabling it those that were on their way when it was disabled; so does another issuer, since who met those people
 * could end them no more.
 */
export async function changeConnection(
  scope: Scope,
  { row, statusChanges, issuerChanges, events }: ConnectionChange,
): Promise<boolean> {
  const { organizationId, now } = scope
  const { id, version, pins: _pins, drift: _drift, ...settings } = row
  const unpinned = issuerChanges ? { pins: null, drift: null } : {}
  return transact(scope.db, async (db) => {
    const [changed] = await db.models.Connection.update(
      { ...settings, ...unpinned, version: version + 1, updatedAt: now },
      { where: { organizationId, id, version }, transaction: db.transaction ?? null },
    )
    if (changed === 0) return false
    if (statusChanges || issuerChanges) await query(db, endSessions, [organizationId, id])
    await recordEvents({ ...scope, db }, events)
    return true
  })
}

/** By the tables of what a connection alone has a use for. Spent tokens go as they expire. */
const clearings = ['sign_in_transactions', 'connection_tests', 'provider_documents', 'scim_credentials'].map(
  (table) => ({
    name: `clear_${table}_of_connection`,
    text: `delete from ${table} where organization_id = $1 and connection_id = $2${
      table === 'scim_credentials' ? ' and client_id is not null' : ''
    }`,
  }),
)
const revocations = ['scim_credentials', 'scim_clients'].map((table) => ({
  name: `revoke_${table}_of_connection`,
  text: `update ${table} set revoked_at = $3
         where organization_id = $1 and connection_id = $2 and revoked_at is null`,
}))

/**
 * Deletes a connection with its sessions, secrets and credentials; false where its version is another by now. Its row
 * stays, under no name that another could not have, and so do the people who came by it.
 */
export async function deleteConnection(
  scope: Scope,
  { id, version }: Pick<ConnectionRow, 'id' | 'version'>,
  events: readonly NewEvent[],
): Promise<boolean> {
  const { organizationId, now } = scope
  const gone = { status: 'deleted', clientSecret: null, signalToken: null, drift: null } as const
  return transact(scope.db, async (db) => {
    const [deleted] = await db.models.Connection.update(
      { ...gone, version: version + 1, updatedAt: now },
      { where: { organizationId, id, version, ...notDeleted }, transaction: db.transaction ?? null },
    )
    if (deleted === 0) return false
    for (const statement of [endSessions, ...clearings]) await query(db, statement, [organizationId, id])
    for (const statement of revocations) await query(db, statement, [organizationId, id, now])
    await recordEvents({ ...scope, db }, events)
    return true
  })
}

/** The OIDC halves that meet a condition, in an organization that is active. */
export const signInSettings = (condition: string) => `
         select c.id, c.name, c.issuer, c.client_id, c.client_secret, c.token_endpoint_auth_method,
           c.correlation_claim, c.scopes, c.scim_profile, c.settings, c.signal_token, c.pins,
           c.drift is not null as drifted, c.version,
           o.slug as organization_slug, o.name as organization_name, o.kind as organization_kind, d.generation as outage_generation, d.failure,
           (select version from logos where organization_id = $1) as logo_version
         from connections c join organizations o on o.id = c.organization_id and o.status = 'active'
         left join provider_documents d on d.organization_id = c.organization_id and d.connection_id = c.id
           and d.kind = 'endpoints' and d.version = c.version and d.failure is not null
         where c.organization_id = $1 and ${condition} and c.issuer is not null order by c.id`

const settings = {
  name: 'oidc_connection',
  text: signInSettings(
    `($2::uuid is null or c.id = $2) and (c.status = 'active' or c.status = 'disabled' and $3)`,
  ),
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
  readonly settings: ConnectionSettings
  readonly signal_token: string | null
  readonly pins: ProviderPins | null
  readonly drifted: boolean
  readonly version: number
  readonly organization_slug: string
  readonly organization_name: string
  readonly organization_kind: OrganizationRow['kind']
  readonly logo_version: string | null
  /** Why the endpoints of its provider are taken to be down, where they are. */
  readonly failure: ProviderDocumentRow['failure']
  readonly outage_generation: number | null
}

/** The OIDC halves in use: of one connection, or of all; none where the organization is suspended. */
export function oidcConnections(
  { db, organizationId }: Scope,
  id?: string,
  { disabled = false } = {},
): Promise<OidcConnectionRow[]> {
  return query(db, settings, [organizationId, id ?? null, disabled])
}
