import { transact } from '../../db/index.ts'
import type { ScimCallerContext } from './scim-auth.ts'

/** Does `work` in one transaction; what it does for the caller it is given is done wholly or not at all. */
export function inTransaction<T>(
  caller: ScimCallerContext,
  work: (caller: ScimCallerContext) => Promise<T>,
): Promise<T> {
  const { scope } = caller
  return transact(scope.db, (db) => work({ ...caller, scope: { ...scope, db } }))
}
