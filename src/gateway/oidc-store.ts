import {
  type ClaimSettings,
  type Db,
  endSession,
  entrancesOfDomain,
  environmentOrganization,
  findSession,
  logoVersion,
  type OidcConnectionRow,
  type OidcSettings,
  oidcConnections,
  organizationBySlug,
  organizationOfConnection,
  type Scope,
  type SessionSettings,
} from '../../db/index.ts'
import type {
  OidcConnection,
  OidcStore,
  Organization,
  ProviderDocuments,
  TokenEndpointAuthMethod,
} from '../../oidc/index.ts'
import { hashOf, readToken } from '../auth.ts'
import { domainOfAddress } from '../domains/name.ts'
import { isUuid, newId } from '../ids.ts'
import type { Applied } from '../metrics.ts'
import { rememberOpened, type Secrets } from '../secrets.ts'
import { claimsRead } from '../translate/claim-rules.ts'
import { logoPath } from '../translate/logo.ts'
import { presetRules } from '../translate/presets.ts'
import { oidcDocuments } from './oidc-documents.ts'
import { oidcPins } from './oidc-pins.ts'
import { signOut } from './oidc-sign-out.ts'
import { oidcTransactions } from './oidc-transactions.ts'
import { scopeOfPerson } from './public-scope.ts'
import type { RefusalLog } from './refusals.ts'

/** A connection with what linking needs to know of it. */
export interface LinkingConnection extends OidcConnection {
  readonly organizationId: string
  readonly correlationClaim: string
  /** Whether it has a SCIM half too. */
  readonly bound: boolean
  /** Whether it is the public one: its people are not of the connection's organization, but of their own. */
  readonly isPublic?: boolean
  readonly preset?: OidcSettings['preset']
  readonly claimRules?: ClaimSettings
  readonly sessionSettings?: SessionSettings
}

export interface Host {
  readonly db: Db
  readonly secrets: Secrets
  readonly clock: () => Date
}

/** The store of sign-ins over the database, and what it knows of providers. */
export function oidcStore(
  host: Host,
  refusals: RefusalLog,
  applied: Applied = () => {},
): { store: OidcStore; documents: ProviderDocuments } {
  const { scopeOf, knownScopeOf } = scopes(host)
  const opened = { ...host, secrets: rememberOpened(host.secrets) }
  const store: OidcStore = {
    async connection(id) {
      const scope = await scopeOf(id)
      const [row] = scope ? await oidcConnections(scope, id) : []
      return scope && row ? connectionOf(row, scope.organizationId, opened.secrets) : null
    },
    async connectionsOf(slug) {
      const organization = await organizationBySlug(host.db, slug)
      if (!organization) return []
      // People of a personal one sign in as they did when it was made for them.
      const id = organization.kind === 'personal' ? await environmentOrganization(host.db) : organization.id
      return id === null ? [] : connectionsIn(opened, id)
    },
    async connectionsFor(address) {
      const domain = domainOfAddress(address)
      if (!domain) return null
      const { owner, environment } = await entrancesOfDomain(host.db, domain)
      return connectionsIn(opened, owner ?? environment ?? NONE)
    },
    ...oidcTransactions({ scopeOf, knownScopeOf }, (row, organizationId) =>
      connectionOf(row, organizationId, opened.secrets),
    ),
    ...oidcPins(knownScopeOf),
    organizationOf: (token) => organizationOfSession(host, token),
    endSession: (token) => end(host, token),
    async signOut(told, { requestId }) {
      const scope = await scopeOfPerson(await knownScopeOf(told.connection.id), told)
      const ended = await signOut({ ...scope, requestId }, told, host.clock)
      if (ended) applied(sources[told.way], told.issuedAt)
      return ended !== null
    },
    async recordRefusal(refusal, { of, connectionId, requestId }) {
      const scope = connectionId === undefined ? null : await scopeOf(connectionId)
      const type = `${of}.refused` as const
      if (scope && connectionId)
        await refusals.record({ ...scope, requestId }, { refusal, connectionId, type })
    },
  }
  return { store, documents: oidcDocuments(knownScopeOf) }
}

/** A connection whether it is enabled or not. */
export async function anyConnection(
  { secrets }: Host,
  scope: Scope,
  id: string,
): Promise<LinkingConnection | null> {
  const [row] = await oidcConnections(scope, id, { disabled: true })
  return row ? connectionOf(row, scope.organizationId, secrets) : null
}

const sources = { 'back-channel': 'backchannel-logout', 'front-channel': 'frontchannel-logout' } as const

/** No organization has this id: to look for its connections costs as much as to look for those of another. */
const NONE = '00000000-0000-0000-0000-000000000000'

type Opening = Pick<Secrets, 'open'>

async function connectionsIn(
  host: Omit<Host, 'secrets'> & { readonly secrets: Opening },
  organizationId: string,
): Promise<LinkingConnection[]> {
  const rows = await oidcConnections(scopeFor(host, { organizationId }))
  return Promise.all(rows.map((row) => connectionOf(row, organizationId, host.secrets)))
}

