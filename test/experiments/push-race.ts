import { setTimeout as pause } from 'node:timers/promises'
import type { Experiment, Stage } from './experiment.ts'
import type { UsherProcess } from './processes.ts'
import { type Scene, setScene } from './scene.ts'

const PROCESSES = 4
const PEOPLE = 50

export const pushRace: Experiment = {
  name: 'push-race',
  promise: `${PEOPLE} people pushed to each of ${PROCESSES} processes at once, each time in another order, are made once`,
  rounds: 40,
  limits: (rounds) => ({
    created: { is: rounds * PEOPLE },
    refused: { is: rounds * PEOPLE * (PROCESSES - 1) },
    users: { is: rounds * PEOPLE },
    deadlocks: { is: 0 },
    serverErrors: { is: 0 },
    invariantsBroken: { is: 0 },
  }),
  async run(stage) {
    const scene = await setScene(stage, PROCESSES)
    for (let round = 1; round <= stage.rounds; round++) await race(stage, scene, round)
    // A connection tells of its deadlocks at its end.
    await Promise.all(scene.processes.map((process) => process.stop()))
    await countRows(stage, scene)
    await scene.inspect()
  },
}

async function countRows({ count }: Stage, { rows }: Scene): Promise<void> {
  // The database breaks a deadlock, but only after a second in which both sides stand still.
  const [counted] = await rows<Record<string, number>>(
    `select (select count(*)::integer from users) as users,
            (select deadlocks::integer from pg_stat_database where datname = current_database()) as deadlocks`,
  )
  for (const [figure, value] of Object.entries(counted ?? {})) count(figure, value)
}

async function race(stage: Stage, scene: Scene, round: number): Promise<void> {
  const people = Array.from({ length: PEOPLE }, (_, index) => `racer-${round}-${index}@acme.example`)
  const pushed = scene.processes.flatMap((process) =>
    stage.random.shuffle(people).map((userName) => push(stage, scene, { process, userName })),
  )
  await Promise.all(pushed)
}

async function push(
  { count, most, note }: Stage,
  { scimAt }: Scene,
  { process, userName }: { process: UsherProcess; userName: string },
): Promise<void> {
  const started = performance.now()
  const send = () => scimAt(process)('POST', '/Users', { userName, externalId: `key of ${userName}` })
  let answer = await send()
  // A process that has too much to do may say so; an identity provider then comes again.
  for (; answer.status === 429; answer = await send()) {
    count('putOff')
    await pause(Number(answer.headers['retry-after']) * 1000)
  }
  most('slowestMs', Math.round(performance.now() - started))
  if (answer.status >= 500) count('serverErrors')
  else count(answer.status === 201 ? 'created' : 'refused')
  if (answer.status !== 201 && answer.status !== 409) note(`${answer.status}: ${answer.text}`)
}
