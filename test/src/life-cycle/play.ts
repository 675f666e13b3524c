import assert from 'node:assert/strict'
import fc from 'fast-check'
import { checkInvariants } from '../../../db/index.ts'
import type { Usher } from '../usher.ts'
import { type Action, actions, firstRules } from './actions.ts'
import { apply, type Model } from './model.ts'
import { bygone, expected, observe } from './observed.ts'
import { type Clock, createWorld, perform, type World } from './world.ts'

/** Something that happens to both; what is answered and what is then to be seen must be the same. */
class Happening implements fc.AsyncCommand<Model, World> {
  readonly action: Action
  readonly tell: (what: Action['do']) => void

  constructor(action: Action, tell: (what: Action['do']) => void) {
    this.action = action
    this.tell = tell
  }

  check({ people, groups }: Readonly<Model>): boolean {
    const { action } = this
    if (action.do === 'group') return groups.has(action.group) !== (action.op === 'make') && people.length > 0
    return !('at' in action) || people.length > 0
  }

  async run(model: Model, world: World): Promise<void> {
    this.tell(this.action.do)
    const promised = apply(model, this.action)
    const happened = await perform(world, this.action)
    assert.deepEqual({ ...happened, ...(await observe(world)) }, { ...promised, ...expected(model) })
  }

  toString(): string {
    return JSON.stringify(this.action)
  }
}

export interface Play {
  readonly usher: Usher
  readonly clock: Clock
  readonly seed: number
  /** How many sequences. */
  readonly runs: number
  /** Of one sequence, at most. */
  readonly length: number
  /** Of fast-check, to begin where a failure was. */
  readonly path?: string
  /** Called with the kind of each thing that happens, and with `sequence` at the end of each. */
  readonly tell?: (what: Action['do'] | 'sequence') => void
}

const untold = () => {}

/** Plays random sequences to the model and to the service. Throws, with the shortest sequence found, where they differ. */
export async function play({ usher, clock, seed, runs, length, path, tell = untold }: Play): Promise<void> {
  const commands = actions.map((arbitrary) => arbitrary.map((action) => new Happening(action, tell)))
  const sequences = fc.commands(commands, { maxCommands: length, size: 'max' })
  const property = fc.asyncProperty(sequences, async (sequence) => {
    const world = await createWorld(usher, clock)
    const model = createModel(clock.now().getTime())
    await fc.asyncModelRun(() => ({ model, real: world }), sequence)
    await bygone(world, model)
    assert.deepEqual(await checkInvariants(usher.db), [])
    tell('sequence')
  })
  await fc.assert(property, { seed, numRuns: runs, ...(path !== undefined && { path }) })
}

const createModel = (now: number): Model => ({
  now,
  rules: { ...firstRules },
  people: [],
  logins: new Map(),
  groups: new Map(),
  sessions: [],
})
