import type { FastifyReply, FastifyRequest } from 'fastify'
import {
  deleteScimValue,
  holdAlone,
  listScimValues,
  putScimValue,
  recordEvents,
  type ScimValueRow,
  transact,
  type ValueKind,
} from '../../db/index.ts'
import { Problem } from '../errors.ts'
import { eventOf } from '../events/record.ts'
import { type Admin, type AdminHandlers, notFound } from './admin.ts'

/** Of each kind: whoever asks for them is given all. */
const MOST_VALUES = 1000

const view = ({ value, display, type, supported }: ScimValueRow) => ({
  value,
  ...(display !== null && { display }),
  ...(type !== null && { type }),
  supported,
})

const valueIn = (request: FastifyRequest) => (request.params as { value: string }).value // as the path has it

interface Wish {
  readonly display?: string
  readonly type?: string
  readonly supported: boolean
}

/** The values that an organization gives `roles` and `entitlements`. */
export function valueHandlers(admin: Admin): AdminHandlers {
  const [roles, entitlements] = [handlersFor(admin, 'role'), handlersFor(admin, 'entitlement')]
  return {
    listRoles: roles.list,
    putRole: roles.put,
    deleteRole: roles.remove,
    listEntitlements: entitlements.list,
    putEntitlement: entitlements.put,
    deleteEntitlement: entitlements.remove,
  }
}

function handlersFor(admin: Admin, kind: ValueKind) {
  const eventFor = (request: FastifyRequest, type: 'scim-value.stored' | 'scim-value.deleted') =>
    eventOf({
      type,
      subject: { type: 'organization', id: admin.scopeOf(request).organizationId },
      data: { kind, value: valueIn(request) },
    })
  return {
    list: async (request: FastifyRequest) => ({
      items: (await listScimValues(admin.scopeOf(request), kind)).map(view),
    }),
    put: async (request: FastifyRequest, reply: FastifyReply) => {
      const { display = null, type = null, supported } = request.body as Wish // as the contract validated it
      const wish = { kind, value: valueIn(request), display, type, supported }
      const scope = admin.scopeOf(request)
      const row = await transact(scope.db, async (db) => {
        const held = { ...scope, db }
        await holdAlone(held, 'values')
        const written = await putScimValue(held, wish, MOST_VALUES)
        if (!written) throw new Problem('conflict', `There are ${MOST_VALUES} of them, the most.`)
        await recordEvents(held, [eventFor(request, 'scim-value.stored')])
        return written
      })
      return reply.code(row.version === 1 ? 201 : 200).send(view(row))
    },
    remove: async (request: FastifyRequest, reply: FastifyReply) => {
      const scope = admin.scopeOf(request)
      await transact(scope.db, async (db) => {
        const held = { ...scope, db }
        if (!(await deleteScimValue(held, { kind, value: valueIn(request) }))) throw notFound(kind)
        await recordEvents(held, [eventFor(request, 'scim-value.deleted')])
      })
      return reply.code(204).send()
    },
  }
}
