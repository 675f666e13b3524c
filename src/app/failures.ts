import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { failureOf } from '../../db/index.ts'
import { Problem, problemBody, problemOf } from '../errors.ts'
import { unreadableAddress } from '../gateway/scim-errors.ts'
import { pagesFor } from '../me/pages.ts'

/** Where errors have the shape that SCIM gives them. */
export const SCIM = '/scim/v2'

/** Seconds after which to try again while the database is away. */
const RETRY_AFTER = 1

/** What no plugin answers itself is `application/problem+json`. */
export function answerErrors(app: FastifyInstance): void {
  app.setErrorHandler((error: FastifyError, request, reply) => answer(error, request, reply))
  app.setNotFoundHandler((request, reply) =>
    answer(new Problem('not_found', 'There is nothing at this address.'), request, reply),
  )
}

/** The same for people, who get a page. */
export function answerErrorsByPage(app: FastifyInstance): void {
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const { code, message, status } = prepare(error, request, reply)
    const page = pagesFor(request).failed({ code, message }, { requestId: request.id })
    return reply.code(status).type('text/html; charset=utf-8').send(page)
  })
}

/** What the framework refuses before any plugin comes to see it: an address that is no text, or too long. */
export function answerUnreadable(
  error: FastifyError,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  if (!request.url.startsWith(SCIM)) return answer(error, request, reply)
  const { statusCode = 400 } = error
  return reply.code(statusCode).type('application/scim+json').send(unreadableAddress(statusCode))
}

function answer(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const problem = prepare(error, request, reply)
  if (problem.status === 401) reply.header('www-authenticate', 'Bearer')
  return reply.code(problem.status).type('application/problem+json').send(problemBody(problem))
}

/** What is said of an error in any shape: in the log its cause, to the client when to come again. */
export function prepare(error: unknown, request: FastifyRequest, reply: FastifyReply): Problem {
  const problem = problemOf(fromDatabase(error) ?? error)
  if (problem.status >= 500) request.log.error({ err: problem.cause ?? problem }, problem.message)
  if (problem.retryAfter !== undefined) reply.header('retry-after', problem.retryAfter)
  return problem
}

function fromDatabase(error: unknown): Problem | undefined {
  const kind = failureOf(error)?.kind
  if (kind === undefined || kind === 'conflict') return undefined
  if (kind === 'invalid')
    return new Problem(
      'invalid_request',
      'A value is too long, or holds a character that cannot be stored.',
      {
        cause: error,
      },
    )
  const sentence = 'The service is briefly unavailable; try again later.'
  return new Problem('unavailable', sentence, { cause: error, retryAfter: RETRY_AFTER })
}
