/** RFC 6749 section 5.2, with what of section 4.1.2.1 says that the fault is not the client's. */
const table = {
  invalid_request: [400, 'A parameter is missing, given twice, or malformed.'],
  invalid_client: [401, 'The client is unknown, or has not proven who it is.'],
  unsupported_grant_type: [400, 'The only grant is client_credentials.'],
  invalid_scope: [400, 'The only scope is scim.'],
  server_error: [500, 'An internal error occurred.'],
  temporarily_unavailable: [503, 'The service is briefly unavailable; try again later.'],
} as const satisfies Record<string, readonly [number, string]>

export type OAuthErrorCode = keyof typeof table

interface OAuthErrorOptions extends ErrorOptions {
  /** Seconds, for `Retry-After`. */
  readonly retryAfter?: number
  readonly status?: number
}

/** An error that the client hears of. Everything in it but `cause` is shown. */
export class OAuthError extends Error {
  override readonly name = 'OAuthError'
  readonly code: OAuthErrorCode
  readonly status: number
  readonly retryAfter: number | undefined

  constructor(code: OAuthErrorCode, description: string = table[code][1], options: OAuthErrorOptions = {}) {
    super(description, 'cause' in options ? { cause: options.cause } : undefined)
    this.code = code
    this.status = options.status ?? table[code][0]
    this.retryAfter = options.retryAfter
  }
}

/** Why a client was not believed: `reason` for the administrator's events, the sentence for whoever sets it up. */
export class ClientRefused extends OAuthError {
  readonly reason: string

  constructor(reason: string, description?: string) {
    super('invalid_client', description)
    this.reason = reason
  }
}
