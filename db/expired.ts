import { query, type Statement } from './connect.ts'
import type { Scope } from './scope.ts'

/** What has an end, by its table: which rows are past it at `$2`, and what tells them apart within an organization. */
const ends = {
  sessions: ['least(expires_at, idle_at) <= $2', 'id'],
  sign_in_transactions: ['expires_at <= $2', 'state_hash'],
  connection_tests: ['kept_until <= $2', 'id'],
  sign_outs: ['expires_at <= $2', 'connection_id, login_hash'],
  spent_tokens: ['expires_at <= $2', 'connection_id, jti_hash'],
  scim_assertions: ['expires_at <= $2', 'client_id, jti_hash'],
  // Of credentials only what clients were given for an hour: others are listed after their end, too.
  scim_credentials: ['client_id is not null and expires_at <= $2', 'id'],
} as const

export type Ending = keyof typeof ends
export const endings = Object.keys(ends) as Ending[]

/** Which organizations have any, for `unscoped.ts`; `$1` is now. */
export const organizationsWithExpired: Statement = {
  name: 'organizations_with_expired',
  text: Object.entries(ends)
    .map(([table, [past]]) => `select organization_id from ${table} where ${past.replace('$2', '$1')}`)
    .join(' union '),
}

/** Few enough for nobody to wait for. */
const MOST_AT_ONCE = 1000

const removal = (table: Ending): Statement => {
  const [past, key] = ends[table]
  return {
    name: `remove_expired_${table}`,
    text: `
    with gone as (
      delete from ${table} where organization_id = $1 and (${key}) in (
        select ${key} from ${table} where organization_id = $1 and ${past}
        limit ${MOST_AT_ONCE} for update skip locked)
      returning 1
    )
    select count(*)::int as gone from gone`,
  }
}

/** Removes some of what is past its end; whether there may be more. */
export async function removeExpired({ db, organizationId, now }: Scope, table: Ending): Promise<boolean> {
  const [row] = await query<{ gone: number }>(db, removal(table), [organizationId, now])
  return row?.gone === MOST_AT_ONCE
}
