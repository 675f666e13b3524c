import type { FastifyRequest } from 'fastify'
import {
  type EventRow,
  eventsOf,
  findPerson,
  findRequests,
  listPeople,
  type PersonRow,
  peopleFirstParameter,
  type RequestRow,
  type Scope,
  scimSettings,
} from '../../db/index.ts'
import { isUuid } from '../ids.ts'
import { reasonFor } from '../provisioning/reasons.ts'
import { peopleCondition } from '../translate/filters.ts'
import { type Admin, type AdminHandlers, notFound } from './admin.ts'
import { listOf, pageOf } from './pages.ts'
import { decisionView, listedPersonView, personView, timelineView } from './views.ts'

export function userHandlers(admin: Admin): AdminHandlers {
  return {
    async listUsers(request: FastifyRequest) {
      const { limit, ...page } = pageOf(request)
      const scope = admin.scopeOf(request)
      const { filter } = request.query as { filter?: string } // as the contract validated it
      const where = filter === undefined ? everybody : await conditionOf(scope, filter)
      const rows = await listPeople(scope, { where, ...page, limit: limit + 1 })
      return listOf(rows, limit, listedPersonView)
    },
    async getUser(request: FastifyRequest) {
      return personView(await personOf(admin, request))
    },
    async getUserTimeline(request: FastifyRequest) {
      const { id } = await personOf(admin, request)
      const { limit, after: before } = pageOf(request)
      const page = { limit: limit + 1, ...(before && { before }) }
      const events = await eventsOf(admin.scopeOf(request), id, page)
      const requests = await requestsBehind(admin.scopeOf(request), events)
      return listOf(events, limit, (event) => timelineView(event, requests.get(event.request_id ?? '')))
    },
    async explainUser(request: FastifyRequest) {
      const person = await personOf(admin, request)
      const { id, status } = person
      const reason = reasonFor(person)
      const events = await eventsOf(admin.scopeOf(request), id, { limit: 200 })
      const decisions = events.filter(({ rule }) => rule !== null).map(decisionView)
      return { status, ...(reason && { reason }), decisions }
    },
  }
}

const everybody = { text: 'true', values: [] }

async function conditionOf(scope: Scope, filter: string) {
  const settings = await scimSettings(scope)
  return peopleCondition(filter, {
    firstParameter: peopleFirstParameter,
    schemas: settings?.schemas ?? null,
  })
}

/** By their ids, those that are still noted. */
async function requestsBehind(
  scope: Scope,
  events: readonly EventRow[],
): Promise<ReadonlyMap<string, RequestRow>> {
  const ids = events.flatMap(({ request_id: id }) => (id !== null && isUuid(id) ? [id] : []))
  return new Map((await findRequests(scope, ids)).map((row) => [row.id, row]))
}

/** The person that the path names. */
export async function personOf(admin: Admin, request: FastifyRequest): Promise<PersonRow> {
  const { userId } = request.params as { userId: string } // as the path has it
  const row = isUuid(userId) ? await findPerson(admin.scopeOf(request), userId) : null
  if (!row) throw notFound('user')
  return row
}
