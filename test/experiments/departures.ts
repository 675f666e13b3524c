import { setTimeout as pause } from 'node:timers/promises'
import { idOf, idSql } from '../bench/person.ts'
import { makeCompany } from './company.ts'
import type { Experiment, Stage } from './experiment.ts'
import { type SharedScene, setScene } from './scene.ts'

/** Every third of whom leave owns a workspace beside their own. */
const OWNERS = 3

export const departures: Experiment = {
  name: 'departures',
  promise: 'kill -9 while people are archived and what they own is given away leaves nobody half gone',
  rounds: 20,
  people: 3000,
  limits: (rounds) => ({
    killsInTheMiddle: { is: rounds },
    halfDone: { is: 0 },
    doubled: { is: 0 },
    stillThere: { is: 0 },
    invariantsBroken: { is: 0 },
  }),
  async run(stage) {
    const scene = await setScene(stage, 1)
    const leavers = await makeLeavers(stage, scene)
    for (let round = 1; round <= stage.rounds; round++) {
      await killAtWork(stage, scene)
      await inspectLeavers(stage, scene)
    }
    await again(scene)
    while ((await archived(scene)) < leavers) await pause(50)
    stage.count('archived', await archived(scene))
    stage.count('stillThere', leavers - (await archived(scene)))
    await inspectLeavers(stage, scene)
    await scene.inspect()
  },
}

const processOf = ({ processes: [process] }: SharedScene) => process as NonNullable<typeof process> // as the scene was set

const projects = `
  insert into workspaces (organization_id, id, team_id, name, created_at)
  select $1, ${idSql('other')}, t.id, 'Project ' || n, now()
  from teams t, generate_series(${OWNERS}, $2::integer, ${OWNERS}) n where t.organization_id = $1 and t.home`

const owning = `
  insert into memberships (organization_id, user_id, workspace_id, role, source, rule, created_at)
  select $1, ${idSql('user')}, ${idSql('other')}, 'owner', 'administrator', 'by an administrator', now()
  from generate_series(${OWNERS}, $2::integer, ${OWNERS}) n`

const heir = `
  insert into team_memberships (organization_id, user_id, team_id, role, source, rule, created_at)
  select $1, $2, id, 'admin', 'administrator', 'by an administrator', now()
  from teams where organization_id = $1 and home`

/** All but the last hundred are deleted, and have had their time; of one who stays is what others leave. */
async function makeLeavers(stage: Stage, scene: SharedScene): Promise<number> {
  const { organizationId, rows } = scene
  const process = processOf(scene)
  const leavers = stage.people - 100
  await makeCompany(scene, stage.people)
  await scene.adminAt(process)('PATCH', '/policy', { brake: { most: 1_000_000 } })
  await rows(projects, [organizationId, leavers])
  await rows(owning, [organizationId, leavers])
  await rows(heir, [organizationId, idOf('user', stage.people)])
  const scim = scene.scimAt(process)
  for (let n = 1; n <= leavers; n++) {
    const { status } = await scim('DELETE', `/Users/${idOf('user', n)}`)
    if (status !== 204) throw new Error(`a deletion was answered by ${status}`)
  }
  await process.stop()
  await rows(`update users set deleted_at = deleted_at - interval '60 days' where deleted_at is not null`)
  await rows(`update departures set since = since - interval '60 days'`)
  return leavers
}

/** The work is one process's for some minutes, also when that has died: they are over. */
async function again(scene: SharedScene): Promise<void> {
  await scene.rows('delete from leases')
  await processOf(scene).start()
}

async function killAtWork(stage: Stage, scene: SharedScene): Promise<void> {
  const before = await archived(scene)
  await again(scene)
  const patience = Date.now() + 30_000
  while ((await archived(scene)) === before && Date.now() < patience) await pause(2)
  await pause(stage.random.below(60))
  await processOf(scene).kill()
  const [left] = await scene.rows<{ count: number }>('select count(*)::integer as count from departures')
  if ((await archived(scene)) > before && (left?.count ?? 0) > 0) stage.count('killsInTheMiddle')
}

async function archived({ rows }: SharedScene): Promise<number> {
  const [row] = await rows<{ count: number }>(
    `select count(*)::integer as count from users where status = 'archived'`,
  )
  return row?.count ?? 0
}

interface Found extends Record<string, unknown> {
  readonly archived: boolean
  readonly due: boolean
  readonly own: boolean
  readonly told: number
  readonly given: number
  readonly owns: number
  readonly heirs: number
}

const everybody = `
  select u.id, u.status = 'archived' as archived,
    exists (select from departures d where d.user_id = u.id) as due,
    exists (select from workspaces w where w.default_of = u.id and w.status = 'active') as own,
    (select count(*)::integer from events e where e.subject_id = u.id and e.type = 'user.archived') as told,
    (select count(*)::integer from events e where e.subject_id = u.id and e.type = 'workspace.transferred') as given,
    (select count(*)::integer from memberships m join workspaces w on w.id = m.workspace_id
     where m.user_id = u.id and w.default_of is null) as owns,
    (select count(*)::integer from memberships m join memberships o on o.workspace_id = m.workspace_id
     where m.user_id = u.id and o.user_id <> u.id and o.role = 'owner') as heirs
  from users u where u.deleted_at is not null`

/** Each is wholly there or wholly gone, with what they own. */
async function inspectLeavers({ count, note }: Stage, { rows }: SharedScene): Promise<void> {
  for (const row of await rows<Found>(everybody)) {
    const { owns, told, given, heirs } = row
    const wanted = row.archived ? { due: false, own: false, times: 1 } : { due: true, own: true, times: 0 }
    const isWhole = row.due === wanted.due && row.own === wanted.own && heirs === owns * wanted.times
    const isTold = told === wanted.times && given === owns * wanted.times
    if (isWhole && isTold) continue
    count(told > 1 || given > owns ? 'doubled' : 'halfDone')
    note(JSON.stringify(row))
  }
}
