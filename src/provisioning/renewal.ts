import { findPolicyVersion, insertPolicy, type Scope } from '../../db/index.ts'
import { eventOf } from '../events/record.ts'
import { wholePolicy } from './policy.ts'

/**
 * Within the transaction that has archived or restored workspaces: where the policy has people join one of them, it says
 * something else from now on, and is a version of its own. So nobody is placed by what a process remembers of it, and
 * whoever is held is tried again.
 */
export async function renewPolicyNaming(scope: Scope, workspaceIds: readonly string[]): Promise<void> {
  for (let isRenewed = workspaceIds.length === 0; !isRenewed; ) {
    const current = await findPolicyVersion(scope)
    const { give, join } = wholePolicy(current?.document).workspace
    if (!current || give !== 'join' || !workspaceIds.includes(join?.toLowerCase() ?? '')) return
    const event = eventOf({
      type: 'policy.changed',
      subject: { type: 'organization', id: scope.organizationId },
      changed: ['workspace'],
      data: { version: current.version + 1, cause: 'the joined workspace was archived or restored' },
    })
    // Nothing is written where another has just made that version: then it is that one which is renewed.
    const document = current.document as object // as it was written
    isRenewed = await insertPolicy(scope, { after: current.version, document }, [event])
  }
}
