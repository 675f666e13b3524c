import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Embedded, startEmbedded } from '../db/embedded.ts'

const checkout = createHash('sha256').update(process.cwd()).digest('hex').slice(0, 8)
const root = join(tmpdir(), `usher-test-${checkout}`)
const runs = join(root, 'runs')

/** One PostgreSQL for a checkout: the first run starts it, the last one to end stops it. */
export function cluster(): Promise<Embedded> {
  return startEmbedded(root)
}

/** Counts this run in. A run is told by tap's own process, the parent of `before` and of `after`. */
export function enterRun(): void {
  mkdirSync(runs, { recursive: true })
  writeFileSync(join(runs, String(process.ppid)), '')
}

/** True where no other run is under way. */
export function leaveRun(): boolean {
  rmSync(join(runs, String(process.ppid)), { force: true })
  return othersRunning().length === 0
}

export function othersRunning(): string[] {
  return readdirSync(runs).filter((pid) => pid !== String(process.ppid) && alive(Number(pid)))
}

function alive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
