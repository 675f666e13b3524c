import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { type Account, give, serverAccount } from './account.ts'
import { binaries, type Program, settle } from './binaries.ts'

export const SUPERUSER = 'usher'
export const PORT = 5432

/** Where everything of one server lives, and how its programs are run. */
export interface Cluster {
  readonly data: string
  readonly socket: string
  readonly log: string
  readonly password: string
  run(program: Program, args: readonly string[]): Promise<string>
}

export async function openCluster(root: string): Promise<Cluster> {
  const account = await serverAccount()
  const home = ownFolder(resolve(root), account)
  const native = await binaries(home, account)
  const secret = ownSecret(home, account)
  const cluster: Cluster = {
    data: join(home, 'pg'),
    socket: ownFolder(join(home, 'sock'), account),
    log: join(home, 'pg.log'),
    password: readFileSync(secret, 'utf8').trim(),
    run: runner({ native, home, account }),
  }
  checkSocketLength(cluster.socket)
  if (!existsSync(join(cluster.data, 'PG_VERSION'))) await initialize(cluster, secret)
  await checkRelease(cluster)
  return cluster
}

function runner(place: { native: string; home: string; account: Account | undefined }): Cluster['run'] {
  // A fixed environment: none of our secrets, no PG* setting of the caller, the same messages everywhere.
  const env = { LC_ALL: 'C', PGTZ: 'UTC', PATH: '/usr/bin:/bin' }
  const options = { ...place.account, env, cwd: place.home }
  return async (program, args) =>
    (await promisify(execFile)(join(place.native, 'bin', program), args, options)).stdout
}

function ownFolder(path: string, account?: Account): string {
  // its parents with the usual mode: the account must be able to pass through
  mkdirSync(dirname(path), { recursive: true })
  mkdirSync(path, { recursive: true, mode: 0o700 })
  give(path, account)
  chmodSync(path, 0o700)
  return realpathSync(path)
}

/** Written beside and linked into place: a start racing with this one reads all of it or none. */
function ownSecret(home: string, account?: Account): string {
  const secret = join(home, 'secret')
  if (existsSync(secret)) return secret
  const beside = `${secret}.${process.pid}`
  writeFileSync(beside, randomBytes(24).toString('base64url'), { mode: 0o600 })
  give(beside, account)
  try {
    linkSync(beside, secret)
  } catch (error) {
    if (!existsSync(secret)) throw error
  } finally {
    rmSync(beside)
  }
  return secret
}

function checkSocketLength(socket: string): void {
  const longest = 103 // sun_path on macOS; Linux has four more
  if (Buffer.byteLength(join(socket, `.s.PGSQL.${PORT}`)) > longest)
    throw new Error(`USHER_DATA_DIR is too long a path for a Unix socket: ${socket}`)
}

/** Made beside and renamed into place: a kill half-way leaves no half cluster. */
async function initialize({ data, run }: Cluster, secret: string): Promise<void> {
  const beside = `${data}.${process.pid}`
  rmSync(beside, { recursive: true, force: true })
  const access = ['-U', SUPERUSER, `--pwfile=${secret}`, '--auth=scram-sha-256']
  const locale = ['--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8']
  await run('initdb', ['-D', beside, ...access, ...locale, '--no-instructions'])
  settle(beside, data)
}

async function checkRelease({ data, run }: Cluster): Promise<void> {
  const stored = readFileSync(join(data, 'PG_VERSION'), 'utf8').trim()
  const bundled = /(\d+)\./.exec(await run('postgres', ['--version']))?.[1]
  if (stored === bundled) return
  throw new Error(
    `the data folder is of PostgreSQL ${stored}, the bundled server is ${bundled}: ` +
      'dump it with the release that made it and load it with this one',
  )
}
