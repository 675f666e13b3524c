import type { Answer, Ask, Organization } from './api.ts'

/** A SCIM User as an identity provider pushes it. */
export function person(userName: string, more: object = {}): object {
  const [first = ''] = userName.split('@')
  return {
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
    userName,
    displayName: `${first} ${first.charAt(0).toUpperCase()}`,
    emails: [{ value: `${first.toLowerCase()}@acme.example`, type: 'work', primary: true }],
    ...more,
  }
}

export const patchOp = (body: object): object => ({
  schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
  ...body,
})

/** Replaces attributes, without a path. */
export function patchUser(scim: Ask, id: string, value: object): Promise<Answer> {
  return scim('PATCH', `/Users/${id}`, patchOp({ Operations: [{ op: 'replace', value }] }))
}

const tables = [
  'users',
  'identities',
  'groups',
  'group_members',
  'group_subgroups',
  'workspaces',
  'memberships',
  'teams',
  'team_memberships',
  'visible_workspaces',
]

interface Database {
  rows(text: string, values: unknown[]): Promise<unknown[]>
}

/** Everything an organization has but its events and other further tables, to be compared. */
export async function stateOf(
  usher: Database,
  { id }: Pick<Organization, 'id'>,
  further: readonly ('events' | 'sessions' | 'connections')[] = [],
): Promise<unknown> {
  const rows = [...tables, ...further].map(
    (table) => `select '${table}', x::text from ${table} x where organization_id = $1`,
  )
  return usher.rows(`${rows.join(' union all ')} order by 1, 2`, [id])
}
