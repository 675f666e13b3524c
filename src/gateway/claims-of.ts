import type { ConnectionRow } from '../../db/index.ts'
import type { ClaimsOf } from '../translate/claims.ts'
import type { LinkingConnection } from './oidc-store.ts'

/** How the claims of a connection are read. */
export function claimsOf({ id, correlationClaim, bound, preset, claimRules }: LinkingConnection): ClaimsOf {
  return { connectionId: id, correlationClaim, bound, preset, rules: claimRules }
}

/** The same of one that administrators look at. */
export function claimsOfRow({
  id,
  correlationClaim,
  scimProfile,
  settings: { oidc },
}: ConnectionRow): ClaimsOf {
  return {
    connectionId: id,
    correlationClaim: correlationClaim ?? 'sub',
    bound: scimProfile !== null,
    preset: oidc?.preset,
    rules: oidc?.claims,
  }
}
