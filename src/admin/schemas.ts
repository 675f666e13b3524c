import type { FastifyReply, FastifyRequest } from 'fastify'
import {
  deleteScimSchema,
  holdAlone,
  listScimSchemas,
  putScimSchema,
  recordEvents,
  type ScimSchemaRow,
  type Scope,
  transact,
  usedAttributes,
} from '../../db/index.ts'
import { Problem } from '../errors.ts'
import { eventOf } from '../events/record.ts'
import { checkSuccession, readSchemaDocument, urnOf } from '../translate/schemas.ts'
import { type Admin, type AdminHandlers, notFound } from './admin.ts'

/** Every credential brings them along. */
const MOST_SCHEMAS = 20

const view = ({ resource_type, document, created_at, updated_at }: ScimSchemaRow) => ({
  resourceType: resource_type,
  schema: document,
  createdAt: created_at,
  updatedAt: updated_at,
})

const urnIn = (request: FastifyRequest) => (request.params as { urn: string }).urn.toLowerCase() // as the path has it

interface Wish {
  readonly resourceType: ScimSchemaRow['resource_type']
  readonly schema: unknown
}

export function schemaHandlers(admin: Admin): AdminHandlers {
  return {
    async listScimSchemas(request: FastifyRequest) {
      return { items: (await listScimSchemas(admin.scopeOf(request))).map(view) }
    },
    async getScimSchema(request: FastifyRequest) {
      return view(await schemaOf(admin.scopeOf(request), urnIn(request)))
    },
    async putScimSchema(request: FastifyRequest, reply: FastifyReply) {
      const wish = request.body as Wish // as the contract validated it
      const { isNew, row } = await alone(admin.scopeOf(request), (scope) => put(scope, urnIn(request), wish))
      return reply.code(isNew ? 201 : 200).send(view(row))
    },
    async deleteScimSchema(request: FastifyRequest, reply: FastifyReply) {
      await alone(admin.scopeOf(request), (scope) => remove(scope, urnIn(request)))
      return reply.code(204).send()
    },
  }
}

/** One at a time, since each is held against all the others. */
function alone<T>(scope: Scope, work: (scope: Scope) => Promise<T>): Promise<T> {
  return transact(scope.db, async (db) => {
    const held = { ...scope, db }
    await holdAlone(held, 'schemas')
    return work(held)
  })
}

async function schemaOf(scope: Scope, urn: string): Promise<ScimSchemaRow> {
  const row = (await listScimSchemas(scope)).find((one) => one.urn === urn)
  if (!row) throw notFound('schema')
  return row
}

async function put(scope: Scope, urn: string, { resourceType, schema: document }: Wish) {
  const rows = await listScimSchemas(scope)
  const others = rows.filter((row) => row.urn !== urn)
  const before = rows.find((row) => row.urn === urn)
  const schema = readSchemaDocument(document, others)
  if (schema.id.toLowerCase() !== urn) throw misplaced('body/schema/id', 'is not the URN of the address')
  if (before && before.resource_type !== resourceType)
    throw misplaced('body/resourceType', `must stay ${before.resource_type}`)
  if (!before && rows.length >= MOST_SCHEMAS)
    throw new Problem('conflict', `An organization has ${MOST_SCHEMAS} schemas of its own at most.`)
  if (before)
    checkSuccession(before, schema, await usedAttributes(scope, { resourceType, urn: urnOf(before) }))
  await putScimSchema(scope, { urn, resource_type: resourceType, document: schema })
  await record(scope, 'scim-schema.stored', { urn: schema.id, resourceType })
  return { isNew: !before, row: await schemaOf(scope, urn) }
}

async function remove(scope: Scope, urn: string): Promise<void> {
  const row = await schemaOf(scope, urn)
  const resourceType = row.resource_type
  const used = await usedAttributes(scope, { resourceType, urn: urnOf(row) })
  if (used.size > 0)
    throw new Problem(
      'conflict',
      `There are values of ${[...used]
        .sort()
        .map((name) => `"${name}"`)
        .join(', ')}.`,
    )
  await deleteScimSchema(scope, urn)
  await record(scope, 'scim-schema.deleted', { urn: urnOf(row), resourceType })
}

const misplaced = (path: string, message: string) =>
  new Problem('invalid_request', `${path} ${message}.`, { errors: [{ path, message }] })

function record(
  scope: Scope,
  type: 'scim-schema.stored' | 'scim-schema.deleted',
  data: object,
): Promise<void> {
  const subject = { type: 'organization' as const, id: scope.organizationId }
  return recordEvents(scope, [eventOf({ type, subject, data: { ...data } })])
}
