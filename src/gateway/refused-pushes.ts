import { type ResourceHandler, ScimError } from '../../scim/index.ts'
import { Refused } from '../provisioning/refused.ts'
import type { RefusalLog } from './refusals.ts'
import type { ScimCallerContext } from './scim-auth.ts'
import { toScimError } from './scim-errors.ts'

type Handler = ResourceHandler<ScimCallerContext>

/** Statuses by which the domain says no; the others are the client's haste, or the database's trouble. */
const REFUSED = [403, 409]

/** The same handler, whose refusals leave an event on the connection, or on the person they are about. */
export function notingRefusals(handler: Handler, refusals: RefusalLog): Handler {
  const noted =
    <Rest extends unknown[], Result>(work: (caller: ScimCallerContext, ...rest: Rest) => Promise<Result>) =>
    async (caller: ScimCallerContext, ...rest: Rest): Promise<Result> => {
      try {
        return await work(caller, ...rest)
      } catch (error) {
        await noteRefusal(caller, error, refusals)
        throw error
      }
    }
  return {
    ...handler,
    create: noted(handler.create),
    replace: noted(handler.replace),
    patch: noted(handler.patch),
    delete: noted(handler.delete),
  }
}

/** Leaves an event where the error says that the domain said no. */
export async function noteRefusal(
  { scope, connectionId }: ScimCallerContext,
  error: unknown,
  refusals: RefusalLog,
): Promise<void> {
  const answer = error instanceof ScimError ? error : toScimError(error)
  // An event written in a transaction would go with it when it fails; whoever began it notes the refusal.
  if (!answer || !REFUSED.includes(answer.status) || scope.db.transaction) return
  const refusal = error instanceof Refused ? decisionOf(error) : { code: answer.code }
  // The refusal stands, whether or not it could be noted.
  await refusals.record(scope, { refusal, connectionId, type: 'push.refused' }).catch(() => {})
}

const decisionOf = ({ code, rule, policyVersion, userId, conflict }: Refused) => ({
  code,
  rule,
  conflict,
  ...(policyVersion !== undefined && { policyVersion }),
  ...(userId !== undefined && { userId }),
})
