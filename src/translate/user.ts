import type { ResourceRow, ShownRow, UserRecord } from '../../db/index.ts'
import { type Attributes, type Json, type Stored, userNameKey } from '../../scim/index.ts'
import type { Saying } from '../provisioning/lifecycle.ts'

const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'

/**
 * What SCIM attributes say of a person: three have columns of their own. Silence on `active` leaves it as it `was`,
 * so that nobody who was shut out is let in by an omission.
 */
export function sayingOf({ userName, externalId, active, ...attributes }: Attributes, was = true): Saying {
  return {
    userName: String(userName),
    userNameKey: userNameKey(String(userName)),
    externalId: typeof externalId === 'string' ? externalId : null,
    active: typeof active === 'boolean' ? active : was,
    attributes,
  }
}

/** A name with the form in which it is compared. */
export const userNameSaid = (said: string) => {
  const userName = said.trim()
  return { userName, userNameKey: userNameKey(userName) }
}

export const isActive = ({ status }: Pick<UserRecord, 'status'>): boolean =>
  status === 'ready' || status === 'held' || status === 'staged'

/** The SCIM attributes of a record; the document was written from such, so it is them. */
export function attributesOf(
  record: Omit<UserRecord, 'user_name_key' | 'connection_id' | 'managed' | 'reason'>,
): Attributes {
  const { user_name, external_id, attributes } = record
  return {
    userName: user_name,
    ...(external_id !== null && { externalId: external_id }),
    active: isActive(record),
    ...(attributes as Attributes), // jsonb that was Attributes when written
  }
}

const inOrder = (groups: NonNullable<ResourceRow['groups']>) =>
  groups.toSorted((a, b) => (a.value < b.value ? -1 : 1))

/** The resource of somebody who is only read. */
export function shownUser(row: ShownRow): Stored {
  const { user_name, external_id, enterprise, manager_name, groups } = row
  return {
    id: row.id,
    attributes: {
      userName: user_name,
      ...(external_id !== null && { externalId: external_id }),
      active: isActive(row),
      ...(enterprise && managerNamed({ [ENTERPRISE]: enterprise as Complex }, manager_name)),
      ...(groups && { groups: inOrder(groups) }),
    },
    document: row.document,
    created: row.created_at,
    lastModified: row.updated_at,
    version: row.version,
  }
}

/** The resource with what is computed from others: `groups`, and the name of the manager. */
export function storedUser(row: ResourceRow): Stored {
  return {
    id: row.id,
    attributes: {
      ...managerNamed(attributesOf(row), row.manager_name),
      ...(row.groups && { groups: inOrder(row.groups) }),
    },
    created: row.created_at,
    lastModified: row.updated_at,
    version: row.version,
  }
}

type Complex = { [name: string]: Json }

const isComplex = (value: Json | undefined): value is Complex =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Whom the attributes name as manager: the id of somebody, who need not be anybody here. */
export function managerOf(attributes: Attributes): string | undefined {
  const extension = attributes[ENTERPRISE]
  const manager = isComplex(extension) ? extension.manager : undefined
  return isComplex(manager) && typeof manager.value === 'string' ? manager.value : undefined
}

/** The values of a multi-valued attribute. */
export function valuesOf(attributes: Attributes, name: 'roles' | 'entitlements'): string[] {
  const elements = attributes[name]
  if (!Array.isArray(elements)) return []
  return elements.flatMap((element) =>
    isComplex(element) && typeof element.value === 'string' ? [element.value] : [],
  )
}

function managerNamed(attributes: Attributes, name: string | null): Attributes {
  if (name === null) return attributes
  const extension = attributes[ENTERPRISE] as Complex // it has a manager, or there would be no name
  const manager = { ...(extension.manager as Complex), displayName: name }
  return { ...attributes, [ENTERPRISE]: { ...extension, manager } }
}
