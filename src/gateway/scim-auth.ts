import {
  type Db,
  findScimCredential,
  type ScimCaller,
  type Scope,
  touchScimCredential,
} from '../../db/index.ts'
import { type Caller, ScimError } from '../../scim/index.ts'
import { readToken, tokenOf } from '../auth.ts'
import type { Failures } from '../limits.ts'
import type { TypesOf } from '../translate/types.ts'

/** Who pushes: the connection that the credential names, and so the organization. */
export interface ScimCallerContext extends Caller {
  readonly scope: Scope
  readonly connectionId: string
  /** What it was shown by; absent where people ask for themselves, and in a self-test. */
  readonly credentialId?: string
  /** As many as the organization may have served; null for as many as can be. */
  readonly requestsPerSecond: number | null
}

interface Remembered {
  readonly organizationId: string
  readonly bareToken: boolean
  readonly caller: Omit<ScimCallerContext, 'scope' | 'requestId'>
  readonly until: number
}

/** What is looked at of a request. */
interface Asking {
  readonly id: string
  readonly ip: string
  readonly headers: { readonly authorization?: string | undefined }
  readonly log: { info(context: object, message: string): void; warn(context: object, message: string): void }
}

interface Moment {
  readonly request: Asking
  readonly now: Date
}

export interface ScimAuthHost {
  readonly db: Db
  readonly clock: () => Date
  readonly failures: Failures
  readonly typesOf: TypesOf
}

/** Milliseconds a credential is remembered, and so the longest that a revoked one may still work. */
const REMEMBERED_FOR = 1000
const MOST_REMEMBERED = 10_000
const USE_IS_NOTED_AFTER = 60_000

/** Verifies the bearer credential of a request, at once where it is remembered; a refusal says nothing of why. */
export function scimAuthenticator({ db, clock, failures, typesOf }: ScimAuthHost) {
  /** By the header that shows the credential. */
  const remembered = new Map<string, Remembered>()

  async function lookUp(token: string, { request, now }: Moment): Promise<Remembered | null> {
    const key = readToken(token)
    if (!key) return null
    const { organizationId } = key
    const caller = await findScimCredential({ db, organizationId, now }, key.secretHash)
    if (!caller) return null
    if (isToBeNoted(caller, now))
      touchScimCredential({ db, organizationId, now }, caller.id).catch((error) =>
        request.log.warn({ err: error }, 'use not noted'),
      )
    const until = Math.min(
      now.getTime() + REMEMBERED_FOR,
      caller.expires_at?.getTime() ?? Number.POSITIVE_INFINITY,
    )
    const { connection_id: connectionId, profile, requests_per_second: requestsPerSecond } = caller
    const credentialId = caller.id
    const resourceTypes = typesOf(organizationId, caller.schemas)
    const types = resourceTypes && { resourceTypes }
    const answer = caller.patch_answer && { patchAnswer: caller.patch_answer }
    const who = { id: connectionId, connectionId, credentialId }
    const known = { ...who, profile, requestsPerSecond, ...types, ...answer }
    return { organizationId, bareToken: caller.bare_token, caller: known, until }
  }

  async function meet(header: string, moment: Moment): Promise<ScimCallerContext> {
    const shown = tokenOf(header)
    if (!shown) throw new ScimError('unauthorized')
    const found = await lookUp(shown.token, moment)
    if (!found || (shown.bare && !found.bareToken)) throw refusal(failures, shown.token, moment)
    if (remembered.size >= MOST_REMEMBERED) remembered.clear()
    remembered.set(header, found)
    return callerFrom(found, db, moment)
  }

  return (request: Asking): ScimCallerContext | Promise<ScimCallerContext> => {
    const { authorization = '' } = request.headers
    const moment = { request, now: clock() }
    const known = remembered.get(authorization)
    return known && known.until > moment.now.getTime()
      ? callerFrom(known, db, moment)
      : meet(authorization, moment)
  }
}

function callerFrom(
  { organizationId, caller }: Remembered,
  db: Db,
  { request: { id: requestId }, now }: Moment,
): ScimCallerContext {
  const scope = { db, organizationId, actor: `scim:${caller.connectionId}`, now, requestId }
  return { ...caller, requestId, scope }
}

const isToBeNoted = ({ last_used_at }: ScimCaller, now: Date): boolean =>
  last_used_at === null || now.getTime() - last_used_at.getTime() > USE_IS_NOTED_AFTER

/** RFC 6750 section 3.1; a request without any token is not told of an error. */
const INVALID_TOKEN = { 'www-authenticate': 'Bearer realm="scim", error="invalid_token"' }

function refusal(failures: Failures, token: string, { request: { ip, log }, now }: Moment): ScimError {
  const organizationId = readToken(token)?.organizationId
  const retryAfter = failures.count({ address: ip, now, ...(organizationId && { organizationId }) })
  if (retryAfter > 0) return new ScimError('tooManyRequests', undefined, { retryAfter })
  log.info({ address: ip, organizationId }, 'SCIM credential refused')
  return new ScimError('unauthorized', undefined, { headers: INVALID_TOKEN })
}
