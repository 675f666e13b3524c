import { createHash, type KeyObject } from 'node:crypto'
import { type Json, newKey, now, publicJwk, signJwt } from '../hostile.ts'
import { advertised } from './answers.ts'
import type { CasesOf, Honest } from './case.ts'

const ALGORITHMS = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
]

const signedBy = (alg: string, key: KeyObject, more: Json = {}): Honest => ({
  name: `${alg}${Object.keys(more).map((name) => ` with ${name}`)}`,
  lies: {
    key,
    header: () => ({ alg, kid: 'one' }),
    jwks: () => [{ ...publicJwk(key, 'one'), ...more }],
    discovery: (good) => ({ ...good, id_token_signing_alg_values_supported: ALGORITHMS }),
    // Its hash is that of the algorithm.
    claims: (good) => ({ ...good, at_hash: accessTokenHash(alg) }),
  },
})

function accessTokenHash(alg: string): string {
  const bits = alg.startsWith('Ed') ? 512 : Number(alg.slice(2))
  const digest = createHash(`sha${bits}`).update('the-access-token').digest()
  return digest.subarray(0, digest.length / 2).toString('base64url')
}

const claims = (name: string, more: () => Json): Honest => ({
  name,
  lies: { claims: (good) => ({ ...good, ...more() }) },
})

/** What is accepted, since honest providers do so. */
export const honestCases: CasesOf<Honest> = ({ issuer, keys }) => [
  { name: 'nothing odd', lies: {} },
  ...ALGORITHMS.map((alg) => signedBy(alg, newKey(alg))),
  signedBy('RS256', keys.RS256, { alg: 'RS256' }),
  signedBy('ES256', keys.ES256, { use: undefined, key_ops: ['verify'] }),
  { name: 'no kid, one key', lies: { header: () => ({ alg: 'ES256' }), key: keys.ES256 } },
  {
    name: 'keys beside those that are no use',
    lies: {
      jwks: (good) => [
        { kty: 'oct', k: 'c2VjcmV0', kid: 'rsa' },
        { kty: 'what', kid: 'rsa' },
        { kty: 'AKP', alg: 'ML-DSA-999', pub: 'c2VjcmV0', kid: 'pq', use: 'sig' },
        { ...publicJwk(newKey('RS256'), 'rsa'), use: 'enc' },
        ...good,
      ],
    },
  },
  claims('clock ahead', () => ({ iat: now() + 20, nbf: now() + 20, exp: now() + 320 })),
  claims('clock behind', () => ({ iat: now() - 320, exp: now() - 20 })),
  claims('several aud, azp right', () => ({ aud: ['usher', 'x'], azp: 'usher' })),
  claims('an array of one aud', () => ({ aud: ['usher'] })),
  claims('azp of one aud', () => ({ azp: 'usher' })),
  claims('nothing but a sub', () => ({ email: undefined, name: undefined })),
  claims('sub of 255 characters', () => ({ sub: 'x'.repeat(255) })),
  claims('sub that looks like a number', () => ({ sub: '1' })),
  {
    name: 'userinfo in a token that is signed',
    lies: {
      discovery: (good) => ({ ...good, userinfo_signing_alg_values_supported: ['RS256'] }),
      claims: ({ email, ...good }) => good,
      endpoints: {
        '/userinfo': (response) =>
          response
            .writeHead(200, { 'content-type': 'application/jwt' })
            .end(
              signJwt({ alg: 'RS256', kid: 'rsa' }, { iss: issuer, aud: 'usher', sub: 'ada' }, keys.RS256),
            ),
      },
    },
  },
  {
    name: 'claims that are elsewhere, or in tokens of others',
    lies: {
      claims: ({ email, ...good }) => good,
      userinfo: (good) => ({
        ...good,
        _claim_names: { address: 'one', phone_number: 'two' },
        _claim_sources: {
          one: { JWT: 'x.y.z' },
          two: { endpoint: `${issuer}/evil-claims`, access_token: 'x' },
        },
      }),
    },
  },
  { name: 'no userinfo endpoint', lies: { discovery: ({ userinfo_endpoint, ...good }) => good } },
  { name: 'iss though unadvertised', lies: { answer: (given) => given.set('iss', issuer) } },
  {
    name: 'iss as advertised',
    lies: {
      discovery: (good) => ({ ...good, ...advertised }),
      answer: (given) => given.set('iss', issuer),
    },
  },
  { name: 'parameters that nobody knows', lies: { answer: (given) => given.set('session_state', 'x.y') } },
]
