import { OAuthError } from './errors.ts'

/** How a client shows who it is; only an assertion may leave out the id, since it says whom it is about. */
export type Shown =
  | { readonly clientId: string; readonly secret: string }
  | { readonly clientId: string | undefined; readonly assertion: string }

const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

/** The one thing that tokens are given for. Entra's guide asks by either name; the answer says what was granted. */
export const SCOPE = 'scim'
const NAMES_OF_SCOPE = [SCOPE, 'scim.readwrite']

/** Refuses what is not asked by the rules of RFC 6749 section 4.4.2. */
export function checkGrant(form: URLSearchParams): void {
  const grantType = parameter(form, 'grant_type')
  if (grantType === undefined) throw new OAuthError('invalid_request', 'grant_type is missing.')
  if (grantType !== 'client_credentials') throw new OAuthError('unsupported_grant_type')
  const scope = parameter(form, 'scope')
  if (scope !== undefined && !scope.split(' ').some((name) => NAMES_OF_SCOPE.includes(name)))
    throw new OAuthError('invalid_scope')
}

/** What proof a request holds: RFC 6749 section 2.3 allows one, no more. */
export function shownBy(form: URLSearchParams, authorization: string | undefined): Shown {
  const [clientId, secret] = [parameter(form, 'client_id'), parameter(form, 'client_secret')]
  const assertion = assertionOf(form)
  const basic = authorization === undefined ? undefined : readBasic(authorization)
  if ([basic, secret, assertion].filter((proof) => proof !== undefined).length > 1)
    throw new OAuthError('invalid_request', 'The client shows more than one proof of who it is.')
  if (assertion !== undefined) return { clientId, assertion }
  if (basic && clientId !== undefined && clientId !== basic.clientId)
    throw new OAuthError('invalid_request', 'client_id is not the client of the Authorization header.')
  if (basic) return basic
  if (clientId === undefined || secret === undefined) throw new OAuthError('invalid_client')
  return { clientId, secret }
}

function assertionOf(form: URLSearchParams): string | undefined {
  const [type, assertion] = [parameter(form, 'client_assertion_type'), parameter(form, 'client_assertion')]
  if ((type === undefined) !== (assertion === undefined))
    throw new OAuthError('invalid_request', 'client_assertion and client_assertion_type come together.')
  if (type !== undefined && type !== ASSERTION_TYPE)
    throw new OAuthError('invalid_request', `client_assertion_type must be ${ASSERTION_TYPE}.`)
  return assertion
}

/** RFC 6749 section 2.3.1: both halves are form-encoded before they are joined. */
function readBasic(authorization: string): { clientId: string; secret: string } {
  const encoded = authorization.match(/^basic +([\w+/-]+={0,2}) *$/i)?.[1]
  const pair = encoded ? Buffer.from(encoded, 'base64').toString() : ''
  const colon = pair.indexOf(':')
  if (colon < 0)
    throw new OAuthError('invalid_client', 'The Authorization header is not of the scheme Basic.')
  try {
    const [clientId, secret] = [pair.slice(0, colon), pair.slice(colon + 1)].map(decodeURIComponent)
    return { clientId: clientId ?? '', secret: secret ?? '' }
  } catch {
    throw new OAuthError('invalid_client', 'The Authorization header is not form-encoded.')
  }
}

/** One without a value counts as absent, and none may be there twice (RFC 6749 section 3.2). */
function parameter(form: URLSearchParams, name: string): string | undefined {
  const values = form.getAll(name)
  if (values.length > 1) throw new OAuthError('invalid_request', `${name} is given more than once.`)
  return values[0] || undefined
}
