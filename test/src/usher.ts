import { randomBytes } from 'node:crypto'
import type { FastifyInstance, InjectOptions } from 'fastify'
import type pg from 'pg'
import { connect, query } from '../../db/connect.ts'
import { type DatabaseAddress, type Db, disconnect } from '../../db/index.ts'
import { ensureAdminKey } from '../../src/admin-key.ts'
import { buildApp } from '../../src/app.ts'
import { readConfig } from '../../src/config.ts'
import type { ResolveTxt } from '../../src/domains/records.ts'
import { oidcSignIn } from '../../src/gateway/oidc-sign-in.ts'
import { refusalLog } from '../../src/gateway/refusals.ts'
import { rememberedPolicies } from '../../src/provisioning/policy.ts'
import { type Secrets, secretsOf } from '../../src/secrets.ts'
import { makeDatabase } from '../database.ts'
import * as api from './api.ts'

export interface UsherOptions {
  readonly partitions?: number
  readonly clock?: () => Date
  readonly logLevel?: string
  /** Exceptions of the outbound guard, as `USHER_OUTBOUND_ALLOW` has them. */
  readonly outboundAllow?: string
  /** As `USHER_TRUSTED_PROXIES` has them. */
  readonly trustedProxies?: string
  readonly resolveTxt?: ResolveTxt
  /** Where the service finds the database, where that is not where it is. */
  readonly through?: (address: DatabaseAddress) => Promise<DatabaseAddress>
}

/** What a sign-in has proven, as far as tests care. */
export interface TestSignIn {
  readonly iss?: string
  readonly sub: string
  /** The provider's session. */
  readonly sid?: string
  /** Seconds since 1970; absent: now. */
  readonly iat?: number
  readonly [claim: string]: unknown
}

/** The service in this process, on a database of its own, and what tests ask it with. */
export interface Usher {
  readonly app: FastifyInstance
  readonly db: Db
  readonly databaseUrl: string
  readonly secrets: Secrets
  readonly call: api.Call
  readonly admin: api.Ask
  readonly scim: (token: string, headers?: Record<string, string>) => api.Ask
  readonly makeOrganization: () => Promise<api.Organization>
  readonly makeConnection: (of: api.Organization, wish?: api.ConnectionWish) => Promise<api.Connection>
  readonly makeCredential: (of: api.Connection, body?: object) => Promise<{ id: string; token: string }>
  /** A new organization, a lenient connection of it, and its identity provider. */
  readonly makePusher: (wish?: api.ConnectionWish) => Promise<Pusher>
  /** What follows the callback of a verified sign-in; the cookie of the session, or the code of the refusal. */
  readonly signIn: (
    connection: api.Connection,
    claims: TestSignIn,
  ) => Promise<{ cookie: string; code?: string }>
  readonly rows: <Row extends pg.QueryResultRow>(text: string, values?: unknown[]) => Promise<Row[]>
}

export interface Pusher {
  readonly organization: api.Organization
  readonly connection: api.Connection
  readonly token: string
  readonly scim: api.Ask
}

interface Teardown {
  teardown(end: () => Promise<void>): void
}

export const ADMIN_KEY = 'the-key-of-the-environment-in-tests'
export const PUBLIC_URL = 'https://usher.example'

export async function startUsher(t: Teardown, options: UsherOptions = {}): Promise<Usher> {
  const { partitions = 0, clock = () => new Date(), logLevel = 'silent', through } = options
  const { config: address, url: databaseUrl } = await makeDatabase(t, { partitions })
  // The harness always says where its server is.
  const database = { ...address } as DatabaseAddress
  const db = connect({ database: through ? await through(database) : database })
  const config = readConfig({
    USHER_PUBLIC_URL: PUBLIC_URL,
    USHER_SECRET_KEY: randomBytes(32).toString('base64'),
    LOG_LEVEL: logLevel,
    USHER_OUTBOUND_ALLOW: options.outboundAllow,
    USHER_TRUSTED_PROXIES: options.trustedProxies,
  })
  const app = await buildApp({
    config,
    db,
    clock,
    ...(options.resolveTxt && { resolveTxt: options.resolveTxt }),
  })
  t.teardown(async () => {
    await app.close()
    await disconnect(db)
  })
  await ensureAdminKey(db, ADMIN_KEY, clock())
  const call = callIn(app)
  const host = { db, clock, secrets: secretsOf(config.secretKeys) }
  const asks = asksOf(call)
  return {
    app,
    db,
    databaseUrl,
    secrets: host.secrets,
    call,
    ...asks,
    signIn: signInOf(host),
    rows: (text, values = []) => query(db, { text }, values),
  }
}

