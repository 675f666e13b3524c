import { attribute } from './common.ts'
import type { Schema } from './types.ts'

const manager = attribute('manager', 'The manager of the user.', {
  type: 'complex',
  subAttributes: [
    attribute('value', 'The id of the manager.', { caseExact: true }),
    attribute('$ref', 'The URI of the manager.', {
      type: 'reference',
      mutability: 'readOnly',
      referenceTypes: ['User'],
    }),
    attribute('displayName', 'The name of the manager.', { mutability: 'readOnly' }),
  ],
})

/** RFC 7643 section 4.3. */
export const enterpriseUserSchema: Schema = {
  id: 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User',
  name: 'EnterpriseUser',
  description: 'Enterprise User',
  attributes: [
    attribute('employeeNumber', 'The identifier that the organization assigned.'),
    attribute('costCenter', 'The name of the cost center.'),
    attribute('organization', 'The name of the organization.'),
    attribute('division', 'The name of the division.'),
    attribute('department', 'The name of the department.'),
    manager,
  ],
}
