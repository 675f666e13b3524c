import { createHash } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { BulkLimits } from './bulk.ts'
import { ScimError } from './errors.ts'
import { isKnown } from './etag.ts'
import type { Caller } from './handler.ts'
import { DEFAULT_COUNT, listResponse } from './page.ts'
import { send } from './reply.ts'
import type { ResourceType, Schema } from './schema/types.ts'

const CORE = 'urn:ietf:params:scim:schemas:core:2.0'

export interface Discovery {
  readonly baseUrl: string
  readonly resourceTypes: readonly ResourceType<string>[]
  /** Members of `ServiceProviderConfig` that are the host's own. */
  readonly more: object
  /** Who asks; what it shows is theirs. */
  readonly authenticate: (request: FastifyRequest) => Caller | Promise<Caller>
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
  const { baseUrl, maxResults, sort, bulk, cursorTimeout, tokenEndpoint, more } = discovery
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
    ...more,
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

function resourceTypeDocument(baseUrl: string, type: ResourceType<string>): Document {
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

function schemasOf(resourceTypes: readonly ResourceType<string>[]): Schema[] {
  return [
    ...new Set(
      resourceTypes.flatMap(({ schema, extensions }) => [schema, ...extensions.map((e) => e.schema)]),
    ),
  ]
}

/** By the name a document is asked for, which is case-insensitive as URNs are. */
type Documents = ReadonlyMap<string, Versioned>

function byName(documents: readonly (readonly [name: string, document: Document])[]): Documents {
  return new Map(documents.map(([name, document]) => [name.toLowerCase(), versioned(document)]))
}

interface Shown {
  readonly types: Documents
  readonly schemas: Documents
}

function shownOf(resourceTypes: readonly ResourceType<string>[], baseUrl: string): Shown {
  return {
    types: byName(resourceTypes.map((type) => [type.name, resourceTypeDocument(baseUrl, type)])),
    schemas: byName(schemasOf(resourceTypes).map((schema) => [schema.id, schemaDocument(baseUrl, schema)])),
  }
}

type Own = NonNullable<Caller['resourceTypes']>

/**
 * What is there for whoever asks: a credential may have types of its own; without any, it is what all have. One that
 * is not valid is refused even here, or else a client that tries its credential would be told that it works.
 */
function showing({ baseUrl, resourceTypes, authenticate }: Discovery) {
  const standard = shownOf(resourceTypes, baseUrl)
  const made = new WeakMap<Own, Shown>()
  return async (request: FastifyRequest): Promise<Shown> => {
    const own = request.headers.authorization ? (await authenticate(request)).resourceTypes : undefined
    if (!own) return standard
    const types = resourceTypes.map((type) => own[type.name as keyof Own] ?? type)
    const shown = made.get(own) ?? shownOf(types, baseUrl)
    made.set(own, shown)
    return shown
  }
}

/** What this server can do (RFC 7644 section 4); asked without a credential, since clients look before they have one. */
export function discoveryRoutes(app: FastifyInstance, discovery: Discovery): void {
  // A filter could only hide what the server supports, so the RFC forbids it here.
  app.addHook('onRequest', async ({ query }) => {
    if (typeof query === 'object' && query !== null && 'filter' in query) {
      throw new ScimError('forbidden', 'These resources cannot be filtered.')
    }
  })
  const config = versioned(serviceProviderConfig(discovery))
  app.get('/ServiceProviderConfig', (request, reply) => show(request, reply, config))
  const shownTo = showing(discovery)
  for (const [url, kind] of [
    ['/ResourceTypes', 'types'],
    ['/Schemas', 'schemas'],
  ] as const) {
    app.get(url, async (request, reply) => {
      const resources = [...(await shownTo(request))[kind].values()].map(({ body }) => body)
      const page = { totalResults: resources.length, startIndex: 1 }
      return send(
        reply,
        200,
        listResponse({ ...page, resources: resources.map((one) => JSON.stringify(one)) }),
      )
    })
    app.get<{ Params: { id: string } }>(`${url}/:id`, async (request, reply) => {
      const document = (await shownTo(request))[kind].get(request.params.id.toLowerCase())
      if (!document) throw new ScimError('notFound')
      return show(request, reply, document)
    })
  }
}
