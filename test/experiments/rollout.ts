import { setTimeout as pause } from 'node:timers/promises'
import type { Ask, Body } from '../src/api.ts'
import { makeCompany } from './company.ts'
import type { Experiment, Stage } from './experiment.ts'
import { type SharedScene, setScene } from './scene.ts'
import { createVisitors } from './visitors.ts'

/** What is alive at any time must find room in it: else the process ends. */
const HEAP = '--max-old-space-size=96'
const MOST_MIB = 250
const KINDS = ['granted', 'changed', 'revoked'] as const

export const rollout: Experiment = {
  name: 'rollout',
  promise:
    'a policy change over many people is previewed, held, released, cut by kill -9 and resumed, while people sign in',
  rounds: 1,
  people: 100_000,
  limits: () => ({
    differsFromPreview: { is: 0 },
    doubled: { is: 0 },
    leftUndone: { is: 0 },
    heldByBrake: { is: 1 },
    killedInTheMiddle: { is: 1 },
    refusedSignIns: { is: 0 },
    serverErrors: { is: 0 },
    peakMiB: { atMost: MOST_MIB },
    invariantsBroken: { is: 0 },
  }),
  async run(stage) {
    const scene = await setScene(stage, 2, [HEAP])
    await makeCompany(scene, stage.people)
    stage.most('beginningMiB', peak(scene))
    const at: Course = { stage, scene, ask: scene.adminAt(second(scene)), ...(await makePlaces(scene)) }
    const visitors = createVisitors(stage, scene)
    const leave = visitors.begin(second(scene))
    await firstImport(at)
    const foretold = await preview(at)
    const version = await hold(at)
    await leave()
    await interrupt(at, () => visitors.begin(second(scene)))
    visitors.report()
    await compare(at, { foretold, version })
    stage.most('peakMiB', peak(scene))
    await scene.inspect()
  },
}

interface Course {
  readonly stage: Stage
  readonly scene: SharedScene
  /** At the process that is not killed. */
  readonly ask: Ask
  readonly workspace: string
  readonly team: string
}

const first = ({ processes: [process] }: SharedScene) => process as NonNullable<typeof process> // as the scene was set
const second = ({ processes: [, process] }: SharedScene) => process as NonNullable<typeof process> // as well

/** Of the memory of any of its processes, as they are now. */
const peak = ({ processes }: SharedScene) => Math.max(...processes.map((process) => process.resident().peak))

