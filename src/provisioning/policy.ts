import { currentPolicy, type Role, type Scope } from '../../db/index.ts'

/** An organization's rules: who gets what, where. */
export interface PolicyDocument {
  readonly workspace: { readonly name: string; readonly role: Role }
  /** Whether a sign-in may make a person whom nobody pushed. */
  readonly justInTime: 'on' | 'off'
  /** What a SCIM create does with a person whom a sign-in on the same connection made first. */
  readonly adoption: 'adopt' | 'reject'
  /** How long a deleted person can be restored, in days. */
  readonly graceDays: number
}

/** What an organization has before it says anything. */
export const defaultPolicy: PolicyDocument = {
  workspace: { name: 'My workspace', role: 'owner' },
  justInTime: 'on',
  adoption: 'adopt',
  graceDays: 30,
}

/** One version of the rules, and the home they put workspaces in. */
export interface Policy extends PolicyDocument {
  readonly version: number
  readonly home: { readonly id: string; readonly name: string }
}

export interface Policies {
  current(scope: Scope): Promise<Policy>
  /** Called when the database has turned out to hold a newer version. */
  forget(organizationId: string): void
}

const MOST_CACHED = 10_000

/**
 * The policies in force, remembered per process. Remembering only saves a round trip: whoever plans with a version
 * that is no longer the newest is stopped by the guard of the statement that applies the plan.
 */
export function rememberedPolicies(): Policies {
  const remembered = new Map<string, Policy>()
  return {
    async current(scope) {
      const known = remembered.get(scope.organizationId)
      if (known) return known
      const policy = await readPolicy(scope)
      if (remembered.size >= MOST_CACHED) remembered.clear()
      remembered.set(scope.organizationId, policy)
      return policy
    },
    forget(organizationId) {
      remembered.delete(organizationId)
    },
  }
}

async function readPolicy(scope: Scope): Promise<Policy> {
  const row = await currentPolicy(scope)
  if (!row) throw new Error(`organization ${scope.organizationId} has no policy`)
  return {
    ...wholePolicy(row.document),
    version: row.version,
    home: { id: row.home_id, name: row.home_name },
  }
}

/** A document as it was validated and written; what a later release added has its default. */
export function wholePolicy(document: unknown): PolicyDocument {
  return { ...defaultPolicy, ...(document as Partial<PolicyDocument>) }
}
