import type { Db, SessionRow } from '../../db/index.ts'
import type { ScimOptions } from '../../scim/index.ts'
import type { ScimCallerContext } from './scim-auth.ts'

interface Host {
  readonly db: Db
  readonly clock: () => Date
}

type Me = NonNullable<ScimOptions<ScimCallerContext>['me']>
type Request = Parameters<Me>[0]

/** Who is signed in, by the session of the request; the cookie opens nothing of SCIM but this. */
export function scimMe({ db, clock }: Host, sessionOf: (request: Request) => Promise<SessionRow | null>): Me {
  return async (request) => {
    const session = await sessionOf(request)
    if (!session) return null
    const { user_id: id, organization_id: organizationId, connection_id: connectionId } = session
    const scope = { db, organizationId, actor: `user:${id}`, now: clock(), requestId: request.id }
    const reader = { id: connectionId, connectionId, profile: 'lenient' as const, requestsPerSecond: null }
    return { id, caller: { ...reader, requestId: request.id, scope } }
  }
}
