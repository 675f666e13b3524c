import { findUser, type Scope, unlistedValues } from '../../db/index.ts'
import { type Attributes, ScimError } from '../../scim/index.ts'
import { isUuid } from '../ids.ts'
import { managerOf, valuesOf } from '../translate/user.ts'
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
  await checkManager(scope, managerOf(after), managerOf(before))
  const [roles, entitlements] = (['roles', 'entitlements'] as const).map((name) => {
    const had = new Set(valuesOf(before, name))
    return valuesOf(after, name).filter((value) => !had.has(value))
  }) as [string[], string[]] // two in, two out
  if (roles.length + entitlements.length === 0) return
  const [first] = await unlistedValues(scope, { roles, entitlements })
  if (!first) return
  const { kind, value } = first
  throw new ScimError(
    'invalidValue',
    `The ${kind} "${value.slice(0, 100)}" is none that this organization gives.`,
  )
}

async function checkManager(
  scope: Scope,
  after: string | undefined,
  before: string | undefined,
): Promise<void> {
  if (after === undefined || after === before) return
  if (!isUuid(after) || !(await findUser(scope, after)))
    throw new ScimError('invalidValue', 'The manager is nobody of this organization.')
}
