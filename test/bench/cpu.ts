import { readdirSync, readFileSync } from 'node:fs'

// Linux tells it in ticks of 10 ms; where there is no such file, no figure is given.

const MICROSECONDS_PER_TICK = 10_000

/** Microseconds of CPU that the process has used so far. */
export function cpuOf(pid: number): number {
  const [, own = 0] = statOf(pid) ?? []
  return own * MICROSECONDS_PER_TICK
}

/** The same of a server and all processes it has started; those that have ended are in its own figure. */
export function cpuOfFamily(pid: number): number {
  const [, own = 0, ended = 0] = statOf(pid) ?? []
  const children = pids()
    .map(statOf)
    .filter((stat) => stat?.[0] === pid)
  const living = children.reduce((sum, stat) => sum + (stat?.[1] ?? 0), 0)
  return (own + ended + living) * MICROSECONDS_PER_TICK
}

/** The same of everything on the machine. */
export function cpuOfAll(): number {
  const [, user = 0, nice = 0, system = 0] = (read('/proc/stat') ?? '').split(/ +/, 4).map(Number)
  return (user + nice + system) * MICROSECONDS_PER_TICK
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return undefined
  }
}

function pids(): number[] {
  return readFolder('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
}

function readFolder(path: string): string[] {
  try {
    return readdirSync(path)
  } catch {
    return []
  }
}

/** Parent, own ticks, ticks of children that have ended (proc(5)). */
function statOf(pid: number): [number, number, number] | undefined {
  const text = read(`/proc/${pid}/stat`)
  if (text === undefined) return undefined
  const fields = text
    .slice(text.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number)
  const [parent = 0, user = 0, system = 0, endedUser = 0, endedSystem = 0] = [1, 11, 12, 13, 14].map(
    (index) => fields[index],
  )
  return [parent, user + system, endedUser + endedSystem]
}
