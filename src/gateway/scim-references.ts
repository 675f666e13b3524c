import { findUser } from '../../db/index.ts'
import { type Attributes, ScimError } from '../../scim/index.ts'
import { isUuid } from '../ids.ts'
import { managerOf } from '../translate/user.ts'
import type { ScimCallerContext } from './scim-auth.ts'

type Asking = Pick<ScimCallerContext, 'profile' | 'scope'>

/**
 * Whether what a person newly refers to is there. A lenient connection may name whoever is yet to come; what was there
 * before is nobody's fault who changes something else.
 */
export async function checkReferences(
  { profile, scope }: Asking,
  after: Attributes,
  before: Attributes = {},
): Promise<void> {
  if (profile === 'lenient') return
  const manager = managerOf(after)
  if (manager === undefined || manager === managerOf(before)) return
  if (!isUuid(manager) || !(await findUser(scope, manager)))
    throw new ScimError('invalidValue', 'The manager is nobody of this organization.')
}
