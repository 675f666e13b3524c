import { writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { type Effort, type Measured, measure } from './measure.ts'
import { growthOf, growthRow, header, isKept, row } from './report.ts'
import { type Scene, withScene } from './scene.ts'
import { type Workload, workloads } from './workloads.ts'

// npm run bench [-- --people 1000,100000 --workloads create,'read by id' --rounds 7 --seconds 2 --warm-up 5 --json file]
// --profile folder: a CPU profile of Usher; --named: the floor prepares its statements. Exit code 1 where a goal is missed.

const { values } = parseArgs({
  options: {
    people: { type: 'string', default: '1000,100000' },
    workloads: { type: 'string', default: '' },
    rounds: { type: 'string', default: '7' },
    seconds: { type: 'string', default: '2' },
    'warm-up': { type: 'string', default: '5' },
    json: { type: 'string' },
    profile: { type: 'string' },
    named: { type: 'boolean', default: false },
  },
})

function numbers(name: string, text: string): number[] {
  const list = text.split(',').map(Number)
  if (list.some((value) => !(value > 0))) throw new TypeError(`--${name} takes numbers, not "${text}"`)
  return list
}

const numberOf = (name: 'rounds' | 'seconds' | 'warm-up') => numbers(name, values[name])[0] ?? 1

/** Every workload whose name begins so, in the order of the table: reads come before what ends sessions. */
function chosen(text: string): Workload[] {
  const wanted = text.split(',').map((name) => name.trim())
  const unknown = wanted.find((start) => !workloads.some(({ name }) => name.startsWith(start)))
  if (unknown !== undefined)
    throw new TypeError(
      `no workload "${unknown}": ${[...new Set(workloads.map(({ name }) => name))].join(', ')}`,
    )
  return workloads.filter(({ name }) => wanted.some((start) => name.startsWith(start)))
}

async function run(scene: Scene, wanted: readonly Workload[], effort: Effort): Promise<Measured[]> {
  const results: Measured[] = []
  for (const workload of wanted.filter(({ members = 0 }) => members <= scene.people)) {
    if (workload.members) await scene.withGroups()
    const result = await measure(scene, workload, effort)
    console.log(row(result))
    results.push(result)
  }
  for (const broken of await scene.broken()) {
    console.log(`BROKEN ${broken}`)
    process.exitCode = 1
  }
  return results
}

const effort: Effort = {
  rounds: numberOf('rounds'),
  seconds: numberOf('seconds'),
  warmUp: numberOf('warm-up'),
}
const wanted = chosen(values.workloads)
const flags = values.profile ? ['--cpu-prof', '--cpu-prof-dir', values.profile] : []
const results: Measured[] = []

// An end by signal runs what is to be done on exit, which a default end does not.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))
console.log(`${effort.rounds} rounds of ${effort.seconds} s for each side, ${availableParallelism()} cores`)
console.log(header)
for (const people of numbers('people', values.people))
  results.push(
    ...(await withScene({ people, flags, named: values.named }, (scene) => run(scene, wanted, effort))),
  )

const growth = growthOf(results)
if (growth.length > 0) console.log(`\nfrom the fewest to the most, the ratio is lower by a factor of`)
for (const one of growth) console.log(growthRow(one))
if (!results.every(isKept) || !growth.every(({ ok = true }) => ok)) process.exitCode = 1
if (values.json) writeFileSync(values.json, `${JSON.stringify({ effort, results, growth }, null, 2)}\n`)
