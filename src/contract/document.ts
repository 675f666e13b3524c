import { readFileSync } from 'node:fs'
import { parse } from 'yaml'

export const METHODS = ['get', 'put', 'post', 'patch', 'delete'] as const
export type Method = (typeof METHODS)[number]

/** One operation of the contract, as it is written there. */
export interface Operation {
  readonly method: Method
  /** With its parameters in braces. */
  readonly path: string
  readonly operationId: string
  readonly tags: readonly string[]
  /** Each entry names schemes that are needed together; any one entry will do. */
  readonly security: readonly Readonly<Record<string, readonly string[]>>[]
  readonly parameters: readonly Parameter[]
  readonly body?: RequestBody
}

export interface Contract {
  readonly operations: readonly Operation[]
  readonly document: Document
}

interface Reference {
  readonly $ref?: string
}
export interface Parameter extends Reference {
  readonly name: string
  readonly in: string
  readonly required?: boolean
  readonly schema: Reference
}
export interface RequestBody extends Reference {
  readonly required?: boolean
  readonly content: Readonly<Record<string, { readonly schema: object }>>
}
interface Described extends Partial<Pick<Operation, 'tags' | 'security' | 'parameters'>> {
  readonly operationId: string
  readonly requestBody?: RequestBody
}
type PathItem = { readonly [method in Method]?: Described } & { readonly parameters?: readonly Parameter[] }

export interface Document {
  readonly security?: Operation['security']
  readonly paths: Readonly<Record<string, PathItem>>
  readonly components: object
}

export function loadContract(file: string): Contract {
  // its shape is the linter's to check
  const document = parse(readFileSync(file, 'utf8')) as Document
  const operations = Object.entries(document.paths).flatMap(([path, item]) =>
    METHODS.flatMap((method) => {
      const described = item[method]
      return described ? [{ method, path, ...operationOf(document, item, described) }] : []
    }),
  )
  return { document, operations }
}

function operationOf(document: Document, item: PathItem, described: Described) {
  const { operationId, tags = [], security = document.security ?? [], requestBody } = described
  const parameters = [...(item.parameters ?? []), ...(described.parameters ?? [])]
  return {
    operationId,
    tags,
    security,
    parameters: parameters.map((parameter) => resolve(document, parameter)),
    ...(requestBody && { body: resolve(document, requestBody) }),
  }
}

/** Follows a local reference; what stands beside it wins. */
export function resolve<T extends Reference>(document: Document, value: T): T {
  if (!value.$ref) return value
  const names = value.$ref.replace(/^#\//, '').split('/')
  const found = names.reduce<unknown>((at, name) => Reflect.get(Object(at), name), document)
  if (typeof found !== 'object' || found === null)
    throw new Error(`the contract has nothing at ${value.$ref}`)
  const { $ref, ...beside } = value
  // a reference stands for the kind of thing it takes the place of
  return resolve(document, { ...found, ...beside } as T)
}
