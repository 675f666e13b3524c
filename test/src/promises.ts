import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import type { FastifyInstance, RouteOptions } from 'fastify'
import { type Contract, type Document, resolve } from '../../src/contract/document.ts'
import type { Answer, Method } from './api.ts'

export interface Route {
  readonly method: Method
  /** With its parameters in braces. */
  readonly path: string
}

/**
 * Every route of the applications that `build` makes, whichever plugin adds it. HEAD is left out: it is the
 * framework's, of every GET.
 */
export async function routesOf(build: () => Promise<unknown>): Promise<Route[]> {
  const routes: Route[] = []
  const note = ({ method, url }: RouteOptions) => {
    const path = url
      .replace(/:(\w+)/g, '{$1}')
      .replace('*', '{path}')
      .replace(/(?<=.)\/$/, '') // with a slash at its end or without
    for (const name of [method].flat()) if (name !== 'HEAD') routes.push({ method: name as Method, path }) // as registered
  }
  const listen = (message: unknown) =>
    (message as { fastify: FastifyInstance }).fastify.addHook('onRoute', note)
  subscribe('fastify.initialization', listen)
  try {
    await build()
  } finally {
    unsubscribe('fastify.initialization', listen)
  }
  return routes
}

interface Media {
  readonly schema: object
}
interface Described {
  readonly $ref?: string
  readonly headers?: Readonly<Record<string, { readonly required?: boolean }>>
  readonly content?: Readonly<Record<string, Media>>
}

/** Says what is wrong with an answer by the contract: its status, its headers, its type, its body to the last member. */
export function checkedBy({ document, operations }: Contract) {
  const ajv = new Ajv2020({ strict: true, strictTypes: false, strictTuples: false, strictRequired: false })
  addFormats.default(ajv)
  ajv.addVocabulary(['components', 'example', 'externalDocs', 'xml'])
  ajv.addSchema({ $id: 'openapi', components: closed(document.components) })
  const compiled = new Map<object, ValidateFunction>()
  const validate = (schema: object): ValidateFunction => {
    const known = compiled.get(schema) ?? ajv.compile(closed(outward(schema)))
    compiled.set(schema, known)
    return known
  }
  return (operationId: string, { status, headers, text, body }: Answer): string[] => {
    const operation = operations.find((one) => one.operationId === operationId)
    if (!operation) return [`there is no operation ${operationId}`]
    const described = responseOf(document, operation, status)
    if (!described) return [`${status} is not described`]
    const missing = Object.entries(described.headers ?? {})
      .filter(([name, { required }]) => required && headers[name.toLowerCase()] === undefined)
      .map(([name]) => `the header ${name} is missing`)
    const type = String(headers['content-type'] ?? '').split(';')[0] ?? ''
    if (!described.content) return text === '' ? missing : [...missing, 'there is a body']
    const media = described.content[type]
    if (!media) return [...missing, `the type ${type} is not described`]
    if (!type.includes('json')) return missing
    const check = validate(media.schema)
    return check(body) ? missing : [...missing, ajv.errorsText(check.errors)]
  }
}

interface Responses {
  readonly responses: Readonly<Record<string, Described>>
}

function responseOf(document: Document, { method, path }: Contract['operations'][number], status: number) {
  // The only part of an operation that the service itself does not read, so its types do not have it.
  const operation = document.paths[path]?.[method] as unknown as Responses | undefined
  const described = operation?.responses[status] ?? operation?.responses.default
  return described && resolve(document, described)
}

/** The same schema where its references are seen from outside the document. */
function outward(schema: object): object {
  const seen = (key: string, value: unknown) =>
    key === '$ref' && typeof value === 'string' ? `openapi${value}` : value
  return JSON.parse(JSON.stringify(schema), seen)
}

/** The same schema where an object has what is described and nothing else, unless it says that it may. */
function closed(schema: object): object {
  return JSON.parse(JSON.stringify(schema), (_key, value) => {
    const isObject = typeof value === 'object' && value !== null && [value.type].flat().includes('object')
    return isObject && value.properties && !('additionalProperties' in value)
      ? { ...value, unevaluatedProperties: false }
      : value
  })
}
