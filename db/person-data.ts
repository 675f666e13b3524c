import { Transaction } from 'sequelize'
import { isOfPerson } from './conflicts.ts'
import { type Db, query } from './connect.ts'
import { isOnboardingThere, progressParts } from './onboarding.ts'
import { beforeEveryId } from './page.ts'
import type { Scope } from './scope.ts'

/** The data as they are at one moment, whatever changes meanwhile; nothing can be written. To be closed. */
export async function openSnapshot(db: Db): Promise<{ readonly db: Db; close(): Promise<void> }> {
  const isolationLevel = Transaction.ISOLATION_LEVELS.REPEATABLE_READ
  const transaction = await db.sequelize.transaction({ isolationLevel })
  const snapshot = { ...db, transaction }
  await query(snapshot, { text: 'set transaction read only' }, [])
  // The moment is that of the first statement that reads.
  await query(snapshot, { text: 'select 1' }, [])
  return { db: snapshot, close: () => transaction.commit() }
}

const place = `p.id, p.name, m.role, m.source, m.rule, m.created_at as since`

/**
 * What is kept about one person, by what it is called in their export; each is read by organization and person. Secrets,
 * and what is computed from the rest, are left out.
 */
const parts = {
  user: `
    select u.id, u.user_name as "userName", u.external_id as "externalId", u.status, u.reason,
      case when u.managed then 'scim' else 'sign-in' end as "managedBy", u.connection_id as "connectionId",
      u.attributes, u.sources, u.version, u.created_at as "createdAt", u.updated_at as "updatedAt", u.deleted_at as "deletedAt"
    from users u where u.organization_id = $1 and u.id = $2`,
  identities: `
    select i.id, i.connection_id as "connectionId", i.issuer, i.subject, i.correlation, i.created_at as "createdAt"
    from identities i where i.organization_id = $1 and i.user_id = $2 order by i.id`,
  groups: `
    select g.id, g.display_name as "displayName", g.connection_id as "connectionId"
    from group_members m join groups g on g.organization_id = $1 and g.id = m.group_id
    where m.organization_id = $1 and m.user_id = $2 order by g.id`,
  claimedGroups: `
    select c.connection_id as "connectionId", c.names
    from claimed_groups c where c.organization_id = $1 and c.user_id = $2 order by c.connection_id`,
  teams: `
    select ${place} from team_memberships m join teams p on p.organization_id = $1 and p.id = m.team_id
    where m.organization_id = $1 and m.user_id = $2 order by p.id, m.source`,
  workspaces: `
    select ${place}, p.status, p.team_id as "homeId"
    from memberships m join workspaces p on p.organization_id = $1 and p.id = m.workspace_id
    where m.organization_id = $1 and m.user_id = $2 order by p.id, m.source`,
  ownWorkspace: `
    select w.id, w.name, w.status, w.team_id as "homeId", w.created_at as "createdAt"
    from workspaces w where w.organization_id = $1 and w.default_of = $2`,
  sessions: `
    select s.id, s.connection_id as "connectionId", s.workspace_id as "workspaceId", s.authentication,
      s.created_at as "createdAt", s.seen_at as "lastSeenAt", s.idle_at as "idleExpiresAt", s.expires_at as "expiresAt"
    from sessions s where s.organization_id = $1 and s.user_id = $2 order by s.id`,
  // Of a conflict, what is said of them: as the one who was there, or as the one who came.
  conflicts: `
    select c.id, c.connection_id as "connectionId", c.via, c.code, c.seen, c.first_at as "firstAt", c.last_at as "lastAt",
      c.request_id as "requestId", c.answer ->> 'answer' as answer, c.answered_at as "answeredAt",
      case when c.found is null then c.evidence -> 'newcomer' end as newcomer, c.found as known
    from (
      select c.*, (select p from jsonb_array_elements(c.evidence -> 'people') p where p ->> 'id' = $2::uuid::text) as found
      from conflicts c where c.organization_id = $1 and ${isOfPerson}) c
    order by c.id`,
  attributeEnd: `select e.at from attribute_ends e where e.organization_id = $1 and e.user_id = $2`,
  held: `
    select h.code, h.policy_version as "policyVersion", h.since from held_people h
    where h.organization_id = $1 and h.user_id = $2`,
  departure: `select d.since from departures d where d.organization_id = $1 and d.user_id = $2`,
  // Why is the organization's own matter.
  legalHold: `select h.created_at as since from legal_holds h where h.organization_id = $1 and h.user_id = $2`,
  transfers: `
    select t.workspace_id as "workspaceId", w.name, t.created_at as since
    from transfers t join workspaces w on w.organization_id = $1 and w.id = t.workspace_id
    where t.organization_id = $1 and t.user_id = $2 order by t.workspace_id`,
  captures: `
    select p.capture_id as "captureId", p.source_organization_id as "fromOrganizationId", c.domain, p.outcome,
      p.created_at as at
    from captured_people p join captures c on c.organization_id = $1 and c.id = p.capture_id
    where p.organization_id = $1 and p.user_id = $2 order by p.created_at`,
  publicLogin: `
    select p.id, p.issuer, p.subject, p.domain, p.created_at as "createdAt", p.captured_by as "capturedBy",
      p.captured_at as "capturedAt"
    from public_identities p where p.organization_id = $1 and p.user_id = $2`,
} as const

