/** What is asked of a running service, however it is reached. */
export interface Asked {
  readonly method: Method
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as it is where it is text, else as JSON. */
  readonly body?: unknown
}

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/** A JSON body, by the members that tests read; what they only compare is matched as a whole. */
export interface Body {
  readonly id: string
  readonly token: string
  readonly items: readonly Body[]
  readonly next?: string
  readonly totalResults: number
  readonly Resources: readonly Body[]
  readonly meta: { readonly version: string; readonly lastModified: string; readonly location: string }
  readonly [name: string]: unknown
}

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly text: string
  /** Empty where the answer is not JSON. */
  readonly body: Body
}

export type Call = (asked: Asked) => Promise<Answer>
export type Ask = (method: Method, path: string, body?: unknown) => Promise<Answer>

/** Asks over the network. */
export function callAt(origin: string): Call {
  return async ({ method, url, headers, body }) => {
    const payload = body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }
    const response = await fetch(`${origin}${url}`, { method, ...payload, ...(headers && { headers }) })
    const text = await response.text()
    return answerOf(response.status, Object.fromEntries(response.headers), text)
  }
}

export function answerOf(status: number, headers: Answer['headers'], text: string): Answer {
  const isJson = /\bjson\b/.test(String(headers['content-type'])) && text !== ''
  // What members it has is for the test to find out.
  return { status, headers, text, body: (isJson ? JSON.parse(text) : {}) as Body }
}

/** Asks below a path with a bearer credential. */
function asking(call: Call, base: string, { token, ...more }: Record<string, string>): Ask {
  return (method, path, body) => {
    const typed: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' }
    const headers = { authorization: `Bearer ${token}`, ...typed, ...more }
    return call({ method, url: `${base}${path}`, headers, body })
  }
}

export const adminAsk = (call: Call, key: string, headers: Record<string, string> = {}): Ask =>
  asking(call, '/admin/v1', { token: key, ...headers })

/** As the identity provider that holds the token; `headers` go with every request. */
export const scimAsk = (call: Call, token: string, headers: Record<string, string> = {}): Ask =>
  asking(call, '/scim/v2', { token, ...headers })

export interface Organization {
  readonly id: string
  readonly slug: string
  /** The path of its administration. */
  readonly path: string
}

export interface Connection {
  readonly organizationId: string
  readonly id: string
  readonly path: string
  readonly bound: boolean
  readonly correlationClaim: string
  /** As `oidc.claims` has them. */
  readonly claimRules?: unknown
}

export interface ConnectionWish {
  readonly name?: string
  readonly oidc?: Readonly<Record<string, unknown>>
  readonly scim?: Readonly<Record<string, unknown>>
}

let made = 0

async function create(admin: Ask, path: string, body: object): Promise<Body> {
  const answer = await admin('POST', path, body)
  if (answer.status !== 201) throw new Error(`POST ${path}: ${answer.status} ${answer.text}`)
  return answer.body
}

export async function makeOrganization(
  admin: Ask,
  slug = `org-${process.pid}-${++made}`,
): Promise<Organization> {
  const { id } = await create(admin, '/organizations', { slug, name: `Company ${slug}` })
  return { id, slug, path: `/organizations/${id}` }
}

/** Without a wish, a connection with a lenient SCIM half. */
export async function makeConnection(
  admin: Ask,
  organization: Organization,
  { name = `connection ${++made}`, ...halves }: ConnectionWish = { scim: {} },
): Promise<Connection> {
  const { id } = await create(admin, `${organization.path}/connections`, { name, ...halves })
  const path = `${organization.path}/connections/${id}`
  const correlationClaim = String(halves.oidc?.correlationClaim ?? 'sub')
  const claimRules = halves.oidc?.claims
  return {
    ...{ organizationId: organization.id, id, path, bound: halves.scim !== undefined, correlationClaim },
    ...(claimRules !== undefined && { claimRules }),
  }
}

export async function makeCredential(
  admin: Ask,
  connection: Connection,
  body: object = {},
): Promise<{ id: string; token: string }> {
  const { id, token } = await create(admin, `${connection.path}/scim-credentials`, body)
  return { id, token }
}
