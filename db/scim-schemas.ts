import { query } from './connect.ts'
import type { Scope } from './scope.ts'

export interface ScimSchemaRow {
  /** In lower case; the document has it as it was given. */
  readonly urn: string
  readonly resource_type: 'User' | 'Group'
  readonly document: object
  readonly created_at: Date
  readonly updated_at: Date
}

const list = {
  name: 'scim_schemas',
  text: `select urn, resource_type, document, created_at, updated_at from scim_schemas
         where organization_id = $1 order by urn`,
}

/** The schemas that an organization has beside the standard ones; they are few. */
export function listScimSchemas({ db, organizationId }: Scope): Promise<ScimSchemaRow[]> {
  return query(db, list, [organizationId])
}

/** All schemas of the organization `of` as one text, as its credentials bring them along; null where there are none. */
export const schemasText = (of: string): string => `
  (select jsonb_agg(jsonb_build_object('type', s.resource_type, 'schema', s.document) order by s.urn)::text
   from scim_schemas s where s.organization_id = ${of})`

export interface ScimSettings {
  /** The organization's own schemas, as one text. */
  readonly schemas: string | null
  readonly requests_per_second: number | null
}

const settings = {
  name: 'scim_settings',
  text: `select requests_per_second, ${schemasText('$1')} as schemas from organizations where id = $1`,
}

/** What SCIM is like in the organization, whichever credential asks. */
export async function scimSettings({ db, organizationId }: Scope): Promise<ScimSettings | null> {
  const [row] = await query<ScimSettings>(db, settings, [organizationId])
  return row ?? null
}

const put = {
  name: 'put_scim_schema',
  text: `
  insert into scim_schemas (organization_id, urn, resource_type, document, created_at, updated_at)
  values ($1, $2, $3, $4, $5, $5)
  on conflict (organization_id, urn) do update set document = excluded.document, updated_at = excluded.updated_at`,
}

export async function putScimSchema(
  { db, organizationId, now }: Scope,
  { urn, resource_type, document }: Omit<ScimSchemaRow, 'created_at' | 'updated_at'>,
): Promise<void> {
  await query(db, put, [organizationId, urn, resource_type, JSON.stringify(document), now])
}

const remove = {
  name: 'delete_scim_schema',
  text: 'delete from scim_schemas where organization_id = $1 and urn = $2',
}

export async function deleteScimSchema({ db, organizationId }: Scope, urn: string): Promise<void> {
  await query(db, remove, [organizationId, urn])
}

const usedIn = (table: string) => ({
  name: `used_in_${table}`,
  text: `
  select distinct key.name from ${table} t,
    jsonb_object_keys(case jsonb_typeof(t.attributes -> $2) when 'object' then t.attributes -> $2 else '{}' end) as key(name)
  where t.organization_id = $1 and t.deleted_at is null`,
})

const used = { User: usedIn('users'), Group: usedIn('groups') }

/** Names of the attributes of an extension that somebody has; `urn` as it was given. Reads everybody. */
export async function usedAttributes(
  { db, organizationId }: Scope,
  { resourceType, urn }: { resourceType: 'User' | 'Group'; urn: string },
): Promise<Set<string>> {
  const rows = await query<{ name: string }>(db, used[resourceType], [organizationId, urn])
  return new Set(rows.map(({ name }) => name))
}
