import {
  type DomainRow,
  failureOf,
  findDomain,
  keepDomain,
  loseDomain,
  organizationByDomain,
  type Scope,
  verifyDomain,
} from '../../db/index.ts'
import { domainEvent } from './events.ts'
import { proofOf, type ResolveTxt } from './records.ts'

/** `missing`: the record is not there. `held`: the domain is another's, who still has theirs. */
export type Verification = 'verified' | 'missing' | 'held'

/**
 * Makes a claimed domain the organization's own where its record is there. Whoever had it verified before loses it
 * where their record is gone, and keeps it otherwise.
 */
export async function verifyClaim(scope: Scope, row: DomainRow, resolve: ResolveTxt): Promise<Verification> {
  const { domain } = row
  const { name, value } = proofOf(row)
  const found = await resolve(name)
  if (!found.includes(value)) return 'missing'
  if (row.verified_at) {
    await keepDomain(scope, domain, { found: true })
    return 'verified'
  }
  const holder = await organizationByDomain(scope.db, domain)
  const others = holder !== null && holder !== scope.organizationId
  if (others && !(await yields({ ...scope, organizationId: holder, actor: 'system' }, domain, found)))
    return 'held'
  return take(scope, domain, others)
}

/** In the scope of the holder, and in a transaction of its own: no transaction spans two organizations. */
async function yields(scope: Scope, domain: string, found: readonly string[]): Promise<boolean> {
  const row = await findDomain(scope, domain)
  if (row?.verified_at && found.includes(proofOf(row).value)) return false
  const loss = { domain, why: 'taken-over' } as const
  await loseDomain(scope, loss, [domainEvent(scope, 'domain.lost', loss)])
  return true
}

async function take(scope: Scope, domain: string, takenOver: boolean): Promise<Verification> {
  const event = domainEvent(scope, 'domain.verified', { domain, takenOver })
  try {
    await verifyDomain(scope, domain, [event])
    return 'verified'
  } catch (error) {
    // Somebody else was verified between the question and now.
    if (failureOf(error)?.kind === 'conflict') return 'held'
    throw error
  }
}