/** Of these there is one at most. */
const single: readonly string[] = [
  'held',
  'user',
  'ownWorkspace',
  'attributeEnd',
  'departure',
  'legalHold',
  'publicLogin',
  'dismissal',
]

const statements = (of: Readonly<Record<string, string>>) =>
  Object.entries(of).map(([name, text]) => ({ name, text, statement: `data_of_${name.toLowerCase()}` }))

/** Each part with its rows, or its one row where there cannot be more; what there is none of is left out. */
export async function* personData(
  scope: Scope,
  userId: string,
): AsyncGenerator<{ readonly name: string; readonly value: object }> {
  const { db, organizationId } = scope
  const there = (await isOnboardingThere(scope)) ? progressParts : {}
  for (const { name, text, statement } of [...statements(parts), ...statements(there)]) {
    const rows = await query(db, { name: statement, text }, [organizationId, userId])
    if (!single.includes(name)) yield { name, value: rows }
    else if (rows[0]) yield { name, value: rows[0] }
  }
}

/** What there may be very much of; by the column that each page begins after. */
const lists = {
  requests: `
    select r.id, r.at, r.kind, r.connection_id as "connectionId", r.credential_id as "credentialId", r.method, r.path,
      r.query, r.body, r.status, r.code, r.detail, r.duration, r.times
    from requests r where r.organization_id = $1 and r.subject_id = $2 and r.id > $3 order by r.id limit $4`,
  events: `
    select e.id, e.at, e.type, e.actor, e.changed, e.policy_version as "policyVersion", e.rule,
      e.request_id as "requestId", e.data, p.data as personal
    from events e
    left join event_personal p on p.organization_id = $1 and p.user_id = $2 and p.event_id = e.id
    where e.organization_id = $1 and e.subject_id = $2 and e.id > $3 order by e.id limit $4`,
} as const

export const dataLists = Object.keys(lists) as (keyof typeof lists)[]

const PAGE = 500

/** All that was ever told of somebody with the personal part, or sent about them; the oldest first, a page at a time. */
export async function* listedData(
  { db, organizationId }: Scope,
  userId: string,
  name: keyof typeof lists,
): AsyncGenerator<readonly object[]> {
  const statement = { name: `data_of_${name}`, text: lists[name] }
  for (let after = beforeEveryId; ; ) {
    const page = await query<{ id: string }>(db, statement, [organizationId, userId, after, PAGE])
    if (page.length > 0) yield page
    const last = page.at(-1)
    if (!last || page.length < PAGE) return
    after = last.id
  }
}
