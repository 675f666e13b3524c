import { createHash, randomBytes } from 'node:crypto'
import { isUuid } from './ids.ts'

/** What a token reads to the database: which organization to look in, and the hash it is stored by. */
export interface TokenKey {
  readonly organizationId: string
  readonly secretHash: Buffer
}

/** A secret of 256 bits is not guessed, so one round of SHA-256 stores it. */
export const hashOf = (secret: string): Buffer => createHash('sha256').update(secret).digest()

export const newSecret = (): string => randomBytes(32).toString('base64url')

/** A token of an organization: `<organization>.<secret>`, so that even it names whose it is. */
export function newToken(organizationId: string): TokenKey & { readonly token: string } {
  const secret = newSecret()
  return { token: `${organizationId}.${secret}`, organizationId, secretHash: hashOf(secret) }
}

/** Null where the text cannot be a token. */
export function readToken(text: string): TokenKey | null {
  const dot = text.indexOf('.')
  const organizationId = text.slice(0, dot)
  if (!isUuid(organizationId) || text.length > 200) return null
  return { organizationId, secretHash: hashOf(text.slice(dot + 1)) }
}

/** The credential of an `Authorization: Bearer` header (RFC 6750 section 2.1); the scheme in any case. */
export function bearerOf(header: string | undefined): string | null {
  return header?.match(/^bearer +([\w.~+/=-]+) *$/i)?.[1] ?? null
}
