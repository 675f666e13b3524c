import { type Db, query, transact } from './connect.ts'
import { type NewEvent, recordEvents } from './events.ts'
import { beforeEveryId } from './page.ts'
import type { Scope } from './scope.ts'

export interface OrganizationRow {
  readonly id: string
  readonly slug: string
  readonly name: string
  readonly kind: 'enterprise' | 'personal' | 'environment'
  readonly status: 'active' | 'suspended' | 'archived'
  readonly requestsPerSecond: number | null
}

export interface NewOrganization {
  readonly slug: string
  readonly name: string
  /** Absent: one that is a customer. */
  readonly kind?: OrganizationRow['kind']
  readonly home: { readonly id: string; readonly name: string }
  readonly policy: object
  readonly events: readonly NewEvent[]
}

const firstPolicy = {
  name: 'first_policy',
  text: `insert into policies (organization_id, version, document, actor, created_at) values ($1, 1, $2, $3, $4)`,
}
const homeTeam = {
  name: 'home_team',
  text: `insert into teams (organization_id, id, name, home, created_at) values ($1, $2, $3, true, $4)`,
}

/** Makes the organization of the scope with its home team and its first policy; 23505 where the slug is taken. */
export async function createOrganization(scope: Scope, made: NewOrganization): Promise<void> {
  const { organizationId: id, now, actor } = scope
  await transact(scope.db, async (db) => {
    const { slug, name, kind = 'enterprise' } = made
    const row = { id, slug, name, kind, status: 'active' as const, requestsPerSecond: null, createdAt: now }
    await db.models.Organization.create(row, { transaction: db.transaction ?? null })
    await query(db, homeTeam, [id, made.home.id, made.home.name, now])
    await query(db, firstPolicy, [id, JSON.stringify(made.policy), actor, now])
    await recordEvents({ ...scope, db }, made.events)
  })
}

export async function findOrganization({ db, organizationId }: Scope): Promise<OrganizationRow | null> {
  return db.models.Organization.findByPk(organizationId, { raw: true, transaction: db.transaction ?? null })
}

const page = {
  name: 'organizations_page',
  text: `select id, slug, name, kind, status, requests_per_second as "requestsPerSecond" from organizations where id > $1 order by id limit $2`,
}

/** Every organization of the environment, for its operators. */
export function listOrganizations(
  db: Db,
  { after, limit }: { after?: string; limit: number },
): Promise<OrganizationRow[]> {
  return query(db, page, [after ?? beforeEveryId, limit])
}

const setLimit = {
  name: 'set_request_limit',
  text: `update organizations set requests_per_second = $2
         where id = $1 and requests_per_second is distinct from $2 returning id`,
}

/** How many SCIM requests a second one process serves the organization of the scope; null for as many as it can. */
export async function setRequestLimit(
  scope: Scope,
  requestsPerSecond: number | null,
  events: readonly NewEvent[],
): Promise<void> {
  await transact(scope.db, async (db) => {
    const rows = await query(db, setLimit, [scope.organizationId, requestsPerSecond])
    if (rows.length === 1) await recordEvents({ ...scope, db }, events)
  })
}
