import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Caller, Profile } from './handler.ts'
import { type Lists, list } from './list.ts'
import { listResponse, type Query, readQuery } from './page.ts'
import { send } from './reply.ts'
import type { Json } from './schema/types.ts'
import { readSearchRequest, selectionReader } from './search.ts'

type ListOptions<C extends Caller> = Omit<Lists<C>, 'readers'> & {
  /** Whether the handlers heed `sortBy`. */
  readonly sort: boolean
  readonly callerOf: (request: FastifyRequest) => C
}

interface Asking<C extends Caller> {
  readonly caller: C
  readonly query: Query
}

async function answer<C extends Caller>(
  lists: Lists<C>,
  reply: FastifyReply,
  { caller, query }: Asking<C>,
): Promise<FastifyReply> {
  return send(reply, 200, listResponse(await list(lists, caller, query)))
}

/** One list: by GET at the URL, and by POST below it, which keeps the query out of the address. */
function listRoute<C extends Caller>(
  app: FastifyInstance,
  url: string,
  { callerOf, sort, ...options }: ListOptions<C>,
): void {
  const readerOf = (profile: Profile) => selectionReader({ profile, sort })
  const lists = { ...options, readers: { lenient: readerOf('lenient'), strict: readerOf('strict') } }
  app.get(url === '' ? '/' : url, (request, reply) => {
    return answer(lists, reply, { caller: callerOf(request), query: readQuery(request.query as Query) }) // what Fastify's parser gives
  })
  app.post(`${url}/.search`, (request, reply) => {
    const caller = callerOf(request)
    const query = readSearchRequest(request.body as Json | undefined, caller.profile) // what our parser gives
    return answer(lists, reply, { caller, query })
  })
}

/** The lists of every type, and the one of all types at the root (RFC 7644 sections 3.4.2.1 and 3.4.3). */
export function listRoutes<C extends Caller>(app: FastifyInstance, options: ListOptions<C>): void {
  for (const resources of options.of) listRoute(app, resources.type.endpoint, { ...options, of: [resources] })
  listRoute(app, '', options)
}
