import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type Contract, loadContract, type Operation, type RequestBody } from './contract/document.ts'
import { requestCompiler, requestSchemas } from './contract/validation.ts'
import { Problem, problemOf } from './errors.ts'

export { type Contract, loadContract, type Operation }

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The operation of the contract that a route serves. */
    operation?: Operation
  }
}

export type Handler = (request: FastifyRequest, reply: FastifyReply) => unknown

export interface OperationOptions {
  /** Which operations: those whose path starts so … */
  readonly prefix?: string
  /** … and that carry this tag. */
  readonly tag?: string
  /** By operationId: one for each of these operations, and no other. */
  readonly handlers: Readonly<Record<string, Handler>>
}

/** Adds a route for each chosen operation: its validation is the contract's, its handler the one of its name. */
export function operationRoutes(app: FastifyInstance, contract: Contract, options: OperationOptions): void {
  const chosen = chosenBy(options, contract.operations)
  const validatorCompiler = requestCompiler(contract.document)
  for (const { operation, handler } of chosen) {
    app.route({
      method: operation.method.toUpperCase(),
      url: operation.path.replace(/\{(\w+)\}/g, ':$1'),
      config: { operation },
      schema: requestSchemas(contract.document, operation),
      validatorCompiler,
      handler,
      ...(operation.body && { preValidation: bodyChecks(operation.body) }),
    })
  }
}

/** Reads a body as the operation of that name would, where it has not come as one: with its defaults, or a 400. */
export type ReadBody = (operationId: string, body: unknown) => unknown

export function bodyReader({ document, operations }: Contract): ReadBody {
  const compile = requestCompiler(document)
  const checks = new Map<string, ReturnType<typeof compile>>()
  const checkOf = (operationId: string) => {
    const operation = operations.find((one) => one.operationId === operationId)
    if (!operation) throw new Error(`the contract has no operation ${operationId}`)
    const check = compile({ schema: requestSchemas(document, operation).body, httpPart: 'body' })
    checks.set(operationId, check)
    return check
  }
  return (operationId, body) => {
    const check = checks.get(operationId) ?? checkOf(operationId)
    if (!check(body)) throw problemOf({ validation: check.errors, validationContext: 'body' })
    return body
  }
}

/** In this scope bodies are JSON, read by `read`, and anything else is 415. */
export function jsonBodies(app: FastifyInstance, read: (text: string) => unknown): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    ['application/json', 'application/merge-patch+json'],
    { parseAs: 'string' },
    async (_request: unknown, text: string) => {
      // a client may name the type of a body it does not send
      if (text === '') return undefined
      try {
        return read(text)
      } catch (cause) {
        const why = cause instanceof Error ? cause.message : 'it is not JSON'
        throw new Problem('invalid_request', `The body cannot be read: ${why}`, { cause })
      }
    },
  )
}

function chosenBy({ prefix = '/', tag, handlers }: OperationOptions, operations: readonly Operation[]) {
  const chosen = operations.filter(
    ({ path, tags }) => path.startsWith(prefix) && (!tag || tags.includes(tag)),
  )
  const names = new Set(chosen.map(({ operationId }) => operationId))
  const stray = Object.keys(handlers).find((name) => !names.has(name))
  if (stray) throw new Error(`the contract has no operation for the handler ${stray}`)
  return chosen.map((operation) => {
    const handler = handlers[operation.operationId]
    if (!handler) throw new Error(`the operation ${operation.operationId} has no handler`)
    return { operation, handler }
  })
}

/** In this scope bodies of these types are taken as they are, up to so many bytes. */
export function binaryBodies(app: FastifyInstance, types: readonly string[], bodyLimit: number): void {
  app.addContentTypeParser(
    [...types],
    { parseAs: 'buffer', bodyLimit },
    async (_request: unknown, bytes: Buffer) => bytes,
  )
}

type Check = (request: FastifyRequest) => Promise<void>

/** A scope may read more types of bodies than an operation takes. */
function bodyChecks({ content, required }: RequestBody): Check[] {
  const typed: Check = async ({ headers, body }) => {
    const type = headers['content-type']?.split(';')[0]?.trim().toLowerCase()
    if (body !== undefined && type !== undefined && !Object.hasOwn(content, type))
      throw new Problem('unsupported_media_type', `A body here is ${Object.keys(content).join(' or ')}.`)
  }
  return required ? [typed] : [typed, emptyWhenAbsent]
}

async function emptyWhenAbsent(request: FastifyRequest): Promise<void> {
  request.body ??= {}
}