function callIn(app: FastifyInstance): api.Call {
  return async ({ method, url, headers, body }) => {
    const payload = typeof body === 'string' ? body : JSON.stringify(body)
    const asked: InjectOptions = { method, url, ...(headers && { headers }) }
    const answer = await app.inject({ ...asked, ...(body !== undefined && { payload }) })
    return api.answerOf(answer.statusCode, answer.headers, answer.body)
  }
}

function asksOf(call: api.Call) {
  const admin = api.adminAsk(call, ADMIN_KEY)
  const makeCredential: Usher['makeCredential'] = (of, body) => api.makeCredential(admin, of, body)
  const makePusher: Usher['makePusher'] = async (wish) => {
    const organization = await api.makeOrganization(admin)
    const connection = await api.makeConnection(admin, organization, wish)
    const { token } = await makeCredential(connection)
    return { organization, connection, token, scim: api.scimAsk(call, token) }
  }
  return {
    admin,
    scim: (token: string, headers?: Record<string, string>) => api.scimAsk(call, token, headers),
    makeOrganization: () => api.makeOrganization(admin),
    makeConnection: (of: api.Organization, wish?: api.ConnectionWish) => api.makeConnection(admin, of, wish),
    makeCredential,
    makePusher,
  }
}

const ISSUER = 'https://idp.example'

/** Where a connection leads; one without that half gets one, since else nobody could sign in by it. */
async function oidcHalf(
  db: Db,
  { id, organizationId }: Pick<api.Connection, 'id' | 'organizationId'>,
  issuer: string,
) {
  const text = `
    with missing as (
      update connections set issuer = $3, client_id = 'c' where organization_id = $1 and id = $2 and issuer is null)
    select coalesce(issuer, $3) as issuer, coalesce(client_id, 'c') as "clientId" from connections
    where organization_id = $1 and id = $2`
  const [half] = await query<{ issuer: string; clientId: string }>(db, { text }, [organizationId, id, issuer])
  return half ?? { issuer, clientId: 'c' }
}

function signInOf(host: Parameters<typeof oidcSignIn>[0]): Usher['signIn'] {
  const signIn = oidcSignIn(host, rememberedPolicies())
  const refusals = refusalLog()
  return async ({ id, organizationId, bound, correlationClaim, claimRules }, claims) => {
    const linking = { organizationId, bound, correlationClaim, claimRules }
    const { sub: subject, sid, iat, iss: issuer = ISSUER } = claims
    const oidc = {
      ...(await oidcHalf(host.db, { id, organizationId }, issuer)),
      scopes: ['openid'],
      version: 1,
    }
    const connection = { id, name: 'idp', organization: { slug: '', name: '' }, ...oidc, ...linking }
    const person = {
      connection,
      issuer,
      subject,
      claims,
      idToken: 'id-token-of-test',
      issuedAt: iat === undefined ? host.clock() : new Date(iat * 1000),
      ...(sid !== undefined && { sid }),
    }
    const result = await signIn(person, { requestId: 'sign-in' })
    if ('refusal' in result) {
      const { refusal } = result
      const actor = `sign-in:${id}`
      const scope = { db: host.db, organizationId, actor, now: host.clock(), requestId: 'sign-in' }
      await refusals.record(scope, { refusal, connectionId: id })
      return { cookie: '', code: refusal.code }
    }
    if ('gone' in result) return { cookie: '', code: 'gone' }
    return { cookie: `__Host-usher_session=${result.session.token}` }
  }
}
