import { createHash } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { BulkLimits } from './bulk.ts'
import { ScimError } from './errors.ts'
import { isKnown } from './etag.ts'
import type { Caller } from './handler.ts'
import { DEFAULT_COUNT, listResponse } from './page.ts'
import type { Published } from './published.ts'
import { send } from './reply.ts'
import { serviceSchemas } from './schema/service.ts'
import type { ResourceType, Schema } from './schema/types.ts'

const CORE = 'urn:ietf:params:scim:schemas:core:2.0'

export interface Discovery<C extends Caller = Caller> {
  readonly baseUrl: string
  readonly resourceTypes: readonly ResourceType[]
  readonly published: readonly Published<C>[]
  /** Members of `ServiceProviderConfig` that tell of what is published. */
  readonly ofPublished: object
  /** Who asks; what it shows is theirs. */
  readonly authenticate: (request: FastifyRequest) => C | Promise<C>
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

/** Of a service, as far as all are told the same. */
type Service = Omit<Discovery, 'resourceTypes' | 'published' | 'authenticate'>

function serviceProviderConfig(service: Service, more: object): Document {
  const { baseUrl, maxResults, sort, bulk, cursorTimeout, tokenEndpoint } = service
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
  const schemas = resourceTypes.flatMap(({ schema, extensions }) => [
    schema,
    ...extensions.map((extension) => extension.schema),
  ])
  return [...new Set(schemas), ...serviceSchemas]
}

/** By the name a document is asked for, which is case-insensitive as URNs are. */
type Documents = ReadonlyMap<string, Versioned>

function byName(documents: readonly (readonly [name: string, document: Document])[]): Documents {
  return new Map(documents.map(([name, document]) => [name.toLowerCase(), versioned(document)]))
}

interface Shown {
  readonly config: Versioned
  readonly types: Documents
  readonly schemas: Documents
}

interface Offer {
  readonly types: readonly ResourceType[]
  readonly published: readonly ResourceType<string>[]
}

function shownOf(service: Service, offer: Offer): Shown {
  const { baseUrl, ofPublished } = service
  const types = [...offer.types, ...offer.published]
  return {
    config: versioned(serviceProviderConfig(service, offer.published.length > 0 ? ofPublished : {})),
    types: byName(types.map((type) => [type.name, resourceTypeDocument(baseUrl, type)])),
    schemas: byName(schemasOf(types).map((schema) => [schema.id, schemaDocument(baseUrl, schema)])),
  }
}

/** The types of which the caller has any: clients take one that is announced for one to write to. */
async function publishedTo<C extends Caller>(
  published: readonly Published<C>[],
  caller: C,
): Promise<ResourceType<string>[]> {
  const all = await Promise.all(published.map((one) => one.all(caller)))
  return published.flatMap(({ type }, n) => (all[n]?.length ? [type] : []))
}

/**
 * What is there for whoever asks: a credential may have types of its own; without any, it is what all have. One that
 * is not valid is refused even here, or else a client that tries its credential would be told that it works.
 */
function showing<C extends Caller>({ resourceTypes, published, authenticate, ...service }: Discovery<C>) {
  const standard = shownOf(service, { types: resourceTypes, published: [] })
  const made = new WeakMap<NonNullable<Caller['resourceTypes']>, Map<string, Shown>>()
  const nothingOwn = {}
  return async (request: FastifyRequest): Promise<Shown> => {
    if (!request.headers.authorization) return standard
    const caller = await authenticate(request)
    const offered = await publishedTo(published, caller)
    const own = caller.resourceTypes ?? nothingOwn
    const known = made.get(own) ?? new Map<string, Shown>()
    made.set(own, known)
    const names = offered.map(({ name }) => name).join()
    const types = resourceTypes.map((type) => caller.resourceTypes?.[type.name] ?? type)
    const shown = known.get(names) ?? shownOf(service, { types, published: offered })
    known.set(names, shown)
    return shown
  }
}

/** What this server can do (RFC 7644 section 4); asked without a credential, since clients look before they have one. */
export function discoveryRoutes<C extends Caller>(app: FastifyInstance, discovery: Discovery<C>): void {
  // A filter could only hide what the server supports, so the RFC forbids it here.
  app.addHook('onRequest', async ({ query }) => {
    if (typeof query === 'object' && query !== null && 'filter' in query) {
      throw new ScimError('forbidden', 'These resources cannot be filtered.')
    }
  })
  const shownTo = showing(discovery)
  app.get('/ServiceProviderConfig', async (request, reply) =>
    show(request, reply, (await shownTo(request)).config),
  )
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
