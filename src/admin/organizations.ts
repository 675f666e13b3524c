import type { FastifyReply, FastifyRequest } from 'fastify'
import {
  createOrganization,
  findOrganization,
  listOrganizations,
  type OrganizationRow,
  setRequestLimit,
} from '../../db/index.ts'
import { Problem } from '../errors.ts'
import { eventOf } from '../events/record.ts'
import { newId } from '../ids.ts'
import { PUBLIC } from '../provisioning/personal.ts'
import { defaultPolicy } from '../provisioning/policy.ts'
import { type Admin, type AdminHandlers, notFound, taken } from './admin.ts'
import { listOf, pageOf } from './pages.ts'

const view = ({ id, slug, name, kind, status, requestsPerSecond }: OrganizationRow) => ({
  id,
  slug,
  name,
  ...(kind !== 'enterprise' && { kind }),
  status,
  ...(requestsPerSecond !== null && { requestsPerSecond }),
})

export function organizationHandlers(admin: Admin): AdminHandlers {
  return {
    async createOrganization(request: FastifyRequest, reply: FastifyReply) {
      const { slug, name } = request.body as { slug: string; name: string } // as the contract validated it
      if (slug === PUBLIC)
        throw new Problem('conflict', `The slug "${PUBLIC}" is that of the public connection.`)
      const id = newId()
      const scope = { ...admin.scopeOf(request), organizationId: id }
      const event = eventOf({ type: 'organization.created', subject: { type: 'organization', id } })
      const home = { id: newId(), name }
      await createOrganization(scope, { slug, name, home, policy: defaultPolicy, events: [event] }).catch(
        taken(`Another organization has the slug "${slug}".`),
      )
      return reply.code(201).send({ id, slug, name, status: 'active' })
    },
    async listOrganizations(request: FastifyRequest) {
      const { limit, ...page } = pageOf(request)
      return listOf(await listOrganizations(admin.db, { ...page, limit: limit + 1 }), limit, view)
    },
    async getOrganization(request: FastifyRequest) {
      const row = await findOrganization(admin.scopeOf(request))
      if (!row) throw notFound('organization')
      return view(row)
    },
    async setRequestLimit(request: FastifyRequest) {
      const scope = admin.scopeOf(request)
      const { requestsPerSecond } = request.body as Pick<OrganizationRow, 'requestsPerSecond'> // as the contract validated it
      const event = eventOf({
        type: 'organization.changed',
        subject: { type: 'organization', id: scope.organizationId },
        changed: ['requestsPerSecond'],
      })
      await setRequestLimit(scope, requestsPerSecond, [event])
      const row = await findOrganization(scope)
      if (!row) throw notFound('organization')
      return view(row)
    },
  }
}
