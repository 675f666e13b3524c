import { decodeJwt } from 'jose'
import { mergeClaims } from './claims.ts'

type Claims = Readonly<Record<string, unknown>>

/** What a JWT says, whoever made it: for somebody to look at, and never to act by. Null where it cannot be read. */
export function unverifiedClaims(token: string): Claims | null {
  try {
    return decodeJwt(token)
  } catch {
    return null
  }
}

/** Without what has not the shape it should have, as of a sign-in. */
export const cleanClaims = (claims: Claims): Claims => mergeClaims(claims, {})
