import { query } from './connect.ts'
import { type Condition, count, type Listed, listing, type Page } from './page.ts'
import type { Scope } from './scope.ts'
import { type ShownRow, shownColumns } from './users.ts'

/** Parameters of a list's condition begin here. */
export const userListFirstParameter = 2

const present = 'users u where u.organization_id = $1 and u.deleted_at is null'
const users = listing({ columns: shownColumns, from: present, table: 'users', alias: 'u' })

export function listUsers(
  { db, organizationId }: Scope,
  { where, page }: { where: Condition; page: Page },
): Promise<Listed<ShownRow>[]> {
  return query(db, ...users.page({ values: [organizationId], where }, page))
}

export function countUsers({ db, organizationId }: Scope, where: Condition): Promise<number> {
  return count(db, users.count({ values: [organizationId], where }))
}
