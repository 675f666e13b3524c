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
import { withholding } from './withheld.ts'

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

interface Numbers {
  /** The first of the four of the login. */
  readonly login: number
  /** The issuer to which the connection leads; to which client, says $16. */
  readonly led: number
}

// Numbered as in users.ts, but for $16. A login that is known, or somebody deleted, is looked for first: then nothing is
// tried.
const arriving = ({ login, led }: Numbers) => `
  standing as (${standing('$7::uuid', `$${led}`, '$16')}
  ), person as (
    insert into users (organization_id, id, connection_id, managed, user_name, user_name_key, external_id, status, reason,
                       attributes, email_keys, display_name, manager, created_at, updated_at)
    select $1, $6::uuid, $7::uuid, $8, $9, $10, $11, $12::user_status, $13, $14::jsonb,
      ${emailKeys}, ${displayName}, ${manager}, $2, $2
    from standing
    where not exists (select from policies where organization_id = $1 and version > $15)
      and not exists (select from identities
                      where organization_id = $1 and connection_id = $7 and issuer = $${login + 1} and subject = $${login + 2})
      and not exists (select from users where organization_id = $1 and external_id = $11 and connection_id = $7
                      and deleted_at is not null)
    on conflict do nothing
    returning id
  ), login as (
    insert into identities (organization_id, id, connection_id, issuer, subject, user_id, correlation, created_at)
    select $1, $${login}::uuid, $7, $${login + 1}, $${login + 2}, person.id, $${login + 3}, $2 from person
  )`

const made = 'select exists (select from standing) as standing, exists (select from person) as made'

// $17 to $21 are the place, $22 to $25 the login, $26 where the connection leads, $27 and on the session.
const arrive = {
  name: 'insert_arrival',
  text: `
  with ${arriving({ login: 22, led: 26 })}, ${placing}, begun as (
    insert into sessions (organization_id, id, secret_hash, user_id, user_epoch, connection_id, workspace_id,
                          sid, id_token, created_at, expires_at, seen_at, idle_at, touch_at, authentication)
    select $1, $27::uuid, $28, person.id, 0, $7, $17::uuid, $29, $30, $2, $31, $2, $32, $33, $34::jsonb
    from person
  ), ${recording('person')}
  ${made}`,
}

const arriveHeld = {
  name: 'insert_held_arrival',
  text: `
  with ${arriving({ login: 17, led: 21 })}, ${withholding(22)}, ${recording('person')}
  ${made}`,
}

/** What an attempt to make somebody has come to; only `made` has written anything. */
export type Attempt = 'made' | 'held back' | 'gone'

/**
 * Makes a person with place, login, session and events in one statement; one who is held with neither place nor session.
 * `gone` where the connection is no longer what it was; `held back` where there is a newer policy, or the login, userName
 * or externalId is somebody's, be it somebody who was deleted.
 */
export async function insertArrival(scope: Scope, arrival: Arrival): Promise<Attempt> {
  const { place, withheld, identity, session, asked, policyVersion } = arrival
  const { id, issuer, subject, correlation } = identity
  const login = [id, issuer, subject, correlation, asked.issuer]
  const values = [...personValues(scope, arrival), policyVersion, asked.clientId]
  if (withheld) values.push(...login, withheld.code, withheld.policyVersion)
  else values.push(...placeValues(place), ...login, ...sessionValues(session))
  const statement = withheld ? arriveHeld : arrive
  const [row] = await query<{ standing: boolean; made: boolean }>(scope.db, statement, values)
  if (row?.made) return 'made'
  return row?.standing ? 'held back' : 'gone'
}

const sessionValues = (session: Arrival['session']): unknown[] => {
  const { id, secretHash, sid, idToken, expiresAt, idleAt, touchAt, authentication } = session
  return [id, secretHash, sid, idToken, expiresAt, idleAt, touchAt, authentication]
}

const stands = { name: 'connection_stands', text: standing('$2', '$3', '$4') }

/** Whether the connection is on, in an active organization, and leads where it led to. */
export async function connectionStands(
  { db, organizationId }: Scope,
  { connectionId, issuer, clientId }: Asked,
): Promise<boolean> {
  return (await query(db, stands, [organizationId, connectionId, issuer, clientId])).length === 1
}
