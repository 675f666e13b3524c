import { randomBytes } from 'node:crypto'
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type pg from 'pg'
import { connect, query } from '../../db/connect.ts'
import { checkInvariants, type DatabaseAddress, type Db, disconnect, startEmbedded } from '../../db/index.ts'
import { makeDatabase } from '../database.ts'
import { type Person, startProvider, type TestProvider } from '../oidc/provider.ts'
import * as api from '../src/api.ts'
import { buildServer } from './build.ts'
import type { Stage } from './experiment.ts'
import { createProcess, freePorts, type UsherProcess } from './processes.ts'

/** Processes on one database, a provider, and an organization with one connection that has both halves. */
export interface Scene {
  readonly processes: readonly UsherProcess[]
  /** The same for all processes: that of the first. */
  readonly publicUrl: string
  readonly slug: string
  /** As the identity provider, at one of the processes. */
  readonly scimAt: (process: UsherProcess) => api.Ask
  /** As an administrator, below the organization. */
  readonly adminAt: (process: UsherProcess) => api.Ask
  readonly organizationId: string
  readonly connectionId: string
  readonly issuer: string
  /** Whom the provider knows from now on. */
  readonly introduce: (person: Person) => void
  readonly rows: <Row extends pg.QueryResultRow>(text: string, values?: unknown[]) => Promise<Row[]>
  /** Counts the invariants that are broken, and notes what the processes complained of. */
  readonly inspect: () => Promise<void>
}

const ADMIN_KEY = 'the-key-of-the-environment-in-experiments'
const client = { client_id: 'usher', client_secret: 'a-secret-of-the-experiment' }

interface Wanted {
  readonly count: number
  /** Of node, for each process. */
  readonly flags?: readonly string[]
  readonly database: { readonly environment: Record<string, string>; readonly connect: () => Promise<Db> }
}

export interface SharedScene extends Scene {
  readonly config: pg.ClientConfig
}

/** Several processes on a database that is somebody else's to keep. */
export async function setScene(
  stage: Stage,
  count: number,
  flags: readonly string[] = [],
): Promise<SharedScene> {
  const { url, config } = await makeDatabase(stage)
  const environment = { DATABASE_URL: url, USHER_SECRET_KEY: randomBytes(32).toString('base64') }
  // The harness always says where its server is.
  const open = async () => connect({ database: config as DatabaseAddress, poolSize: 2 })
  return { ...(await furnish(stage, { count, flags, database: { environment, connect: open } })), config }
}

export interface EmbeddedScene extends Scene {
  /** Of the database server; the same as long as it lives. */
  readonly postmaster: () => string
}

/** One process with the database that it keeps itself. */
export async function setEmbeddedScene(stage: Stage): Promise<EmbeddedScene> {
  const root = mkdtempSync(join(tmpdir(), 'usher-embedded-'))
  // The server runs as another account where this one is root.
  chmodSync(root, 0o755)
  const home = join(root, 'data')
  stage.teardown(async () => rmSync(root, { recursive: true, force: true }))
  stage.teardown(async () => (await startEmbedded(home)).stop())
  const database = {
    environment: { USHER_DATA_DIR: home },
    connect: async () => connect({ database: await startEmbedded(home), poolSize: 2 }),
  }
  const scene = await furnish(stage, { count: 1, database })
  const postmaster = () => readFileSync(join(home, 'pg', 'postmaster.pid'), 'utf8').split('\n')[0] ?? ''
  return { ...scene, postmaster }
}

async function furnish(stage: Stage, { count, flags = [], database }: Wanted): Promise<Scene> {
  const provider = await startProvider({ people: [], clients: [client], claimsInIdToken: true })
  stage.teardown(() => provider.close())
  const ports = await freePorts(count)
  const publicUrl = `http://127.0.0.1:${ports[0]}`
  const environment = {
    ...database.environment,
    USHER_PUBLIC_URL: publicUrl,
    USHER_ADMIN_KEY: ADMIN_KEY,
    USHER_OUTBOUND_ALLOW: new URL(provider.issuer).host,
  }
  const server = await buildServer()
  const processes = ports.map((port) => createProcess(stage, { server, port, environment, flags }))
  await Promise.all(processes.map((process) => process.start()))
  for (const process of processes) await warm(process)
  const db = await database.connect()
  stage.teardown(() => disconnect(db))
  return {
    processes,
    publicUrl,
    ...(await settle(publicUrl, provider)),
    introduce: (person) => void provider.people.push(person),
    rows: (text, values = []) => query(db, { text }, values),
    inspect: () => inspect(stage, { db, processes }),
  }
}

const CONNECTIONS = 16

/** Lets a process open its connections to the database: what is tried comes after the start. */
async function warm({ origin }: UsherProcess): Promise<void> {
  const asking = Array.from({ length: CONNECTIONS }, () => fetch(`${origin}/readyz`))
  for (const answer of await Promise.all(asking)) await answer.arrayBuffer()
}

type Settled = 'slug' | 'scimAt' | 'adminAt' | 'organizationId' | 'connectionId' | 'issuer'

async function settle(publicUrl: string, { issuer }: TestProvider): Promise<Pick<Scene, Settled>> {
  const admin = api.adminAsk(api.callAt(publicUrl), ADMIN_KEY)
  const organization = await api.makeOrganization(admin)
  const { client_id: clientId, client_secret: clientSecret } = client
  const oidc = { issuer, clientId, clientSecret, scopes: ['profile', 'email'] }
  const connection = await api.makeConnection(admin, organization, { oidc, scim: {} })
  const { token } = await api.makeCredential(admin, connection)
  const { slug, id: organizationId, path } = organization
  return {
    ...{ slug, organizationId, connectionId: connection.id, issuer },
    scimAt: ({ origin }) => api.scimAsk(api.callAt(origin), token),
    adminAt:
      ({ origin }) =>
      (method, below, body) =>
        api.adminAsk(api.callAt(origin), ADMIN_KEY)(method, `${path}${below}`, body),
  }
}

async function inspect(
  { count, note }: Stage,
  { db, processes }: { db: Db; processes: readonly UsherProcess[] },
): Promise<void> {
  for (const { name, rows } of await checkInvariants(db)) {
    count('invariantsBroken')
    note(`broken: ${name}: ${JSON.stringify(rows.slice(0, 3))}`)
  }
  // Refusals are logged as warnings, and some are meant.
  const errors = processes.flatMap(({ log }) => log.filter((line) => !line.startsWith('{"level":40')))
  for (const line of errors) note(`log: ${line.slice(0, 600)}`)
}
