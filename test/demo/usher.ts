import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

export interface UsherSettings {
  readonly port: number
  readonly folder: string
  /** The `host:port` of the provider, which is not a public address. */
  readonly provider: string
}

/** The service of this checkout as a process of its own, with its own PostgreSQL. */
export interface UsherProcess {
  /** Its public URL and the key it has made, once it is ready; rejects where it ends before. */
  readonly ready: Promise<{ url: string; adminKey: string }>
  readonly ended: Promise<unknown>
  stop(): Promise<void>
}

const LINES = 20

// Killed together with whoever started it, it would stay behind with its database. The channel must not keep it.
const stopWithParent =
  "data:text/javascript,process.once('disconnect',()=>process.kill(process.pid,'SIGTERM'));process.channel.unref()"

export function runUsher({ port, folder, provider }: UsherSettings): UsherProcess {
  const checkout = join(import.meta.dirname, '../..')
  const env = {
    PATH: process.env.PATH,
    PORT: String(port),
    USHER_DATA_DIR: folder,
    USHER_OUTBOUND_ALLOW: provider,
    LOG_LEVEL: 'warn',
  }
  const child = spawn(process.execPath, ['--import=tsx', `--import=${stopWithParent}`, 'src/server.ts'], {
    cwd: checkout,
    env,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    // Out of reach of the terminal's Ctrl-C: it is stopped when the demo has ended what it was doing with it.
    detached: true,
  })
  const { stdout, stderr } = child
  if (!stdout || !stderr) throw new TypeError('its output is a pipe')
  const log: string[] = []
  createInterface({ input: stderr }).on('line', (line) => {
    log.push(line)
    if (log.length > LINES) log.shift()
  })
  const ended = once(child, 'exit')
  return {
    ready: readiness(createInterface({ input: stdout }), log),
    ended,
    stop: async () => {
      child.kill('SIGTERM')
      await ended
    },
  }
}

async function readiness(lines: AsyncIterable<string>, log: readonly string[]) {
  const said = new Map<string, string>()
  for await (const line of lines) {
    const [name = '', value = ''] = line.split(': ')
    said.set(name, value)
    const [url, adminKey] = [said.get('ready'), said.get('admin key')]
    if (url && adminKey) return { url, adminKey }
  }
  throw new Error(`Usher did not become ready:\n${log.join('\n')}`)
}

/** The wanted port, or any where that is taken. */
export async function freePort(wanted: number): Promise<number> {
  // A browser may take `localhost` for either.
  const takes = await Promise.all([listen('127.0.0.1', wanted), listen('::1', wanted)])
  if (wanted !== 0 && takes.every((port) => port !== null)) return wanted
  return (await listen('127.0.0.1', 0)) ?? 0
}

/** Tries a port; null where it is taken, the same one where there is no such address on this machine. */
function listen(host: string, port: number): Promise<number | null> {
  const server = createServer()
  return new Promise((resolve) => {
    server.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code === 'EADDRINUSE' ? null : port))
    server.listen({ host, port, exclusive: true }, () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address ? address.port : port))
    })
  })
}
