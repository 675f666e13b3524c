import { stoppedClock } from '../src/clock.ts'
import { play } from '../src/life-cycle/play.ts'
import { startUsher } from '../src/usher.ts'
import type { Experiment } from './experiment.ts'

const LAYOUTS = [0, 4]

export const lifeCycle: Experiment = {
  name: 'life-cycle',
  promise: 'whatever happens in a random sequence, people are as the model of the life cycle has it',
  rounds: 400,
  limits: (rounds) => ({ sequence: { is: rounds } }),
  async run(stage) {
    const clock = stoppedClock()
    for (const [index, partitions] of LAYOUTS.entries()) {
      const usher = await startUsher(stage, { clock: clock.now, partitions })
      const runs = Math.floor((stage.rounds + index) / LAYOUTS.length)
      const seed = stage.random.below(2 ** 31)
      if (runs > 0) await play({ usher, clock, seed, runs, length: 60, tell: stage.count })
    }
  },
}
