import { type Db, type SessionRow, scimSettings } from '../../db/index.ts'
import type { ScimOptions } from '../../scim/index.ts'
import type { TypesOf } from '../translate/types.ts'
import type { ScimCallerContext } from './scim-auth.ts'

interface Host {
  readonly db: Db
  readonly typesOf: TypesOf
  readonly clock: () => Date
}

type Me = NonNullable<ScimOptions<ScimCallerContext>['me']>
type Request = Parameters<Me>[0]

/** Who is signed in, by the session of the request; the cookie opens nothing of SCIM but this. */
export function scimMe(
  { db, clock, typesOf }: Host,
  sessionOf: (request: Request) => Promise<SessionRow | null>,
): Me {
  return async (request) => {
    const session = await sessionOf(request)
    if (!session) return null
    const { user_id: id, organization_id: organizationId, connection_id: connectionId } = session
    const scope = { db, organizationId, actor: `user:${id}`, now: clock(), requestId: request.id }
    const settings = await scimSettings(scope)
    const resourceTypes = typesOf(organizationId, settings?.schemas ?? null)
    const types = resourceTypes ? { resourceTypes } : {}
    const requestsPerSecond = settings?.requests_per_second ?? null
    const reader = { id: connectionId, connectionId, profile: 'lenient' as const, requestsPerSecond }
    return { id, caller: { ...reader, ...types, requestId: request.id, scope } }
  }
}
