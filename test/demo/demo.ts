import './quiet.ts'

import { AssertionError } from 'node:assert'
import { once as first } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startProvider, type TestProvider } from '../oidc/provider.ts'
import { ada, alan, grace, newcomer } from './people.ts'
import { client, play } from './story.ts'
import { freePort, runUsher, type UsherProcess } from './usher.ts'

const usage = `npm run demo -- [--once] [--port <number>]

  --once   end after the table: exit code 0 where all is as it should be, else 1
  --port   of Usher (8080); the provider takes the one ten above; any free ones where taken, or for 0`

const say = (text: string) => void process.stdout.write(`${text}\n`)

interface Wish {
  readonly once: boolean
  readonly port: number
}

/** What undoes what was started, the last first. */
type Undo = (() => unknown)[]

async function run({ once, port }: Wish): Promise<number> {
  const undo: Undo = []
  const told = toldToStop()
  const stopping = first(told, 'abort').then(() => undefined)
  const shown = show(undo, { port, told })
  try {
    const scene = await Promise.race([shown, stopping])
    if (once || !scene) return scene ? 0 : 1
    invite(scene)
    const ended = await Promise.race([scene.usher.ended, stopping])
    if (ended) say('\nUsher has ended by itself.')
    return ended ? 1 : 0
  } finally {
    await unwind(undo)
    // What was under way when it was told to stop may have started something since.
    await shown.catch(() => undefined)
    await unwind(undo)
  }
}

async function unwind(undo: Undo): Promise<void> {
  for (let step = undo.pop(); step; step = undo.pop()) await step()
}

/** Aborted at the first signal; npm sends another, as it passes on the Ctrl-C that has reached this process already. */
function toldToStop(): AbortSignal {
  const controller = new AbortController()
  for (const signal of ['SIGHUP', 'SIGINT', 'SIGTERM']) process.on(signal, () => controller.abort())
  return controller.signal
}

interface Scene {
  readonly usher: UsherProcess
  readonly provider: TestProvider
  readonly url: string
  readonly adminKey: string
  readonly path: string
}

async function show(undo: Undo, { port, told }: { port: number; told: AbortSignal }): Promise<Scene> {
  const provider = await startProvider({
    people: [ada, grace, alan],
    clients: [client],
    port: await freePort(port && port + 10),
    claimsInIdToken: true,
  })
  undo.push(() => provider.close())
  say(`An identity provider is at ${provider.issuer}, with three people of Acme Ltd.`)
  // Not in the checkout, which may lie where the account of PostgreSQL cannot go, or too deep for a socket.
  const folder = mkdtempSync(join(tmpdir(), 'usher-demo-'))
  undo.push(() => rmSync(folder, { recursive: true, force: true }))
  told.throwIfAborted()
  const began = performance.now()
  const usher = runUsher({ port: await freePort(port), folder, provider: new URL(provider.issuer).host })
  undo.push(() => usher.stop())
  const { url, adminKey } = await usher.ready
  say(`Usher is at ${url} with a PostgreSQL of its own, after ${Math.round(performance.now() - began)} ms.`)
  const { path } = await play({ url, adminKey, issuer: provider.issuer, say })
  return { usher, provider, url, adminKey, path }
}

function invite({ provider, url, adminKey, path }: Scene): void {
  provider.people.push(newcomer)
  say(`
Now you. Open this in a browser, and press “${newcomer.name}” at the provider:

  ${url}/login/acme

You land on a page that shows your workspace. Press “Sign out” there, then sign in as “${grace.name}” to be refused.
What the administration says:

  curl -H 'Authorization: Bearer ${adminKey}' ${url}/admin/v1${path}/users

Ctrl-C ends all of it.`)
}

function wishOf(): Wish {
  const { values } = parseArgs({
    options: { once: { type: 'boolean', default: false }, port: { type: 'string', default: '8080' } },
  })
  const port = Number(values.port)
  if (!Number.isInteger(port) || port < 0 || port > 65_000)
    throw Object.assign(new Error(`--port cannot be ${values.port}`), { code: 'ERR_PARSE_ARGS_VALUE' })
  return { once: values.once, port }
}

try {
  process.exitCode = await run(wishOf())
} catch (error) {
  process.stderr.write(`\n${explained(error)}\n`)
  process.exitCode = 1
}

function explained(error: unknown): string {
  const { code, name, message, stack } = error as NodeJS.ErrnoException // nothing here throws else
  if (name === 'AbortError') return 'Stopped.'
  if (error instanceof AssertionError) return `Not as it should be: ${message}`
  return code?.startsWith('ERR_PARSE_ARGS') ? `${message}\n\n${usage}` : (stack ?? message)
}
