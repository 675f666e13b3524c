import { timingSafeEqual } from 'node:crypto'
import { decodeJwt, type JSONWebKeySet } from 'jose'
import { findScimClient, type ScimClientRow, type Scope } from '../../db/index.ts'
import { hashOf, readClientId } from '../auth.ts'
import { isUuid } from '../ids.ts'
import { type Keys, type Spent, verifyAssertion } from './assertion.ts'
import { ClientRefused, OAuthError } from './errors.ts'
import type { KeySets } from './key-sets.ts'
import type { Shown } from './request.ts'

/** A client that is known, though it has proven nothing yet; and the scope of its connection. */
export interface KnownClient {
  readonly row: ScimClientRow
  readonly clientId: string
  readonly scope: Scope
}

/** The client whose name is shown. */
export async function knownClient(
  shown: Shown,
  at: Pick<Scope, 'db' | 'now' | 'requestId'>,
): Promise<KnownClient> {
  const clientId = shown.clientId ?? ('assertion' in shown ? subjectOf(shown.assertion) : '')
  const key = readClientId(clientId)
  const row = key && (await findScimClient({ db: at.db, organizationId: key.organizationId }, key.id))
  if (!row) throw new OAuthError('invalid_client')
  const scope = { ...at, organizationId: key.organizationId, actor: `scim:${row.connection_id}` }
  return { row, clientId, scope }
}

/** RFC 7521 section 4.2: an assertion says itself whom it is about. */
function subjectOf(assertion: string): string {
  try {
    return String(decodeJwt(assertion).sub)
  } catch {
    return ''
  }
}

export interface ProofHost {
  readonly keySets: KeySets
  /** What may be meant by the audience: RFC 7523 section 3, item 3. */
  readonly audiences: readonly string[]
}

/** Checks the proof by the way the client was set up with, and no other; the use of an assertion to be recorded. */
export async function prove(client: KnownClient, shown: Shown, host: ProofHost): Promise<Spent | undefined> {
  const { secret_hash } = client.row
  if ('secret' in shown) {
    if (!secret_hash) throw new ClientRefused('client_method', 'This client proves itself by assertions.')
    if (!timingSafeEqual(secret_hash, hashOf(shown.secret))) throw new ClientRefused('client_secret')
    return undefined
  }
  if (secret_hash) throw new ClientRefused('client_method', 'This client proves itself by its secret.')
  const { issuer, subject, audience } = client.row
  const federated = issuer !== null
  const expected = {
    issuer: issuer ?? client.clientId,
    subject: subject ?? client.clientId,
    audiences: audience === null ? host.audiences : namesOf(audience),
    federated,
    now: client.scope.now,
  }
  return verifyAssertion(shown.assertion, expected, keysOf(client, host.keySets))
}

/** Entra names an application by its id alone or by `api://<id>`, as the version of the token has it; it shows the latter. */
function namesOf(audience: string): readonly string[] {
  const id = audience.replace(/^api:\/\//, '')
  return isUuid(id) ? [id, `api://${id}`] : [audience]
}

function keysOf({ row: { jwks, jwks_url }, clientId }: KnownClient, keySets: KeySets): Keys {
  const known = jwks as JSONWebKeySet | null // as `strictKeySet` let it in
  if (jwks_url === null) return { current: async () => known, renewed: async () => null }
  return {
    current: () => keySets.current(clientId, jwks_url),
    renewed: () => keySets.renewed(clientId, jwks_url),
  }
}

/** The organization of a name, whether or not there is such a client. */
export const organizationOf = ({ clientId = '' }: Shown): string | undefined =>
  readClientId(clientId)?.organizationId
