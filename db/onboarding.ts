import { query, transact } from './connect.ts'
import { type NewEvent, recordEvents, recording, written } from './events.ts'
import { idsAround, type Range } from './reports.ts'
import type { Scope } from './scope.ts'

// Whether there is a checklist stands beside the organization, so that without one nothing looks into this schema.
const isOn = { name: 'is_checklist_on', text: 'select checklist from organizations where id = $1' }

export async function isChecklistOn({ db, organizationId }: Scope): Promise<boolean> {
  return (await query<{ checklist: boolean }>(db, isOn, [organizationId]))[0]?.checklist ?? false
}

export interface ChecklistRow<Step> {
  readonly steps: readonly Step[]
  readonly version: number
}

const definition = {
  name: 'checklist',
  text: 'select steps, version from onboarding.checklists where organization_id = $1',
}

/** The steps as they were written; null where nobody has written any. */
export async function findChecklist<Step>({ db, organizationId }: Scope): Promise<ChecklistRow<Step> | null> {
  return (await query<ChecklistRow<Step>>(db, definition, [organizationId]))[0] ?? null
}

const store = {
  name: 'put_checklist',
  text: `insert into onboarding.checklists as c (organization_id, steps, version, updated_at)
         values ($1, $2::jsonb, $4::integer + 1, $3)
         on conflict (organization_id) do update
           set steps = excluded.steps, version = excluded.version, updated_at = excluded.updated_at
           where c.version = $4::integer
         returning version`,
}
const turn = { name: 'turn_checklist', text: 'update organizations set checklist = $2 where id = $1' }

/** Writes the checklist after the version `after` (0: the first), and turns it on or off; false where another is there by now. */
export async function putChecklist(
  scope: Scope,
  { after, on, steps }: { after: number; on: boolean; steps: readonly object[] },
  events: readonly NewEvent[],
): Promise<boolean> {
  const { organizationId, now } = scope
  return transact(scope.db, async (db) => {
    const rows = await query(db, store, [organizationId, JSON.stringify(steps), now, after])
    if (rows.length === 0) return false
    await query(db, turn, [organizationId, on])
    await recordEvents({ ...scope, db }, events)
    return true
  })
}

export interface ProgressRow<Step> extends ChecklistRow<Step> {
  /** Keys of steps that the person has called done. */
  readonly finished: readonly string[]
  /** Types of events that have happened to them, of those that steps wait for. */
  readonly happened: readonly string[]
  readonly dismissed: boolean
}

const progress = {
  name: 'checklist_of_user',
  text: `
  select c.steps, c.version,
    array(select step from onboarding.finished_steps
          where organization_id = $1 and user_id = $2) as finished,
    array(select distinct type from events
          where organization_id = $1 and subject_id = $2 and subject_type = 'user'
            and type in (select s ->> 'event' from jsonb_array_elements(c.steps) s)) as happened,
    exists (select from onboarding.dismissals where organization_id = $1 and user_id = $2) as dismissed
  from onboarding.checklists c where c.organization_id = $1`,
}

/** How far somebody is; what events finish is read from the events, so nothing has to be told of them. */
export async function checklistOf<Step>(
  { db, organizationId }: Scope,
  userId: string,
): Promise<ProgressRow<Step> | null> {
  return (await query<ProgressRow<Step>>(db, progress, [organizationId, userId]))[0] ?? null
}

const finish = {
  name: 'finish_step',
  text: `
  with done as (
    insert into onboarding.finished_steps (organization_id, user_id, step, at) values ($1, $6, $7, $2)
    on conflict do nothing returning step
  ), ${recording('done')}
  select step from done`,
}

/** Notes that a person has called a step done; told once. */
export async function finishStep(
  scope: Scope,
  { userId, step }: { userId: string; step: string },
  events: readonly NewEvent[],
): Promise<void> {
  await query(scope.db, finish, [...written(scope, events), userId, step])
}

