import type { FastifyReply, FastifyRequest } from 'fastify'
import { type Db, findSession, type Scope, type SessionRow, touchSession } from '../../db/index.ts'
import { readToken } from '../auth.ts'
import { Problem } from '../errors.ts'

export interface SessionHost {
  readonly db: Db
  readonly clock: () => Date
  readonly sessionCookie: string
  readonly publicUrl: string
  readonly uses: Uses
}

/** The session of the request's cookie in one round trip; null where there is none that is alive. */
export async function sessionOf(host: SessionHost, request: FastifyRequest): Promise<SessionRow | null> {
  const token = cookieOf(request.headers.cookie, host.sessionCookie)
  const key = token === null ? null : readToken(token)
  if (!key) return null
  const { db } = host
  const { organizationId, secretHash } = key
  const scope = { db, organizationId, now: host.clock(), actor: 'system', requestId: request.id }
  const row = await findSession(scope, secretHash)
  if (row?.touch_due) host.uses.note(scope, row.session_id)
  return row
}

/** The same where somebody must be signed in. */
export async function neededSession(host: SessionHost, request: FastifyRequest): Promise<SessionRow> {
  const row = await sessionOf(host, request)
  if (!row) throw new Problem('unauthorized', 'There is no session; sign in at /login/{organization}.')
  return row
}

/** For what a person changes of their own: theirs is the scope. */
export function scopeOf({ db, clock }: SessionHost, request: FastifyRequest, row: SessionRow): Scope {
  const { organization_id: organizationId, user_id } = row
  return { db, organizationId, actor: `user:${user_id}`, now: clock(), requestId: request.id }
}

/**
 * What a page of another site must not do in somebody's name. `Sec-Fetch-Site` decides where it is sent; whoever sends
 * neither it nor `Origin` is no browser of today, and says by `Origin` that it knows what it does.
 */
export function checkSameOrigin({ publicUrl }: SessionHost, { headers }: FastifyRequest): void {
  const site = headers['sec-fetch-site']
  const same = site === undefined ? headers.origin === publicUrl : site === 'same-origin'
  if (!same) throw new Problem('forbidden', 'This request did not come from a page of this origin.')
}

// Checked at every request of the product, so nothing but the one cookie is read; its value needs no decoding. Of two
// of that name one was planted, and it is not known which.
export function cookieOf(header: string | undefined, name: string): string | null {
  if (!header) return null
  let found: string | null = null
  for (const pair of header.split(';')) {
    const at = pair.indexOf('=')
    if (pair.slice(0, at).trim() !== name) continue
    if (found !== null) return null
    found = pair.slice(at + 1).trim()
  }
  return found
}

/** Notes of sessions that are used, beside the requests that use them. */
export interface Uses {
  note(scope: Scope, sessionId: string): void
  /** When every note so far is written. */
  written(): Promise<void>
}

/** A request does not wait for its note; what many at once would note is noted once. */
export function noteUses(report: (error: unknown) => void): Uses {
  const writing = new Map<string, Promise<void>>()
  return {
    note(scope, sessionId) {
      if (writing.has(sessionId)) return
      const work = touchSession(scope, sessionId)
        .catch(report)
        .finally(() => writing.delete(sessionId))
      writing.set(sessionId, work)
    },
    async written() {
      await Promise.all(writing.values())
    },
  }
}

export function noStore(reply: FastifyReply): FastifyReply {
  return reply.header('cache-control', 'no-store')
}
