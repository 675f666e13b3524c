import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import t from 'tap'
import { give, serverAccount } from '../../db/embedded/account.ts'
import { binaries } from '../../db/embedded/binaries.ts'
import { type Embedded, startEmbedded } from '../../db/embedded.ts'

const root = mkdtempSync(join(tmpdir(), 'usher-pg-'))
chmodSync(root, 0o755)
const home = join(root, 'not', 'yet', 'there')
const pidFile = join(home, 'pg', 'postmaster.pid')
const postmaster = () => Number(readFileSync(pidFile, 'utf8').split('\n')[0])

t.teardown(async () => {
  if (existsSync(pidFile)) await (await startEmbedded(home)).stop()
  rmSync(root, { recursive: true, force: true })
})

async function ask(server: Embedded, text: string): Promise<unknown[]> {
  const client = new pg.Client({ ...server, ssl: false })
  await client.connect()
  try {
    return (await client.query({ text, rowMode: 'array' })).rows
  } finally {
    await client.end()
  }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
}

t.test('a first start makes a cluster that loses nothing', async (t) => {
  const server = await startEmbedded(home)
  t.equal(server.adopted, false)
  t.same(
    await ask(
      server,
      "select current_user, current_setting('fsync'), current_setting('synchronous_commit'), " +
        "current_setting('server_encoding'), current_setting('timezone'), lower('Ä')",
    ),
    [['usher', 'on', 'on', 'UTF8', 'UTC', 'ä']],
  )
  await ask(server, 'create table kept (id int)')
  await server.stop()
  t.notOk(existsSync(pidFile))
  await t.resolves(server.stop(), 'stopping twice is no error')
})

t.test('a restart finds what was there', async (t) => {
  const said: string[] = []
  const server = await startEmbedded(home, (message) => void said.push(message))
  t.same(await ask(server, 'select * from kept'), [])
  t.same(said, ['embedded PostgreSQL started'])
  await server.stop()
})

t.test('a server left by a killed process is adopted', async (t) => {
  const script = `
    import { startEmbedded } from './db/embedded.ts'
    await startEmbedded(process.argv[1])
    process.kill(process.pid, 'SIGKILL')`
  const flags = ['--import=tsx', '--input-type=module', '-e', script, home]
  // tap's own loader has no place in it
  const child = spawn(process.execPath, flags, { stdio: 'inherit', env: { PATH: process.env.PATH } })
  await ended(child)
  t.equal(child.signalCode, 'SIGKILL')
  const left = postmaster()
  t.equal((await startEmbedded(home)).adopted, true)
  t.equal(postmaster(), left)
})

t.test('a killed server recovers', async (t) => {
  const before = await startEmbedded(home)
  await ask(before, 'insert into kept values (1)')
  process.kill(postmaster(), 'SIGKILL')
  const after = await startEmbedded(home)
  t.same(await ask(after, 'select id from kept'), [[1]])
  await after.stop()
})

t.test('a pid file whose pid now belongs to another program is stale', async (t) => {
  const stranger = spawn('sleep', ['60'], { ...(await serverAccount()) })
  t.teardown(() => stranger.kill())
  writeFileSync(pidFile, `${stranger.pid}\n${join(home, 'pg')}\n`, { mode: 0o600 })
  give(pidFile, await serverAccount())
  const server = await startEmbedded(home)
  t.equal(server.adopted, false)
  await server.stop()
  t.equal(stranger.exitCode, null)
})

t.test('two starts at once share one server', async (t) => {
  const fresh = join(root, 'fresh')
  const script = `
    import { startEmbedded } from './db/embedded.ts'
    console.log((await startEmbedded(process.argv[1])).password)`
  const flags = ['--import=tsx', '--input-type=module', '-e', script, fresh]
  const env = { PATH: process.env.PATH }
  const children = [1, 2].map(() =>
    spawn(process.execPath, flags, { stdio: ['ignore', 'pipe', 'inherit'], env }),
  )
  const passwords = await Promise.all(
    children.map(async (child) => (await child.stdout.toArray()).join('').trim()),
  )
  t.ok(passwords[0])
  t.equal(passwords[0], passwords[1])
  const server = await startEmbedded(fresh)
  t.equal(server.adopted, true)
  await server.stop()
})

t.test('a cluster of another major release is not touched', async (t) => {
  writeFileSync(join(home, 'pg', 'PG_VERSION'), '9\n')
  await t.rejects(startEmbedded(home), { message: /is of PostgreSQL 9, the bundled server is \d+/ })
})

t.test('a path too long for a socket is refused with its reason', async (t) => {
  await t.rejects(startEmbedded(join(root, 'x'.repeat(100))), { message: /too long a path/ })
})

/** Stands for an installed package: what matters of it is where it lies, and that it runs. */
function packageAt(folder: string, mode: number): string {
  const native = join(folder, 'native')
  mkdirSync(join(native, 'bin'), { recursive: true })
  for (const program of ['initdb', 'postgres'])
    writeFileSync(join(native, 'bin', program), '#!/bin/sh\ntest -e "$0.link"\n', { mode: 0o755 })
  const links = ['initdb', 'postgres'].map((name) => ({
    source: `native/bin/${name}`,
    target: `native/bin/${name}.link`,
  }))
  writeFileSync(join(native, 'pg-symlinks.json'), JSON.stringify(links))
  writeFileSync(join(folder, 'package.json'), '{ "version": "1.2.3" }')
  chmodSync(folder, mode)
  return native
}

t.test('library links that no install script made are made', async (t) => {
  const native = packageAt(join(root, 'open'), 0o755)
  t.equal(await binaries(join(root, 'copies'), await serverAccount(), native), native)
})

const account = await serverAccount()
const skip = account ? false : 'only root runs it as somebody else'
t.test('programs below a folder closed to the account are copied, once', { skip }, async (t) => {
  const copies = join(root, 'copies')
  const native = packageAt(join(root, 'closed'), 0o700)
  t.equal(await binaries(copies, account, native), join(copies, 'pgbin', '1.2.3'))
  writeFileSync(join(copies, 'pgbin', '1.2.3', 'mark'), '')
  await binaries(copies, account, native)
  t.ok(existsSync(join(copies, 'pgbin', '1.2.3', 'mark')))
})
