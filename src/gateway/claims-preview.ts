import type { ConnectionRow, Scope } from '../../db/index.ts'
import { cleanClaims, isName, unverifiedClaims } from '../../oidc/index.ts'
import { Problem } from '../errors.ts'
import type { Policies } from '../provisioning/policy.ts'
import { presetRules } from '../translate/presets.ts'
import { claimsOfRow } from './claims-of.ts'
import { type Foretold, foretell } from './foretell.ts'

/** What somebody pasted: a token, of which nobody checks who made it, or its claims. */
export interface Pasted {
  readonly token?: string
  readonly claims?: Readonly<Record<string, unknown>> | undefined
}

/** Who would sign in by these claims, if a provider said them; they are neither trusted, nor kept, nor logged. */
export async function previewClaims(
  scope: Scope,
  row: ConnectionRow,
  { token, claims: given = {}, policies }: Pasted & { readonly policies: Policies },
): Promise<Foretold & Readonly<Record<string, unknown>>> {
  const said = token === undefined ? given : unverifiedClaims(token)
  if (!said) throw wrong('token', 'is not a JWT whose claims can be read')
  const claims = cleanClaims(said)
  if (!isName(claims.sub))
    throw wrong(token === undefined ? 'claims' : 'token', 'has no sub that names a person')
  const issuer = row.issuer ?? ''
  const by = { issuer, subject: claims.sub, claims }
  const foretold = await foretell(scope, by, { of: claimsOfRow(row), policies })
  return { verified: false, claims, misfits: misfitsOf(claims, row), ...foretold }
}

function wrong(member: keyof Pasted, message: string): Problem {
  const path = `body/${member}`
  return new Problem('invalid_request', `${path} ${message}.`, { errors: [{ path, message }] })
}

/** Claims for which a sign-in on this connection would be refused. */
function misfitsOf(
  { iss, aud, ...claims }: Readonly<Record<string, unknown>>,
  { issuer, clientId, settings: { oidc } }: ConnectionRow,
): string[] {
  const { requiredClaims = {} } = presetRules({ issuer: issuer ?? '', ...oidc })
  return [
    ...(iss === undefined || iss === issuer ? [] : ['iss']),
    ...(aud === undefined || [aud].flat().includes(clientId) ? [] : ['aud']),
    ...Object.keys(requiredClaims).filter((name) => claims[name] !== requiredClaims[name]),
  ]
}
