import { type ChildProcess, spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { createInterface } from 'node:readline'
import { bareNode } from './build.ts'
import type { Stage } from './experiment.ts'

/** A real process of the service, on a port that it keeps. */
export interface UsherProcess {
  readonly origin: string
  /** The last lines of its log. */
  readonly log: readonly string[]
  /** Until it said that it is ready. */
  start(): Promise<Start>
  /** `kill -9`. */
  kill(): Promise<void>
  stop(): Promise<void>
  /** Of its memory, in MiB, by Linux: now, and at most since it started. */
  resident(): { readonly now: number; readonly peak: number }
}

export interface Start {
  readonly milliseconds: number
  /** Those of them in which others had the processor: what else the machine does is not the service's doing. */
  readonly waitingForProcessor: number
}

export interface Launch {
  readonly server: string
  readonly port: number
  readonly environment: Readonly<Record<string, string>>
  /** Of node. */
  readonly flags: readonly string[]
}

const PATIENCE = 30_000
const LINES = 20

// Whoever started it may be killed too: nothing is left behind then.
const endWithParent =
  "data:text/javascript,process.once('disconnect',()=>process.kill(process.pid,'SIGKILL'))"

/** Not started yet; killed when the experiment is over. */
export function createProcess(stage: Pick<Stage, 'teardown'>, launch: Launch): UsherProcess {
  const log: string[] = []
  let child: ChildProcess | undefined
  const end = async (signal: NodeJS.Signals) => {
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.kill(signal)
    await exited
  }
  stage.teardown(() => end('SIGKILL'))
  return {
    origin: `http://127.0.0.1:${launch.port}`,
    log,
    start: async () => {
      const started = performance.now()
      child = run(launch)
      keepLines(child, log)
      await ready(child, log)
      const milliseconds = Math.round(performance.now() - started)
      return { milliseconds, waitingForProcessor: Math.min(milliseconds, waited(child)) }
    },
    kill: () => end('SIGKILL'),
    stop: () => end('SIGTERM'),
    resident: () => ({ now: residentOf(child, 'VmRSS'), peak: residentOf(child, 'VmHWM') }),
  }
}

function run({ server, port, environment, flags }: Launch): ChildProcess {
  // Nothing of the caller's environment but the path.
  const env = { PATH: process.env.PATH ?? '', PORT: String(port), LOG_LEVEL: 'error', ...environment }
  const args = [...flags, '--enable-source-maps', '--import', endWithParent, server]
  return spawn(...bareNode(args), { env, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] })
}

function keepLines({ stderr }: ChildProcess, log: string[]): void {
  if (!stderr) return
  createInterface({ input: stderr }).on('line', (line) => {
    log.push(line)
    if (log.length > LINES) log.shift()
  })
}

async function ready(child: ChildProcess, log: readonly string[]): Promise<void> {
  const patience = setTimeout(() => child.kill('SIGKILL'), PATIENCE)
  try {
    if (child.stdout)
      for await (const line of createInterface({ input: child.stdout }))
        if (line.startsWith('ready: ')) return
  } finally {
    clearTimeout(patience)
  }
  throw new Error(`the service did not become ready:\n${log.join('\n')}`)
}

/** Linux counts it, in nanoseconds, for the main thread. */
function waited({ pid }: ChildProcess): number {
  const file = `/proc/${pid}/schedstat`
  return existsSync(file) ? Math.round(Number(readFileSync(file, 'utf8').split(' ')[1]) / 1e6) : 0
}

function residentOf(child: ChildProcess | undefined, figure: 'VmRSS' | 'VmHWM'): number {
  const file = `/proc/${child?.pid}/status`
  const line = existsSync(file) ? readFileSync(file, 'utf8').match(`${figure}:\\s*(\\d+)`) : null
  return Math.round(Number(line?.[1] ?? 0) / 1024)
}

/** Below those that the system gives to outgoing connections, which could take one while its process is dead. */
export async function freePorts(count: number): Promise<number[]> {
  for (;;) {
    const first = randomInt(20_000, 30_000)
    const ports = Array.from({ length: count }, (_, index) => first + index)
    if ((await Promise.all(ports.map(isFree))).every(Boolean)) return ports
  }
}

function isFree(port: number): Promise<boolean> {
  const server = createServer()
  return new Promise((resolve) => {
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
