import { query } from './connect.ts'
import type { Scope } from './scope.ts'

export interface SignInTransactionRow {
  readonly connection_id: string
  readonly issuer: string
  readonly state_hash: Buffer
  readonly browser_hash: Buffer
  readonly nonce: string
  readonly code_verifier: string
  readonly return_to: string
  readonly demand: object | null
  readonly test_id: string | null
  readonly expires_at: Date
}

const save = {
  name: 'save_sign_in_transaction',
  text: `
  with expired as (
    delete from sign_in_transactions where organization_id = $1 and state_hash in (
      select state_hash from sign_in_transactions
      where organization_id = $1 and expires_at <= $2 order by expires_at limit 10)
  )
  insert into sign_in_transactions (organization_id, state_hash, connection_id, browser_hash, nonce, code_verifier,
                                    return_to, demand, test_id, expires_at, issuer)
  values ($1, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
}

/** Keeps a sign-in that begins, and clears away a few that were never finished. */
export async function saveSignInTransaction(
  { db, organizationId, now }: Scope,
  row: SignInTransactionRow,
): Promise<void> {
  const {
    state_hash,
    connection_id,
    browser_hash,
    nonce,
    code_verifier,
    return_to,
    demand,
    test_id,
    expires_at,
    issuer,
  } = row
  const own = [
    state_hash,
    connection_id,
    browser_hash,
    nonce,
    code_verifier,
    return_to,
    demand,
    test_id,
    expires_at,
    issuer,
  ]
  await query(db, save, [organizationId, now, ...own])
}

const take = {
  name: 'take_sign_in_transaction',
  text: `delete from sign_in_transactions
         where organization_id = $1 and state_hash = $2 and connection_id = $3 and expires_at > $4
         returning connection_id, issuer, state_hash, browser_hash, nonce, code_verifier, return_to, demand, test_id,
           expires_at`,
}

/** Takes it out: whoever comes second finds nothing. */
export async function takeSignInTransaction(
  { db, organizationId, now }: Scope,
  key: { connectionId: string; stateHash: Buffer },
): Promise<SignInTransactionRow | null> {
  const values = [organizationId, key.stateHash, key.connectionId, now]
  return (await query<SignInTransactionRow>(db, take, values))[0] ?? null
}
