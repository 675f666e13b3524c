import { isDeepStrictEqual } from 'node:util'
import type {
  ClaimSettings,
  ConnectionRow,
  NewConnection,
  OidcSettings,
  ScimSettings,
  SignalSettings,
} from '../../db/index.ts'
import { Problem } from '../errors.ts'
import type { Secrets } from '../secrets.ts'
import { claimsMisfit } from '../translate/claim-rules.ts'
import { correlationClaimOf, presetMisfit } from '../translate/presets.ts'
import { isObject } from './merge-patch.ts'

/** A connection as the contract lets it in. */
export interface Wish {
  readonly name: string
  readonly oidc?: OidcWish
  readonly scim?: ScimWish
}

interface ScimWish extends ScimSettings {
  readonly profile: 'lenient' | 'strict'
  readonly bareToken: boolean
}

interface OidcWish extends OidcSettings {
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret?: string
  readonly tokenEndpointAuthMethod?: string
  readonly correlationClaim?: string
  readonly scopes: readonly string[]
  readonly signals?: SignalSettings & { readonly token?: string }
}

/** The wish that would make a connection what it is, but for the secret. */
export function wishOf(row: ConnectionRow): Wish {
  return {
    name: row.name,
    ...(row.issuer !== null && { oidc: oidcOf(row) }),
    ...(row.scimProfile !== null && {
      scim: { profile: row.scimProfile, bareToken: row.scimBareToken, ...row.settings.scim },
    }),
  }
}

export function oidcOf(row: ConnectionRow): OidcWish {
  return {
    // A row without them has no OIDC half.
    issuer: row.issuer ?? '',
    clientId: row.clientId ?? '',
    ...(row.tokenEndpointAuthMethod !== null && { tokenEndpointAuthMethod: row.tokenEndpointAuthMethod }),
    correlationClaim: row.correlationClaim ?? 'sub',
    scopes: row.scopes ?? [],
    ...row.settings.oidc,
  }
}

/** Where a row is made of a wish: `clientSecret` is the sealed one that it keeps unless it wishes another. */
interface Making {
  readonly organizationId: string
  readonly id: string
  readonly clientSecret: string | null
  /** The same for the secret of the stream of signals. */
  readonly signalToken: string | null
  /** Of the public connection: whoever has an account at the provider is let in. */
  readonly everybody?: boolean
  readonly secrets: Secrets
  readonly makeClientKey: () => Promise<unknown>
}

export async function rowOf({ name, oidc, scim }: Wish, making: Making): Promise<NewConnection> {
  const half = oidc && (await oidcColumns(oidc, making))
  const { profile, bareToken, patchAnswer }: Partial<ScimWish> = scim ?? {}
  return {
    id: making.id,
    name,
    ...(half?.columns ?? withoutOidc),
    scimProfile: profile ?? null,
    scimBareToken: bareToken ?? false,
    settings: { ...(half && { oidc: half.settings }), ...(patchAnswer && { scim: { patchAnswer } }) },
  }
}

const withoutOidc = {
  issuer: null,
  clientId: null,
  clientSecret: null,
  tokenEndpointAuthMethod: null,
  correlationClaim: null,
  scopes: null,
  signalToken: null,
}

async function oidcColumns(wish: OidcWish, making: Making) {
  const { secrets, organizationId, id, clientSecret: kept } = making
  const { issuer, clientId, clientSecret, tokenEndpointAuthMethod, correlationClaim, scopes, ...rest } = wish
  const { signals, ...settings } = rest
  const misfit = presetMisfit(wish, making) ?? signalsMisfit(wish)
  if (misfit !== null) throw new Problem('invalid_request', misfit)
  checkClaims(wish.claims ?? {})
  if (tokenEndpointAuthMethod === 'private_key_jwt') await making.makeClientKey()
  const place = { organizationId, column: 'connections.client_secret', rowId: id }
  const columns = {
    issuer,
    clientId,
    clientSecret: clientSecret === undefined ? kept : await secrets.seal(clientSecret, place),
    tokenEndpointAuthMethod: tokenEndpointAuthMethod ?? null,
    correlationClaim: correlationClaim ?? correlationClaimOf(settings.preset),
    scopes: [...new Set(['openid', ...scopes])],
  }
  const { stream, signalToken } = await streamColumns(signals, making)
  return { columns: { ...columns, signalToken }, settings: { ...settings, ...stream } }
}

function checkClaims(rules: ClaimSettings): void {
  const misfit = claimsMisfit(rules)
  if (!misfit) return
  const { message } = misfit
  const path = `body/oidc/claims/${misfit.path}`
  throw new Problem('invalid_request', `${path} ${message}.`, { errors: [{ path, message }] })
}

async function streamColumns(
  signals: OidcWish['signals'],
  { secrets, organizationId, id, signalToken }: Making,
) {
  if (!signals) return { stream: {}, signalToken: null }
  const { token, ...stream } = signals
  const place = { organizationId, column: 'connections.signal_token', rowId: id }
  return {
    stream: { signals: stream },
    signalToken: token === undefined ? signalToken : await secrets.seal(token, place),
  }
}

/** The provider's keys verify what the provider says, and nobody else's. */
function signalsMisfit({ issuer, signals }: OidcWish): string | null {
  if (signals && (signals.delivery === 'poll') !== (signals.endpoint !== undefined))
    return 'Signals that are polled have an endpoint, and others have none.'
  const needsKeys = signals && signals.jwksUri === undefined && signals.issuer !== issuer
  return needsKeys ? 'Signals of another issuer than the provider need its jwksUri.' : null
}

/** The names of what differs, `oidc.issuer` for a member of a half. */
export function changedNames(before: Wish, after: Wish): string[] {
  const [old, fresh] = [flat(before), flat(after)]
  const names = new Set([...Object.keys(old), ...Object.keys(fresh)])
  return [...names].filter((name) => !isDeepStrictEqual(old[name], fresh[name])).sort()
}

function flat(wish: Wish): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(wish).flatMap(([name, value]) =>
      isObject(value)
        ? Object.entries(value).map(([inner, one]) => [`${name}.${inner}`, one])
        : [[name, value]],
    ),
  )
}
