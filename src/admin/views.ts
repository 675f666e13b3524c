import type {
  ConnectionRow,
  EventRow,
  ListedPersonRow,
  PersonRow,
  RequestRow,
  ScimClientRow,
  ScimCredentialRow,
  UserSessionRow,
} from '../../db/index.ts'
import { clientIdOf } from '../auth.ts'
import { reasonFor } from '../provisioning/reasons.ts'
import { oidcOf } from './connection-wish.ts'
import { requestLine } from './requests.ts'

/** Where the parts of this service are reached from outside. */
export interface Addresses {
  readonly publicUrl: string
}

export function connectionView(row: ConnectionRow, { publicUrl }: Addresses): object {
  const { id, name, status } = row
  return {
    id,
    name,
    status,
    ...(row.issuer !== null && { oidc: oidcView(row, publicUrl) }),
    ...(row.scimProfile !== null && { scim: scimView(row, publicUrl) }),
  }
}

const scimView = ({ scimProfile, scimBareToken, settings }: ConnectionRow, publicUrl: string) => ({
  profile: scimProfile,
  ...(scimBareToken && { bareToken: true }),
  ...settings.scim,
  baseUrl: `${publicUrl}/scim/v2`,
})

/** Everything but the secret, which is shown to nobody. */
function oidcView(row: ConnectionRow, publicUrl: string): object {
  return {
    ...oidcOf(row),
    ...(row.pins && { pins: row.pins }),
    ...(row.drift && { drift: row.drift }),
    loginUrl: `${publicUrl}/oidc/${row.id}/start`,
    redirectUri: `${publicUrl}/oidc/${row.id}/callback`,
    ...(row.tokenEndpointAuthMethod === 'private_key_jwt' && {
      jwksUri: `${publicUrl}/.well-known/jwks.json`,
    }),
    initiateLoginUri: `${publicUrl}/oidc/${row.id}/initiate`,
    backchannelLogoutUri: `${publicUrl}/oidc/${row.id}/backchannel-logout`,
    frontchannelLogoutUri: `${publicUrl}/oidc/${row.id}/frontchannel-logout`,
    signalsUri: `${publicUrl}/oidc/${row.id}/signals`,
  }
}

export function credentialView(row: ScimCredentialRow): object {
  const { id, created_at, expires_at, revoked_at, last_used_at } = row
  return {
    id,
    createdAt: created_at,
    ...(expires_at && { expiresAt: expires_at }),
    ...(revoked_at && { revokedAt: revoked_at }),
    ...(last_used_at && { lastUsedAt: last_used_at }),
  }
}

/** Everything but the secret; the keys are public. */
export function clientView(
  row: ScimClientRow,
  { organizationId, publicUrl }: Addresses & { readonly organizationId: string },
): object {
  const { id, created_at, revoked_at, last_used_at } = row
  return {
    id,
    clientId: clientIdOf(organizationId, id),
    tokenUrl: `${publicUrl}/oauth2/token`,
    baseUrl: `${publicUrl}/scim/v2`,
    ...(row.secret_hash === null && { assertion: assertionView(row) }),
    createdAt: created_at,
    ...(revoked_at && { revokedAt: revoked_at }),
    ...(last_used_at && { lastUsedAt: last_used_at }),
  }
}

const assertionView = ({ jwks, jwks_url, issuer, subject, audience }: ScimClientRow) => ({
  ...(jwks ? { jwks } : { jwksUrl: jwks_url }),
  ...(issuer !== null && { issuer, subject, audience }),
})

export function sessionView(row: UserSessionRow): object {
  return {
    id: row.id,
    createdAt: row.created_at,
    lastSeenAt: row.seen_at,
    expiresAt: row.expires_at,
    idleExpiresAt: row.idle_at,
    connectionId: row.connection_id,
  }
}

/** A person by their id; lists go without the hold. */
export function personView(row: PersonRow): object {
  const { hold_reason: reason, hold_actor: actor, hold_since: since } = row
  return { ...listedPersonView(row), ...(since && { hold: { reason, actor, since } }) }
}

export function listedPersonView(row: ListedPersonRow): object {
  const { id, user_name, external_id, display_name, status, connection_id, managed } = row
  const reason = reasonFor(row)
  return {
    id,
    userName: user_name,
    ...(external_id !== null && { externalId: external_id }),
    ...(display_name !== null && { displayName: display_name }),
    status,
    ...(reason && { reason }),
    managedBy: managed ? 'scim' : 'sign-in',
    ...(connection_id !== null && { connectionId: connection_id }),
    createdAt: row.created_at,
    ...(row.workspace_id !== null && { workspace: workspaceView(row) }),
  }
}

function workspaceView({ workspace_id, workspace_name, role, home_id, home_name }: ListedPersonRow): object {
  return { id: workspace_id, name: workspace_name, role, home: { id: home_id, name: home_name } }
}

