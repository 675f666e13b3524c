import { createPublicKey, type JsonWebKey } from 'node:crypto'
import type { JSONWebKeySet } from 'jose'

/**
 * What a client may sign with: asymmetric algorithms only. With HS* a public key would do to sign, with `none` nothing
 * would (RFC 8725 section 3.1).
 */
export const SIGNING_ALGORITHMS = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
]

/** RFC 7518 section 3.3. */
const SMALLEST_RSA = 2048
const MOST_KEYS = 100
const PRIVATE = ['d', 'k', 'p', 'q', 'dp', 'dq', 'qi', 'oth']

/** A JWK set of nothing but usable public keys; null where the value is none, or one of its keys is something else. */
export function strictKeySet(value: unknown): JSONWebKeySet | null {
  const keys = keysOf(value)
  return keys && keys.length > 0 && keys.every(isUsable) ? { keys } : null
}

/** The usable keys of a set that somebody else publishes, who may have others in it (RFC 7517 section 5). */
export function usableKeySet(value: unknown): JSONWebKeySet | null {
  const keys = keysOf(value)
  return keys && { keys: keys.filter(isUsable) }
}

function keysOf(value: unknown): JSONWebKeySet['keys'] | null {
  if (typeof value !== 'object' || value === null || !('keys' in value) || !Array.isArray(value.keys))
    return null
  return value.keys.length > MOST_KEYS ? null : value.keys
}

function isUsable(key: unknown): boolean {
  if (typeof key !== 'object' || key === null || PRIVATE.some((name) => name in key)) return false
  if ('use' in key && key.use !== 'sig') return false
  try {
    const { asymmetricKeyDetails } = createPublicKey({ key: key as JsonWebKey, format: 'jwk' }) // it throws where it is none
    const bits = asymmetricKeyDetails?.modulusLength
    return bits === undefined || bits >= SMALLEST_RSA
  } catch {
    return false
  }
}
