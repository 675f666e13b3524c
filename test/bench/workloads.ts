import { deepOffset, type FloorName, someone } from './floors.ts'
import { groupOf, outsiders, SIZES } from './groups.ts'
import { type Next, type Request, requestText } from './load.ts'
import { externalIdOf, idOf, personBody, sessionSecretOf, userNameOf, workEmailOf } from './person.ts'
import type { Scene } from './scene.ts'
import { callbacks, wholeSignIns } from './sign-ins.ts'

/** What is asked of Usher, the floor beside it, and the share of the floor that is the goal. */
export interface Workload {
  readonly name: string
  readonly floor: FloorName
  /** Absent where the figure only informs. */
  readonly goal?: number
  /** Whether it is to be the same share of its floor at every size. */
  readonly flat?: true
  /** 1 where a client waits for its own answers; default 16. */
  readonly connections?: number
  /** How many requests of the floor one is worth; where it is more than one, two clients send one after the other. */
  readonly worth?: number
  /** Of the groups asked about; they exist where there are as many people. */
  readonly members?: number
  /** Called anew for each round, which is to last so many seconds; what it does itself is not measured. */
  readonly requests: (scene: Scene, seconds: number) => Next | Promise<Next>
  /** Each answer has one of them; default 200. */
  readonly status?: readonly number[]
}

function scim({ token }: Scene, { path, ...request }: Request): string {
  return requestText({ ...request, path: `/scim/v2${path}`, headers: `authorization: Bearer ${token}\r\n` })
}

const filtered = (scene: Scene, filter: string): string =>
  scim(scene, { method: 'GET', path: `/Users?filter=${encodeURIComponent(filter)}` })

const created = (scene: Scene, n: number): string =>
  scim(scene, { method: 'POST', path: '/Users', body: personBody(n) })

/** As many creates in one request. */
function createdTogether(scene: Scene, many: number): string {
  const operations = Array.from({ length: many }, () => {
    const n = scene.fresh()
    return `{"method":"POST","path":"/Users","bulkId":"${n}","data":${personBody(n)}}`
  })
  const schemas = '["urn:ietf:params:scim:api:messages:2.0:BulkRequest"]'
  const body = `{"schemas":${schemas},"Operations":[${operations.join(',')}]}`
  return scim(scene, { method: 'POST', path: '/Bulk', body })
}

