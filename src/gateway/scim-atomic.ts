import { transact } from '../../db/index.ts'
import type { ScimOptions } from '../../scim/index.ts'
import type { RefusalLog } from './refusals.ts'
import { noteRefusal } from './refused-pushes.ts'
import type { ScimCallerContext } from './scim-auth.ts'

type Atomic = NonNullable<ScimOptions<ScimCallerContext>['atomic']>

/**
 * Does work in one transaction; what it does for the caller it is given is done wholly or not at all. The refusal that
 * ends it leaves its event once all else is undone.
 */
export const inTransaction =
  (refusals: RefusalLog): Atomic =>
  async (caller, work) => {
    const { scope } = caller
    try {
      return await transact(scope.db, (db) => work({ ...caller, scope: { ...scope, db } }))
    } catch (error) {
      await noteRefusal(caller, error, refusals)
      throw error
    }
  }
