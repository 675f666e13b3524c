import type { Figures, Measured } from './measure.ts'

/** How much of its ratio a workload that is to be flat may lose from the smallest to the largest. */
const MOST_GROWTH = 1.2

export interface Growth {
  readonly workload: string
  readonly from: number
  readonly to: number
  /** The ratio at the smallest divided by that at the largest. */
  readonly growth: number
  readonly byCpu: number
  /** Absent where the figure only informs. */
  readonly ok?: boolean
}

const sizeOf = ({ people, members }: Measured) => members ?? people

/** From the fewest to the most: people, or members of the group where a workload has several sizes of those. */
export function growthOf(results: readonly Measured[]): Growth[] {
  const names = [...new Set(results.map(({ workload }) => workload))]
  return names.flatMap((workload) => {
    const own = results.filter((result) => result.workload === workload)
    const most = Math.max(...own.map(({ people }) => people))
    const isBySize = new Set(own.map(({ members }) => members)).size > 1
    const sizes = isBySize ? own.filter(({ people }) => people === most) : own
    const sorted = sizes.sort((a, b) => (isBySize ? sizeOf(a) - sizeOf(b) : a.people - b.people))
    const [first, last] = [sorted.at(0), sorted.at(-1)]
    if (!first || !last || first === last) return []
    const [from, to] = isBySize ? [sizeOf(first), sizeOf(last)] : [first.people, last.people]
    const growth = first.ratio / last.ratio
    const byCpu = first.byCpu / last.byCpu
    return [{ workload, from, to, growth, byCpu, ...(first.flat && { ok: growth <= MOST_GROWTH }) }]
  })
}

export const isKept = ({ ratio, goal }: Measured): boolean => goal === undefined || ratio >= goal

const count = (value: number) => Math.round(value).toLocaleString('en')
const mark = (ok: boolean) => (ok ? 'ok' : 'MISSED')

const columns: readonly (readonly [string, number])[] = [
  ['workload', 23],
  ['people', 9],
  ['members', 9],
  ['floor', 12],
  ['floor/s', 9],
  ['Usher/s', 9],
  ['ratio', 7],
  ['goal', 6],
  ['', 8],
  ['by CPU', 7],
  ['node µs', 13],
  ['postgres µs', 13],
  ['others', 7],
]

const line = (cells: readonly string[]) =>
  cells
    .map((cell, index) => {
      const width = columns[index]?.[1] ?? 0
      return index === 0 ? cell.padEnd(width) : cell.padStart(width)
    })
    .join(' ')

export const header = line(columns.map(([title]) => title))

const pair = (result: Measured, name: keyof Figures) =>
  `${count(result.floor[name])} → ${count(result.usher[name])}`

export function row(result: Measured): string {
  const { workload, people, members, against, floor, usher, ratio, goal } = result
  return line([
    workload,
    count(people),
    members ? count(members) : '',
    against,
    count(floor.perSecond),
    count(usher.perSecond),
    ratio.toFixed(2),
    goal === undefined ? '' : goal.toFixed(1),
    goal === undefined ? '' : mark(isKept(result)),
    result.byCpu.toFixed(2),
    pair(result, 'node'),
    pair(result, 'postgres'),
    `${count(100 * result.disturbance)} %`,
  ])
}

export function growthRow({ workload, from, to, growth, byCpu, ok }: Growth): string {
  const range = `${count(from)} to ${count(to)}`
  const verdict = ok === undefined ? '' : mark(ok)
  return `${workload.padEnd(23)} ${range.padStart(20)} ${growth.toFixed(2).padStart(7)}  ${verdict.padEnd(6)}  by CPU ${byCpu.toFixed(2)}`
}