function patched(scene: Scene, path: string, operation: object): string {
  const body = { schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'], Operations: [operation] }
  return scim(scene, { method: 'PATCH', path, body: JSON.stringify(body) })
}

/** The next ones come, `many` at a time, to the groups of the size in turn. */
function joining(scene: Scene, size: number, many = 1): Next {
  let n = 0
  return () => {
    const path = `/Groups/${groupOf(size, n)}`
    const value = outsiders(scene.people, n++, many)?.map((id) => ({ value: id }))
    return value && patched(scene, path, { op: 'add', path: 'members', value })
  }
}

/** Everybody in turn is deactivated, then everybody reactivated, and so on. */
function toggled(scene: Scene): Next {
  const { people, turn } = scene
  return () => {
    const n = turn()
    const value = Math.floor(n / people) % 2 === 1
    const path = `/Users/${idOf('user', 1 + (n % people))}`
    return patched(scene, path, { op: 'replace', path: 'active', value })
  }
}

/** What Entra does in a cycle: it looks for somebody, and then makes, changes or adds them. */
function cycle(scene: Scene): Next {
  const { people, turn, fresh } = scene
  const joins = joining(scene, 10)
  const cycleOf = () => {
    const comes = fresh()
    const changes = someone(people)
    const title = { op: 'replace', path: 'title', value: `Title ${turn()}` }
    return [
      filtered(scene, `externalId eq "${externalIdOf(comes)}"`),
      created(scene, comes),
      filtered(scene, `userName eq "${userNameOf(changes)}"`),
      patched(scene, `/Users/${idOf('user', changes)}`, title),
      filtered(scene, `userName eq "${userNameOf(someone(people))}"`),
      joins() ?? '',
    ]
  }
  const waiting: string[] = []
  return () => {
    if (waiting.length === 0) waiting.push(...cycleOf())
    return waiting.shift() || undefined
  }
}

const middles = new WeakMap<Scene, Promise<string>>()

/** The path of the page by cursor in the middle of all people; the way there is walked once. */
function middle(scene: Scene): Promise<string> {
  const path = middles.get(scene) ?? walk(scene)
  middles.set(scene, path)
  return path
}

async function walk({ people, token, usher }: Scene): Promise<string> {
  const headers = { authorization: `Bearer ${token}` }
  let path = '/Users?cursor=&count=100'
  for (let seen = 0; seen + 100 < people / 2; seen += 100) {
    const answer = await fetch(`http://127.0.0.1:${usher.port}/scim/v2${path}`, { headers })
    const { nextCursor } = (await answer.json()) as { nextCursor: string } // the middle is not the end
    path = `/Users?cursor=${encodeURIComponent(nextCursor)}&count=100`
  }
  return path
}

const onePerson = (text: (scene: Scene, n: number) => string) => (scene: Scene) => () =>
  text(scene, someone(scene.people))

const session = ({ organizationId }: Scene, n: number): string =>
  requestText({
    method: 'GET',
    path: '/session/verify',
    headers: `cookie: usher_session=${organizationId}.${sessionSecretOf(n)}\r\n`,
  })

const reads = { floor: 'read', goal: 0.8, flat: true } as const
const writes = { floor: 'tx', goal: 1 } as const

const people: readonly Workload[] = [
  {
    ...reads,
    name: 'read by id',
    requests: onePerson((scene, n) => scim(scene, { method: 'GET', path: `/Users/${idOf('user', n)}` })),
  },
  {
    ...reads,
    name: 'userName eq',
    requests: onePerson((scene, n) => filtered(scene, `userName eq "${userNameOf(n)}"`)),
  },
  {
    ...reads,
    name: 'externalId eq',
    requests: onePerson((scene, n) => filtered(scene, `externalId eq "${externalIdOf(n)}"`)),
  },
  {
    ...reads,
    name: 'emails eq',
    requests: onePerson((scene, n) => filtered(scene, `emails[type eq "work"].value eq "${workEmailOf(n)}"`)),
  },
  { ...reads, name: 'session check', requests: onePerson(session) },
  {
    name: 'deep page',
    floor: 'page',
    goal: 0.8,
    requests: (scene) => {
      const path = `/Users?startIndex=${deepOffset(scene.people) + 1}&count=100`
      const text = scim(scene, { method: 'GET', path })
      return () => text
    },
  },
  {
    name: 'page by cursor',
    floor: 'firstPage',
    goal: 0.8,
    flat: true,
    requests: async (scene) => {
      const text = scim(scene, { method: 'GET', path: await middle(scene) })
      return () => text
    },
  },
  {
    name: 'callback: new person',
    floor: 'tx',
    goal: 0.3,
    requests: (scene, seconds) => callbacks(scene, seconds, ({ fresh }) => fresh()),
    status: [303],
  },
  {
    name: 'callback: known person',
    floor: 'tx',
    requests: (scene, seconds) => callbacks(scene, seconds, ({ people }) => someone(people)),
    status: [303],
  },
  // Two requests are one sign-in.
  {
    name: 'whole sign-in',
    floor: 'tx',
    worth: 0.5,
    requests: (scene) => wholeSignIns(scene, ({ fresh }) => fresh()),
    status: [303],
  },
  { ...writes, name: 'PATCH active', requests: toggled },
  {
    ...writes,
    name: 'create',
    requests: (scene) => () => created(scene, scene.fresh()),
    status: [201],
  },
  // Three times what a create is held to.
  {
    name: 'bulk of 1,000',
    floor: 'tx',
    goal: 3,
    worth: 1000,
    requests: (scene) => () => createdTogether(scene, 1000),
  },
]

const groups: readonly Workload[] = [
  ...SIZES.map(
    (members): Workload => ({
      name: 'group add',
      floor: 'tx',
      goal: 0.8,
      flat: true,
      connections: 1,
      members,
      requests: (scene) => joining(scene, members),
      status: [204],
    }),
  ),
  {
    name: 'group add 50',
    floor: 'insert50',
    goal: 0.5,
    connections: 1,
    members: 100_000,
    requests: (scene) => joining(scene, 100_000, 50),
    status: [204],
  },
  {
    ...reads,
    name: 'group without members',
    members: 10_000,
    requests: (scene) => {
      const path = `/Groups/${groupOf(10_000, 0)}?excludedAttributes=members`
      const text = scim(scene, { method: 'GET', path })
      return () => text
    },
  },
  { ...writes, name: 'Entra cycle', members: 10, requests: cycle, status: [200, 201, 204] },
]

export const workloads: readonly Workload[] = [...people, ...groups]
