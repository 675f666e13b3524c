import { STATUS_CODES } from 'node:http'

/** Stable: clients decide by these. */
const statuses = {
  invalid_request: 400,
  invalid_filter: 400,
  unauthorized: 401,
  forbidden: 403,
  not_found: 404,
  method_not_allowed: 405,
  conflict: 409,
  outranked: 409,
  precondition_failed: 412,
  payload_too_large: 413,
  uri_too_long: 414,
  unsupported_media_type: 415,
  too_many_requests: 429,
  internal: 500,
  bad_gateway: 502,
  unavailable: 503,
  gateway_timeout: 504,
} as const

export type ProblemCode = keyof typeof statuses
export const problemCodes = Object.keys(statuses)

/** What is wrong with one place of a request: `body/oidc/issuer`, `query/limit`, `path/userId`. */
interface FieldError {
  readonly path: string
  readonly message: string
}

interface ProblemOptions extends ErrorOptions {
  /** Seconds after which it may work. */
  readonly retryAfter?: number
  readonly errors?: readonly FieldError[]
  /** Further members of the body. */
  readonly extensions?: Readonly<Record<string, unknown>>
}

/** An error that its cause may hear of (RFC 9457). Everything in it but `cause` is shown. */
export class Problem extends Error {
  override readonly name = 'Problem'
  readonly code: ProblemCode
  readonly status: number
  readonly retryAfter: number | undefined
  readonly errors: readonly FieldError[] | undefined
  readonly extensions: Readonly<Record<string, unknown>>

  constructor(code: ProblemCode, detail: string, options: ProblemOptions = {}) {
    super(detail, 'cause' in options ? { cause: options.cause } : undefined)
    this.code = code
    this.status = statuses[code]
    this.retryAfter = options.retryAfter
    this.errors = options.errors
    this.extensions = options.extensions ?? {}
  }
}

/** Without `type`, so `about:blank`, for which the title is the phrase of the status (RFC 9457 4.2.1). */
export function problemBody(error: unknown): Record<string, unknown> {
  const { code, status, message, errors, retryAfter, extensions } = problemOf(error)
  const body = { title: STATUS_CODES[status], status, code, detail: message }
  return { ...extensions, ...body, ...(errors && { errors }), ...(retryAfter && { retryAfter }) }
}

/** Any error as a problem; one that nobody foresaw keeps its text to the log, as the cause. */
export function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error
  const thrown = thrownBy(error)
  if (thrown.validation) return invalid(thrown.validation, thrown.validationContext, error)
  const code = codeOf(thrown.statusCode)
  if (!code) return new Problem('internal', 'Something went wrong on our side.', { cause: error })
  const told = thrown.code?.startsWith('FST_') && thrown.message ? thrown.message : sentences[code]
  return new Problem(code, told ?? `${STATUS_CODES[statuses[code]]}.`, { cause: error })
}

const sentences: Partial<Record<ProblemCode, string>> = {
  invalid_request: 'The request could not be understood.',
  too_many_requests: 'There were too many requests in a short time.',
  unavailable: 'The service cannot answer now.',
}

/** What the web framework and its validators throw, by shape. */
interface Thrown {
  readonly code?: string
  readonly message?: string
  readonly statusCode?: number
  readonly validation?: readonly Violation[]
  readonly validationContext?: string
}

interface Violation {
  readonly keyword: string
  readonly instancePath: string
  readonly message?: string
  readonly params: Readonly<Record<string, unknown>>
}

function thrownBy(error: unknown): Thrown {
  // any member may be absent; nothing of ours throws these names with other types
  return typeof error === 'object' && error !== null ? (error as Thrown) : {}
}

/** The first code of that status: only refusals, and of failures only the one that says to come again. */
function codeOf(status: number | undefined): ProblemCode | undefined {
  if (status === undefined || !((status >= 400 && status < 500) || status === 503)) return undefined
  // Object.entries forgets the type of the keys
  const codes = Object.entries(statuses) as [ProblemCode, number][]
  return codes.find(([, value]) => value === status)?.[0] ?? 'invalid_request'
}

function invalid(violations: readonly Violation[], context: string | undefined, cause: unknown): Problem {
  const part = parts[context ?? 'body'] ?? 'body'
  const errors = violations.map((violation) => fieldError(part, violation))
  const first = errors[0]
  return new Problem(
    'invalid_request',
    first ? `${first.path} ${first.message}.` : 'The request is not valid.',
    {
      errors,
      cause,
    },
  )
}

const parts: Readonly<Record<string, string>> = { params: 'path', querystring: 'query', headers: 'header' }

function fieldError(part: string, { keyword, instancePath, message, params }: Violation): FieldError {
  const at = `${part}${instancePath}`
  switch (keyword) {
    case 'required':
      return { path: `${at}/${params.missingProperty}`, message: 'is missing' }
    case 'additionalProperties':
    case 'unevaluatedProperties':
      return {
        path: `${at}/${params.additionalProperty ?? params.unevaluatedProperty}`,
        message: 'is not known',
      }
    case 'enum':
      return { path: at, message: `must be one of ${JSON.stringify(params.allowedValues)}` }
    default:
      return { path: at, message: message ?? 'is not valid' }
  }
}
