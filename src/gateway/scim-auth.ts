import {
  type Db,
  findScimCredential,
  type ScimCaller,
  type Scope,
  touchScimCredential,
} from '../../db/index.ts'
import { type Caller, ScimError } from '../../scim/index.ts'
import { bearerOf, readToken, type TokenKey } from '../auth.ts'

/** Who pushes: the connection that the credential names, and so the organization. */
export interface ScimCallerContext extends Caller {
  readonly scope: Scope
  readonly connectionId: string
}

interface Remembered {
  readonly organizationId: string
  readonly caller: ScimCaller
  readonly until: number
}

/** What is looked at of a request. */
interface Asking {
  readonly id: string
  readonly headers: { readonly authorization?: string | undefined }
  readonly log: { warn(context: object, message: string): void }
}

/** Milliseconds a credential is remembered, and so the longest that a revoked one may still work. */
const REMEMBERED_FOR = 1000
const MOST_REMEMBERED = 10_000
const USE_IS_NOTED_AFTER = 60_000

/** Verifies the bearer credential of a request; a 401 says nothing of why. */
export function scimAuthenticator(db: Db, clock: () => Date) {
  const remembered = new Map<string, Remembered>()

  async function lookUp(token: string, key: TokenKey, request: Asking): Promise<Remembered> {
    const now = clock()
    const at = { db, organizationId: key.organizationId, now }
    const caller = await findScimCredential(at, key.secretHash)
    if (!caller) throw new ScimError('unauthorized')
    const { last_used_at, expires_at } = caller
    if (!last_used_at || now.getTime() - last_used_at.getTime() > USE_IS_NOTED_AFTER)
      touchScimCredential(at, caller.id).catch((error) => request.log.warn({ err: error }, 'use not noted'))
    if (remembered.size >= MOST_REMEMBERED) remembered.clear()
    const until = Math.min(now.getTime() + REMEMBERED_FOR, expires_at?.getTime() ?? Number.POSITIVE_INFINITY)
    const found = { organizationId: key.organizationId, caller, until }
    remembered.set(token, found)
    return found
  }

  return async (request: Asking): Promise<ScimCallerContext> => {
    const token = bearerOf(request.headers.authorization)
    if (!token) throw new ScimError('unauthorized')
    const now = clock()
    const known = remembered.get(token)
    if (known && known.until > now.getTime()) return contextOf(known, { db, now, requestId: request.id })
    remembered.delete(token)
    const key = readToken(token)
    if (!key) throw new ScimError('unauthorized')
    return contextOf(await lookUp(token, key, request), { db, now, requestId: request.id })
  }
}

function contextOf(
  { organizationId, caller }: Remembered,
  at: Pick<Scope, 'db' | 'now' | 'requestId'>,
): ScimCallerContext {
  const { connection_id: connectionId, profile } = caller
  const scope = { ...at, organizationId, actor: `scim:${connectionId}` }
  return { profile, requestId: at.requestId, connectionId, scope }
}
