import { setTimeout as pause } from 'node:timers/promises'
import { cpuOf, cpuOfAll, cpuOfFamily } from './cpu.ts'
import { floors } from './floors.ts'
import { takeOut } from './groups.ts'
import { type Load, load } from './load.ts'
import type { Scene } from './scene.ts'
import type { Workload } from './workloads.ts'

/** One side in one round, or in the median of all. */
export interface Figures {
  readonly perSecond: number
  /** Microseconds of CPU a request: of the server's process, of PostgreSQL, of the load with its provider. */
  readonly node: number
  readonly postgres: number
  readonly load: number
  /** Cores' worth of what everything else on the machine has used meanwhile. */
  readonly others: number
}

export interface Measured {
  readonly workload: string
  readonly people: number
  readonly members?: number
  readonly against: string
  readonly floor: Figures
  readonly usher: Figures
  /** The median of `others`, of the side where it was more. */
  readonly disturbance: number
  /** Usher's share of the floor: the median of the rounds, each of which has run both. */
  readonly ratio: number
  readonly ratios: readonly number[]
  /** The same by the CPU of server and database for a request: near `ratio` on a machine that is not disturbed. */
  readonly byCpu: number
  readonly goal?: number
  readonly flat?: true
}

export interface Effort {
  readonly rounds: number
  readonly seconds: number
  /** Seconds of each side before the first round: until then, node compiles more than it serves. */
  readonly warmUp: number
}

type Side = 'floor' | 'usher'
type Round = Readonly<Record<Side, Figures>>

/** Cores' worth of work by others, beyond which a round is tried again. */
const MOST_DISTURBANCE = 0.15
const TRIES = 4

/** Both sides in turn, round by round, after each has warmed up; of disturbed rounds, the least disturbed count. */
export async function measure(scene: Scene, workload: Workload, effort: Effort): Promise<Measured> {
  await roundOf('floor', scene, workload, effort.warmUp)
  await roundOf('usher', scene, workload, effort.warmUp)
  const tried: Round[] = []
  const quiet = () => tried.filter((round) => disturbance(round) <= MOST_DISTURBANCE).length
  while (quiet() < effort.rounds && tried.length < TRIES * effort.rounds)
    tried.push(await bothSides(scene, workload, { ...effort, floorFirst: tried.length % 2 === 0 }))
  const rounds = tried.sort((a, b) => disturbance(a) - disturbance(b)).slice(0, effort.rounds)
  const ratios = rounds.map(({ floor, usher }) => usher.perSecond / floor.perSecond)
  const cpu = ({ node, postgres }: Figures) => node + postgres
  return {
    workload: workload.name,
    people: scene.people,
    ...(workload.members && { members: workload.members }),
    against: floors[workload.floor].title,
    floor: medianOf(rounds.map(({ floor }) => floor)),
    usher: medianOf(rounds.map(({ usher }) => usher)),
    disturbance: median(rounds.map(disturbance)),
    ratio: median(ratios),
    ratios,
    byCpu: median(rounds.map(({ floor, usher }) => cpu(floor) / cpu(usher))),
    ...(workload.goal && { goal: workload.goal }),
    ...(workload.flat && { flat: true }),
  }
}

const disturbance = ({ floor, usher }: Round) => Math.max(floor.others, usher.others)

// Who goes first changes, so that what one leaves behind for the other evens out.
async function bothSides(
  scene: Scene,
  workload: Workload,
  { seconds, floorFirst }: { seconds: number; floorFirst: boolean },
): Promise<Round> {
  await quietMoment()
  const first = await roundOf(floorFirst ? 'floor' : 'usher', scene, workload, seconds)
  const second = await roundOf(floorFirst ? 'usher' : 'floor', scene, workload, seconds)
  return floorFirst ? { floor: first, usher: second } : { floor: second, usher: first }
}

/** Waits a while for others to be done. */
async function quietMoment(): Promise<void> {
  for (let looks = 0; looks < 20; looks++) {
    const before = cpuOfAll()
    await pause(100)
    if (cpuOfAll() - before <= MOST_DISTURBANCE * 100_000) return
  }
}

async function roundOf(side: Side, scene: Scene, workload: Workload, seconds: number): Promise<Figures> {
  if (workload.members) await takeOut(scene.clients, scene.people)
  const server = scene[side]
  const asked = side === 'floor' ? floors[workload.floor] : workload
  const { status = [200], requests } = asked
  const { connections = 16 } = workload
  const worth = side === 'usher' ? (workload.worth ?? 1) : 1
  return counted(
    scene,
    { pid: server.pid, worth },
    {
      port: server.port,
      connections: worth > 1 ? 2 : connections,
      seconds,
      next: await requests(scene, seconds),
      status,
    },
  )
}

async function counted(
  { postmaster, provider }: Scene,
  { pid, worth }: { pid: number; worth: number },
  asked: Load,
): Promise<Figures> {
  const used = () => {
    const { user, system } = process.cpuUsage()
    const load = user + system + cpuOf(provider.pid)
    return { all: cpuOfAll(), node: cpuOf(pid), postgres: cpuOfFamily(postmaster), load }
  }
  const before = used()
  const loaded = await load(asked)
  const { seconds } = loaded
  const requests = loaded.requests * worth
  const after = used()
  const spent = (name: keyof typeof before) => after[name] - before[name]
  const [node, postgres, own] = [spent('node'), spent('postgres'), spent('load')]
  return {
    perSecond: requests / seconds,
    node: node / requests,
    postgres: postgres / requests,
    load: own / requests,
    others: Math.max(0, spent('all') - node - postgres - own) / (seconds * 1e6),
  }
}

function medianOf(rounds: readonly Figures[]): Figures {
  const of = (name: keyof Figures) => median(rounds.map((figures) => figures[name]))
  return {
    perSecond: of('perSecond'),
    node: of('node'),
    postgres: of('postgres'),
    load: of('load'),
    others: of('others'),
  }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const upper = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
  const lower = sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN
  return (upper + lower) / 2
}
