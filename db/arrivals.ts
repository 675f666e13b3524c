import { query } from './connect.ts'
import { recording } from './events.ts'
import type { Scope } from './scope.ts'
import type { NewSession } from './sessions.ts'
import {
  displayName,
  emailKeys,
  manager,
  type NewIdentity,
  personValues,
  placeValues,
  placing,
  type UserWrite,
} from './users.ts'

/** A connection as it was when its provider was asked. */
export interface Asked {
  readonly connectionId: string
  readonly issuer: string
  readonly clientId: string
}

/** Somebody whom a sign-in makes, with the session that begins by it. */
export interface Arrival extends UserWrite {
  readonly identity: NewIdentity
  readonly session: Omit<NewSession, 'userId' | 'connectionId'>
  readonly asked: Asked
  readonly policyVersion: number
}

const standing = (id: string, issuer: string, client: string) => `
  select from connections c join organizations o on o.id = c.organization_id and o.status = 'active'
  where c.organization_id = $1 and c.id = ${id} and c.status = 'active' and c.issuer = ${issuer}
    and c.client_id = ${client}`

// Numbered as in users.ts, but for $16; then $22 to $25 are the login, $16 and $26 where the connection leads, $27 and
// on the session. A login that is known, or somebody deleted, is looked for first: then nothing is tried.
const arrive = {
  name: 'insert_arrival',
  text: `
  with standing as (${standing('$7::uuid', '$26', '$16')}
  ), person as (
    insert into users (organization_id, id, connection_id, managed, user_name, user_name_key, external_id, status, reason,
                       attributes, email_keys, display_name, manager, created_at, updated_at)
    select $1, $6::uuid, $7::uuid, $8, $9, $10, $11, $12::user_status, $13, $14::jsonb,
      ${emailKeys}, ${displayName}, ${manager}, $2, $2
    from standing
    where not exists (select from policies where organization_id = $1 and version > $15)
      and not exists (select from identities
                      where organization_id = $1 and connection_id = $7 and issuer = $23 and subject = $24)
      and not exists (select from users where organization_id = $1 and external_id = $11 and connection_id = $7
                      and deleted_at is not null)
    on conflict do nothing
    returning id
  ), ${placing}, login as (
    insert into identities (organization_id, id, connection_id, issuer, subject, user_id, correlation, created_at)
    select $1, $22::uuid, $7, $23, $24, person.id, $25, $2 from person
  ), begun as (
    insert into sessions (organization_id, id, secret_hash, user_id, user_epoch, connection_id, workspace_id,
                          sid, id_token, created_at, expires_at, seen_at, idle_at, touch_at, authentication)
    select $1, $27::uuid, $28, person.id, 0, $7, $17::uuid, $29, $30, $2, $31, $2, $32, $33, $34::jsonb
    from person
  ), ${recording('person')}
  select exists (select from standing) as standing, exists (select from person) as made`,
}

/** What an attempt to make somebody has come to; only `made` has written anything. */
export type Attempt = 'made' | 'held back' | 'gone'

/**
 * Makes a person with place, login, session and events in one statement. `gone` where the connection is no longer what
 * it was; `held back` where there is a newer policy, or the login, userName or externalId is somebody's, be it
 * somebody who was deleted.
 */
export async function insertArrival(scope: Scope, arrival: Arrival): Promise<Attempt> {
  const { place, identity, session, asked, policyVersion } = arrival
  const { id, issuer, subject, correlation } = identity
  const { secretHash, sid, idToken, expiresAt, idleAt, touchAt, authentication } = session
  const values = [...personValues(scope, arrival), policyVersion, asked.clientId]
  values.push(...placeValues(place), id, issuer, subject, correlation, asked.issuer)
  values.push(session.id, secretHash, sid, idToken, expiresAt, idleAt, touchAt, authentication)
  const [row] = await query<{ standing: boolean; made: boolean }>(scope.db, arrive, values)
  if (row?.made) return 'made'
  return row?.standing ? 'held back' : 'gone'
}

const stands = { name: 'connection_stands', text: standing('$2', '$3', '$4') }

/** Whether the connection is on, in an active organization, and leads where it led to. */
export async function connectionStands(
  { db, organizationId }: Scope,
  { connectionId, issuer, clientId }: Asked,
): Promise<boolean> {
  return (await query(db, stands, [organizationId, connectionId, issuer, clientId])).length === 1
}
