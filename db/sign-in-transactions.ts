import { query } from './connect.ts'
import { type OidcConnectionRow, signInSettings } from './connections.ts'
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

const columns = `t.connection_id, t.state_hash, t.browser_hash, t.nonce, t.code_verifier, t.return_to, t.demand, t.test_id,
           t.expires_at`

export interface SignInKey {
  readonly connectionId: string
  readonly stateHash: Buffer
}

const take = {
  name: 'take_sign_in_transaction',
  text: `delete from sign_in_transactions t
         where organization_id = $1 and state_hash = $2 and connection_id = $3 and expires_at > $4
         returning t.issuer, ${columns}`,
}

/** Takes it out: whoever comes second finds nothing. */
export async function takeSignInTransaction(
  { db, organizationId, now }: Scope,
  key: SignInKey,
): Promise<SignInTransactionRow | null> {
  const values = [organizationId, key.stateHash, key.connectionId, now]
  return (await query<SignInTransactionRow>(db, take, values))[0] ?? null
}

const takeWithConnection = {
  name: 'take_sign_in_with_connection',
  text: `
  with connection as materialized (${signInSettings(`c.id = $3 and c.status = 'active'`)}
  ), taken as (
    delete from sign_in_transactions t using connection
    where t.organization_id = $1 and t.state_hash = $2 and t.connection_id = connection.id and t.expires_at > $4
    returning t.issuer as begun_issuer, ${columns}
  )
  select * from connection left join taken on true`,
}

/** The same and its connection in one round trip; nothing is taken where the connection is not in use. */
export async function takeSignInWithConnection(
  { db, organizationId, now }: Scope,
  key: SignInKey,
): Promise<{ connection: OidcConnectionRow; transaction: SignInTransactionRow | null } | null> {
  const values = [organizationId, key.stateHash, key.connectionId, now]
  type Both = OidcConnectionRow &
    Omit<SignInTransactionRow, 'issuer'> & { readonly begun_issuer: string | null }
  const [row] = await query<Both>(db, takeWithConnection, values)
  if (!row) return null
  const { begun_issuer: issuer } = row
  return { connection: row, transaction: issuer === null ? null : { ...row, issuer } }
}
