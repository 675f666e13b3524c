import { setTimeout as pause } from 'node:timers/promises'
import { createBrowser } from '../oidc/browser.ts'
import type { Experiment, Stage } from './experiment.ts'
import type { UsherProcess } from './processes.ts'
import { type Scene, setScene } from './scene.ts'
import { beginSignIn, finishSignIn, isLetIn, type Pending, sessionOf } from './sign-in.ts'

const PROCESSES = 4
const REQUESTS = 1000
const AT_ONCE = 16
const IN_FLIGHT = 8
/** Milliseconds in which callbacks are sent. */
const WINDOW = 40
/** And the deactivation: until about when a callback that shares the machine with others writes. */
const LATER = 60

export const deactivation: Experiment = {
  name: 'deactivation',
  promise: `once SCIM's active=false is acknowledged, none of ${REQUESTS} requests with the person's sessions is let in`,
  rounds: 10,
  limits: (rounds) => ({
    letInBefore: { is: rounds * PROCESSES * PROCESSES },
    requestsAfter: { is: rounds * REQUESTS },
    letInAfter: { is: 0 },
    letInByCallback: { is: 0 },
    revived: { is: 0 },
    backAfterReactivation: { is: rounds },
    unexpectedAnswers: { is: 0 },
    serverErrors: { is: 0 },
    invariantsBroken: { is: 0 },
  }),
  async run(stage) {
    const scene = await setScene(stage, PROCESSES)
    for (let round = 1; round <= stage.rounds; round++) await shutOut(stage, scene, `leaver-${round}`)
    await scene.inspect()
  },
}

/** One person: who they are to SCIM and at the provider, and how they sign in. */
interface Person {
  readonly id: string
  readonly begin: (process: UsherProcess) => Promise<Pending>
  /** The session, where there was one. */
  readonly finish: (pending: Pending) => Promise<string | undefined>
}

async function shutOut(stage: Stage, scene: Scene, sub: string): Promise<void> {
  const { random, count } = stage
  const person = await arrive(stage, scene, sub)
  const begun = await Promise.all(scene.processes.map(person.begin))
  const sessions = present(await Promise.all(begun.map(person.finish)))
  count('letInBefore', await lettingIn(scene, sessions))
  const late = await leave(stage, scene, { person, sessions })
  count('letInByCallback', await lettingIn(scene, late))
  await setActive(stage, scene, { id: person.id, active: true })
  count('revived', await lettingIn(scene, [...sessions, ...late]))
  const again = await person.finish(await person.begin(random.pick(scene.processes)))
  if (again && (await lettingIn(scene, [again])) === PROCESSES) count('backAfterReactivation')
}

async function arrive(stage: Stage, scene: Scene, sub: string): Promise<Person> {
  const userName = `${sub}@acme.example`
  scene.introduce({ sub, preferred_username: userName, name: sub })
  const scim = scene.scimAt(stage.random.pick(scene.processes))
  const { status, body } = await scim('POST', '/Users', { userName, externalId: sub })
  judge(stage, status, [201])
  const known = await beginSignIn(scene, { browser: createBrowser(), origin: scene.publicUrl, sub })
  return {
    id: body.id,
    begin: ({ origin }) => beginSignIn(scene, { browser: known.browser.clone(), origin, sub }),
    finish: async (pending) => {
      const page = await finishSignIn(pending, stage.random.pick(scene.processes).origin)
      judge(stage, page.status, [303, 403])
      return sessionOf(page)
    },
  }
}

/** Shuts the person out while callbacks are under way; the sessions that these gave all the same. */
async function leave(
  stage: Stage,
  scene: Scene,
  { person, sessions }: { person: Person; sessions: readonly string[] },
): Promise<string[]> {
  const { random, count } = stage
  const begun = Array.from({ length: IN_FLIGHT }, () => person.begin(random.pick(scene.processes)))
  const callbacks = (await Promise.all(begun)).map(async (pending) => {
    await pause(random.below(WINDOW))
    return person.finish(pending)
  })
  await pause(random.below(LATER))
  await setActive(stage, scene, { id: person.id, active: false })
  await insist(stage, scene, sessions)
  const given = present(await Promise.all(callbacks))
  count('callbacksThatWereEarlier', given.length)
  return given
}

async function setActive(
  stage: Stage,
  scene: Scene,
  { id, active }: { id: string; active: boolean },
): Promise<void> {
  const scim = scene.scimAt(stage.random.pick(scene.processes))
  const { status } = await scim('PATCH', `/Users/${id}`, {
    schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
    Operations: [{ op: 'replace', path: 'active', value: active }],
  })
  judge(stage, status, [200, 204])
}

async function insist({ random, count }: Stage, scene: Scene, sessions: readonly string[]): Promise<void> {
  let left = REQUESTS
  const ask = async () => {
    while (left-- > 0) {
      const path = random.pick(['/session', '/session/verify'] as const)
      const isIn = await isLetIn(random.pick(scene.processes).origin, random.pick(sessions), path)
      count('requestsAfter')
      if (isIn) count('letInAfter')
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, ask))
}

/** How often the sessions are let in, each asked for once at every process. */
async function lettingIn({ processes }: Scene, sessions: readonly string[]): Promise<number> {
  const asked = processes.flatMap(({ origin }) => sessions.map((session) => isLetIn(origin, session)))
  return (await Promise.all(asked)).filter(Boolean).length
}

const present = (sessions: readonly (string | undefined)[]): string[] =>
  sessions.filter((session) => session !== undefined)

function judge({ count, note }: Stage, status: number, expected: readonly number[]): void {
  if (status >= 500) count('serverErrors')
  else if (!expected.includes(status)) count('unexpectedAnswers')
  if (!expected.includes(status)) note(`answer: ${status}`)
}
