import t from 'tap'
import { experiments } from './all.ts'
import { perform } from './experiment.ts'
import { createRandom } from './random.ts'

/** Enough to see that an experiment works, and that what it watches is not broken every time. */
const rounds: Readonly<Record<string, number>> = {
  'sign-in-race': 1,
  'scim-race': 8,
  'push-race': 2,
  kill: 2,
  'kill-embedded': 1,
  deactivation: 1,
  'cursor-walk': 1,
  'life-cycle': 2,
  rollout: 1,
  departures: 2,
}
const people: Readonly<Record<string, number>> = { rollout: 2000, departures: 200 }

for (const experiment of experiments)
  t.test(experiment.promise, async (t) => {
    const seed = 1
    const { name } = experiment
    const asked = { seed, rounds: rounds[name], people: people[name] }
    const { broken, notes, figures } = await perform(experiment, asked)
    t.strictSame(broken, [])
    t.comment(JSON.stringify({ experiment: name, seed, figures }))
    if (broken.length > 0) t.comment(notes.join('\n'))
  })

t.test('the same seed draws the same numbers', async (t) => {
  const draw = () => {
    const random = createRandom(7)
    return [random.below(1000), random.shuffle([1, 2, 3, 4, 5]), random.fork().below(1000), random.next()]
  }
  t.strictSame(draw(), draw())
})
