import {
  completePublicIdentity,
  connectionStands,
  createOrganization,
  endSession,
  entrancesOfDomain,
  findOrganization,
  findPublicIdentity,
  mirrorConnection,
  notePublicDomain,
  type PublicIdentityRow,
  reservePublicIdentity,
  type Scope,
  transact,
} from '../../db/index.ts'
import type { OidcOptions, SignInResult, VerifiedSignIn } from '../../oidc/index.ts'
import { readToken } from '../auth.ts'
import { eventOf } from '../events/record.ts'
import { newId } from '../ids.ts'
import { personalOrganization } from '../provisioning/personal.ts'
import type { Policies } from '../provisioning/policy.ts'
import { signInOf } from '../translate/claims.ts'
import { claimsOf } from './claims-of.ts'
import { endReplaced, oidcSignIn } from './oidc-sign-in.ts'
import type { Host, LinkingConnection } from './oidc-store.ts'
import type { PolicyRefusal } from './refusals.ts'

type SignInContext = Parameters<OidcOptions['signIn']>[1]

/** Signs people in where they are: those of the public connection in an organization of their own. */
export function signIns(host: Host, policies: Policies): OidcOptions['signIn'] {
  const signIn = oidcSignIn(host, policies)
  return async (person, context) => {
    const connection = person.connection as LinkingConnection // the store made it
    if (!connection.isPublic) return signIn(person, context)
    const { organizationId, id } = connection
    const now = host.clock()
    const scope = { db: host.db, organizationId, actor: `sign-in:${id}`, now, requestId: context.requestId }
    const arrival = { host, policies, connection, person, context }
    const result = await enter(scope, arrival)
    return 'session' in result ? unlessGone(scope, connection, result) : result
  }
}

interface Arriving {
  readonly host: Host
  readonly policies: Policies
  readonly connection: LinkingConnection
  readonly person: VerifiedSignIn
  readonly context: SignInContext
}

async function enter(scope: Scope, arriving: Arriving): Promise<SignInResult> {
  const { connection, person } = arriving
  const identity = signInOf(person, claimsOf(connection))
  const domain = identity.email?.verifiedBy === undefined ? null : identity.email.domain
  const known = await findPublicIdentity(scope.db, person)
  if (known) return enterOwn(scope, arriving, { known, domain })
  const elsewhere = domain === null ? null : await managedBy(scope, domain)
  if (elsewhere !== null) return { refusal: elsewhere }
  const made = await arrive(scope, arriving, { name: nameOf(identity), domain })
  if (made) return made
  // Somebody was faster: the same person, in another tab.
  const meanwhile = await findPublicIdentity(scope.db, person)
  if (!meanwhile) throw new Error('a login that is taken leads nowhere')
  return enterOwn(scope, arriving, { known: meanwhile, domain })
}

const nameOf = ({ attributes, userName }: ReturnType<typeof signInOf>): string =>
  typeof attributes.displayName === 'string' ? attributes.displayName : userName

async function managedBy(scope: Scope, domain: string): Promise<PolicyRefusal | null> {
  const { owner } = await entrancesOfDomain(scope.db, domain)
  const organization = owner === null ? null : await findOrganization({ ...scope, organizationId: owner })
  return organization && managed(organization.slug)
}

const managed = (slug: string): PolicyRefusal => ({
  code: 'domain_managed',
  message: 'People with an address in this domain sign in through their organization.',
  status: 403,
  rule: 'verified domain of an organization',
  elsewhere: `/login/${slug}`,
})

interface Known {
  readonly known: PublicIdentityRow
  readonly domain: string | null
}

async function enterOwn(
  scope: Scope,
  { host, policies, connection, person, context }: Arriving,
  { known, domain }: Known,
): Promise<SignInResult> {
  if (known.captured_slug !== null) return { refusal: managed(known.captured_slug) }
  const { organization_id: organizationId } = known
  const own = { ...scope, organizationId }
  await mirrorConnection(own, connection)
  if (known.domain !== domain) await notePublicDomain(own, person, domain)
  return oidcSignIn(host, policies)({ ...person, connection: at(connection, organizationId) }, context)
}

const at = (connection: LinkingConnection, organizationId: string): LinkingConnection => ({
  ...connection,
  organizationId,
})

/** What a transaction is given up with. */
class GivenUp extends Error {
  override readonly name = 'GivenUp'
  readonly result: SignInResult

  constructor(result: SignInResult) {
    super('nobody was signed in')
    this.result = result
  }
}

/**
 * Makes an organization with the one person in it, who is signed in, wholly or not at all; null where the login leads
 * to one already, which decides whoever comes at the same time.
 */
async function arrive(
  scope: Scope,
  { host, policies, connection, person, context }: Arriving,
  { name, domain }: { readonly name: string; readonly domain: string | null },
): Promise<SignInResult | null> {
  const organizationId = newId()
  const { requestId, replaces } = context
  const event = eventOf({
    type: 'organization.created',
    subject: { type: 'organization', id: organizationId },
    data: { via: 'sign-in', kind: 'personal', connectionId: connection.id },
  })
  try {
    const result = await transact(scope.db, async (db) => {
      const own = { ...scope, organizationId, db }
      if (!(await reservePublicIdentity(own, { ...person, id: newId(), domain }))) return null
      await createOrganization(own, personalOrganization({ id: organizationId, name, event }))
      await mirrorConnection(own, connection)
      const signIn = oidcSignIn({ ...host, db }, policies)
      const entered = await signIn({ ...person, connection: at(connection, organizationId) }, { requestId })
      if (!('session' in entered)) throw new GivenUp(entered)
      await completePublicIdentity(own, person)
      return entered
    })
    if (result && replaces !== undefined) await endReplaced(scope, replaces)
    return result
  } catch (error) {
    if (error instanceof GivenUp) return error.result
    throw error
  }
}

/** A session counts only where the connection is, once it has begun, what it was: who ends them all may have missed it. */
async function unlessGone(
  scope: Scope,
  { id: connectionId, issuer, clientId }: LinkingConnection,
  result: Extract<SignInResult, { session: object }>,
): Promise<SignInResult> {
  if (await connectionStands(scope, { connectionId, issuer, clientId })) return result
  const key = readToken(result.session.token)
  if (key) {
    const { organizationId, secretHash } = key
    const ending = { secretHash, eventId: newId(), cause: 'connection gone' } as const
    await endSession({ ...scope, organizationId }, ending)
  }
  return { gone: true }
}
