import type { OidcSettings } from '../../db/index.ts'
import type { OidcConnection } from '../../oidc/index.ts'

type Preset = NonNullable<OidcSettings['preset']>

/** What decides about a preset's rules. */
export interface PresetChoice extends Pick<OidcSettings, 'preset' | 'hostedDomain'> {
  readonly issuer: string
}

/** Entra's `sub` differs from application to application: there, `oid` is what SCIM can know a person by. */
const correlationClaims: Partial<Record<Preset, string>> = { entra: 'oid' }

export const correlationClaimOf = (preset?: Preset): string => (preset && correlationClaims[preset]) ?? 'sub'

const GOOGLE = 'https://accounts.google.com'

/** Why the choice cannot be, in a sentence for who made it; `everybody`: whoever has an account is to come in. */
export function presetMisfit(
  { preset, issuer, hostedDomain }: PresetChoice,
  { everybody = false } = {},
): string | null {
  if (preset === 'entra' && tenantOf(issuer) === null)
    return 'The issuer of an Entra connection names a tenant by its id, as in https://login.microsoftonline.com/<tenant id>/v2.0.'
  if (preset === 'google' && hostedDomain === undefined && !everybody)
    return 'A Google connection needs hostedDomain: without it, everybody with a Google account would be let in.'
  if (preset !== 'google' && issuer === GOOGLE && !everybody)
    return 'The issuer is Google: the preset google is needed, with hostedDomain, or everybody with a Google account would be let in.'
  if (preset !== 'google' && hostedDomain !== undefined) return 'Only a Google connection has a hostedDomain.'
  return null
}

/** What a sign-in must show, and be asked for, by the preset. */
export function presetRules({
  preset,
  issuer,
  hostedDomain,
}: PresetChoice): Pick<OidcConnection, 'requiredClaims' | 'authorizationParameters'> {
  const tid = preset === 'entra' ? tenantOf(issuer) : null
  if (tid !== null) return { requiredClaims: { tid } }
  if (hostedDomain === undefined) return {}
  return { requiredClaims: { hd: hostedDomain }, authorizationParameters: { hd: hostedDomain } }
}

/** The tenant of everybody's personal account. */
const CONSUMERS = '9188040d-6c67-4c5b-b112-36a304b66dad'

function tenantOf(issuer: string): string | null {
  const [, first = ''] = new URL(issuer).pathname.split('/')
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(first) && first !== CONSUMERS ? first : null
}
