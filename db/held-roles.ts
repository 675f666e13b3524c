import { query } from './connect.ts'
import type { Scope } from './scope.ts'

const defer = {
  name: 'defer_taking',
  text: `
  with known as (
    select id from reevaluations
    where organization_id = $1 and groups = '{}' and state in ('waiting', 'running', 'held')
    order by id limit 1 for update skip locked
  ), anew as (
    update reevaluations r set cursor = null, total = null, done = 0,
      state = case r.state when 'held' then 'held' else 'waiting' end
    from known where r.organization_id = $1 and r.id = known.id
  )
  insert into reevaluations (organization_id, id, groups, done, state, created_at)
  select $1, $3, '{}', 0, 'waiting', $2 where not exists (select from known)`,
}

/**
 * Has everybody decided about anew who has a role by a rule, so that what was not taken is. One that is to come begins
 * again; one that is being worked on may be past whom it is about.
 */
export async function deferTaking({ db, organizationId, now }: Scope, id: string): Promise<void> {
  await query(db, defer, [organizationId, now, id])
}

const hold = {
  name: 'hold_reevaluation',
  text: `update reevaluations set state = 'held', total = coalesce(total, $3)
         where organization_id = $1 and id = $2`,
}

/** Until the brake is released, nobody goes on with it. */
export async function holdReevaluation(
  { db, organizationId }: Scope,
  { id, total }: { id: string; total: number },
): Promise<void> {
  await query(db, hold, [organizationId, id, total])
}

const resume = {
  name: 'resume_reevaluations',
  text: `update reevaluations set state = 'waiting' where organization_id = $1 and state = 'held'`,
}

/** What was held goes on where it stood. */
export async function resumeReevaluations({ db, organizationId }: Scope): Promise<void> {
  await query(db, resume, [organizationId])
}

const count = {
  name: 'count_held_reevaluations',
  text: `select count(*)::integer as count from reevaluations where organization_id = $1 and state = 'held'`,
}

export async function countHeldReevaluations({ db, organizationId }: Scope): Promise<number> {
  return (await query<{ count: number }>(db, count, [organizationId]))[0]?.count ?? 0
}