async function asked(ask: Ask, ...[method, path, body]: Parameters<Ask>): Promise<Body> {
  const answer = await ask(method, path, body)
  if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`)
  return answer.body
}

async function makePlaces(scene: SharedScene): Promise<Pick<Course, 'workspace' | 'team'>> {
  const ask = scene.adminAt(second(scene))
  const [owner] = await scene.rows<{ id: string }>('select id from users order by id limit 1')
  const workspace = await asked(ask, 'POST', '/workspaces', { name: 'Yard', ownerId: owner?.id })
  const team = await asked(ask, 'POST', '/teams', { name: 'Crew' })
  return { workspace: workspace.id, team: team.id }
}

/** Everybody gets a first role, which the brake is not to hold. */
async function firstImport({ stage, scene, ask, workspace, team }: Course): Promise<void> {
  const groups = [
    { id: 'units', group: 'Unit-*', give: { workspace, role: 'member' } },
    { id: 'leads', group: 'Leads', give: { team, role: 'member' } },
  ]
  const began = Date.now()
  await asked(ask, 'PATCH', '/policy', { groups })
  await reached(ask, ({ state }) => state === 'done')
  stage.count('firstImportMs', Date.now() - began)
  stage.most('firstImportMiB', peak(scene))
}

/** Others lose their role, become administrators, or get one through a group in a group. */
const changedRules = ({ workspace, team }: Course) => [
  { id: 'units', group: 'Unit-1*', give: { workspace, role: 'member' } },
  { id: 'leads', group: 'Leads', priority: 1, give: { team, role: 'admin' } },
  { id: 'division', group: 'Division', give: { team, role: 'viewer' } },
]

async function reached(ask: Ask, isThere: (rollout: Body) => boolean): Promise<Body> {
  for (;;) {
    const rollout = await asked(ask, 'GET', '/policy/rollout')
    if (isThere(rollout)) return rollout
    await pause(20)
  }
}

type Foretold = Readonly<Record<(typeof KINDS)[number], number>>

async function preview(at: Course): Promise<Foretold> {
  const { stage, scene } = at
  // By the process that is to be killed, so that what it costs is not hidden by sign-ins.
  const ask = scene.adminAt(first(scene))
  const policy = { groups: changedRules(at) }
  const foretold = { granted: 0, changed: 0, revoked: 0 }
  let cursor: string | undefined
  do {
    const began = performance.now()
    const { people } = await asked(ask, 'POST', '/policies/simulate', {
      ...{ policy, limit: 100 },
      ...(cursor && { cursor }),
    })
    const took = Math.round(performance.now() - began)
    const page = people as { next?: string; people: number; roles: Foretold } // as the contract has it
    for (const kind of KINDS) foretold[kind] += page.roles[kind]
    stage.count('previewMs', took)
    stage.most('slowestPreviewAnswerMs', took)
    stage.count('previewed', page.people)
    cursor = page.next
  } while (cursor)
  stage.most('previewMiB', first(scene).resident().peak)
  for (const kind of KINDS) stage.count(kind, foretold[kind])
  return foretold
}

/** Puts it in force, which the brake holds, and has it released. */
async function hold(at: Course): Promise<number> {
  const { stage, ask } = at
  const { version } = await asked(ask, 'PATCH', '/policy', { groups: changedRules(at) })
  const { done } = await reached(ask, ({ state }) => state === 'held' || state === 'done')
  const { heldRollouts } = await asked(ask, 'GET', '/brake')
  stage.count('heldByBrake', Number(heldRollouts))
  stage.count('doneBeforeTheBrake', Number(done))
  return Number(version)
}

/** The process that is at it ends in the middle, and the other one, only now started again, does the rest. */
async function interrupt({ stage, scene, ask }: Course, visit: () => () => Promise<void>): Promise<void> {
  await second(scene).stop()
  const victim = scene.adminAt(first(scene))
  const { done: before } = await asked(victim, 'GET', '/policy/rollout')
  const began = Date.now()
  await asked(victim, 'POST', '/brake/release')
  await reached(victim, ({ state, done }) => state === 'done' || Number(done) > Number(before))
  const started = second(scene).start()
  const { state, done } = await reached(victim, ({ done, total }) => Number(done) * 2 >= Number(total))
  stage.most('peakMiB', peak(scene))
  await first(scene).kill()
  if (state === 'running') stage.count('killedInTheMiddle')
  stage.count('doneAtKill', Number(done))
  await started
  const leave = visit()
  await reached(ask, ({ state }) => state === 'done')
  stage.count('rolloutMs', Date.now() - began)
  await leave()
}

const happened = `
  select substr(type, 12) as kind, count(*)::integer as count,
    count(distinct (subject_id, coalesce(data -> 'team', data -> 'workspace') ->> 'id'))::integer as once
  from events where policy_version = $1 and type like 'membership.%' group by type`

/** What the events of the version tell against what was foretold, and what is left to do. */
async function compare(
  { stage, scene, ask }: Course,
  { foretold, version }: { foretold: Foretold; version: number },
): Promise<void> {
  const rows = await scene.rows<{ kind: string; count: number; once: number }>(happened, [version])
  for (const kind of KINDS) {
    const found = rows.find((row) => row.kind === kind) ?? { count: 0, once: 0 }
    stage.count('differsFromPreview', Math.abs(found.count - foretold[kind]))
    stage.count('doubled', found.count - found.once)
  }
  let cursor: string | undefined
  do {
    const { people } = await asked(ask, 'POST', '/policies/simulate', { limit: 0, ...(cursor && { cursor }) })
    const page = people as { next?: string; roles: Foretold } // as the contract has it
    for (const kind of KINDS) stage.count('leftUndone', page.roles[kind])
    cursor = page.next
  } while (cursor)
}
