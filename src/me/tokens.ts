import { randomUUID } from 'node:crypto'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { SignJWT } from 'jose'
import type { SessionRow } from '../../db/index.ts'
import { Problem } from '../errors.ts'
import type { SigningKeys } from '../signing-keys.ts'
import { neededSession, noStore, type SessionHost } from './current-session.ts'

export interface TokenHost extends SessionHost {
  readonly signingKeys: SigningKeys
}

/** Seconds that a token of a session is valid. */
const LIFETIME = 60
/** Its type, so that nothing else signed here passes for one (RFC 8725 section 3.11). */
const TYPE = 'session+jwt'
/** Seconds that a key set may be held: far less than a key is published before it signs. */
const KEY_SET_AGE = 300

/** The session as a signed token for the services behind the product, and the keys to verify it by. */
export async function tokenRoutes(app: FastifyInstance, host: TokenHost): Promise<void> {
  app.get('/session/token', async (request, reply) => {
    noStore(reply).header('x-content-type-options', 'nosniff')
    checkReader(request)
    return tokenOf(await neededSession(host, request), host)
  })
  app.get('/.well-known/jwks.json', async (_request, reply) => {
    reply.header('cache-control', `public, max-age=${KEY_SET_AGE}`).type('application/jwk-set+json')
    return host.signingKeys.published()
  })
}

/** Browsers keep an answer from other sites by themselves; those that say who asks need not be trusted with it. */
function checkReader({ headers }: FastifyRequest): void {
  const site = headers['sec-fetch-site']
  if (site !== undefined && site !== 'same-origin')
    throw new Problem('forbidden', 'A token is given to pages of this origin only.')
}

async function tokenOf(
  row: SessionRow,
  { signingKeys, publicUrl, clock }: TokenHost,
): Promise<{ token: string; expiresAt: string }> {
  const { algorithm, kid, privateKey } = await signingKeys.signer('ES256')
  const issuedAt = Math.floor(clock().getTime() / 1000)
  const expiresAt = Math.min(issuedAt + LIFETIME, Math.floor(row.expires_at.getTime() / 1000))
  const token = await new SignJWT(claimsOf(row))
    .setProtectedHeader({ alg: algorithm, kid, typ: TYPE })
    .setIssuer(publicUrl)
    .setAudience(publicUrl)
    .setSubject(row.user_id)
    .setJti(randomUUID())
    .setIssuedAt(issuedAt)
    .setExpirationTime(expiresAt)
    .sign(privateKey)
  return { token, expiresAt: new Date(expiresAt * 1000).toISOString() }
}

const claimsOf = ({ organization_id, workspace_id, role, session_id, authentication }: SessionRow) => ({
  sid: session_id,
  ...(authentication?.at && { auth_time: Date.parse(authentication.at) / 1000 }),
  ...(authentication?.acr && { acr: authentication.acr }),
  ...(authentication?.amr && { amr: authentication.amr }),
  organization: organization_id,
  ...(workspace_id && role && { workspace: workspace_id, role }),
})
