import {
  type Db,
  domainsToCheck,
  findDomain,
  keepDomain,
  loseDomain,
  missDomain,
  type Scope,
} from '../../db/index.ts'
import { domainEvent } from './events.ts'
import { NoAnswer, proofOf, type ResolveTxt } from './records.ts'

export interface RecheckHost {
  readonly db: Db
  readonly clock: () => Date
  readonly resolveTxt: ResolveTxt
}

const DAY = 24 * 60 * 60_000
/** How long a verified domain may be without its record. */
export const GRACE_DAYS = 7
const MOST_AT_ONCE = 100

/** Checks the verified domains that were not checked for a day, until told to stop. */
export async function recheckDomains(
  { db, clock, resolveTxt }: RecheckHost,
  stop: AbortSignal,
): Promise<void> {
  const before = new Date(clock().getTime() - DAY)
  for (const { organization_id, domain } of await domainsToCheck(db, { before, limit: MOST_AT_ONCE })) {
    if (stop.aborted) return
    const scope = { db, organizationId: organization_id, actor: 'system', now: clock(), requestId: '' }
    await recheck(scope, domain, resolveTxt)
  }
}

async function recheck(scope: Scope, domain: string, resolve: ResolveTxt): Promise<void> {
  const row = await findDomain(scope, domain)
  if (!row) return
  const { name, value } = proofOf(row)
  const found = await resolve(name).catch(unlessUnanswered)
  if (found === null || found.includes(value)) {
    await keepDomain(scope, domain, { found: found !== null })
    return
  }
  const { missing_since: since } = row
  if (since === null) await missDomain(scope, domain, [domainEvent(scope, 'domain.missing', { domain })])
  else if (scope.now.getTime() - since.getTime() < GRACE_DAYS * DAY)
    await keepDomain(scope, domain, { found: false })
  else {
    const loss = { domain, why: 'record-missing' } as const
    await loseDomain(scope, loss, [domainEvent(scope, 'domain.lost', loss)])
  }
}

function unlessUnanswered(error: unknown): null {
  if (error instanceof NoAnswer) return null
  throw error
}
