import { setTimeout as pause } from 'node:timers/promises'
import { createBrowser } from '../oidc/browser.ts'
import { patchOp } from '../src/people.ts'
import type { Experiment, Stage } from './experiment.ts'
import { type Scene, setScene } from './scene.ts'
import { beginSignIn, finishSignIn, type Pending, sessionOf } from './sign-in.ts'

const PROCESSES = 4
const SIGN_INS = 5
/** Milliseconds in which a round's requests are sent; about what a callback takes until it writes. */
const WINDOW = 60

export const scimRace: Experiment = {
  name: 'scim-race',
  promise: `a SCIM create and a group's PATCH racing ${SIGN_INS} first sign-ins of the same person make one member`,
  rounds: 200,
  limits: (rounds) => ({
    people: { is: rounds },
    whole: { is: rounds },
    grouped: { is: rounds },
    ruled: { is: rounds },
    listed: { is: rounds },
    signedIn: { is: rounds * SIGN_INS },
    refused: { is: 0 },
    otherThan201Or409: { is: 0 },
    serverErrors: { is: 0 },
    invariantsBroken: { is: 0 },
  }),
  async run(stage) {
    const scene = await setScene(stage, PROCESSES)
    const groupId = await makeGroup(stage, scene)
    for (let round = 1; round <= stage.rounds; round++) await race(stage, { ...scene, groupId }, round)
    await countPeople(stage, scene)
    await scene.inspect()
  },
}

/** The two ways a push and a sign-in may be found to mean one person. */
const variants = [
  { name: 'externalId', externalId: (sub: string) => sub },
  { name: 'userName', externalId: (sub: string) => `directory-${sub}` },
] as const

interface Pushed {
  readonly userName: string
  readonly externalId: string
}

interface Course extends Scene {
  readonly groupId: string
}

/** Whoever is in it has a role in their own workspace by a rule, be they in it before they have one. */
async function makeGroup({ random }: Stage, scene: Scene): Promise<string> {
  const process = random.pick(scene.processes)
  const groups = [{ id: 'racers', group: 'Racers', give: { role: 'viewer' } }]
  const { status, text } = await scene.adminAt(process)('PATCH', '/policy', { groups })
  if (status !== 200) throw new Error(text)
  return (await scene.scimAt(process)('POST', '/Groups', { displayName: 'Racers' })).body.id
}

async function race(stage: Stage, scene: Course, round: number): Promise<void> {
  const { random } = stage
  const variant = random.pick(variants)
  const sub = `racer-${round}`
  const pushed = { userName: `${sub}@acme.example`, externalId: variant.externalId(sub) }
  scene.introduce({ sub, preferred_username: pushed.userName, name: sub })
  const signIns = (await prepare(scene, sub)).map((pending) => () => arrive(stage, scene, pending))
  const racers = random.shuffle([
    () => push(stage, scene, pushed),
    () => enroll(stage, scene, pushed),
    ...signIns,
  ])
  const sent = racers.map(async (send) => {
    await pause(random.below(WINDOW))
    await send()
  })
  await Promise.all(sent)
  await look(stage, scene, pushed)
}

async function prepare(scene: Scene, sub: string): Promise<Pending[]> {
  const first = await beginSignIn(scene, { browser: createBrowser(), origin: scene.publicUrl, sub })
  const others = scene.processes.map(({ origin }) =>
    beginSignIn(scene, { browser: first.browser.clone(), origin, sub }),
  )
  return [first, ...(await Promise.all(others))]
}

async function push({ random, count, note }: Stage, scene: Scene, pushed: Pushed): Promise<void> {
  const answer = await scene.scimAt(random.pick(scene.processes))('POST', '/Users', { ...pushed, ...profile })
  count(`answered${answer.status}`)
  if (answer.status >= 500) count('serverErrors')
  else if (answer.status !== 201 && answer.status !== 409) count('otherThan201Or409')
  if (answer.status !== 201) note(`POST: ${answer.status} ${answer.text}`)
}

const MOST_LOOKS = 200

/** Puts the person into the group as soon as anything has made them, whatever else is still under way. */
async function enroll({ random, count, note }: Stage, scene: Course, { userName }: Pushed): Promise<void> {
  const scim = scene.scimAt(random.pick(scene.processes))
  const filter = encodeURIComponent(`userName eq "${userName}"`)
  for (let looks = 0; looks < MOST_LOOKS; looks++) {
    const [person] = (await scim('GET', `/Users?filter=${filter}&attributes=id`)).body.Resources
    if (!person) continue
    const Operations = [{ op: 'add', path: 'members', value: [{ value: person.id }] }]
    const answer = await scim('PATCH', `/Groups/${scene.groupId}`, patchOp({ Operations }))
    if (answer.status >= 500) count('serverErrors')
    if (answer.status >= 300) note(`PATCH of the group: ${answer.status} ${answer.text}`)
    return
  }
  note(`${userName} was not there to be put into the group`)
}

const profile = { name: { givenName: 'R', familyName: 'Acer' }, active: true }

async function arrive({ random, count, note }: Stage, scene: Scene, pending: Pending): Promise<void> {
  const page = await finishSignIn(pending, random.pick(scene.processes).origin)
  if (page.status >= 500) count('serverErrors')
  else count(sessionOf(page) ? 'signedIn' : 'refused')
  if (!sessionOf(page)) note(`callback: ${page.status} ${/<main>.*<\/main>/s.exec(page.text)?.[0]}`)
}

/** An identity provider that is told of a conflict looks for the person by name, and must find them. */
async function look({ random, count, note }: Stage, scene: Scene, { userName }: Pushed): Promise<void> {
  const filter = encodeURIComponent(`userName eq "${userName}"`)
  const answer = await scene.scimAt(random.pick(scene.processes))('GET', `/Users?filter=${filter}`)
  if (answer.body.totalResults === 1) count('listed')
  else note(`GET of ${userName}: ${answer.status} ${answer.text}`)
}

async function countPeople({ count, note }: Stage, { rows }: Scene): Promise<void> {
  const people = await rows<Record<string, unknown>>(
    `select u.user_name, u.status, u.managed,
       (select count(*)::integer from workspaces w where w.default_of = u.id) as workspaces,
       (select count(*)::integer from memberships m where m.user_id = u.id and m.role = 'owner') as owned,
       (select count(*)::integer from identities i where i.user_id = u.id) as logins,
       (select count(*)::integer from group_members g where g.user_id = u.id) as groups,
       (select count(*)::integer from memberships m where m.user_id = u.id and m.source = 'group-rule') as ruled,
       exists (select from events e where e.subject_id = u.id and e.type = 'user.adopted') as adopted
     from users u`,
  )
  for (const person of people) {
    const { status, managed, workspaces, owned, logins, groups, ruled } = person
    const whole = status === 'ready' && managed && workspaces === 1 && owned === 1 && logins === 1
    count('people')
    count(person.adopted ? 'adopted' : 'pushedFirst')
    if (groups === 1) count('grouped')
    if (ruled === 1) count('ruled')
    if (whole) count('whole')
    if (!whole || groups !== 1 || ruled !== 1) note(JSON.stringify(person))
  }
}
