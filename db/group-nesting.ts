import { query } from './connect.ts'
import type { Scope } from './scope.ts'

// Each step is a subquery of its own (`offset 0`): how far they lead is not to be guessed, and a join may be planned as
// a hash of all there are.
const cycle = {
  name: 'group_in_itself',
  text: `
  with recursive inside(id) as (
    select subgroup_id from group_subgroups where organization_id = $1 and group_id = $2
    union
    select m.subgroup_id from inside, lateral (
      select s.subgroup_id from group_subgroups s where s.organization_id = $1 and s.group_id = inside.id offset 0) m
    where (select g.deleted_at is null from groups g where g.organization_id = $1 and g.id = inside.id)
  )
  select from inside where id = $2 limit 1`,
}

/** Whether a group is a member of itself through others. */
export async function isInItself({ db, organizationId }: Scope, groupId: string): Promise<boolean> {
  return (await query(db, cycle, [organizationId, groupId])).length > 0
}
