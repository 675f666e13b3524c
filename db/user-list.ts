import { query } from './connect.ts'
import { type Condition, count, type Listed, type Page, paged } from './page.ts'
import type { Scope } from './scope.ts'
import { type ShownRow, shownColumns } from './users.ts'

/** Parameters of a list's condition begin here. */
export const userListFirstParameter = 2

const present = 'users u where u.organization_id = $1 and u.deleted_at is null'

export function listUsers(
  { db, organizationId }: Scope,
  { where, ...page }: Page & { where: Condition },
): Promise<Listed<ShownRow>[]> {
  const from = `${present} and ${where.text}`
  const values = [organizationId, ...where.values]
  return query(db, ...paged({ columns: shownColumns, from, table: 'users', alias: 'u', values }, page))
}

export function countUsers({ db, organizationId }: Scope, where: Condition): Promise<number> {
  return count(db, `${present} and ${where.text}`, [organizationId, ...where.values])
}
