import { currentPolicy, type PolicyRow, type Role, type Scope, type Source } from '../../db/index.ts'
import type { GroupRule } from './group-rules.ts'

/** Whether a sign-in may make a person whom nobody has pushed. */
export type JustInTime = 'on' | 'off' | 'verified-domains' | 'only-if-pushed' | 'until-scim-takes-over'

/** An organization's rules: who gets what, where. */
export interface PolicyDocument {
  /** What a person gets: a workspace of their own, a role in one that there is, or neither. */
  readonly workspace: {
    readonly give: 'create' | 'join' | 'none'
    /** Of a workspace of their own; `{displayName}`, `{givenName}`, `{familyName}` and `{userName}` are theirs. */
    readonly name: string
    readonly role: Role
    /** The workspace that they join. */
    readonly join?: string
  }
  /** In which team a workspace is at home: by what a person has. Where that is no team's, in the organization's own, or held. */
  readonly homes: {
    readonly by: 'organization' | 'domain' | 'department'
    readonly teams: Readonly<Record<string, string>>
    readonly otherwise: 'organization' | 'hold'
  }
  readonly justInTime: JustInTime
  /** What is otherwise on a connection. */
  readonly connections: Readonly<Record<string, { readonly justInTime?: JustInTime }>>
  /** Whether a verified address in a verified domain of the organization links a sign-in to whom it belongs. */
  readonly linking: { readonly email: boolean }
  /** What a SCIM create does with a person whom a sign-in on the same connection made first. */
  readonly adoption: 'adopt' | 'reject'
  /** Whose `userType` is one of these is a guest, and gets no workspace; after so many days they are suspended. */
  readonly guests: { readonly userTypes: readonly string[]; readonly expireDays?: number }
  /** What members of groups get; of rules that are equal, the order decides nothing. */
  readonly groups: readonly GroupRule[]
  /** What people do about workspaces themselves. */
  readonly workspaces: {
    /** Whether they come into one by being put there only, or by joining what they see. */
    readonly join: 'invited' | 'visible'
    readonly create: 'administrators' | 'everybody'
    /** How many somebody may own who makes one more, their own included; null: any. */
    readonly mostOwned: number | null
  }
  /** Who is heard first on an attribute, by its full name; else SCIM, then a sign-in, then an administrator. */
  readonly attributes: Readonly<Record<string, Source>>
  /** How long a deleted person can be restored, in days. */
  readonly graceDays: number
  /** What becomes of what a deleted person owns alone, so many days after the grace, and who gets it. */
  readonly leaving: {
    readonly keepDays: number
    readonly workspace: 'archive' | 'transfer'
    readonly to: readonly ('manager' | 'team' | { readonly user: string })[]
  }
  /** After how many days what a suspended person owns alone gets another owner; absent: never. */
  readonly suspended: { readonly keepDays?: number }
  /** People who are never archived, and whose workspaces never transferred, by a rule. */
  readonly protected: { readonly users: readonly string[] }
  /** How many archives, transfers and erasures there may be within an hour, and that many per cent of all people. */
  readonly brake: { readonly most: number; readonly percent: number }
  /** What a push makes of the externalId of somebody archived: a new person, or the archived one. */
  readonly rehire: 'new' | 'restore'
}

/** What an organization has before it says anything. */
export const defaultPolicy: PolicyDocument = {
  workspace: { give: 'create', name: 'My workspace', role: 'owner' },
  homes: { by: 'organization', teams: {}, otherwise: 'organization' },
  justInTime: 'on',
  connections: {},
  linking: { email: false },
  adoption: 'adopt',
  guests: { userTypes: [] },
  groups: [],
  workspaces: { join: 'invited', create: 'administrators', mostOwned: null },
  attributes: {},
  graceDays: 30,
  leaving: { keepDays: 0, workspace: 'archive', to: ['manager', 'team'] },
  suspended: {},
  protected: { users: [] },
  brake: { most: 500, percent: 100 },
  rehire: 'new',
}

interface Named {
  readonly id: string
  readonly name: string
}

/** One version of the rules, and what there is of what they name. */
export interface Policy extends PolicyDocument {
  readonly version: number
  /** The organization's own team. */
  readonly home: Named
  /** Names of the teams that rules name, by their ids. */
  readonly teams: Readonly<Record<string, string>>
  /** The workspace that people join; null where that has ended. */
  readonly joined: Named | null
}

export interface Policies {
  current(scope: Scope): Promise<Policy>
  /** Called when the database has turned out to hold a newer version. */
  forget(organizationId: string): void
}

const MOST_CACHED = 10_000

/**
 * The policies in force, remembered per process. Remembering only saves a round trip: whoever plans with a version
 * that is no longer the newest is stopped by the guard of the statement that applies the plan. What a policy names is
 * remembered with it: whatever archives or restores a workspace that it names makes it a newer version.
 */
export function rememberedPolicies(): Policies {
  const remembered = new Map<string, Policy>()
  return {
    async current(scope) {
      const known = remembered.get(scope.organizationId)
      if (known) return known
      const policy = await policyInForce(scope)
      if (remembered.size >= MOST_CACHED) remembered.clear()
      remembered.set(scope.organizationId, policy)
      return policy
    },
    forget(organizationId) {
      remembered.delete(organizationId)
    },
  }
}

/** As the database has it now. */
export async function policyInForce(scope: Scope): Promise<Policy> {
  const row = await currentPolicy(scope)
  if (!row) throw new Error(`organization ${scope.organizationId} has no policy`)
  return policyOf(row)
}

export function policyOf({ version, document, home_id, home_name, teams, joined }: PolicyRow): Policy {
  return { ...wholePolicy(document), version, home: { id: home_id, name: home_name }, teams, joined }
}

/** A document as it was validated and written; what a later release added has its default. */
export function wholePolicy(document: unknown): PolicyDocument {
  const written = document as Partial<PolicyDocument>
  return {
    ...defaultPolicy,
    ...written,
    workspace: { ...defaultPolicy.workspace, ...written.workspace },
    homes: { ...defaultPolicy.homes, ...written.homes },
    workspaces: { ...defaultPolicy.workspaces, ...written.workspaces },
  }
}

export const justInTimeOf = ({ connections, justInTime }: PolicyDocument, connectionId: string): JustInTime =>
  connections[connectionId]?.justInTime ?? justInTime
