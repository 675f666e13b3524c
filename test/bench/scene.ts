import { createHash, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { connect } from '../../db/connect.ts'
import { checkInvariants, type DatabaseAddress, disconnect, startEmbedded } from '../../db/index.ts'
import { buildServer } from '../experiments/build.ts'
import { freePorts } from '../experiments/processes.ts'
import * as api from '../src/api.ts'
import { populateFloorGroups, populateGroups } from './groups.ts'
import { populateFloor, populateUsher, type Tenant } from './population.ts'
import { type Server, startServer } from './process.ts'
import { CLIENT, type Provider, startProvider } from './provider.ts'

/** The floor and Usher, each a process with a database of its own on one server, with as many people in it. */
export interface Scene extends Tenant {
  readonly people: number
  readonly floor: Server
  readonly usher: Server
  /** Where people of the organization sign in. */
  readonly provider: Provider
  /** Of the organization. */
  readonly slug: string
  /** Of the connection that all requests come from. */
  readonly token: string
  readonly clients: { readonly floor: pg.Client; readonly usher: pg.Client }
  /** Of the database server. */
  readonly postmaster: number
  /** A number that no person of the population has, and no later call gives. */
  readonly fresh: () => number
  /** 0, 1, 2 and so on. */
  readonly turn: () => number
  /** Adds the groups where they are missing. */
  readonly withGroups: () => Promise<void>
  /** The invariants that are broken. */
  readonly broken: () => Promise<string[]>
}

export interface SceneOptions {
  readonly people: number
  /** Flags of node for Usher's process; `--cpu-prof` and the like. */
  readonly flags: readonly string[]
  /** Whether the floor prepares its statements. */
  readonly named: boolean
}

const checkout = createHash('sha256').update(process.cwd()).digest('hex').slice(0, 8)
const root = join(tmpdir(), `usher-bench-${checkout}`)

/** With what `npm start` starts node. */
function startFlags(): string[] {
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: { start: string } } // ours
  return scripts.start.match(/--\S+/g) ?? []
}

const ADMIN_KEY = 'the-key-of-the-environment-in-benchmarks'

type Address = Awaited<ReturnType<typeof startEmbedded>>

/** Sets the scene, does the work in it, and clears everything away. */
export async function withScene<T>(options: SceneOptions, work: (scene: Scene) => Promise<T>): Promise<T> {
  const cluster = await startEmbedded(root)
  const ends: (() => Promise<unknown>)[] = [() => cluster.stop()]
  try {
    return await work(await setScene(options, { cluster, ends }))
  } finally {
    for (const end of ends.reverse()) await end()
  }
}

interface Setting {
  readonly cluster: Address
  readonly ends: (() => Promise<unknown>)[]
}

async function setScene({ people, flags, named }: SceneOptions, setting: Setting): Promise<Scene> {
  const { ends } = setting
  const server = await buildServer()
  const clients = {
    floor: await makeDatabase(setting, 'floor'),
    usher: await makeDatabase(setting, 'usher'),
  }
  await populateFloor(clients.floor, people)
  const [floorPort = 0, usherPort = 0, providerPort = 0] = await freePorts(3)
  const provider = await startProvider(providerPort)
  ends.push(() => provider.stop())
  const usher = await startServer({
    file: server,
    port: usherPort,
    flags: [...startFlags(), ...flags],
    environment: {
      DATABASE_URL: urlOf(setting.cluster, 'usher'),
      USHER_SECRET_KEY: randomBytes(32).toString('base64'),
      USHER_ADMIN_KEY: ADMIN_KEY,
      USHER_OUTBOUND_ALLOW: `127.0.0.1:${providerPort}`,
    },
  })
  ends.push(() => usher.stop())
  const floor = await startServer({
    file: join(import.meta.dirname, 'floor.ts'),
    port: floorPort,
    flags: ['--import', 'tsx'],
    environment: { DATABASE_URL: urlOf(setting.cluster, 'floor'), FLOOR_NAMED: named ? '1' : '0' },
  })
  ends.push(() => floor.stop())
  const tenant = await makeTenant(usherPort, provider)
  await populateUsher(clients.usher, tenant, [1, people])
  let fresh = 10_000_000
  let turn = 0
  let hasGroups = false
  const withGroups = async () => {
    if (hasGroups) return
    hasGroups = true
    await populateGroups(clients.usher, tenant, people)
    await populateFloorGroups(clients.floor, people)
  }
  const postmaster = Number(readFileSync(join(root, 'pg', 'postmaster.pid'), 'utf8').split('\n')[0])
  const broken = () => brokenIn({ ...setting.cluster, database: nameOf('usher') })
  const numbers = { fresh: () => fresh++, turn: () => turn++ }
  return { ...tenant, people, floor, usher, provider, clients, postmaster, ...numbers, withGroups, broken }
}

const nameOf = (side: 'floor' | 'usher') => `usher_bench_${side}`

/** Empty, with a client that lives as long as the scene. */
async function makeDatabase({ cluster, ends }: Setting, side: 'floor' | 'usher'): Promise<pg.Client> {
  const { host, port, user, password } = cluster
  const access = { host, port, user, password, ssl: false }
  const database = nameOf(side)
  const admin = new pg.Client({ ...access, database: 'postgres' })
  await admin.connect()
  await admin.query(`drop database if exists ${database} with (force)`)
  await admin.query(`create database ${database} template template0`)
  await admin.end()
  const client = new pg.Client({ ...access, database })
  await client.connect()
  ends.push(() => client.end())
  return client
}

const urlOf = ({ host, user, password }: Address, side: 'floor' | 'usher') =>
  `postgres://${user}:${password}@localhost/${nameOf(side)}?host=${encodeURIComponent(host)}`

async function makeTenant(
  port: number,
  { issuer }: Provider,
): Promise<Tenant & { slug: string; token: string }> {
  const admin = api.adminAsk(api.callAt(`http://127.0.0.1:${port}`), ADMIN_KEY)
  const organization = await api.makeOrganization(admin)
  const connection = await api.makeConnection(admin, organization, { oidc: { issuer, ...CLIENT }, scim: {} })
  const { token } = await api.makeCredential(admin, connection)
  const { id: organizationId, slug } = organization
  return { organizationId, slug, connectionId: connection.id, issuer, token }
}

async function brokenIn(database: DatabaseAddress): Promise<string[]> {
  const db = connect({ database, poolSize: 1, statementTimeout: 600_000 })
  try {
    return (await checkInvariants(db)).map(({ name, rows }) => `${name}: ${JSON.stringify(rows.slice(0, 3))}`)
  } finally {
    await disconnect(db)
  }
}
