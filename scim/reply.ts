import type { FastifyReply } from 'fastify'
import { errorBody, type ScimError } from './errors.ts'

/** SCIM's own type, unless the client takes plain JSON alone (RFC 7644 section 3.8). */
function contentType(accept: string | undefined): string {
  const plain =
    accept?.includes('application/json') && !accept.includes('scim+json') && !accept.includes('*/*')
  return plain ? 'application/json; charset=utf-8' : 'application/scim+json; charset=utf-8'
}

/** `body`: what is written in JSON, or that text itself. */
export function send(reply: FastifyReply, status: number, body: object | string): FastifyReply {
  return reply
    .code(status)
    .header('content-type', contentType(reply.request.headers.accept))
    .send(typeof body === 'string' ? body : JSON.stringify(body))
}

export function sendError(reply: FastifyReply, error: ScimError): FastifyReply {
  return send(reply.headers(error.headers), error.status, errorBody(error))
}