function scopeFor(
  { db, clock }: Pick<Host, 'db' | 'clock'>,
  { organizationId, connectionId }: { organizationId: string; connectionId?: string },
): Scope {
  const actor = connectionId ? `sign-in:${connectionId}` : 'system'
  return { db, organizationId, actor, now: clock(), requestId: '' }
}

/** The scope of what is done by a connection; null where there is no such connection, or else thrown. */
export function scopes(host: Host) {
  const directory = connectionDirectory(host.db)
  const scopeOf = async (connectionId: string): Promise<Scope | null> => {
    const organizationId = await directory(connectionId)
    return organizationId ? scopeFor(host, { organizationId, connectionId }) : null
  }
  const knownScopeOf = async (connectionId: string): Promise<Scope> => {
    const scope = await scopeOf(connectionId)
    if (!scope) throw new Error('a connection in use has no organization')
    return scope
  }
  return { scopeOf, knownScopeOf }
}

const MOST_REMEMBERED = 10_000

/** A connection never changes its organization, so what was read once stays true. */
function connectionDirectory(db: Db): (connectionId: string) => Promise<string | null> {
  const remembered = new Map<string, string>()
  return async (connectionId) => {
    if (!isUuid(connectionId)) return null
    const known = remembered.get(connectionId)
    if (known) return known
    const organizationId = await organizationOfConnection(db, connectionId)
    if (remembered.size >= MOST_REMEMBERED) remembered.clear()
    if (organizationId) remembered.set(connectionId, organizationId)
    return organizationId
  }
}

async function connectionOf(
  row: OidcConnectionRow,
  organizationId: string,
  secrets: Opening,
): Promise<LinkingConnection> {
  const place = { organizationId, column: 'connections.client_secret', rowId: row.id }
  const clientSecret = row.client_secret && (await secrets.open(row.client_secret, place))
  // The column holds what the contract let in.
  const method = row.token_endpoint_auth_method as TokenEndpointAuthMethod | null
  return {
    id: row.id,
    name: row.name,
    organization: {
      slug: row.organization_slug,
      name: row.organization_name,
      ...(row.logo_version && { logo: logoPath(organizationId, row.logo_version) }),
    },
    issuer: row.issuer,
    clientId: row.client_id,
    ...(clientSecret && { clientSecret }),
    ...(method && { tokenEndpointAuthMethod: method }),
    scopes: row.scopes ?? [],
    ...(row.failure && { outage: { failure: row.failure, generation: row.outage_generation ?? 0 } }),
    ...(row.pins && { pins: row.pins }),
    drifted: row.drifted,
    acceptsDrift: row.settings.oidc?.onDrift === 'accept',
    ...(row.settings.oidc?.lenientLogoutTokens && { lenientLogoutTokens: true }),
    ...(await streamOf(row, organizationId, secrets)),
    ...presetRules({ issuer: row.issuer, ...row.settings.oidc }),
    version: row.version,
    organizationId,
    correlationClaim: row.correlation_claim ?? 'sub',
    bound: row.scim_profile !== null,
    ...(row.organization_kind === 'environment' && { isPublic: true }),
    ...(row.settings.oidc?.preset && { preset: row.settings.oidc.preset }),
    ...(row.settings.oidc?.claims && { claimRules: row.settings.oidc.claims }),
    wantedClaims: [[row.correlation_claim ?? 'sub'], ...claimsRead(row.settings.oidc?.claims ?? {})],
    ...(row.settings.oidc?.session && {
      sessionSettings: row.settings.oidc.session,
      demand: row.settings.oidc.session,
    }),
  }
}

async function streamOf(
  { id, settings, signal_token }: OidcConnectionRow,
  organizationId: string,
  secrets: Opening,
): Promise<Pick<OidcConnection, 'signals'>> {
  const stream = settings.oidc?.signals
  if (!stream) return {}
  const place = { organizationId, column: 'connections.signal_token', rowId: id }
  const token = signal_token && (await secrets.open(signal_token, place))
  return { signals: { ...stream, ...(token && { token }) } }
}

async function organizationOfSession(host: Host, token: string): Promise<Organization | null> {
  const key = readToken(token)
  if (!key) return null
  const { organizationId, secretHash } = key
  const scope = scopeFor(host, { organizationId })
  const row = await findSession(scope, secretHash)
  if (!row) return null
  const version = await logoVersion(scope)
  const logo = version && { logo: logoPath(organizationId, version) }
  return { slug: row.organization_slug, name: row.organization_name, ...logo }
}

async function end(host: Host, token: string): Promise<{ connectionId: string; idToken?: string } | null> {
  const key = readToken(token)
  if (!key) return null
  const scope = scopeFor(host, { organizationId: key.organizationId })
  const ended = await endSession(scope, { ...key, eventId: newId(), cause: 'logout' })
  if (!ended) return null
  const place = idTokenPlace(key.organizationId, token)
  const idToken = ended.id_token && (await host.secrets.open(ended.id_token, place))
  return { connectionId: ended.connection_id, ...(idToken && { idToken }) }
}

/** A session's id_token is sealed for the session whose token this is. */
export function idTokenPlace(organizationId: string, token: string) {
  return { organizationId, column: 'sessions.id_token', rowId: hashOf(token).toString('base64url') }
}
