import type { NewEvent, NewPlace } from '../../db/index.ts'
import { eventOf } from '../events/record.ts'
import { newId } from '../ids.ts'
import type { Identity } from './identity.ts'
import type { Placing } from './placing.ts'
import type { Policy } from './policy.ts'

interface Decision {
  readonly policy: Policy
  readonly identity: {
    readonly via: 'capture' | Identity['via'] | 'administrator'
    readonly connectionId: string
  }
  /** Null where nothing is decided now. */
  readonly placing: Placing | null
}

/** What is to be written of a decision about somebody's place: the place, if it gives one, and the event. */
export function placed(
  userId: string,
  { policy, identity, placing }: Decision,
): { place?: NewPlace; told: NewEvent[] } {
  if (!placing) return { told: [] }
  const place = placeOf(placing)
  const { via, connectionId } = identity
  const event = eventOf({
    type: 'user.provisioned',
    subject: { type: 'user', id: userId },
    by: { policyVersion: policy.version, rule: placing.rule },
    data: {
      via,
      connectionId,
      ...(place && { workspace: { id: place.workspaceId, name: place.name }, role: place.role }),
      ...(placing.give === 'create' && { home: placing.team }),
    },
  })
  return { ...(place && { place }), told: [event] }
}

function placeOf(placing: Placing): NewPlace | undefined {
  switch (placing.give) {
    case 'create': {
      const { name, role, rule, team } = placing
      return { workspaceId: newId(), teamId: team.id, name, role, rule }
    }
    case 'join': {
      const { workspace, role, rule } = placing
      return { workspaceId: workspace.id, teamId: null, name: workspace.name, role, rule }
    }
    case 'none':
      return undefined
  }
}
