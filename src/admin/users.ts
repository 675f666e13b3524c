import type { FastifyRequest } from 'fastify'
import {
  findPerson,
  listPeople,
  type PersonRow,
  peopleFirstParameter,
  type Scope,
  scimSettings,
} from '../../db/index.ts'
import { isUuid } from '../ids.ts'
import { peopleCondition } from '../translate/filters.ts'
import { type Admin, type AdminHandlers, notFound } from './admin.ts'
import { explain } from './explain.ts'
import { listOf, pageOf } from './pages.ts'
import { momentsOf, momentView } from './timeline.ts'
import { listedPersonView, personView } from './views.ts'

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
      return listOf(await momentsOf(admin.scopeOf(request), id, page), limit, momentView)
    },
    async explainUser(request: FastifyRequest) {
      return explain(admin.scopeOf(request), await personOf(admin, request))
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

/** The person that the path names. */
export async function personOf(admin: Admin, request: FastifyRequest): Promise<PersonRow> {
  const { userId } = request.params as { userId: string } // as the path has it
  const row = isUuid(userId) ? await findPerson(admin.scopeOf(request), userId) : null
  if (!row) throw notFound('user')
  return row
}
