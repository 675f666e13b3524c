import { query } from './connect.ts'
import type { Scope } from './scope.ts'

export type ValueKind = 'role' | 'entitlement'

/** A value that an organization gives `roles` or `entitlements`. */
export interface ScimValueRow {
  readonly value: string
  readonly display: string | null
  readonly type: string | null
  /** Whether it may be given to anybody anew. */
  readonly supported: boolean
  readonly version: number
  readonly created_at: Date
  readonly updated_at: Date
}

const columns = 'value, display, type, supported, version, created_at, updated_at'

const list = {
  name: 'scim_values',
  text: `select ${columns} from scim_values where organization_id = $1 and kind = $2 order by key`,
}

export function listScimValues({ db, organizationId }: Scope, kind: ValueKind): Promise<ScimValueRow[]> {
  return query(db, list, [organizationId, kind])
}

// $3 is the key, which is the value in lower case.
const put = {
  name: 'put_scim_value',
  text: `
  insert into scim_values as v (organization_id, kind, key, value, display, type, supported, created_at, updated_at)
  select $1, $2, lower($3), $3, $4, $5, $6, $7, $7
  where (select count(*) from scim_values where organization_id = $1 and kind = $2 and key <> lower($3)) < $8
  on conflict (organization_id, kind, key) do update set value = excluded.value, display = excluded.display,
    type = excluded.type, supported = excluded.supported, version = v.version + 1, updated_at = excluded.updated_at
  returning ${columns}`,
}

export interface NewScimValue {
  readonly kind: ValueKind
  readonly value: string
  readonly display: string | null
  readonly type: string | null
  readonly supported: boolean
}

/** Null where the organization has as many as it may. */
export async function putScimValue(
  { db, organizationId, now }: Scope,
  { kind, value, display, type, supported }: NewScimValue,
  most: number,
): Promise<ScimValueRow | null> {
  const values = [organizationId, kind, value, display, type, supported, now, most]
  return (await query<ScimValueRow>(db, put, values))[0] ?? null
}

const remove = {
  name: 'delete_scim_value',
  text: `delete from scim_values where organization_id = $1 and kind = $2 and key = lower($3) returning key`,
}

/** False where there is none. */
export async function deleteScimValue(
  { db, organizationId }: Scope,
  { kind, value }: Pick<NewScimValue, 'kind' | 'value'>,
): Promise<boolean> {
  return (await query(db, remove, [organizationId, kind, value])).length === 1
}

const unlisted = {
  name: 'unlisted_scim_values',
  text: `
  select g.kind, g.value from (
    select 'role' as kind, unnest($2::text[]) as value union all select 'entitlement', unnest($3::text[])) g
  where exists (select from scim_values v where v.organization_id = $1 and v.kind = g.kind)
    and not exists (select from scim_values v where v.organization_id = $1 and v.kind = g.kind
                    and v.key = lower(g.value) and v.supported)`,
}

/** Which of the values the organization does not give; where it has no list, it gives all. */
export function unlistedValues(
  { db, organizationId }: Scope,
  { roles, entitlements }: { roles: readonly string[]; entitlements: readonly string[] },
): Promise<{ kind: ValueKind; value: string }[]> {
  return query(db, unlisted, [organizationId, roles, entitlements])
}
