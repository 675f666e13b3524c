import type { Refusal } from './ports.ts'

/** Every reason for which this module refuses: the status of the page, and what it says. */
const REFUSALS = {
  unknown_organization: [404, 'There is no sign-in at this address.'],
  unknown_connection: [404, 'There is no sign-in at this address.'],
  invalid_request: [400, 'A parameter is missing, repeated or malformed.'],
  invalid_return_to: [400, 'The address to return to is not a page of this service.'],
  issuer_mismatch: [400, 'The identity provider named itself differently than expected.'],
  state_unknown: [400, 'This sign-in has expired or was already completed. Please start again.'],
  test_unknown: [400, 'This test has expired or was already begun. An administrator can start another.'],
  browser_mismatch: [400, 'This sign-in was not begun in this browser. Please start again.'],
  provider_error: [400, 'The identity provider refused the sign-in.'],
  invalid_grant: [400, 'The identity provider no longer accepts this sign-in. Please start again.'],
  invalid_id_token: [400, 'The identity provider sent a token that cannot be accepted.'],
  invalid_claims: [400, 'The identity provider described the person in a way that cannot be accepted.'],
  invalid_userinfo: [400, 'The identity provider described somebody else than its token did.'],
  wrong_tenant: [403, 'This account belongs to another directory than the one that signs in here.'],
  authentication_too_old: [403, 'The identity provider has met you longer ago than is allowed here.'],
  authentication_too_weak: [403, 'The identity provider has not met you in the way that is needed here.'],
  invalid_logout_token: [400, 'The logout token cannot be accepted.'],
  logout_token_replayed: [400, 'The logout token has been used before.'],
  no_signals: [400, 'No signals are received here.'],
  signal_unauthenticated: [400, 'The transmitter did not show the secret of the stream.'],
  invalid_signal: [400, 'The security event token cannot be accepted.'],
  cross_site: [403, 'This request came from another site.'],
  too_many_requests: [429, 'There were too many requests in a short time.'],
  provider_metadata: [502, 'The identity provider is not set up as this connection expects.'],
  provider_address: [502, 'The identity provider points to an address that cannot be used.'],
  provider_response: [502, 'The identity provider sent an answer that makes no sense.'],
  provider_unreachable: [502, 'The identity provider could not be reached.'],
  client_rejected: [502, 'The identity provider does not accept this service as its client.'],
  provider_drifted: [
    502,
    'The identity provider has changed in a way that an administrator must approve first.',
  ],
  provider_timeout: [504, 'The identity provider did not answer in time.'],
} as const satisfies Record<string, readonly [Refusal['status'], string]>

export type RefusalCode = keyof typeof REFUSALS
export const refusalCodes = Object.keys(REFUSALS)

/** A refusal on its way to the page. `detail` is for the log: never a token, code or secret. */
export class OidcError extends Error {
  override readonly name = 'OidcError'
  readonly refusal: Refusal

  constructor(refusal: Refusal) {
    super(refusal.message)
    this.refusal = refusal
  }
}

export function refused(code: RefusalCode, detail?: string): OidcError {
  const [status, message] = REFUSALS[code]
  return new OidcError({ code, status, message, ...(detail !== undefined && { detail }) })
}

/** A failure again that was kept by its code and detail. */
export function fromKept({ code, detail }: Pick<Refusal, 'code' | 'detail'>): OidcError {
  return refused(isCode(code) ? code : 'provider_unreachable', detail)
}

const isCode = (code: string): code is RefusalCode => Object.hasOwn(REFUSALS, code)

/** `error` and `error_description` are the provider's own text: bounded, printable, and escaped by the page. */
export function providerError(error: string, description: string | undefined): OidcError {
  const { refusal } = refused('provider_error')
  const said = [error, description].filter(Boolean).map((text) => printable(text ?? ''))
  return new OidcError({
    ...refusal,
    status: error === 'access_denied' ? 403 : refusal.status,
    message: `${refusal.message} It said: ${said.join(': ')}`,
    said: said.join(': '),
    detail: printable(error),
  })
}

function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Cs}]/gu, ' ').slice(0, 200)
}

/** What was being asked when it failed: the same code of openid-client means different things. */
export type Asked = 'discovery' | 'keys' | 'pushed' | 'token' | 'userinfo'

