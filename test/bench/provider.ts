import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { join } from 'node:path'
import { externalIdOf, userNameOf } from './person.ts'
import { type Server, startServer } from './process.ts'

/** The identity provider that people sign in at. */
export interface Provider extends Server {
  readonly issuer: string
  /** By which the load signs in its place. */
  readonly key: KeyObject
}

export const CLIENT = { clientId: 'usher', clientSecret: 'a-secret-of-the-client-in-benchmarks' }

const HEADER = { alg: 'ES256', typ: 'JWT', kid: 'bench' }

export const issuerAt = (port: number): string => `http://127.0.0.1:${port}`

export async function startProvider(port: number): Promise<Provider> {
  const { publicKey, privateKey: key } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const { kid, alg } = HEADER
  const jwks = { keys: [{ ...publicKey.export({ format: 'jwk' }), kid, alg, use: 'sig' }] }
  const server = await startServer({
    file: join(import.meta.dirname, 'stub.ts'),
    port,
    flags: ['--import', 'tsx'],
    environment: { PROVIDER_KEYS: JSON.stringify(jwks) },
  })
  return { ...server, issuer: issuerAt(port), key }
}

const encoded = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url')

/** Says who the person of number `n` is; as a code it is redeemed for itself. */
export function idTokenOf({ issuer, key }: Provider, n: number, nonce: string): string {
  const now = Math.floor(Date.now() / 1000)
  const userName = userNameOf(n)
  const claims = {
    iss: issuer,
    aud: CLIENT.clientId,
    sub: externalIdOf(n),
    sid: `${n}-${nonce}`,
    nonce,
    iat: now,
    exp: now + 3600,
    name: `Barbara Jensen ${n}`,
    given_name: 'Barbara',
    family_name: 'Jensen',
    preferred_username: userName,
    email: userName,
    email_verified: true,
  }
  const signed = `${encoded(HEADER)}.${encoded(claims)}`
  const signature = sign('sha256', Buffer.from(signed), { key, dsaEncoding: 'ieee-p1363' })
  return `${signed}.${signature.toString('base64url')}`
}
