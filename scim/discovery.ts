import type { FastifyInstance } from 'fastify'
import type { BulkLimits } from './bulk.ts'
import { ScimError } from './errors.ts'
import { DEFAULT_COUNT, listResponse } from './page.ts'
import { send } from './reply.ts'
import type { ResourceType, Schema } from './schema/types.ts'

const CORE = 'urn:ietf:params:scim:schemas:core:2.0'

export interface Discovery {
  readonly baseUrl: string
  readonly resourceTypes: readonly ResourceType[]
  readonly maxResults: number
  readonly sort: boolean
  readonly bulk: BulkLimits
  /** Seconds. */
  readonly cursorTimeout: number
}

function serviceProviderConfig({ baseUrl, maxResults, sort, bulk, cursorTimeout }: Discovery): object {
  return {
    schemas: [`${CORE}:ServiceProviderConfig`],
    patch: { supported: true },
    bulk: { supported: true, ...bulk },
    filter: { supported: true, maxResults },
    changePassword: { supported: false },
    sort: { supported: sort },
    // RFC 9865 section 4
    pagination: {
      cursor: true,
      index: true,
      defaultPaginationMethod: 'index',
      defaultPageSize: Math.min(DEFAULT_COUNT, maxResults),
      maxPageSize: maxResults,
      cursorTimeout,
    },
    etag: { supported: true },
    authenticationSchemes: [
      {
        type: 'oauthbearertoken',
        name: 'Bearer token',
        description: 'A token in the Authorization header, given out for one connection.',
        specUri: 'https://www.rfc-editor.org/rfc/rfc6750',
        primary: true,
      },
    ],
    meta: { resourceType: 'ServiceProviderConfig', location: `${baseUrl}/ServiceProviderConfig` },
  }
}

function schemaDocument(baseUrl: string, schema: Schema): object {
  return {
    schemas: [`${CORE}:Schema`],
    ...schema,
    meta: { resourceType: 'Schema', location: `${baseUrl}/Schemas/${schema.id}` },
  }
}

function resourceTypeDocument(baseUrl: string, type: ResourceType): object {
  return {
    schemas: [`${CORE}:ResourceType`],
    id: type.name,
    name: type.name,
    endpoint: type.endpoint,
    description: type.description,
    schema: type.schema.id,
    schemaExtensions: type.extensions.map(({ schema, required }) => ({ schema: schema.id, required })),
    meta: { resourceType: 'ResourceType', location: `${baseUrl}/ResourceTypes/${type.name}` },
  }
}

function schemasOf(resourceTypes: readonly ResourceType[]): Schema[] {
  return [
    ...new Set(
      resourceTypes.flatMap(({ schema, extensions }) => [schema, ...extensions.map((e) => e.schema)]),
    ),
  ]
}

/** Documents by the name they are asked for, which is case-insensitive as URNs are. */
function serveDocuments(app: FastifyInstance, url: string, documents: ReadonlyMap<string, object>): void {
  const resources = [...documents.values()]
  const all = listResponse({ totalResults: resources.length, startIndex: 1, resources })
  app.get(url, (_request, reply) => send(reply, 200, all))
  app.get<{ Params: { id: string } }>(`${url}/:id`, (request, reply) => {
    const document = documents.get(request.params.id.toLowerCase())
    if (!document) throw new ScimError('notFound')
    return send(reply, 200, document)
  })
}

/** What this server can do (RFC 7644 section 4); asked without a credential, since clients look before they have one. */
export function discoveryRoutes(app: FastifyInstance, discovery: Discovery): void {
  const { baseUrl, resourceTypes } = discovery
  // A filter could only hide what the server supports, so the RFC forbids it here.
  app.addHook('onRequest', async ({ query }) => {
    if (typeof query === 'object' && query !== null && 'filter' in query) {
      throw new ScimError('forbidden', 'These resources cannot be filtered.')
    }
  })
  const config = serviceProviderConfig(discovery)
  app.get('/ServiceProviderConfig', (_request, reply) => send(reply, 200, config))
  const types = resourceTypes.map(
    (type) => [type.name.toLowerCase(), resourceTypeDocument(baseUrl, type)] as const,
  )
  serveDocuments(app, '/ResourceTypes', new Map(types))
  const schemas = schemasOf(resourceTypes).map(
    (schema) => [schema.id.toLowerCase(), schemaDocument(baseUrl, schema)] as const,
  )
  serveDocuments(app, '/Schemas', new Map(schemas))
}
