import { setTimeout as pause } from 'node:timers/promises'
import { type Acknowledged, pusher, signer, type Trade } from './clients.ts'
import type { Experiment, Limits, Stage } from './experiment.ts'
import { type Scene, setEmbeddedScene, setScene } from './scene.ts'

const PROCESSES = 3
const PUSHERS = 6
const SIGNERS = 2
const READY_WITHIN = 5000

const limits: Limits = {
  lost: { is: 0 },
  halfDone: { is: 0 },
  doubled: { is: 0 },
  unexpectedAnswers: { is: 0 },
  serverErrors: { is: 0 },
  slowestOwnReadyMs: { atMost: READY_WITHIN },
  invariantsBroken: { is: 0 },
}

export const kill: Experiment = {
  name: 'kill',
  promise: `kill -9 of one of ${PROCESSES} processes under ${PUSHERS + SIGNERS} clients loses and doubles nothing`,
  rounds: 30,
  limits: (rounds) => ({ kills: { is: rounds }, ...limits }),
  async run(stage) {
    await trouble(stage, await setScene(stage, PROCESSES))
  },
}

export const killEmbedded: Experiment = {
  name: 'kill-embedded',
  promise: 'kill -9 of a process with its own database loses nothing; the next one adopts the database',
  rounds: 10,
  limits: (rounds) => ({ kills: { is: rounds }, databasesStarted: { is: 1 }, ...limits }),
  async run(stage) {
    const scene = await setEmbeddedScene(stage)
    const servers = new Set([scene.postmaster()])
    await trouble(stage, scene, () => void servers.add(scene.postmaster()))
    stage.count('databasesStarted', servers.size)
  },
}

async function trouble(stage: Stage, scene: Scene, whenReady: () => void = () => {}): Promise<void> {
  const trade: Trade = { stage, scene, groupId: await makeGroup(scene), acknowledged: [] }
  let isOver = false
  const clients = [
    ...Array.from({ length: PUSHERS }, (_, index) => pusher(trade, `pushed-${index}`)),
    ...Array.from({ length: SIGNERS }, (_, index) => signer(trade, `signer-${index}`)),
  ].map((client) => client.work(() => isOver))
  const killing = killRepeatedly(stage, scene, whenReady).finally(() => {
    isOver = true
  })
  await Promise.all([killing, ...clients])
  await compare(trade)
  await scene.inspect()
}

async function makeGroup({ scimAt, processes: [first] }: Scene): Promise<string> {
  if (!first) throw new TypeError('a scene has a process')
  return (await scimAt(first)('POST', '/Groups', { displayName: 'Everybody' })).body.id
}

async function killRepeatedly({ rounds, random, count, most }: Stage, scene: Scene, whenReady: () => void) {
  const order = random.fork()
  for (let round = 1; round <= rounds; round++) {
    await pause(200 + order.below(600))
    const victim = order.pick(scene.processes)
    await victim.kill()
    count('kills')
    await pause(order.below(200))
    const { milliseconds, waitingForProcessor } = await victim.start()
    most('slowestReadyMs', milliseconds)
    most('slowestOwnReadyMs', milliseconds - waitingForProcessor)
    whenReady()
  }
}

interface Found {
  readonly user_name: string
  readonly title: string | null
  readonly version: number
  readonly places: number
  readonly logins: number
  readonly made: number
  readonly changed: number
  readonly member: boolean
  readonly joined: number
}

const everybody = `
  with joins as (
    select added as id, count(*)::integer as times from events e, jsonb_array_elements_text(e.data -> 'added') added
    where e.subject_id = $1 group by added
  ), happened as (
    select subject_id, count(*) filter (where type in ('user.created', 'user.provisioned'))::integer as made,
      count(*) filter (where type = 'user.changed')::integer as changed
    from events group by subject_id
  ), placed as (
    select w.default_of, count(*)::integer as places from workspaces w
    join memberships m on m.organization_id = w.organization_id and m.workspace_id = w.id
      and m.user_id = w.default_of and m.role = 'owner'
    group by w.default_of
  ), linked as (
    select user_id, count(*)::integer as logins from identities group by user_id
  )
  select u.user_name, u.attributes ->> 'title' as title, u.version, coalesce(places, 0) as places,
    coalesce(logins, 0) as logins, coalesce(made, 0) as made, coalesce(changed, 0) as changed,
    g.user_id is not null as member, coalesce(times, 0) as joined
  from users u
  left join placed on default_of = u.id
  left join linked on linked.user_id = u.id
  left join happened on subject_id = u.id
  left join joins on joins.id = u.id::text
  left join group_members g on g.user_id = u.id and g.group_id = $1`

/** What is there against what was acknowledged; nothing else was left unfinished by the clients. */
async function compare({ stage, scene, groupId, acknowledged }: Trade): Promise<void> {
  const { count, note } = stage
  const found = new Map(
    (await scene.rows<Found & Record<string, unknown>>(everybody, [groupId])).map((row) => [
      row.user_name,
      row,
    ]),
  )
  for (const one of acknowledged) {
    const row = found.get(one.userName)
    const fault = row ? faultOf(one, row) : 'lost'
    count(one.pushed ? 'pushed' : 'signedIn')
    if (fault) count(fault)
    if (fault) note(`${fault}: ${JSON.stringify({ ...one, ...row })}`)
    found.delete(one.userName)
  }
  count('doubled', found.size)
}

function faultOf({ pushed }: Acknowledged, row: Found): 'lost' | 'halfDone' | 'doubled' | undefined {
  if (pushed && (row.title !== pushed.title || !row.member)) return 'lost'
  if (row.places < 1 || row.made < 2 || row.logins < (pushed ? 0 : 1)) return 'halfDone'
  const changes = pushed?.patches ?? 0
  const once = row.version === 1 + changes && row.changed === changes && row.joined === (pushed ? 1 : 0)
  return once && row.places === 1 && row.made === 2 ? undefined : 'doubled'
}
