import {
  claimProviderDocument,
  type DocumentKey,
  findProviderDocument,
  keepProviderDocument,
  keepProviderFailure,
  type ProviderDocumentRow,
  type Scope,
} from '../../db/index.ts'
import type { OidcConnection, ProviderDocuments, SharedDocument } from '../../oidc/index.ts'

/** What all processes know of providers, in the database; `scopeOf` is of a connection that exists. */
export function oidcDocuments(scopeOf: (connectionId: string) => Promise<Scope>): ProviderDocuments {
  const keyOf = ({ id, version }: OidcConnection, kind: DocumentKey['kind']): DocumentKey => ({
    connectionId: id,
    kind,
    version,
  })
  return {
    async read(connection, kind) {
      const row = await findProviderDocument(await scopeOf(connection.id), keyOf(connection, kind))
      return row && documentOf(row)
    },
    async claim(connection, kind, seen) {
      return claimProviderDocument(await scopeOf(connection.id), keyOf(connection, kind), seen)
    },
    async keep(connection, kind, body) {
      await keepProviderDocument(await scopeOf(connection.id), keyOf(connection, kind), body)
    },
    async keepFailure(connection, kind, { code, detail }) {
      const failure = { code, ...(detail !== undefined && { detail }) }
      await keepProviderFailure(await scopeOf(connection.id), keyOf(connection, kind), failure)
    },
  }
}

const documentOf = (row: ProviderDocumentRow): SharedDocument => ({
  generation: row.generation,
  ...(row.body !== null && { body: row.body }),
  ...(row.fetched_at && { fetchedAt: row.fetched_at }),
  ...(row.failure && { failure: row.failure }),
  ...(row.failed_at && { failedAt: row.failed_at }),
  ...(row.asking_until && { askingUntil: row.asking_until }),
})
