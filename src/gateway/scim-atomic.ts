import { findPerson, type Scope, transact } from '../../db/index.ts'
import type { ScimOptions } from '../../scim/index.ts'
import { Refused } from '../provisioning/refused.ts'
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
      await noteRefusal(caller, await ofWhoIsThere(scope, error), refusals)
      throw error
    }
  }

/** Who stood in the way may have been made by the very work that is undone: then it is about nobody. */
async function ofWhoIsThere(scope: Scope, error: unknown): Promise<unknown> {
  if (!(error instanceof Refused) || error.userId === undefined) return error
  const { code, rule, policyVersion, userId } = error
  return (await findPerson(scope, userId)) ? error : new Refused({ code, rule, policyVersion })
}
