import { Ajv2020, type Options, type ValidateFunction } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { type Document, type Operation, type RequestBody, resolve } from './document.ts'

/** The schemas of a request, by the names that Fastify has for its parts. */
export interface RequestSchemas {
  readonly params: object
  readonly querystring: object
  readonly body?: object
}

export type Compiler = (part: { schema: unknown; httpPart?: string }) => ValidateFunction

export function requestSchemas(document: Document, operation: Operation): RequestSchemas {
  return {
    params: parametersSchema(document, operation, 'path'),
    querystring: parametersSchema(document, operation, 'query'),
    ...(operation.body && { body: bodySchema(operation.operationId, operation.body) }),
  }
}

/** Bodies are taken as they are; parameters are text, and read as what the contract says they are. */
export function requestCompiler(document: Document): Compiler {
  const body = validator(document, { coerceTypes: false })
  const parameters = validator(document, { coerceTypes: 'array' })
  return ({ schema, httpPart }) => {
    // the framework hands back what `requestSchemas` made
    return (httpPart === 'body' ? body : parameters).compile(schema as object)
  }
}

/** An unknown parameter is refused: what it was meant to narrow would otherwise be answered whole. */
function parametersSchema(document: Document, { parameters }: Operation, place: string): object {
  const own = parameters.filter((parameter) => parameter.in === place)
  const properties = own.map(({ name, schema }) => [name, absolute(resolve(document, schema))])
  return {
    type: 'object',
    required: own.filter(({ required }) => required).map(({ name }) => name),
    properties: Object.fromEntries(properties),
    additionalProperties: false,
  }
}

/** Of bodies that are no JSON nothing is checked here. */
function bodySchema(operationId: string, { content }: RequestBody): object {
  if (Object.keys(content).every((type) => type.startsWith('image/'))) return {}
  const schema = content['application/json']?.schema
  if (!schema) throw new Error(`the operation ${operationId} has a body that is not application/json`)
  return absolute(schema)
}

/** The same schema where its references, local to the document, are seen from outside. */
function absolute(schema: object): object {
  const outward = (key: string, value: unknown) => (key === '$ref' ? `openapi${value}` : value)
  return JSON.parse(JSON.stringify(schema), outward)
}

function validator({ components }: Document, options: Options): Ajv2020 {
  // Strict about keywords and formats nobody knows; types and tuples are the linter's.
  const strictness: Options = { strict: true, strictTypes: false, strictTuples: false }
  const ajv = new Ajv2020({ ...options, ...strictness, useDefaults: true })
  addFormats.default(ajv)
  ajv.addFormat('date-time', { validate: isTime })
  ajv.addVocabulary(['components', 'example', 'externalDocs', 'xml'])
  ajv.addSchema({ $id: 'openapi', components })
  return ajv
}

/** A leap second is a time by RFC 3339, and none that anything here can compute with. */
function isTime(text: string): boolean {
  return rfc3339.validate(text) && !Number.isNaN(Date.parse(text))
}

// as the package defines it
const rfc3339 = addFormats.default.get('date-time') as { readonly validate: (text: string) => boolean }
