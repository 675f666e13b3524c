import { cursorWalk } from './cursor-walk.ts'
import { deactivation } from './deactivation.ts'
import { departures } from './departures.ts'
import type { Experiment } from './experiment.ts'
import { kill, killEmbedded } from './kill.ts'
import { lifeCycle } from './life-cycle.ts'
import { pushRace } from './push-race.ts'
import { rollout } from './rollout.ts'
import { scimRace } from './scim-race.ts'
import { signInRace } from './sign-in-race.ts'

export const experiments: readonly Experiment[] = [
  signInRace,
  scimRace,
  pushRace,
  kill,
  killEmbedded,
  deactivation,
  cursorWalk,
  lifeCycle,
  rollout,
  departures,
]
