import type { Answer, Ask, Organization } from './api.ts'
import type { Usher } from './usher.ts'

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
]

/** Everything an organization has but its events, to be compared. */
export async function stateOf(usher: Usher, { id }: Pick<Organization, 'id'>): Promise<unknown> {
  const rows = tables.map((table) => `select '${table}', x::text from ${table} x where organization_id = $1`)
  return usher.rows(`${rows.join(' union all ')} order by 1, 2`, [id])
}