export function timelineView(row: EventRow, request?: RequestRow): object {
  const { id, at, type, actor, policy_version, rule, request_id } = row
  return {
    id,
    at,
    type,
    actor,
    summary: summaryOf(row),
    ...(policy_version !== null && { policyVersion: policy_version }),
    ...(rule !== null && { rule }),
    ...(request_id && { requestId: request_id }), // none of what Usher does by itself
    ...(request && { request: requestLine(request) }),
  }
}

const ways: Readonly<Record<string, string>> = {
  scim: 'SCIM push',
  'sign-in': 'sign-in',
  signal: 'signal',
  rule: 'rule',
}

/** One sentence; names of what changed, never personal values. */
function summaryOf({ type, data, changed }: EventRow): string {
  const way = ways[String(data.via)] ?? 'administrator'
  const { workspace, team, role, before, home, code, repeated } = data as Summarized // as src/provisioning and src/gateway write it
  switch (type) {
    case 'user.created':
      return `Created by ${way}`
    case 'user.provisioned':
      if (!workspace) return 'Given no workspace'
      return `Given the workspace “${workspace.name}” as ${role}${home ? `, at home in “${home.name}”` : ''}`
    case 'user.held':
      return `Held: ${code}`
    case 'user.changed':
      return changedBy(way, changed, data.beneath)
    case 'membership.granted':
      return `Made ${role} of “${(workspace ?? team)?.name}” by ${doneBy(data)}`
    case 'membership.changed':
      return `Now ${role} of “${(workspace ?? team)?.name}”, before ${before?.role}, by ${doneBy(data)}`
    case 'membership.revoked':
      return `No longer ${before?.role} of “${(workspace ?? team)?.name}”, by ${doneBy(data)}`
    case 'push.refused':
      return `Push refused: ${code}${repeated ? `, ${repeated} more times` : ''}`
    case 'sign-in.refused':
      return `Sign-in refused: ${code}${repeated ? `, ${repeated} more times` : ''}`
    case 'session.ended':
      return endings[String(data.cause)] ?? 'Signed out'
    default:
      return sentences[type]?.replace('SCIM', byWhom[String(data.via)] ?? 'SCIM') ?? `${type} by ${way}`
  }
}

function changedBy(way: string, changed: readonly string[], beneath: unknown): string {
  const kept = Array.isArray(beneath) ? `kept, and not heard: ${beneath.join(', ')}` : ''
  const heard = changed.length > 0 ? `Changed by ${way}: ${changed.join(', ')}` : `Said by ${way}`
  return kept === '' ? heard : `${heard}; ${kept}`
}

const doneBy = ({ via, groups }: EventRow['data']): string =>
  via === 'person'
    ? 'themselves'
    : via === 'group-rule'
      ? `a rule of groups${named(groups)}`
      : 'an administrator'

const named = (groups: unknown): string =>
  Array.isArray(groups) && groups.length > 0 ? ` (${groups.map((name) => `“${name}”`).join(', ')})` : ''

interface Summarized {
  workspace?: { name: string }
  team?: { name: string }
  role?: string
  before?: { role: string }
  home?: { name: string }
  code?: string
  repeated?: number
}

const endings: Readonly<Record<string, string>> = {
  person: 'Ended a session of their own',
  administrator: 'A session was ended by an administrator',
  'connection gone': 'The connection was no longer what it was',
  replaced: 'The session before was ended by a new sign-in',
  'back-channel': 'Signed out at the identity provider',
  'front-channel': 'Signed out at the identity provider',
  'session-revoked': 'The identity provider revoked the session',
  'credential-change': 'Signed out since a credential has changed at the identity provider',
  'signed out meanwhile': 'Signed out at the identity provider while signing in',
}

const byWhom: Readonly<Record<string, string>> = {
  signal: 'a signal of the provider',
  administrator: 'an administrator',
  rule: 'a rule',
}

const sentences: Readonly<Record<string, string>> = {
  'user.adopted': 'Taken over by SCIM after a sign-in had made it',
  'user.linked': 'A login was linked',
  'user.suspended': 'Suspended by SCIM; every session ended',
  'user.reactivated': 'Reactivated by SCIM; everything is as it was',
  'user.deleted': 'Deleted by SCIM; every session ended',
  'user.restored': 'Restored by SCIM',
  'user.archived': 'Archived: the time to be restored is over',
  'user.erased': 'Erased',
  'user.exported': 'All that is kept about them was exported',
  'user.hold-placed': 'Put under legal hold',
  'user.hold-lifted': 'The legal hold was lifted',
  'user.protected-left': 'Protected, and suspended or deleted nevertheless',
  'workspace.transferred': 'A workspace of theirs was given another owner',
  'workspace.transfer-pending': 'A workspace of theirs waits for another owner',
  'conflict.opened': 'Taken for somebody else: an administrator is asked',
  'conflict.answered': 'An administrator has answered who is who',
  'session.begun': 'Signed in',
  'session.switched': 'Went to another workspace',
  'sessions.ended': 'Every session ended by an administrator',
}