const dismiss = {
  name: 'dismiss_checklist',
  text: `
  with done as (
    insert into onboarding.dismissals (organization_id, user_id, at) values ($1, $6, $2)
    on conflict do nothing returning at
  ), ${recording('done')}
  select at from done`,
}
const resume = {
  name: 'resume_checklist',
  text: `
  with done as (
    delete from onboarding.dismissals where organization_id = $1 and user_id = $6 returning at
  ), ${recording('done')}
  select at from done`,
}

/** Puts a person's checklist away, or brings it back; told where that is a change. */
export async function setDismissed(
  scope: Scope,
  { userId, dismissed }: { userId: string; dismissed: boolean },
  events: readonly NewEvent[],
): Promise<void> {
  await query(scope.db, dismissed ? dismiss : resume, [...written(scope, events), userId])
}

const isThere = {
  name: 'is_onboarding_there',
  text: `select from pg_tables where schemaname = 'onboarding' and tablename = 'finished_steps'`,
}

/** Whether there is anything to read: the schema may have been dropped. */
export async function isOnboardingThere({ db }: Scope): Promise<boolean> {
  return (await query(db, isThere, [])).length === 1
}

/** What there is of one person, as `person-data.ts` reads it. */
export const progressParts = {
  finishedSteps: `
    select f.step, f.at from onboarding.finished_steps f where f.organization_id = $1 and f.user_id = $2 order by f.step`,
  dismissal: `select d.at from onboarding.dismissals d where d.organization_id = $1 and d.user_id = $2`,
} as const

const forget = {
  name: 'forget_progress',
  text: `
  with steps as (delete from onboarding.finished_steps where organization_id = $1 and user_id = $2)
  delete from onboarding.dismissals where organization_id = $1 and user_id = $2`,
}

/** Removes what somebody has done of a checklist, be it off by now. */
export async function forgetProgress(scope: Scope, userId: string): Promise<void> {
  if (await isOnboardingThere(scope)) await query(scope.db, forget, [scope.organizationId, userId])
}

/** Runs `work` in a transaction whose statements may take so many milliseconds each. */
export async function briefly<T>(
  scope: Scope,
  milliseconds: number,
  work: (scope: Scope) => Promise<T>,
): Promise<T> {
  return transact(scope.db, async (db) => {
    await query(db, { text: `set local statement_timeout = ${Math.trunc(milliseconds)}` }, [])
    return work({ ...scope, db })
  })
}

const counts = {
  name: 'report_onboarding',
  text: `
  select c.steps,
    (select count(*)::integer from users where organization_id = $1 and status = 'ready') as people,
    (select count(*)::integer from onboarding.dismissals
     where organization_id = $1 and at >= $2 and at < $3) as dismissed,
    (select coalesce(jsonb_object_agg(step, people), '{}') from (
       select step, count(*) as people from onboarding.finished_steps
       where organization_id = $1 and at >= $2 and at < $3 group by step) s) as finished,
    (select coalesce(jsonb_object_agg(type, people), '{}') from (
       select type, count(distinct subject_id) as people from events
       where organization_id = $1 and at >= $2 and at < $3 and id >= $4::uuid and id < $5::uuid
         and subject_type = 'user' and type in (select s ->> 'event' from jsonb_array_elements(c.steps) s)
       group by type) e) as happened
  from onboarding.checklists c where c.organization_id = $1`,
}

/** How many people did what in a range. */
export interface OnboardingCounts<Step> {
  readonly steps: readonly Step[]
  readonly people: number
  readonly dismissed: number
  readonly finished: Readonly<Record<string, number>>
  readonly happened: Readonly<Record<string, number>>
}

export async function onboardingProgress<Step>(
  { db, organizationId }: Scope,
  range: Range,
): Promise<OnboardingCounts<Step> | null> {
  const values = [organizationId, range.from, range.to, ...idsAround(range)]
  return (await query<OnboardingCounts<Step>>(db, counts, values))[0] ?? null
}
