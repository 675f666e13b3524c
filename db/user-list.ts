import { query } from './connect.ts'
import { type Condition, count, type Listed, listing, MANY, type Page } from './page.ts'
import type { Scope } from './scope.ts'
import { type ShownRow, shownColumns } from './users.ts'

/** Parameters of a list's condition begin here. */
export const userListFirstParameter = 2

const present = 'users u where u.organization_id = $1 and u.deleted_at is null'
const users = listing({ columns: shownColumns, from: present, table: 'users', alias: 'u' })

const byId = (a: ShownRow, b: ShownRow) => (a.id < b.id ? -1 : 1)

/** To put one row in order costs the database more than to find it, so it is done here where they are few. */
export async function listUsers(
  { db, organizationId }: Scope,
  { where, page }: { where: Condition; page: Page },
): Promise<Listed<ShownRow>[]> {
  const asked = { values: [organizationId], where }
  if (page.few) {
    const rows = await query<ShownRow>(db, ...users.few(asked))
    if (rows.length < MANY) return rows.sort(byId).slice(page.offset, page.offset + page.limit)
  }
  return query(db, ...users.page(asked, page))
}

export function countUsers({ db, organizationId }: Scope, where: Condition): Promise<number> {
  return count(db, users.count({ values: [organizationId], where }))
}
