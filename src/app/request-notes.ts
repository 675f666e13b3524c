import type { FastifyReply, FastifyRequest } from 'fastify'
import type { NewRequest } from '../../db/index.ts'
import type { ScimError } from '../../scim/index.ts'
import type { Described, RequestLog } from '../gateway/request-log.ts'
import type { ScimCallerContext } from '../gateway/scim-auth.ts'
import { isUuid } from '../ids.ts'
import { Refused as Decision } from '../provisioning/refused.ts'
import { redactedBody, redactedDetail, redactedQuery } from '../translate/redacted.ts'
import { SCIM } from './failures.ts'

/** Who asks, and what they were refused with; kept on the request, as the gate keeps its place. */
const NOTE = Symbol('what is to be noted')

interface Note {
  readonly caller: ScimCallerContext
  error?: ScimError
}

type Noted = FastifyRequest & { [NOTE]?: Note }

export interface ScimNotes {
  asked(request: FastifyRequest, caller: ScimCallerContext): void
  refused(request: FastifyRequest, error: ScimError): void
  over(request: FastifyRequest, reply: FastifyReply): void
}

/** Notes what identity providers push, and what they were refused; what they only read is counted. */
export function scimNotes(log: RequestLog): ScimNotes {
  return {
    asked(request: Noted, caller) {
      // What a self-test asks is taken back.
      if (!caller.scope.db.transaction) request[NOTE] = { caller }
    },
    refused(request: Noted, error) {
      if (request[NOTE]) request[NOTE].error = error
    },
    over(request: Noted, reply) {
      const note = request[NOTE]
      if (!note) return
      const { organizationId } = note.caller.scope
      const what = described(request, reply, note)
      if (isCounted(request, reply)) log.count(organizationId, what)
      else log.note(organizationId, what)
    },
  }
}

const isRead = ({ method, url }: FastifyRequest) => method === 'GET' || /^[^?]*\/\.search/.test(url)

function isCounted(request: FastifyRequest, { statusCode }: FastifyReply): boolean {
  return statusCode === 429 || (statusCode < 400 && isRead(request))
}

const nouns = ['Users', 'Groups', 'Bulk', 'Roles', 'Entitlements', 'Me', '.search']

function pathOf({ url, params }: FastifyRequest, id: string | undefined): string {
  const [, noun = '', ...rest] = url.slice(SCIM.length).split(/[/?]/, 4)
  const known = nouns.includes(noun) ? `/${noun}` : ''
  const search = rest[0] === '.search' ? '/.search' : ''
  return `${known}${search}${'id' in Object(params) ? `/${id ?? '[text]'}` : ''}`
}

/** At every read, so the key is no more than it must be: what there is at SCIM is told apart by its first letter. */
function described(request: FastifyRequest, reply: FastifyReply, note: Note): Described {
  const { statusCode } = reply
  const { connectionId } = note.caller
  const code = note.error?.code ?? ''
  const one = Object(request.params).id === undefined ? '' : '1'
  return {
    key: `${connectionId}${request.method}${statusCode}${request.url.charAt(SCIM.length + 1)}${one}${code}`,
    failed: statusCode >= 400,
    alike: () => countedScim(request, reply, note),
    whole: () => scimRequest(request, reply, note),
  }
}

function countedScim(request: FastifyRequest, reply: FastifyReply, { caller, error }: Note) {
  return {
    at: caller.scope.now,
    kind: 'scim' as const,
    connection_id: caller.connectionId,
    credential_id: caller.credentialId,
    method: request.method,
    path: pathOf(request, '{id}'),
    // Absent where whoever asked went away.
    status: reply.sent ? reply.statusCode : undefined,
    ...(error && { code: error.scimType ?? error.code }),
  }
}

function scimRequest(request: FastifyRequest, reply: FastifyReply, note: Note): NewRequest {
  const { error } = note
  const id = idIn(request)
  return {
    ...countedScim(request, reply, note),
    id: request.id,
    path: pathOf(request, id),
    query: redactedQuery(request.query as Record<string, unknown>), // what Fastify's parser gives
    body: redactedBody(request.body),
    ...(error && { detail: redactedDetail(error.message) }),
    subject_id: (error && subjectOf(error)) ?? id ?? madeBy(reply),
    duration: Math.round(reply.elapsedTime),
    times: 1,
  }
}

function idIn({ params }: FastifyRequest): string | undefined {
  const { id } = Object(params) as { id?: string } // as the routes of SCIM have it
  return id !== undefined && isUuid(id) ? id : undefined
}

/** Who stands in the way. */
const subjectOf = ({ cause }: ScimError) => (cause instanceof Decision ? cause.userId : undefined)

function madeBy(reply: FastifyReply): string | undefined {
  const location = reply.getHeader('location')
  const id = typeof location === 'string' ? location.slice(location.lastIndexOf('/') + 1) : ''
  return isUuid(id) ? id : undefined
}
