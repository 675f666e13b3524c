import {
  eraseUser,
  findHold,
  forgetElsewhere,
  forgetNames,
  lockAnybody,
  namesakesOf,
  recordEvents,
  renameNamesakes,
  type Scope,
  transact,
} from '../../db/index.ts'
import { Problem } from '../errors.ts'
import { eventOf } from '../events/record.ts'
import { allowanceOf, Braked, passBrake } from './brake.ts'
import { archive } from './leaving.ts'
import { policyInForce } from './policy.ts'

/** Erases somebody who was deleted; whoever is leaving is archived first. False where there is nobody. */
export async function erase(scope: Scope, userId: string): Promise<boolean> {
  try {
    return await transact(scope.db, (db) => eraseHeld({ ...scope, db }, userId))
  } catch (error) {
    if (!(error instanceof Braked)) throw error
    const more = 'More than the brake allows would be erased within an hour: release it first.'
    throw new Problem('conflict', more, { cause: error })
  }
}

async function eraseHeld(scope: Scope, userId: string): Promise<boolean> {
  const user = await lockAnybody(scope, userId)
  if (!user || user.status === 'erased') return user !== null
  if (!user.deleted_at) throw new Problem('conflict', 'Only somebody who has been deleted can be erased.')
  if (await findHold(scope, userId)) throw new Problem('conflict', 'This person is under legal hold.')
  const policy = await policyInForce(scope)
  const most = await allowanceOf(scope, policy)
  if (user.status === 'leaving')
    await archive(scope, policy, { userId, most, rule: 'erased by an administrator' })
  else await passBrake(scope, { count: 1, most })
  const subject = { type: 'user', id: userId } as const
  const namesakes = await namesakesOf(scope, userId, policy.workspace.name)
  await rename(
    scope,
    namesakes.filter(({ unchanged }) => unchanged).map(({ id }) => id),
  )
  await forgetElsewhere(scope, userId)
  await eraseUser(scope, userId, [eventOf({ type: 'user.erased', subject, data: { via: 'administrator' } })])
  await forgetNames(scope, namesakes)
  return true
}

/** Whoever uses them now goes on doing so, under a name that tells nothing. */
async function rename(scope: Scope, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return
  await renameNamesakes(scope, ids)
  const told = (id: string) =>
    eventOf({
      type: 'workspace.changed',
      subject: { type: 'workspace', id },
      changed: ['name'],
      data: { via: 'administrator' },
    })
  await recordEvents(scope, ids.map(told))
}
