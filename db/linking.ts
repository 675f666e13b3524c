import { query } from './connect.ts'
import { type NewEvent, recording, written } from './events.ts'
import type { Scope } from './scope.ts'
import { type NewIdentity, type UserRow, userColumns } from './users.ts'

/** Why a known person may be the one who arrives; `former` has been deleted and may be restored. */
export type MatchedBy = 'identity' | 'externalId' | 'userName' | 'email' | 'former'

export interface Match extends UserRow {
  readonly matched_by: MatchedBy
  /** Whether the person has a login on the connection asked about. */
  readonly linked: boolean
  /** Whether such a login came with another correlation value. */
  readonly linked_otherwise: boolean
  /** A workspace of their own, or one that they were put into when they came. */
  readonly has_workspace: boolean
  /** The version of the newest policy there is. */
  readonly policy_version: number
}

export interface MatchKeys {
  readonly connectionId: string
  readonly issuer?: string
  readonly subject?: string
  readonly externalId?: string | null
  readonly userNameKey: string
  /** An address that is verified; absent where nobody is to be found by it. */
  readonly email?: string | undefined
}

const login = `select from identities l
  where l.organization_id = $1 and l.user_id = u.id and l.connection_id = $2`

const among = (matchedBy: MatchedBy, condition: string, from = 'users u') => `
  select ${userColumns}, '${matchedBy}' as matched_by, exists (${login}) as linked,
    exists (${login} and l.correlation is distinct from $5) as linked_otherwise,
    exists (select from workspaces w where w.organization_id = $1 and w.default_of = u.id)
      or exists (select from memberships m where m.organization_id = $1 and m.user_id = u.id
                 and m.source = 'provisioning') as has_workspace,
    (select max(version) from policies where organization_id = $1) as policy_version
  from ${from} where u.organization_id = $1 and ${condition}`

const matching = {
  name: 'users_matching',
  text: [
    among(
      'identity',
      'i.connection_id = $2 and i.issuer = $3 and i.subject = $4',
      'identities i join users u on u.organization_id = $1 and i.organization_id = $1 and u.id = i.user_id',
    ),
    among('externalId', 'u.external_id = $5 and u.connection_id = $2 and u.deleted_at is null'),
    among('userName', 'u.user_name_key = $6 and u.deleted_at is null'),
    among(
      'email',
      '$7::text is not null and u.email_keys @> to_jsonb(lower($7::text)) and u.deleted_at is null',
    ),
    among('former', 'u.external_id = $5 and u.connection_id = $2 and u.deleted_at is not null'),
  ].join(' union all '),
}

/** Everybody who may be meant, once for each way they were found. */
export function findMatches({ db, organizationId }: Scope, keys: MatchKeys): Promise<Match[]> {
  const { connectionId, issuer, subject, externalId, userNameKey, email } = keys
  const values = [organizationId, connectionId, issuer, subject, externalId, userNameKey, email]
  return query(db, matching, values)
}

const placed = {
  name: 'is_placed',
  text: `select where exists (select from workspaces where organization_id = $1 and default_of = $2)
         or exists (select from events e where organization_id = $1 and subject_id = $2 and type = 'user.provisioned'
                    and not exists (select from events h where h.organization_id = $1 and h.subject_id = $2
                                    and h.type = 'user.held' and h.id > e.id))`,
}

/** Whether it has been decided where somebody is, be it nowhere, and they have not been held since. */
export async function isPlaced({ db, organizationId }: Scope, userId: string): Promise<boolean> {
  return (await query(db, placed, [organizationId, userId])).length === 1
}

const link = {
  name: 'link_identity',
  text: `
  with person as (
    select id from users where organization_id = $1 and id = $6 and deleted_at is null for share
  ), login as (
    insert into identities (organization_id, id, connection_id, issuer, subject, user_id, correlation, created_at)
    select $1, $7, $8, $9, $10, person.id, $11, $2 from person
    on conflict (organization_id, connection_id, issuer, subject) do update
      set user_id = excluded.user_id, correlation = excluded.correlation, created_at = excluded.created_at
      where exists (select from users former where former.organization_id = $1 and former.id = identities.user_id
                    and former.deleted_at is not null)
    returning user_id as id
  ), ${recording('login')}
  select id from login`,
}

/**
 * Adds a login to a person; one that was a deleted person's moves. False where the person is gone, or the login is
 * that of somebody who is not.
 */
export async function linkIdentity(
  scope: Scope,
  userId: string,
  { identity, events }: { identity: NewIdentity; events: readonly NewEvent[] },
): Promise<boolean> {
  const { id, connectionId, issuer, subject, correlation } = identity
  const login = [userId, id, connectionId, issuer, subject, correlation]
  return (await query(scope.db, link, [...written(scope, events), ...login])).length === 1
}