const BAD_TOKEN: Record<Asked, RefusalCode> = {
  discovery: 'provider_metadata',
  keys: 'provider_response',
  pushed: 'provider_response',
  token: 'invalid_id_token',
  userinfo: 'invalid_userinfo',
}

/** Answers that openid-client read and did not accept. */
const UNACCEPTED = [
  'OAUTH_INVALID_RESPONSE',
  'OAUTH_JWT_CLAIM_COMPARISON_FAILED',
  'OAUTH_JWT_TIMESTAMP_CHECK_FAILED',
  'OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED',
  'OAUTH_KEY_SELECTION_FAILED',
  'OAUTH_UNSUPPORTED_OPERATION',
  // Without a code of its own: an answer that nothing was configured to verify.
  'OperationProcessingError',
  // A key that is none, from WebCrypto.
  'DataError',
]

/** Answers that were no answer of that endpoint at all. */
const UNREADABLE = [
  'OAUTH_PARSE_ERROR',
  'OAUTH_RESPONSE_IS_NOT_JSON',
  'OAUTH_RESPONSE_IS_NOT_CONFORM',
  'OAUTH_WWW_AUTHENTICATE_CHALLENGE',
]

const hostErrors = new WeakSet<Error>()

/** Marks what fails here as nothing of the provider's. */
export async function ofHost<T>(work: Promise<T>): Promise<T> {
  return work.catch((error: unknown) => {
    if (error instanceof Error) hostErrors.add(error)
    throw error
  })
}

/** A failure of openid-client, jose or fetch as a refusal, told by its codes: texts change, and may quote a token. */
export function fromFailure(error: unknown, asked: Asked): Error {
  const chain = causes(error)
  if (error instanceof Error && hostErrors.has(error)) return error
  const own = chain.find((one) => one instanceof OidcError)
  if (own) return own
  const codes = chain.map(codeOf)
  const oauthError = chain.map((one) => text(one, 'error')).find(Boolean)
  return refused(
    classify({ codes, oauthError, asked }),
    [asked, ...codes, oauthError && printable(oauthError), subjectOf(chain)].filter(Boolean).join(' '),
  )
}

interface Failure {
  readonly codes: readonly string[]
  readonly oauthError: string | undefined
  readonly asked: Asked
}

function classify({ codes, oauthError, asked }: Failure): RefusalCode {
  if (codes.includes('OAUTH_RESPONSE_BODY_ERROR')) return fromTokenError(oauthError)
  if (codes.some((code) => /timeout(error)?$|^OAUTH_ABORT$/i.test(code))) return 'provider_timeout'
  if (codes.some((code) => UNACCEPTED.includes(code))) return BAD_TOKEN[asked]
  if (codes.some((code) => UNREADABLE.includes(code) || /too_large$/i.test(code))) return 'provider_response'
  if (codes.some((code) => /METADATA|FORBIDDEN|^ERR_INVALID_ARG/.test(code))) return 'provider_metadata'
  return 'provider_unreachable'
}

/** RFC 6749 section 5.2. */
function fromTokenError(error: string | undefined): RefusalCode {
  if (error === 'invalid_grant') return 'invalid_grant'
  return error === 'invalid_client' || error === 'unauthorized_client'
    ? 'client_rejected'
    : 'provider_response'
}

function causes(error: unknown): unknown[] {
  const chain: unknown[] = []
  for (let one = error; one instanceof Error && chain.length < 5; one = one.cause) chain.push(one)
  return chain
}

function codeOf(error: unknown): string {
  // A DOMException carries its kind in `name`; its `code` is an old number.
  if (error instanceof DOMException) return error.name
  return text(error, 'code') ?? text(error, 'name') ?? ''
}

/** Which claim or attribute was at fault, where openid-client says so; its value stays out. */
function subjectOf(chain: readonly unknown[]): string | undefined {
  const last = chain.at(-1)
  const cause = last instanceof Error ? last.cause : undefined
  return text(cause, 'claim') ?? text(cause, 'attribute')
}

function text(value: unknown, name: string): string | undefined {
  if (typeof value !== 'object' || value === null || !(name in value)) return undefined
  const found: unknown = Reflect.get(value, name)
  return typeof found === 'string' ? found : undefined
}
