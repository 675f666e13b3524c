import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

/** One of the two that are measured. */
export interface Server {
  readonly port: number
  readonly pid: number
  stop(): Promise<void>
}

export interface Launch {
  readonly file: string
  readonly port: number
  readonly environment: Readonly<Record<string, string>>
  /** Of node, before the file. */
  readonly flags: readonly string[]
}

// Whoever started it may be killed: nothing is left behind then.
const endWithParent =
  "data:text/javascript,process.once('disconnect',()=>process.kill(process.pid,'SIGKILL'))"

/** Starts a server and waits until it says that it is ready. */
export async function startServer({ file, port, environment, flags }: Launch): Promise<Server> {
  const env = { PATH: process.env.PATH ?? '', PORT: String(port), LOG_LEVEL: 'error', ...environment }
  const args = [...flags, '--import', endWithParent, file]
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit', 'ipc'] })
  await ready(child, file)
  child.channel?.unref()
  return { port, pid: child.pid ?? 0, stop: () => stop(child) }
}

async function ready(child: ChildProcess, file: string): Promise<void> {
  if (child.stdout)
    for await (const line of createInterface({ input: child.stdout }))
      if (line.startsWith('ready: ')) return void child.stdout.resume()
  throw new Error(`${file} did not become ready`)
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  await exited
}
