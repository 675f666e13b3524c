import { findPublicIdentity, type Scope } from '../../db/index.ts'
import type { SignOut } from '../../oidc/index.ts'

/**
 * Where somebody is whom their provider speaks of on a connection of the scope: in its organization, or in their own
 * where the connection is the public one. That one's sessions are found by the person only, never by the `sid` alone.
 */
export async function scopeOfPerson(scope: Scope, { connection, subject }: SignOut): Promise<Scope> {
  if (!isPublic(connection) || subject === undefined) return scope
  const known = await findPublicIdentity(scope.db, { issuer: connection.issuer, subject })
  return known ? { ...scope, organizationId: known.organization_id } : scope
}

const isPublic = (connection: object): boolean => 'isPublic' in connection
