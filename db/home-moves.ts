import { query } from './connect.ts'
import type { Scope } from './scope.ts'

/** Where somebody's own workspace goes by a rule. */
export interface HomeMove {
  readonly userId: string
  readonly workspaceId: string
  /** Teams, by their ids. */
  readonly from: string
  readonly to: string
  readonly rule: string
  /** The names of those that bring it. */
  readonly groups: readonly string[]
}

const move = {
  name: 'move_homes',
  text: `
  with asked as materialized (
    select * from jsonb_to_recordset($5::jsonb) as a(
      event_id uuid, user_id uuid, workspace_id uuid, from_id uuid, to_id uuid, rule text, groups jsonb)
  ), moved as (
    update workspaces w set team_id = a.to_id from asked a
    where w.organization_id = $1 and w.id = a.workspace_id and w.default_of = a.user_id and w.team_id = a.from_id
      and exists (select from teams t where t.organization_id = $1 and t.id = a.to_id)
    returning a.*
  )
  insert into events (organization_id, id, at, type, actor, subject_type, subject_id, changed, policy_version, rule,
                      request_id, data)
  select $1, m.event_id, $2, 'workspace.moved', $3, 'workspace', m.workspace_id, '{}', $6, m.rule, $4,
    jsonb_build_object('via', 'group-rule', 'userId', m.user_id, 'groups', m.groups,
      'from', jsonb_build_object('id', f.id, 'name', f.name), 'to', jsonb_build_object('id', t.id, 'name', t.name))
  from moved m
  join teams f on f.organization_id = $1 and f.id = m.from_id
  join teams t on t.organization_id = $1 and t.id = m.to_id`,
}

/** Moves workspaces that are where they were, each with its event; a team that a policy names is not taken away. */
export async function moveHomes(
  { db, organizationId, now, actor, requestId }: Scope,
  policyVersion: number,
  moves: readonly (HomeMove & { readonly eventId: string })[],
): Promise<void> {
  const asked = moves.map(({ eventId, userId, workspaceId, from, to, rule, groups }) => ({
    ...{
      event_id: eventId,
      user_id: userId,
      workspace_id: workspaceId,
      from_id: from,
      to_id: to,
      rule,
      groups,
    },
  }))
  await query(db, move, [organizationId, now, actor, requestId, JSON.stringify(asked), policyVersion])
}
