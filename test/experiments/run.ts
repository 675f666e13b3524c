import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import { cluster, enterRun, leaveRun } from '../cluster.ts'
import { ensureTemplate } from '../database.ts'
import { experiments } from './all.ts'
import { type Experiment, perform, type Result } from './experiment.ts'

// npm run experiments [-- name… --seed number --rounds number --people number]: exit code 1 where one fails

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seed: { type: 'string' }, rounds: { type: 'string' }, people: { type: 'string' } },
})

const seed = wholeNumber('seed', values.seed) ?? randomInt(1_000_000)
const rounds = wholeNumber('rounds', values.rounds)
const people = wholeNumber('people', values.people)

function wholeNumber(name: string, text: string | undefined): number | undefined {
  if (text !== undefined && !/^\d+$/.test(text)) throw new TypeError(`--${name} takes a whole number`)
  return text === undefined ? undefined : Number(text)
}

function named(name: string): Experiment {
  const found = experiments.find((experiment) => experiment.name === name)
  if (found) return found
  throw new TypeError(`no experiment "${name}": ${experiments.map((one) => one.name).join(', ')}`)
}

function report({ experiment, seed, rounds, seconds, figures, broken, notes }: Result): void {
  const ok = broken.length === 0
  const shown = Object.entries(figures).map(([name, value]) => `${name} ${value}`)
  console.log(`${ok ? 'kept' : 'BROKEN'}  ${experiment}  ${rounds} rounds, ${seconds} s: ${shown.join(', ')}`)
  for (const line of ok ? [] : [...broken, ...notes]) console.log(`  ${line}`)
  console.log(JSON.stringify({ experiment, seed, rounds, seconds, figures, ok }))
  if (!ok) process.exitCode = 1
}

const chosen = positionals.length > 0 ? positionals.map(named) : experiments
// An end by signal runs what is to be done on exit, which a default end does not.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))
enterRun()
try {
  await cluster()
  await ensureTemplate(0)
  for (const experiment of chosen) {
    console.log(`seed ${seed}: ${experiment.name}: ${experiment.promise}`)
    report(await perform(experiment, { seed, rounds, people }))
  }
} finally {
  if (leaveRun()) await (await cluster()).stop()
}
