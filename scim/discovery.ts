import { createHash } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { BulkLimits } from './bulk.ts'
import { ScimError } from './errors.ts'
import { isKnown } from './etag.ts'
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
  readonly tokenEndpoint: string | undefined
}

interface Document {
  readonly schemas: readonly string[]
  readonly meta: object
  readonly [name: string]: unknown
}

/** A document with its version, which is made of its text. */
interface Versioned {
  readonly body: object
  readonly tag: string
}

function versioned(document: Document): Versioned {
  const hash = createHash('sha256').update(JSON.stringify(document)).digest('base64url')
  const tag = `W/"${hash.slice(0, 16)}"`
  return { body: { ...document, meta: { ...document.meta, version: tag } }, tag }
}

function show(request: FastifyRequest, reply: FastifyReply, { body, tag }: Versioned): FastifyReply {
  reply.header('etag', tag)
  if (isKnown(request.headers['if-none-match'], tag)) return reply.code(304).send()
  return send(reply, 200, body)
}

const bearerToken = {
  type: 'oauthbearertoken',
  name: 'Bearer token',
  description: 'A token in the Authorization header, given out for one connection.',
  specUri: 'https://www.rfc-editor.org/rfc/rfc6750',
  primary: true,
}

const clientCredentials = (tokenEndpoint: string) => ({
  type: 'oauth2',
  name: 'OAuth 2.0 client credentials',
  description: `An access token from ${tokenEndpoint}.`,
  specUri: 'https://www.rfc-editor.org/rfc/rfc6749#section-4.4',
  primary: false,
})

function serviceProviderConfig(discovery: Discovery): Document {
  const { baseUrl, maxResults, sort, bulk, cursorTimeout, tokenEndpoint } = discovery
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
    authenticationSchemes: [bearerToken, ...(tokenEndpoint ? [clientCredentials(tokenEndpoint)] : [])],
    meta: { resourceType: 'ServiceProviderConfig', location: `${baseUrl}/ServiceProviderConfig` },
  }
}

function schemaDocument(baseUrl: string, schema: Schema): Document {
  return {
    schemas: [`${CORE}:Schema`],
    ...schema,
    meta: { resourceType: 'Schema', location: `${baseUrl}/Schemas/${schema.id}` },
  }
}

function resourceTypeDocument(baseUrl: string, type: ResourceType): Document {
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
function serveDocuments(app: FastifyInstance, url: string, documents: ReadonlyMap<string, Document>): void {
  const shown = new Map([...documents].map(([name, document]) => [name, versioned(document)]))
  const resources = [...shown.values()].map(({ body }) => body)
  const all = listResponse({ totalResults: resources.length, startIndex: 1, resources })
  app.get(url, (_request, reply) => send(reply, 200, all))
  app.get<{ Params: { id: string } }>(`${url}/:id`, (request, reply) => {
    const document = shown.get(request.params.id.toLowerCase())
    if (!document) throw new ScimError('notFound')
    return show(request, reply, document)
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
  const config = versioned(serviceProviderConfig(discovery))
  app.get('/ServiceProviderConfig', (request, reply) => show(request, reply, config))
  const types = resourceTypes.map(
    (type) => [type.name.toLowerCase(), resourceTypeDocument(baseUrl, type)] as const,
  )
  serveDocuments(app, '/ResourceTypes', new Map(types))
  const schemas = schemasOf(resourceTypes).map(
    (schema) => [schema.id.toLowerCase(), schemaDocument(baseUrl, schema)] as const,
  )
  serveDocuments(app, '/Schemas', new Map(schemas))
}
