import type { Ask, Body } from '../src/api.ts'
import type { Experiment, Stage } from './experiment.ts'
import { type Scene, setScene } from './scene.ts'

const PEOPLE = 1000
const CHANGES = 50
const PAGE = 100
const CLIENTS = 16

export const cursorWalk: Experiment = {
  name: 'cursor-walk',
  promise: `a walk by cursor during ${CHANGES} deletes and ${CHANGES} pushes misses none that lived through it`,
  // A thousand people each.
  rounds: 20,
  limits: () => ({
    missedByCursor: { is: 0 },
    twiceByCursor: { is: 0 },
    serverErrors: { is: 0 },
    invariantsBroken: { is: 0 },
  }),
  async run(stage) {
    const scene = await setScene(stage, 2)
    const people = new Set(await populate(stage, scene))
    await walk(stage, scene, { people, by: 'Cursor' })
    // For comparison: whoever goes moves everybody behind them to the page before.
    await walk(stage, scene, { people, by: 'Index' })
    await scene.inspect()
  },
}

async function push(scim: Ask, userName: string): Promise<string> {
  const { status, body } = await scim('POST', '/Users', { userName, externalId: `key of ${userName}` })
  if (status !== 201) throw new Error(`POST: ${status}`)
  return body.id
}

async function populate({ rounds }: Stage, { processes, scimAt }: Scene): Promise<string[]> {
  const made: string[] = []
  let next = 0
  const client = async (_: unknown, number: number) => {
    const process = processes[number % processes.length]
    while (process && next < rounds * PEOPLE)
      made.push(await push(scimAt(process), `walker-${next++}@acme.example`))
  }
  await Promise.all(Array.from({ length: CLIENTS }, client))
  return made
}

interface Walk {
  /** Who is there; kept up to date. */
  readonly people: Set<string>
  readonly by: 'Cursor' | 'Index'
}

async function walk(stage: Stage, scene: Scene, { people, by }: Walk): Promise<void> {
  const leavers = stage.random.shuffle([...people]).slice(0, CHANGES)
  const pages = Math.ceil(people.size / PAGE)
  const lived = new Set(people)
  const changes: Promise<unknown>[] = []
  const seen: string[] = []
  let at: string | undefined = by === 'Cursor' ? '' : '1'
  for (let page = 1; at !== undefined; page++) {
    // The pages come from one process after another, and every one reads the cursors of all.
    const process = scene.processes[page % scene.processes.length] as Scene['processes'][number] // there are two
    const scim = scene.scimAt(process)
    const query: string = by === 'Cursor' ? `cursor=${at}` : `startIndex=${at}`
    const { status, body } = await scim('GET', `/Users?count=${PAGE}&attributes=id&${query}`)
    if (status !== 200) stage.count('serverErrors')
    seen.push(...(body.Resources ?? []).map(({ id }) => id))
    while (changes.length < (page * CHANGES) / pages && leavers.length > 0) {
      const leaver = leavers.pop() ?? ''
      lived.delete(leaver)
      changes.push(change(scim, { people, leaver, newcomer: `${by}-${changes.length}@acme.example` }))
    }
    at = by === 'Cursor' ? cursorOf(body) : indexAfter(page, body)
  }
  await Promise.all(changes)
  const found = new Set(seen)
  stage.count(`missedBy${by}`, [...lived].filter((id) => !found.has(id)).length)
  stage.count(`twiceBy${by}`, seen.length - found.size)
}

const cursorOf = ({ nextCursor }: Body) => (typeof nextCursor === 'string' ? nextCursor : undefined)

const indexAfter = (page: number, { totalResults }: Body) =>
  page * PAGE < totalResults ? String(page * PAGE + 1) : undefined

interface Change {
  readonly people: Set<string>
  readonly leaver: string
  readonly newcomer: string
}

async function change(scim: Ask, { people, leaver, newcomer }: Change): Promise<void> {
  await scim('DELETE', `/Users/${leaver}`)
  people.delete(leaver)
  people.add(await push(scim, newcomer))
}
