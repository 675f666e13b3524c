import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { etag, ifMatch, isKnown } from './etag.ts'
import type { Caller, Precondition, Stored, Wanted } from './handler.ts'
import * as operations from './operations.ts'
import { type Query, readQuery } from './page.ts'
import type { Projection } from './project.ts'
import { send } from './reply.ts'
import type { Shown } from './returned.ts'
import type { Json } from './schema/types.ts'
import { parseWanted } from './wanted.ts'

interface Asking<C extends Caller> {
  readonly callerOf: (request: FastifyRequest) => C
}

type Endpoint<C extends Caller> = operations.Resources<C> & Asking<C>
type ReadEndpoint<C extends Caller> = operations.Readable<C> & Asking<C>

type Answer = Promise<FastifyReply>

function idOf(request: FastifyRequest): string {
  return (request.params as { id: string }).id // the route says so
}

function queryOf(request: FastifyRequest): Query {
  return readQuery(request.query as Query) // what Fastify's parser gives
}

function bodyOf(request: FastifyRequest): Json | undefined {
  return request.body as Json | undefined // what our content type parser gives
}

function preconditionOf({ headers }: FastifyRequest): Precondition {
  return ifMatch(headers['if-match'])
}

function show(
  { write }: Projection,
  reply: FastifyReply,
  { status = 200, stored, shown }: { status?: number; stored: Stored; shown: Shown },
): FastifyReply {
  return send(reply.header('etag', etag(stored.version)), status, write(stored, shown))
}

async function create<C extends Caller>(
  at: Endpoint<C>,
  request: FastifyRequest,
  reply: FastifyReply,
): Answer {
  const wanted = parseWanted(queryOf(request), at.type)
  const { stored, written } = await operations.create(at, at.callerOf(request), bodyOf(request))
  return show(at, reply.header('location', at.location(stored.id)), {
    status: 201,
    stored,
    shown: { ...wanted, written },
  })
}

async function get<C extends Caller>(
  at: ReadEndpoint<C>,
  request: FastifyRequest,
  reply: FastifyReply,
): Answer {
  const wanted = parseWanted(queryOf(request), at.type)
  const id = operations.checkId(idOf(request))
  const stored = operations.found(await at.handler.get(at.callerOf(request), id, wanted))
  if (isKnown(request.headers['if-none-match'], etag(stored.version))) {
    return reply.code(304).header('etag', etag(stored.version)).send()
  }
  return show(at, reply, { stored, shown: wanted })
}

async function replace<C extends Caller>(
  at: Endpoint<C>,
  request: FastifyRequest,
  reply: FastifyReply,
): Answer {
  const wanted = parseWanted(queryOf(request), at.type)
  const asked = { id: idOf(request), body: bodyOf(request), when: preconditionOf(request) }
  const { stored, written } = await operations.replace(at, at.callerOf(request), asked)
  return show(at, reply, { stored, shown: { ...wanted, written } })
}

const noMembers: Wanted = { excludedAttributes: [{ name: 'members' }] }

/** A group may be large: of itself its PATCH is answered without a body, as RFC 7644 section 3.5.2 allows. */
function isSilent({ type }: Pick<Endpoint<Caller>, 'type'>, { patchAnswer }: Caller): boolean {
  return patchAnswer === undefined ? type.name === 'Group' : patchAnswer === 'nothing'
}

async function patch<C extends Caller>(
  at: Endpoint<C>,
  request: FastifyRequest,
  reply: FastifyReply,
): Answer {
  const wanted = parseWanted(queryOf(request), at.type)
  const caller = at.callerOf(request)
  const silent = !wanted.attributes && isSilent(at, caller)
  const when = { ...preconditionOf(request), ...(silent ? noMembers : wanted) }
  const asked = { id: idOf(request), body: bodyOf(request), when }
  const { stored, written } = await operations.patch(at, caller, asked)
  if (silent) return reply.code(204).header('etag', etag(stored.version)).send()
  return show(at, reply, { stored, shown: { ...wanted, written } })
}

async function remove<C extends Caller>(
  at: Endpoint<C>,
  request: FastifyRequest,
  reply: FastifyReply,
): Answer {
  const asked = { id: idOf(request), when: preconditionOf(request) }
  await operations.remove(at, at.callerOf(request), asked)
  return reply.code(204).send()
}

type Served<C extends Caller> = (at: Endpoint<C>, request: FastifyRequest, reply: FastifyReply) => Answer

/** One resource of a type that is only read. */
export function readRoute<C extends Caller>(app: FastifyInstance, at: ReadEndpoint<C>): void {
  app.get(`${at.type.endpoint}/:id`, (request, reply) => get(at, request, reply))
}

/** The routes of one resource type (RFC 7644 section 3.2). */
export function resourceRoutes<C extends Caller>(app: FastifyInstance, at: Endpoint<C>): void {
  const { callerOf, type } = at
  const one = `${type.endpoint}/:id`
  const serving = (serve: Served<C>) => (request: FastifyRequest, reply: FastifyReply) => {
    const own = at.asSeenBy(callerOf(request))
    return serve(own.type === type ? at : { ...own, callerOf }, request, reply)
  }
  app.post(type.endpoint, serving(create))
  app.get(one, serving(get))
  app.put(one, serving(replace))
  app.patch(one, serving(patch))
  app.delete(one, serving(remove))
}
