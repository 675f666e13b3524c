/** What can go wrong and its status; the first are the `scimType`s of RFC 7644 table 9 and RFC 9865 table 3. */
const table = {
  invalidFilter: [400, 'The filter is malformed, or compares an attribute in a way that is not supported.'],
  tooMany: [400, 'The filter yields many more results than this server is willing to calculate.'],
  uniqueness: [409, 'One or more of the attribute values are already in use or are reserved.'],
  mutability: [400, 'The modification is not compatible with the mutability of the target attribute.'],
  invalidSyntax: [400, 'The request body was invalid or did not conform to the request schema.'],
  invalidPath: [400, 'The "path" attribute was invalid or malformed.'],
  noTarget: [400, 'The "path" did not yield an attribute or value that could be operated on.'],
  invalidValue: [400, 'A required value was missing, or the value was not compatible with the attribute.'],
  invalidVers: [400, 'The SCIM protocol version is not supported.'],
  sensitive: [403, 'The request cannot be completed, since it would carry sensitive values in its URI.'],
  invalidCursor: [400, 'The cursor is not one of this query; begin with an empty one.'],
  expiredCursor: [400, 'The cursor has expired; begin with an empty one.'],
  invalidCount: [400, 'The count must be an integer, and the same for every page of one query.'],
  unauthorized: [401, 'The credential is missing, unknown or no longer valid.'],
  forbidden: [403, 'The operation is not permitted for this credential.'],
  notFound: [404, 'There is no such resource.'],
  methodNotAllowed: [405, 'The method is not supported here.'],
  conflict: [409, 'The request is in conflict with the state of the resource.'],
  preconditionFailed: [412, 'The resource has changed on the server.'],
  payloadTooLarge: [413, 'The request body is larger than this server accepts.'],
  unsupportedMediaType: [415, 'The body must be application/scim+json or application/json.'],
  tooManyRequests: [429, 'Too many requests; try again later.'],
  internal: [500, 'An internal error occurred.'],
  notImplemented: [501, 'The operation is not supported.'],
  unavailable: [503, 'The service is briefly unavailable; try again later.'],
} as const satisfies Record<string, readonly [number, string]>

const scimTypes = new Set<string>(Object.keys(table).slice(0, 13))

export type ErrorCode = keyof typeof table

export interface ScimErrorOptions {
  readonly cause?: unknown
  /** Seconds, for `Retry-After`. */
  readonly retryAfter?: number
  readonly headers?: Readonly<Record<string, string>>
}

/** A failure that the client hears of, as RFC 7644 section 3.12 writes it. */
export class ScimError extends Error {
  override readonly name = 'ScimError'
  readonly code: ErrorCode
  readonly status: number
  readonly scimType?: string
  readonly headers: Readonly<Record<string, string>>

  constructor(code: ErrorCode, detail: string = table[code][1], options: ScimErrorOptions = {}) {
    super(detail, { cause: options.cause })
    this.code = code
    this.status = table[code][0]
    if (scimTypes.has(code)) this.scimType = code
    this.headers = {
      ...(options.retryAfter !== undefined && { 'retry-after': String(options.retryAfter) }),
      ...(code === 'unauthorized' && { 'www-authenticate': 'Bearer realm="scim"' }),
      ...options.headers,
    }
  }
}

/** The body of an error response; `status` is a string, as the RFC has it. */
export function errorBody({ status, scimType, message }: ScimError): object {
  return {
    schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'],
    status: String(status),
    ...(scimType && { scimType }),
    detail: message,
  }
}

const byStatus: Readonly<Record<number, ErrorCode>> = {
  400: 'invalidSyntax',
  404: 'notFound',
  405: 'methodNotAllowed',
  413: 'payloadTooLarge',
  415: 'unsupportedMediaType',
  503: 'unavailable',
}

/** Any error as one that may be shown: what is not known to be the client's fault says nothing of itself. */
export function asScimError(error: unknown): ScimError {
  if (error instanceof ScimError) return error
  const { code, statusCode } = (error ?? {}) as { code?: unknown; statusCode?: unknown }
  const ofFastify = typeof code === 'string' && code.startsWith('FST_') && typeof statusCode === 'number'
  const known = ofFastify ? byStatus[statusCode as number] : undefined
  return new ScimError(known ?? 'internal', undefined, { cause: error })
}
