import { createBrowser } from '../oidc/browser.ts'
import type { Experiment, Stage } from './experiment.ts'
import { type Scene, setScene } from './scene.ts'
import { beginSignIn, finishSignIn, isLetIn, type Pending, sessionOf } from './sign-in.ts'

const PROCESSES = 4
const AT_ONCE = 50

export const signInRace: Experiment = {
  name: 'sign-in-race',
  promise: `${AT_ONCE} first sign-ins of one person at once, over ${PROCESSES} processes, make one person`,
  rounds: 40,
  limits: (rounds) => ({
    users: { is: rounds },
    identities: { is: rounds },
    workspaces: { is: rounds },
    owners: { is: rounds },
    sessions: { is: rounds * AT_ONCE },
    refused: { is: 0 },
    serverErrors: { is: 0 },
    invariantsBroken: { is: 0 },
  }),
  async run(stage) {
    const scene = await setScene(stage, PROCESSES)
    for (let round = 1; round <= stage.rounds; round++) await race(stage, scene, `racer-${round}`)
    await countRows(stage, scene)
    await scene.inspect()
  },
}

async function race({ random, count, note }: Stage, scene: Scene, sub: string): Promise<void> {
  scene.introduce({ sub, preferred_username: `${sub}@acme.example`, name: sub })
  const pending = random.shuffle(await prepare(scene, sub))
  const finished = pending.map(async (one, index) => {
    const origin = originOf(scene, index)
    const page = await finishSignIn(one, origin)
    const session = sessionOf(page)
    if (page.status >= 500) count('serverErrors')
    else if (page.status !== 303 || !session) count('refused')
    if (page.status !== 303) note(`${page.status}: ${page.text.slice(0, 300)}`)
    if (session && (await isLetIn(originOf(scene, index + 1), session))) count('sessions')
  })
  await Promise.all(finished)
}

/** The person signs in at the provider once; every browser is one that has. One at each process at a time. */
async function prepare(scene: Scene, sub: string): Promise<Pending[]> {
  const first = await beginSignIn(scene, { browser: createBrowser(), origin: scene.publicUrl, sub })
  const pending = [first]
  while (pending.length < AT_ONCE) {
    const begun = scene.processes.map(({ origin }) =>
      beginSignIn(scene, { browser: first.browser.clone(), origin, sub }),
    )
    pending.push(...(await Promise.all(begun)))
  }
  return pending.slice(0, AT_ONCE)
}

function originOf({ processes }: Scene, index: number): string {
  return processes[index % processes.length]?.origin ?? ''
}

async function countRows({ count }: Stage, { rows }: Scene): Promise<void> {
  const [counted] = await rows<Record<string, number>>(
    `select (select count(*)::integer from users) as users,
            (select count(*)::integer from identities) as identities,
            (select count(*)::integer from workspaces where default_of is not null) as workspaces,
            (select count(*)::integer from memberships where role = 'owner') as owners`,
  )
  for (const [figure, value] of Object.entries(counted ?? {})) count(figure, value)
}
