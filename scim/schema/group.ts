import { attribute } from './common.ts'
import type { ResourceType, Schema } from './types.ts'

const members = attribute('members', 'The members of the group.', {
  type: 'complex',
  multiValued: true,
  subAttributes: [
    attribute('value', 'The id of the member.', { mutability: 'immutable', required: true }),
    attribute('$ref', 'The URI of the member.', {
      type: 'reference',
      mutability: 'readOnly',
      referenceTypes: ['User', 'Group'],
    }),
    attribute('type', 'What the member is.', { mutability: 'immutable', canonicalValues: ['User', 'Group'] }),
    attribute('display', 'The name of the member to show.', { mutability: 'readOnly' }),
  ],
})

/** RFC 7643 section 4.2. */
export const groupSchema: Schema = {
  id: 'urn:ietf:params:scim:schemas:core:2.0:Group',
  name: 'Group',
  description: 'Group',
  attributes: [attribute('displayName', 'The name of the group.', { required: true }), members],
}

export const groupType: ResourceType = {
  name: 'Group',
  endpoint: '/Groups',
  description: 'Group',
  schema: groupSchema,
  extensions: [],
}
