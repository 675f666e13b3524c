import { query } from './connect.ts'
import { recording } from './events.ts'
import type { Scope } from './scope.ts'
import {
  displayName,
  emailKeys,
  type InsertGuard,
  manager,
  personValues,
  type UserRow,
  type UserWrite,
  userColumns,
} from './users.ts'
import { type Withheld, withholding } from './withheld.ts'

// Few are held, so they have a statement of their own: what makes everybody else carries nothing of it.
const insert = {
  name: 'insert_held',
  text: `
  with person as (
    insert into users (organization_id, id, connection_id, managed, user_name, user_name_key, external_id, status, reason,
                       attributes, email_keys, display_name, manager, created_at, updated_at)
    select $1, $6::uuid, $7::uuid, $8, $9, $10, $11, $12::user_status, $13, $14::jsonb,
      ${emailKeys}, ${displayName}, ${manager}, $2, $2
    where not exists (select from policies where organization_id = $1 and version > $17::integer)
      and ($15::boolean or not exists (
        select from users where organization_id = $1 and external_id = $11 and connection_id = $7::uuid
          and deleted_at is not null))
    on conflict do nothing
    returning id
  ), ${withholding(16)}, ${recording('person')}
  select id from person`,
}

/** Makes a person who is held; false as with anybody else. */
export async function insertHeld(
  scope: Scope,
  write: UserWrite & { readonly withheld: Withheld },
  { policyVersion, formerSeen }: InsertGuard,
): Promise<boolean> {
  const values = [...personValues(scope, write), formerSeen, write.withheld.code, policyVersion]
  return (await query(scope.db, insert, values)).length === 1
}

const claim = {
  name: 'claim_held',
  text: `select ${userColumns} from held_people h
         join users u on u.organization_id = $1 and u.id = h.user_id and u.status = 'held'
         where h.organization_id = $1 and h.policy_version < $2
         order by h.policy_version, h.user_id limit $3 for update of u skip locked`,
}

/** Held people of whom it was found by an older policy, whom nobody else is at; they stay so until the transaction ends. */
export function claimHeld(
  { db, organizationId }: Scope,
  { before, limit }: { before: number; limit: number },
): Promise<UserRow[]> {
  return query(db, claim, [organizationId, before, limit])
}

const keep = {
  name: 'keep_held',
  text: 'update held_people set policy_version = $3 where organization_id = $1 and user_id = any($2::uuid[])',
}

/** By this version, too, they wait for what they waited for. */
export async function keepHeld(
  { db, organizationId }: Scope,
  { ids, policyVersion }: { ids: readonly string[]; policyVersion: number },
): Promise<void> {
  if (ids.length > 0) await query(db, keep, [organizationId, ids, policyVersion])
}

/** Something else of them has changed than the policy: they are tried again as if by an older one. */
export const retrySoon = (scope: Scope, userId: string): Promise<void> =>
  keepHeld(scope, { ids: [userId], policyVersion: 0 })
