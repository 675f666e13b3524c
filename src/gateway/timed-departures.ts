import type { ResourceHandler, Stored } from '../../scim/index.ts'
import type { Applied } from '../metrics.ts'
import type { ScimCallerContext } from './scim-auth.ts'

type Handler = ResourceHandler<ScimCallerContext>

/** The same handler of people, which tells of whom it has just made inactive or deleted. */
export function timingDepartures(handler: Handler, applied: Applied): Handler {
  const told = ({ scope }: ScimCallerContext, gone: boolean) => {
    // Within a transaction it does not hold yet.
    if (gone && !scope.db.transaction) applied('scim', scope.now)
  }
  const timed =
    <Rest extends unknown[]>(work: (caller: ScimCallerContext, ...rest: Rest) => Promise<Stored | null>) =>
    async (caller: ScimCallerContext, ...rest: Rest): Promise<Stored | null> => {
      const stored = await work(caller, ...rest)
      told(caller, stored !== null && isJustInactive(stored, caller))
      return stored
    }
  return {
    ...handler,
    replace: timed(handler.replace),
    patch: timed(handler.patch),
    async delete(caller, ...rest) {
      const deleted = await handler.delete(caller, ...rest)
      told(caller, deleted)
      return deleted
    },
  }
}

/** What was so before is not written anew. */
const isJustInactive = ({ attributes, lastModified }: Stored, { scope }: ScimCallerContext): boolean =>
  attributes.active === false && lastModified.getTime() === scope.now.getTime()
