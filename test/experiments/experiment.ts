import { createRandom, type Random } from './random.ts'

/** Something that only several real processes can break, tried many times. */
export interface Experiment {
  readonly name: string
  readonly promise: string
  /** Of a full run. */
  readonly rounds: number
  /** How many there are in a full run, where that matters. */
  readonly people?: number
  readonly limits: (rounds: number) => Limits
  readonly run: (stage: Stage) => Promise<void>
}

/** What each figure must be; a figure without a limit only informs. */
export type Limits = Readonly<Record<string, { is: number } | { atMost: number }>>

/** What an experiment is given: what it counts into, and where it leaves what must be ended. */
export interface Stage {
  readonly rounds: number
  readonly people: number
  readonly random: Random
  /** Adds to a figure. */
  readonly count: (figure: string, by?: number) => void
  /** Keeps the largest. */
  readonly most: (figure: string, value: number) => void
  /** Something that helps to understand a broken promise. */
  readonly note: (text: string) => void
  /** Called when the experiment is over, however it ends; the last one first. */
  readonly teardown: (end: () => Promise<void>) => void
}

export interface Result {
  readonly experiment: string
  readonly seed: number
  readonly rounds: number
  readonly seconds: number
  readonly figures: Readonly<Record<string, number>>
  /** The limits that were not kept, in words. */
  readonly broken: readonly string[]
  readonly notes: readonly string[]
}

const MOST_NOTES = 12

export async function perform(
  experiment: Experiment,
  {
    seed,
    rounds = experiment.rounds,
    people = experiment.people ?? 0,
  }: { seed: number; rounds?: number | undefined; people?: number | undefined },
): Promise<Result> {
  const started = Date.now()
  const limits = experiment.limits(rounds)
  const figures: Record<string, number> = Object.fromEntries(Object.keys(limits).map((name) => [name, 0]))
  const notes: string[] = []
  const ends: (() => Promise<void>)[] = []
  const stage: Stage = {
    rounds,
    people,
    random: createRandom(seed),
    count: (figure, by = 1) => {
      figures[figure] = (figures[figure] ?? 0) + by
    },
    most: (figure, value) => {
      figures[figure] = Math.max(figures[figure] ?? 0, value)
    },
    note: (text) => void (notes.length < MOST_NOTES && notes.push(text)),
    teardown: (end) => void ends.push(end),
  }
  const thrown = await endingAll(() => experiment.run(stage), ends)
  const seconds = Math.round((Date.now() - started) / 1000)
  const broken = [...thrown, ...brokenLimits(figures, limits)]
  return { experiment: experiment.name, seed, rounds, seconds, figures, broken, notes }
}

/** Runs it, and every end whatever happens; what was thrown on the way. */
async function endingAll(work: () => Promise<void>, ends: (() => Promise<void>)[]): Promise<string[]> {
  const thrown: string[] = []
  const attempt = (part: () => Promise<void>) =>
    part().catch((error: unknown) => void thrown.push(error instanceof Error ? `${error.stack}` : `${error}`))
  await attempt(work)
  for (const end of ends.reverse()) await attempt(end)
  return thrown
}

function brokenLimits(figures: Readonly<Record<string, number>>, limits: Limits): string[] {
  return Object.entries(limits).flatMap(([name, limit]) => {
    const value = figures[name] ?? 0
    if ('is' in limit) return value === limit.is ? [] : [`${name} is ${value}, not ${limit.is}`]
    return value <= limit.atMost ? [] : [`${name} is ${value}, more than ${limit.atMost}`]
  })
}
