import t from 'tap'
import { stoppedClock } from './clock.ts'
import { holdOnEachLayout } from './layouts.ts'
import { play } from './life-cycle/play.ts'

const clock = stoppedClock()
/** The same each time: others, and hundreds of them, are for `npm run experiments -- life-cycle`. */
const { USHER_TEST_SEED: seed = 1, USHER_TEST_RUNS: runs = 10 } = process.env

holdOnEachLayout(
  t,
  {
    'whatever happens, in whatever order, is as the model of the life cycle has it': async (t, usher) => {
      t.comment(`seed ${seed}`)
      await play({ usher, clock, seed: Number(seed), runs: Number(runs), length: 40 })
    },
  },
  { clock: clock.now },
)
