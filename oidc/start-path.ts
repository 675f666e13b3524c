import type { Demand, OidcConnection } from './ports.ts'

interface Beginning {
  readonly returnTo?: string | undefined
  readonly loginHint?: string | undefined
  readonly demand?: Demand | undefined
}

/** Where a sign-in on one connection begins. */
export function startPath(
  connection: OidcConnection,
  { returnTo = '/', loginHint, demand = {} }: Beginning,
): string {
  const hint = loginHint !== undefined && { login_hint: loginHint }
  const given = new URLSearchParams({ return_to: returnTo, ...hint, ...demandParameters(demand) })
  return `/oidc/${encodeURIComponent(connection.id)}/start?${given}`
}

/** As parameters of an authorization request (Core section 3.1.2.1), and of our own addresses. */
export function demandParameters({ maxAge, acrValues }: Demand): Record<string, string> {
  return {
    ...(maxAge !== undefined && { max_age: String(maxAge) }),
    ...(acrValues && { acr_values: acrValues.join(' ') }),
  }
}
