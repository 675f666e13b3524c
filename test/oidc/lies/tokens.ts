import { createHash, createPublicKey, createSecretKey, type KeyObject } from 'node:crypto'
import { type Json, type Keys, newKey, now, publicJwk } from '../hostile.ts'
import { badToken, type Case, type CasesOf, CLIENT_SECRET, claim } from './case.ts'

/** What an id_token may not say. */
export const claimCases: CasesOf = (provider) => [
  claim('wrong iss', { iss: 'https://evil.example' }),
  claim('iss with a slash more', { iss: `${provider.issuer}/` }),
  claim('wrong aud', { aud: 'another' }),
  claim('aud of others', { aud: ['another', 'third'] }),
  claim('several aud without azp', { aud: ['usher', 'another'] }),
  claim('several aud, wrong azp', { aud: ['usher', 'another'], azp: 'another' }),
  claim('one aud, wrong azp', { azp: 'another' }),
  claim('aud missing', { aud: undefined }),
  claim('aud empty', { aud: [] }),
  claim('aud of another case', { aud: 'Usher' }),
  claim('wrong nonce', { nonce: 'another' }),
  claim('empty nonce', { nonce: '' }),
  claim('missing nonce', { nonce: undefined }),
  claim('numeric nonce', { nonce: 1 }),
  claim('expired', { exp: now() - 120 }),
  claim('missing exp', { exp: undefined }),
  claim('exp as text', { exp: String(now() + 300) }),
  claim('future nbf', { nbf: now() + 3600 }),
  claim('missing iat', { iat: undefined }),
  claim('iat an hour ahead', { iat: now() + 3600 }),
  claim('iat ten years old', { iat: now() - 315_360_000 }),
  claim('iss missing', { iss: undefined }),
  claim('missing sub', { sub: undefined }),
  claim('iat as text', { iat: String(now()) }),
  claim('numeric sub', { sub: 42 }),
  claim('empty sub', { sub: '' }, 'invalid_claims'),
  claim('several subs', { sub: ['ada', 'bob'] }),
  claim('sub too long', { sub: 'x'.repeat(256) }, 'invalid_claims'),
  claim('sub with NUL', { sub: 'ada\0' }, 'invalid_claims'),
  claim('wrong at_hash', { at_hash: createHash('md5').update('x').digest('base64url') }),
  claim('whole at_hash', { at_hash: createHash('sha256').update('the-access-token').digest('base64url') }),
  claim('at_hash of another shape', { at_hash: ['x'] }),
]

const header = ({ RS256 }: Keys, name: string, given: Json, key = RS256): Case =>
  badToken(name, { header: (good) => ({ ...good, ...given }), key })

const secretOf = (text: unknown): KeyObject => createSecretKey(Buffer.from(String(text)))

/** How an id_token may not be signed, and by which keys. */
export const signatureCases: CasesOf = ({ issuer, keys }) => [
  header(keys, 'alg none', { alg: 'none' }),
  header(keys, 'alg NoNe', { alg: 'NoNe' }),
  header(keys, 'HS256 with the client secret', { alg: 'HS256' }, secretOf(CLIENT_SECRET)),
  header(
    keys,
    'HS256 with the public key',
    { alg: 'HS256' },
    secretOf(keys.RS256.export({ format: 'jwk' }).n),
  ),
  header(
    keys,
    'HS256 with the public key as PEM',
    { alg: 'HS256' },
    secretOf(createPublicKey(keys.RS256).export({ format: 'pem', type: 'spki' })),
  ),
  header(keys, 'HS512 with the client secret', { alg: 'HS512' }, secretOf(CLIENT_SECRET)),
  header(keys, 'no algorithm', { alg: undefined }),
  header(keys, 'crit that names what is not there', { crit: ['exp'] }),
  header(keys, 'empty crit', { crit: [] }),
  header(keys, 'payload that is not encoded', { b64: false, crit: ['b64'] }),
  header(keys, 'an algorithm that was not advertised', { alg: 'ES384', kid: 'ec' }, keys.ES256),
  header(keys, 'an algorithm of the same key that was not advertised', { alg: 'RS512' }),
  header(keys, 'unknown kid', { kid: 'another' }),
  header(keys, 'key of another kid', { alg: 'ES256', kid: 'ec' }, newKey('ES256')),
  header(keys, 'unknown crit', { crit: ['urn:evil'], 'urn:evil': true }),
  header(keys, 'jwk in the header', { jwk: publicJwk(newKey('RS256'), 'rsa') }, newKey('RS256')),
  header(keys, 'jku in the header', { jku: `${issuer}/evil-jwks` }, newKey('RS256')),
  header(keys, 'x5u in the header', { x5u: `${issuer}/evil-cert` }, newKey('RS256')),
  badToken('stripped signature', { token: (good) => good.replace(/[^.]*$/, '') }),
  badToken('another signature', { token: (good) => `${good.slice(0, -8)}AAAAAAAA` }),
  badToken('other claims under the same signature', { token: (good) => withClaims(good, { sub: 'bob' }) }),
  badToken('a key of 1024 bits', {
    header: (good) => ({ ...good, kid: 'weak' }),
    key: keys.weak,
    jwks: () => [publicJwk(keys.weak, 'weak')],
  }),
  badToken('no kid, several keys that fit', {
    header: () => ({ alg: 'RS256' }),
    jwks: () => [keys.RS256, newKey('RS256')].map((key) => ({ ...publicJwk(key, ''), kid: undefined })),
  }),
  badToken('keys for encryption only', { jwks: () => [{ ...publicJwk(keys.RS256, 'rsa'), use: 'enc' }] }),
  badToken('keys of another use in an array', {
    jwks: () => [{ ...publicJwk(keys.RS256, 'rsa'), key_ops: ['encrypt'] }],
  }),
  badToken('keys of another algorithm', { jwks: () => [{ ...publicJwk(keys.RS256, 'rsa'), alg: 'PS256' }] }),
  badToken('encrypted', { token: (good) => `${good}.x.y` }),
  badToken('no token', { token: () => '' }),
  badToken('symmetric key that signed', {
    header: (good) => ({ ...good, alg: 'HS256' }),
    key: secretOf('secret'),
    jwks: () => [{ kty: 'oct', k: Buffer.from('secret').toString('base64url'), kid: 'rsa', alg: 'HS256' }],
  }),
  badToken('symmetric keys', { jwks: () => [{ kty: 'oct', k: 'c2VjcmV0', kid: 'rsa' }] }),
  badToken('no keys', { jwks: () => [] }),
]

function withClaims(token: string, claims: Json): string {
  const [head, body = '', signature] = token.split('.')
  const changed = { ...JSON.parse(Buffer.from(body, 'base64url').toString()), ...claims }
  return [head, Buffer.from(JSON.stringify(changed)).toString('base64url'), signature].join('.')
}
