import {
  type OidcConnectionRow,
  type Scope,
  type SignInTransactionRow,
  saveSignInTransaction,
  takeSignInTransaction,
  takeSignInWithConnection,
} from '../../db/index.ts'
import type { OidcConnection, OidcStore, SignInTransaction } from '../../oidc/index.ts'

interface Scopes {
  readonly scopeOf: (connectionId: string) => Promise<Scope | null>
  readonly knownScopeOf: (connectionId: string) => Promise<Scope>
}

type Read = (row: OidcConnectionRow, organizationId: string) => Promise<OidcConnection>

/** Sign-ins that are under way, over the database. */
export function oidcTransactions(
  { scopeOf, knownScopeOf }: Scopes,
  connectionOf: Read,
): Pick<OidcStore, 'saveTransaction' | 'takeTransaction' | 'takeBegun'> {
  return {
    async saveTransaction(transaction) {
      await saveSignInTransaction(await knownScopeOf(transaction.connectionId), rowOf(transaction))
    },
    async takeTransaction(key) {
      const scope = await scopeOf(key.connectionId)
      const row = scope && (await takeSignInTransaction(scope, key))
      return row && transactionOf(row)
    },
    async takeBegun(key) {
      const scope = await scopeOf(key.connectionId)
      const taken = scope && (await takeSignInWithConnection(scope, key))
      if (!taken) return null
      const connection = await connectionOf(taken.connection, scope.organizationId)
      return { connection, transaction: taken.transaction && transactionOf(taken.transaction) }
    },
  }
}

const rowOf = ({
  connectionId,
  stateHash,
  browserHash,
  ...rest
}: SignInTransaction): SignInTransactionRow => ({
  connection_id: connectionId,
  issuer: rest.issuer,
  state_hash: stateHash,
  browser_hash: browserHash,
  nonce: rest.nonce,
  code_verifier: rest.codeVerifier,
  return_to: rest.returnTo,
  demand: rest.demand ?? null,
  test_id: rest.testId ?? null,
  expires_at: rest.expiresAt,
})

const transactionOf = (row: SignInTransactionRow): SignInTransaction => ({
  connectionId: row.connection_id,
  issuer: row.issuer,
  stateHash: row.state_hash,
  browserHash: row.browser_hash,
  nonce: row.nonce,
  codeVerifier: row.code_verifier,
  returnTo: row.return_to,
  ...(row.demand && { demand: row.demand }),
  ...(row.test_id !== null && { testId: row.test_id }),
  expiresAt: row.expires_at,
})
