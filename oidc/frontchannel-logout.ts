import { isName } from './claims.ts'
import { refused } from './errors.ts'
import type { OidcConnection } from './ports.ts'
import { html, loadConnection, type Manner, queryOf, refusedPage, single, type Visit } from './visit.ts'

export const IN_A_FRAME: Manner = { of: 'logout', answer: refusedPage }

/**
 * `GET /oidc/{connection}/frontchannel-logout` (Front-Channel Logout 1.0): the provider shows it in a frame while it
 * signs somebody out. No cookie of ours comes with that, so `iss` and `sid` say whom; nobody guesses a `sid`.
 */
export async function frontchannelLogout(visit: Visit): Promise<unknown> {
  const connection = await loadConnection(visit)
  const query = new URLSearchParams(queryOf(visit.request))
  if (single(query, 'iss') !== connection.issuer) throw refused('issuer_mismatch', 'iss of a sign-out')
  const sid = single(query, 'sid')
  if (!isName(sid)) throw refused('invalid_request', 'sid')
  const { store, pages } = visit.options
  const signOut = { connection, way: 'front-channel', sid, issuedAt: visit.now() } as const
  await store.signOut(signOut, { requestId: visit.request.id })
  mayBeFramed(visit, connection)
  return html(visit.reply, pages(visit.request).signedOut())
}

/** By the provider, and nobody else; whatever else the host's policy forbids stays forbidden. */
function mayBeFramed({ reply }: Visit, { issuer }: OidcConnection): void {
  const policy = String(reply.getHeader('content-security-policy') ?? '').split(';')
  const others = policy.map((one) => one.trim()).filter((one) => one && !/^frame-ancestors\b/i.test(one))
  reply.removeHeader('x-frame-options')
  reply.header('content-security-policy', [...others, `frame-ancestors ${new URL(issuer).origin}`].join('; '))
}
