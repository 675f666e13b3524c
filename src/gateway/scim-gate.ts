import { createGate } from './gate.ts'
import type { ScimCallerContext } from './scim-auth.ts'

type Organization = Pick<ScimCallerContext, 'scope' | 'requestsPerSecond'>

/** The gate of SCIM: each organization has a line for its pushes, and one for its people who ask for themselves. */
export function scimGate(clock: () => Date) {
  const gate = createGate()
  const arrivalOf = ({ scope, requestsPerSecond }: Organization) => ({
    owner: scope.organizationId,
    requestsPerSecond,
    now: clock(),
  })
  return {
    push: (request: object, caller: Organization) => gate.enter(request, arrivalOf(caller)),
    /** So that no push waits for people. */
    person: (request: object, caller: Organization) =>
      gate.enter(request, { ...arrivalOf(caller), owner: `${caller.scope.organizationId} /Me` }),
    /** The request itself has been counted. */
    bulk: (caller: Organization, operations: number) => gate.count(arrivalOf(caller), operations - 1),
    leave: gate.leave,
  }
}
