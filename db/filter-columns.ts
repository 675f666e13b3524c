/**
 * Where the tables keep what a SCIM path names; the shape is that of the translator in `scim`, which this folder
 * does not import. A path that is not here is read from the `attributes` document. An index of the same expression
 * stands in the migrations for what IdPs ask: `lower(…)` of a text, the key of a userName, the containment of an address. Who or what has
 * been deleted is no member, and has none.
 */
const required = true as const
const distinctive = true as const

const times = {
  'meta.created': { sql: 'created_at', required },
  'meta.lastModified': { sql: 'updated_at', required },
}

const made = (table: string, resourceType: string) => ({
  'meta.resourceType': { sql: `'${resourceType}'::text` },
  'meta.version': { sql: `('W/"' || ${table}.version || '"')` },
})

const prefixed = (table: string, paths: Record<string, { sql: string; required: true }>) =>
  Object.fromEntries(
    Object.entries(paths).map(([path, { sql, ...rest }]) => [path, { sql: `${table}.${sql}`, ...rest }]),
  )

const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'

/** The id that a text is; null where it is none. */
export const idIn = (text: string) =>
  `(case when ${text} ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then ${text}::uuid end)`

/** The name of the manager of `u`, who need not be anybody here. */
export const managerName = `
  (select m.attributes ->> 'displayName' from users m
   where m.organization_id = u.organization_id and m.deleted_at is null
     and m.id = ${idIn('u.manager')})`

export const userFilterColumns = {
  document: 'u.attributes',
  paths: {
    id: { sql: 'u.id', type: 'uuid' as const },
    ...prefixed('u', times),
    ...made('u', 'User'),
    userName: { sql: 'u.user_name', key: 'u.user_name_key', required, distinctive },
    externalId: { sql: 'u.external_id', distinctive },
    displayName: { sql: 'u.display_name' },
    active: { sql: "(u.status in ('staged', 'held', 'ready'))" },
    'emails.value': {
      sql: "(u.attributes -> 'emails')",
      distinctive,
      contains: (parameter: string) => `u.email_keys @> to_jsonb(lower(${parameter}))`,
    },
    // Of the groups that somebody is in directly.
    'groups.value': { sql: 'm.group_id', type: 'uuid' as const },
    'groups.display': { sql: 'g.display_name' },
    'groups.type': { sql: "'direct'::text" },
    [`${ENTERPRISE}:manager.value`]: { sql: 'u.manager' },
    [`${ENTERPRISE}:manager.displayName`]: { sql: managerName },
  },
  relations: {
    groups: (condition: string) => `exists (
      select from group_members m
      join groups g on g.organization_id = $1 and g.id = m.group_id and g.deleted_at is null
      where m.organization_id = $1 and m.user_id = u.id and ${condition})`,
  },
}

export const groupFilterColumns = {
  document: 'g.attributes',
  paths: {
    id: { sql: 'g.id', type: 'uuid' as const },
    ...prefixed('g', times),
    ...made('g', 'Group'),
    displayName: { sql: 'g.display_name', required },
    externalId: { sql: 'g.external_id' },
    'members.value': {
      sql: 'm.id',
      type: 'uuid' as const,
      contains: (parameter: string) => `g.id in (
        select group_id from group_members where organization_id = $1 and user_id = ${idIn(parameter)}
        union all
        select group_id from group_subgroups where organization_id = $1 and subgroup_id = ${idIn(parameter)})`,
    },
    'members.display': { sql: 'm.display' },
    'members.type': { sql: 'm.type' },
  },
  relations: {
    members: (condition: string) => `exists (
      select from (
        select u.id, 'User' as type, coalesce(u.attributes ->> 'displayName', u.user_name) as display
        from group_members p
        join users u on u.organization_id = $1 and u.id = p.user_id and u.deleted_at is null
        where p.organization_id = $1 and p.group_id = g.id
        union all
        select s.id, 'Group', s.display_name from group_subgroups p
        join groups s on s.organization_id = $1 and s.id = p.subgroup_id and s.deleted_at is null
        where p.organization_id = $1 and p.group_id = g.id) m
      where ${condition})`,
  },
}
