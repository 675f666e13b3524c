import t from 'tap'
import { stoppedClock } from './clock.ts'
import { play } from './life-cycle/play.ts'
import { startUsher } from './usher.ts'

const clock = stoppedClock()

t.test('whatever happens, in any order, people are as the model says', async (t) => {
  const usher = await startUsher(t, { clock: clock.now })
  const seed = Number(process.env.SEED ?? 1)
  const path = process.env.P
  await play({ usher, clock, seed, runs: Number(process.env.RUNS ?? 10), length: 30, ...(path && { path }) })
})
