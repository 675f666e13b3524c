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

export interface Shown {
  readonly token: string
  /** Whether it came without the word `Bearer`. */
  readonly bare: boolean
}

/** The same where a header that is nothing but a token may do, too. */
export function tokenOf(header: string | undefined): Shown | null {
  const bearer = bearerOf(header)
  if (bearer) return { token: bearer, bare: false }
  return header && /^[\w.-]+$/.test(header) ? { token: header, bare: true } : null
}

/** The public name of a client: `<organization>.<id>`, so that it, too, says where to look. */
export const clientIdOf = (organizationId: string, id: string): string => `${organizationId}.${id}`

/** Null where the text cannot be the name of a client. */
export function readClientId(text: string): { organizationId: string; id: string } | null {
  const [organizationId = '', id = '', ...rest] = text.split('.')
  return isUuid(organizationId) && isUuid(id) && rest.length === 0 ? { organizationId, id } : null
}
