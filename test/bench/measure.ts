import { cpuOf, cpuOfFamily } from './cpu.ts'
import { floors } from './floors.ts'
import { takeOut } from './groups.ts'
import { type Load, load } from './load.ts'
import type { Scene } from './scene.ts'
import type { Workload } from './workloads.ts'

/** One side in one round, or in the median of all. */
export interface Figures {
  readonly perSecond: number
  /** Microseconds of CPU a request: of the server's process, of PostgreSQL, of the load itself. */
  readonly node: number
  readonly postgres: number
  readonly load: number
}

export interface Measured {
  readonly workload: string
  readonly people: number
  readonly members?: number
  readonly against: string
  readonly floor: Figures
  readonly usher: Figures
  /** Usher's share of the floor: the median of the rounds, each of which has run both. */
  readonly ratio: number
  readonly ratios: readonly number[]
  readonly goal?: number
}

export interface Effort {
  readonly rounds: number
  readonly seconds: number
  /** Seconds of each side before the first round: until then, node compiles more than it serves. */
  readonly warmUp: number
}

type Side = 'floor' | 'usher'

/** Both sides in turn, round by round, after each has warmed up. */
export async function measure(scene: Scene, workload: Workload, effort: Effort): Promise<Measured> {
  const { rounds, seconds, warmUp } = effort
  await roundOf('floor', scene, workload, warmUp)
  await roundOf('usher', scene, workload, warmUp)
  const floor: Figures[] = []
  const usher: Figures[] = []
  for (let round = 0; round < rounds; round++) {
    // Who goes first changes, so that what one leaves behind for the other evens out.
    const order: readonly Side[] = round % 2 === 0 ? ['floor', 'usher'] : ['usher', 'floor']
    for (const side of order) {
      const figures = await roundOf(side, scene, workload, seconds)
      ;(side === 'floor' ? floor : usher).push(figures)
    }
  }
  const ratios = usher.map(({ perSecond }, round) => perSecond / (floor[round]?.perSecond ?? Number.NaN))
  return {
    workload: workload.name,
    people: scene.people,
    ...(workload.members && { members: workload.members }),
    against: floors[workload.floor].title,
    floor: medianOf(floor),
    usher: medianOf(usher),
    ratio: median(ratios),
    ratios,
    ...(workload.goal && { goal: workload.goal }),
  }
}

async function roundOf(side: Side, scene: Scene, workload: Workload, seconds: number): Promise<Figures> {
  if (workload.members) await takeOut(scene.clients, scene.people)
  const server = scene[side]
  const asked = side === 'floor' ? floors[workload.floor] : workload
  const { status = [200], requests } = asked
  const { connections = 16 } = workload
  return counted(scene, server.pid, {
    port: server.port,
    connections,
    seconds,
    next: requests(scene),
    status,
  })
}

async function counted({ postmaster }: Scene, pid: number, asked: Load): Promise<Figures> {
  const used = () => {
    const { user, system } = process.cpuUsage()
    return { node: cpuOf(pid), postgres: cpuOfFamily(postmaster), load: user + system }
  }
  const before = used()
  const { requests, seconds } = await load(asked)
  const after = used()
  const each = (name: keyof typeof before) => (after[name] - before[name]) / requests
  return {
    perSecond: requests / seconds,
    node: each('node'),
    postgres: each('postgres'),
    load: each('load'),
  }
}

function medianOf(rounds: readonly Figures[]): Figures {
  const of = (name: keyof Figures) => median(rounds.map((figures) => figures[name]))
  return { perSecond: of('perSecond'), node: of('node'), postgres: of('postgres'), load: of('load') }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const upper = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
  const lower = sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN
  return (upper + lower) / 2
}
