import { attribute } from './common.ts'
import type { Attribute, ResourceType, Schema } from './types.ts'

const readOnly = { mutability: 'readOnly' } as const

/** What draft-ietf-scim-roles-entitlements-01 says of both, as far as it is known here. */
const published = (noun: string): Attribute[] => [
  attribute('value', `The value of the ${noun}, as a user has it.`, { ...readOnly, required: true }),
  attribute('display', `The name of the ${noun} to show.`, readOnly),
  attribute('type', `What the ${noun} is used for.`, readOnly),
  attribute('supported', `Whether the ${noun} may be given to users.`, { ...readOnly, type: 'boolean' }),
]

/** What Okta reads of both: the `id` is what it gives users as `value`. */
const ofOkta = (noun: string): Attribute[] => [
  attribute('displayName', `The name of the ${noun} to show.`, { ...readOnly, required: true }),
  attribute('type', `What the ${noun} is used for.`, readOnly),
]

function typeOf(name: string, endpoint: string, { description, ...schema }: Schema): ResourceType<string> {
  return { name, endpoint, description, schema: { description, ...schema }, extensions: [] }
}

export const roleType = typeOf('Role', '/Roles', {
  id: 'urn:ietf:params:scim:schemas:core:2.0:Role',
  name: 'Role',
  description: 'A value that "roles" may have',
  attributes: published('role'),
})

export const entitlementType = typeOf('Entitlement', '/Entitlements', {
  id: 'urn:ietf:params:scim:schemas:core:2.0:Entitlement',
  name: 'Entitlement',
  description: 'A value that "entitlements" may have',
  attributes: published('entitlement'),
})

/** Okta looks for its own schemas among the resource types, and reads whatever endpoint has one of them. */
export const oktaRoleType = typeOf('OktaRole', '/OktaRoles', {
  id: 'urn:okta:scim:schemas:core:1.0:Role',
  name: 'Role',
  description: 'A role as Okta reads it',
  attributes: ofOkta('role'),
})

export const oktaEntitlementType = typeOf('OktaEntitlement', '/OktaEntitlements', {
  id: 'urn:okta:scim:schemas:core:1.0:Entitlement',
  name: 'Entitlement',
  description: 'An entitlement as Okta reads it',
  attributes: ofOkta('entitlement'),
})
