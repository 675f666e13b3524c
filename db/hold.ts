import { query } from './connect.ts'
import type { Scope } from './scope.ts'

const hold = {
  name: 'hold',
  text: `select pg_advisory_xact_lock(hashtextextended($2::text || ' of ' || $1::text, 0))`,
}

/** Until the transaction ends, nobody else of the organization holds the same: what one statement cannot keep apart. */
export async function holdAlone(
  { db, organizationId }: Scope,
  what: 'domains' | 'nesting' | 'schemas' | 'values',
): Promise<void> {
  await query(db, hold, [organizationId, what])
}
