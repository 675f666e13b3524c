import {
  countOwned,
  findPolicyVersion,
  holdPerson,
  holdWorkspace,
  joinableWorkspace,
  membershipsIn,
  putMembership,
  type Scope,
  transact,
  type Visibility,
  type WorkspaceRow,
} from '../../db/index.ts'
import { Problem } from '../errors.ts'
import { type PolicyDocument, wholePolicy } from '../provisioning/policy.ts'
import { homeTeam } from './home.ts'
import { tell } from './members.ts'
import { conflicting, missing } from './refusals.ts'
import { makeWorkspace } from './workspaces.ts'

interface InForce {
  readonly version: number
  readonly rules: PolicyDocument['workspaces']
}

/** What the policy says of workspaces at this moment, whatever a process remembers. */
export async function workspaceRules(scope: Scope): Promise<InForce> {
  const row = await findPolicyVersion(scope)
  if (!row) throw new Error(`organization ${scope.organizationId} has no policy`)
  return { version: row.version, rules: wholePolicy(row.document).workspaces }
}

/** Makes somebody a member of a workspace that they see, where the policy lets them; once. */
export function join(scope: Scope, userId: string, id: string): Promise<void> {
  return transact(scope.db, async (db) => {
    const held = { ...scope, db }
    const place = await holdWorkspace(held, id)
    const member = { place: 'workspace', id, userId } as const
    if (place?.status !== 'active') throw missing('workspace')
    if ((await membershipsIn(held, member, userId)).length > 0) return
    const { version, rules } = await workspaceRules(held)
    if (!(await joinableWorkspace(held, userId, id))) throw missing('workspace')
    if (rules.join !== 'visible') throw forbidden('Workspaces are joined by invitation here.')
    await assertReady(held, userId)
    const by = { policyVersion: version, rule: 'join what one sees' }
    await putMembership(held, { ...member, role: 'member', source: 'person', rule: by.rule })
    const after = { role: 'member', source: 'person' } as const
    await tell(held, { member, name: place.name, before: undefined, after, by })
  })
}

export interface OwnWish {
  readonly name: string
  readonly visibility: Visibility
}

/** Makes a workspace of which somebody is the owner, where the policy lets them have one more. */
export function makeOwn(scope: Scope, userId: string, wish: OwnWish): Promise<WorkspaceRow> {
  return transact(scope.db, async (db) => {
    const held = { ...scope, db }
    // Held before it is counted: of two at once the second counts the first.
    await assertReady(held, userId)
    const { version, rules } = await workspaceRules(held)
    if (rules.create !== 'everybody') throw forbidden('Only administrators make workspaces here.')
    const { mostOwned } = rules
    if (mostOwned !== null && (await countOwned(held, userId)) >= mostOwned)
      throw conflicting(`One owns ${mostOwned} workspaces here at most: archive or hand over one of yours.`)
    const by = { policyVersion: version, rule: 'everybody makes workspaces' }
    const teamId = await homeTeam(held)
    return makeWorkspace(held, { ...wish, teamId, ownerId: userId, source: 'person', by })
  })
}

const forbidden = (sentence: string) => new Problem('forbidden', sentence)

async function assertReady(scope: Scope, userId: string): Promise<void> {
  if ((await holdPerson(scope, userId)) !== 'ready') throw forbidden('Only who is active does this.')
}
