import { query } from './connect.ts'
import { type NewEvent, recording, written } from './events.ts'
import type { Scope } from './scope.ts'

export interface PolicyRow {
  readonly version: number
  readonly document: unknown
  /** The team where a default workspace is at home unless the policy says otherwise. */
  readonly home_id: string
  readonly home_name: string
  /** Names by the ids of the teams that the document names. */
  readonly teams: Readonly<Record<string, string>>
  /** The workspace it has people join, where that is active. */
  readonly joined: { readonly id: string; readonly name: string } | null
}

/** What a document names, as columns; `$1` is the organization. */
const namedBy = (document: string) => `
  coalesce((select jsonb_object_agg(n.id, n.name) from teams n where n.organization_id = $1
            and n.id in (select value::uuid from jsonb_each_text(${document} -> 'homes' -> 'teams')
                         union select (jsonb_path_query(${document}, '$.groups[*].give.home') #>> '{}')::uuid)),
            '{}') as teams,
  (select jsonb_build_object('id', w.id, 'name', w.name) from workspaces w
   where w.organization_id = $1 and w.id = (${document} -> 'workspace' ->> 'join')::uuid
     and w.status = 'active') as joined`

const current = {
  name: 'current_policy',
  text: `select p.version, p.document, t.id as home_id, t.name as home_name, ${namedBy('p.document')}
         from policies p join teams t on t.organization_id = $1 and t.home
         where p.organization_id = $1 order by p.version desc limit 1`,
}

export async function currentPolicy({ db, organizationId }: Scope): Promise<PolicyRow | null> {
  return (await query<PolicyRow>(db, current, [organizationId]))[0] ?? null
}

const supposed = {
  name: 'supposed_policy',
  text: `select 0 as version, $2::jsonb as document, t.id as home_id, t.name as home_name, ${namedBy('$2::jsonb')}
         from teams t where t.organization_id = $1 and t.home`,
}

/** A document as it would be in force, with what there is of what it names. */
export async function supposedPolicy(
  { db, organizationId }: Scope,
  document: object,
): Promise<PolicyRow | null> {
  return (await query<PolicyRow>(db, supposed, [organizationId, JSON.stringify(document)]))[0] ?? null
}

/** One of an organization's policies, as it was written. */
export interface PolicyVersion {
  readonly version: number
  readonly document: unknown
  readonly actor: string
  readonly created_at: Date
}

const versionColumns = 'version, document, actor, created_at'

const history = {
  name: 'policy_versions',
  text: `select ${versionColumns} from policies where organization_id = $1 and version < $2
         order by version desc limit $3`,
}

const LAST_VERSION = 2 ** 31 - 1

/** The newest first, from before the version `before`. */
export function listPolicyVersions(
  { db, organizationId }: Scope,
  { before = LAST_VERSION, limit }: { before?: number; limit: number },
): Promise<PolicyVersion[]> {
  return query(db, history, [organizationId, before, limit])
}

/** That version, or the newest where none is named. */
export async function findPolicyVersion(scope: Scope, version?: number): Promise<PolicyVersion | null> {
  const [row] = await listPolicyVersions(scope, { limit: 1, ...(version && { before: version + 1 }) })
  return row && (version === undefined || row.version === version) ? row : null
}

const insert = {
  name: 'insert_policy',
  text: `
  with made as (
    insert into policies (organization_id, version, document, actor, created_at)
    select $1, $6::integer + 1, $7::jsonb, $3, $2
    where not exists (select from policies where organization_id = $1 and version > $6::integer)
    on conflict do nothing returning version
  ), ${recording('made')}
  select version from made`,
}

/** Puts a policy in force after the one of that version; false where another is in force by now. */
export async function insertPolicy(
  scope: Scope,
  { after, document }: { after: number; document: object },
  events: readonly NewEvent[],
): Promise<boolean> {
  const values = [...written(scope, events), after, JSON.stringify(document)]
  return (await query(scope.db, insert, values)).length === 1
}

const places = {
  name: 'existing_places',
  text: `select 'workspace ' || id as place from workspaces
         where organization_id = $1 and id = any($2::uuid[]) and status = 'active'
         union all
         select 'team ' || id from teams where organization_id = $1 and id = any($2::uuid[])`,
}

/** Which of the ids are of an active workspace or of a team, as `workspace <id>` and `team <id>`. */
export async function existingPlaces(
  { db, organizationId }: Scope,
  ids: readonly string[],
): Promise<string[]> {
  return (await query<{ place: string }>(db, places, [organizationId, ids])).map(({ place }) => place)
}
