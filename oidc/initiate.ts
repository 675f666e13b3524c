import { refused } from './errors.ts'
import { begin, loginHint } from './login.ts'
import { checkReturnTo } from './return-to.ts'
import { loadConnection, parameters, single, type Visit } from './visit.ts'

/**
 * `GET|POST /oidc/{connection}/initiate`: a sign-in that a third party asks for (Core section 4).
 * - `iss` must be the issuer of this connection;
 * - `target_link_uri` must be a page of this service;
 * - whatever was begun before, this begins anew.
 */
export async function initiate(visit: Visit): Promise<unknown> {
  const connection = await loadConnection(visit)
  const given = parameters(visit)
  if (single(given, 'iss') !== connection.issuer) throw refused('issuer_mismatch', 'iss of initiate')
  const returnTo = checkReturnTo(single(given, 'target_link_uri'), visit.options.publicUrl)
  visit.returnTo = returnTo
  return begin(visit, connection, { returnTo, loginHint: loginHint(visit) })
}
