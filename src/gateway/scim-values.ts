import { listScimValues, type ScimValueRow, type ValueKind } from '../../db/index.ts'
import {
  type Attributes,
  entitlementType,
  oktaEntitlementType,
  oktaRoleType,
  type Published,
  roleType,
} from '../../scim/index.ts'
import type { ScimCallerContext } from './scim-auth.ts'

/** What a client gives users is the value, and Okta takes the id for it: so the value is the id. */
const published = (
  type: Published['type'],
  kind: ValueKind,
  attributesOf: (row: ScimValueRow) => Attributes | null,
): Published<ScimCallerContext> => ({
  type,
  all: async ({ scope }) =>
    (await listScimValues(scope, kind)).flatMap((row) => {
      const attributes = attributesOf(row)
      if (!attributes) return []
      const { value: id, version, created_at: created, updated_at: lastModified } = row
      return [{ id, attributes, created, lastModified, version }]
    }),
})

const ofDraft = ({ value, display, type, supported }: ScimValueRow): Attributes => ({
  value,
  ...(display !== null && { display }),
  ...(type !== null && { type }),
  supported,
})

// Okta offers whatever is listed.
const ofOkta = ({ value, display, type, supported }: ScimValueRow): Attributes | null =>
  supported ? { displayName: display ?? value, ...(type !== null && { type }) } : null

/** The values that an organization gives `roles` and `entitlements`, as either kind of client looks for them. */
export const scimValues: readonly Published<ScimCallerContext>[] = [
  published(roleType, 'role', ofDraft),
  published(entitlementType, 'entitlement', ofDraft),
  published(oktaRoleType, 'role', ofOkta),
  published(oktaEntitlementType, 'entitlement', ofOkta),
]

const anyNumber = { supported: true, primarySupported: true, typeSupported: true }

/** draft-ietf-scim-roles-entitlements-01: what is announced of them. */
export const rolesAndEntitlements = {
  RolesAndEntitlements: {
    roles: { ...anyNumber, multipleRolesSupported: true },
    entitlements: { ...anyNumber, multipleEntitlementsSupported: true },
  },
}
