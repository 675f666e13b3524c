import type { Db } from './connect.ts'

/**
 * In whose organization, on whose behalf and at what time a query runs: the first argument of every query, so that
 * none can forget one of them. `db` is a transaction, or the pool where one statement commits itself.
 */
export interface Scope {
  readonly db: Db
  readonly organizationId: string
  /** `scim:<connection>`, `sign-in:<connection>`, `signals:<connection>`, `user:<id>`, `admin:<key>` or `system`. */
  readonly actor: string
  readonly now: Date
  readonly requestId: string
}
