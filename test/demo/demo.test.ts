import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import t from 'tap'
import { freePort } from './usher.ts'

async function demo(folder: string, args: readonly string[]) {
  // Nothing of the caller's environment but the path: neither its settings nor its loaders.
  const env = { PATH: process.env.PATH, TMPDIR: folder }
  const script = join(import.meta.dirname, 'demo.ts')
  const child = spawn(process.execPath, ['--import=tsx', script, ...args], { env })
  const [[code], said, complaints] = await Promise.all([
    once(child, 'exit'),
    text(child.stdout),
    text(child.stderr),
  ])
  return { code, said, complaints }
}

t.test('the demo shows everybody at their place, ends with 0 and leaves nothing behind', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'demo-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  // The database server runs as another account where this one is root.
  chmodSync(folder, 0o755)
  const { code, said, complaints } = await demo(folder, ['--once', '--port', '0'])
  t.equal(complaints, '')
  t.equal(code, 0)
  t.match(said, /^Who +By +Workspace +Role +Home +Status +Ready after +Session$/m)
  t.match(said, /^Ada Lovelace +SCIM push +My workspace +owner +Acme Ltd +ready +\d+ ms +none yet$/m)
  t.match(said, /^Grace Hopper +SCIM push +My workspace +owner +Acme Ltd +suspended +\d+ ms +ended$/m)
  t.match(said, /^Alan Turing +sign-in +My workspace +owner +Acme Ltd +ready +\d+ ms +alive$/m)
  t.same(
    readdirSync(folder).filter((name) => name.startsWith('usher-')),
    [],
  )
})

t.test('an option that the demo does not have is explained', async (t) => {
  const { code, complaints } = await demo(tmpdir(), ['--twice'])
  t.equal(code, 1)
  t.match(complaints, /'--twice'[\s\S]+npm run demo -- \[--once\]/)
})

t.test('the demo takes another port where the wanted one is taken', async (t) => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  const address = server.address()
  const taken = typeof address === 'object' && address ? address.port : 0
  const given = await freePort(taken)
  t.not(given, taken)
  t.equal(await freePort(given), given)
})
