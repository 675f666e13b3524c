import { type Db, keepAdminKey } from '../db/index.ts'
import { hashOf, newSecret } from './auth.ts'

/**
 * Sees to it that the environment has its key: the configured one replaces what is stored; without one a key is made
 * at the first start, and returned this once.
 */
export async function ensureAdminKey(
  db: Db,
  configured: string | undefined,
  now: Date,
): Promise<string | undefined> {
  const secret = configured ?? newSecret()
  const replace = configured !== undefined
  const stored = await keepAdminKey(db, { secretHash: hashOf(secret), now, replace })
  return stored && !replace ? secret : undefined
}
