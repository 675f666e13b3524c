import { query } from './connect.ts'
import type { Scope } from './scope.ts'

export interface SignalledPerson {
  readonly id: string
  /** Which connection keeps their record. */
  readonly connection_id: string | null
}

const byLogin = {
  name: 'people_by_login',
  text: `
  select u.id, u.connection_id from identities i
  join users u on u.organization_id = i.organization_id and u.id = i.user_id and u.deleted_at is null
  where i.organization_id = $1 and i.connection_id = $2 and i.issuer = $3 and i.subject = $4`,
}

const byExternalId = {
  name: 'people_by_external_id',
  text: `select id, connection_id from users
         where organization_id = $1 and connection_id = $2 and external_id = $3 and deleted_at is null`,
}

// A third address of the kind is not looked for: two are too many already.
const byAddress = {
  name: 'people_by_address',
  text: `select id, connection_id from users
         where organization_id = $1 and connection_id = $2 and deleted_at is null
           and (user_name_key = $4 or email_keys @> to_jsonb(lower($3)))
         limit 2`,
}

export interface SignalledLogin {
  readonly connectionId: string
  readonly issuer: string
  readonly subject: string
  /** Whether SCIM's externalId is the subject, so that somebody who has never signed in is known by it. */
  readonly correlates: boolean
}

/** Whose login it is, or will be. */
export async function personByLogin(
  { db, organizationId }: Scope,
  { connectionId, issuer, subject, correlates }: SignalledLogin,
): Promise<SignalledPerson | null> {
  const [known] = await query<SignalledPerson>(db, byLogin, [organizationId, connectionId, issuer, subject])
  if (known || !correlates) return known ?? null
  return (await query<SignalledPerson>(db, byExternalId, [organizationId, connectionId, subject]))[0] ?? null
}

/** The one person of the connection who has this address as userName or e-mail; null where there are several. */
export async function personByAddress(
  { db, organizationId }: Scope,
  { connectionId, email, userNameKey }: { connectionId: string; email: string; userNameKey: string },
): Promise<SignalledPerson | null> {
  const rows = await query<SignalledPerson>(db, byAddress, [organizationId, connectionId, email, userNameKey])
  return rows.length === 1 ? (rows[0] ?? null) : null
}

const ofPerson = `delete from sessions where organization_id = $1 and user_id = $2 and connection_id = $3`
const endings = {
  all: { name: 'end_sessions_at_connection', text: `${ofPerson} returning id` },
  one: { name: 'end_session_at_connection', text: `${ofPerson} and sid = $4 returning id` },
}

/** Ends the sessions of a person that began at a connection; whether there were any. */
export async function endSessionsAtConnection(
  { db, organizationId }: Scope,
  { userId, connectionId, sid }: { userId: string; connectionId: string; sid?: string | undefined },
): Promise<boolean> {
  const values = [organizationId, userId, connectionId]
  const rows = await (sid === undefined
    ? query(db, endings.all, values)
    : query(db, endings.one, [...values, sid]))
  return rows.length > 0
}
