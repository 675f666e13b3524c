import type { NewEvent, NewPlace, UserRecord, Withheld } from '../../db/index.ts'
import { eventOf } from '../events/record.ts'
import { newId } from '../ids.ts'
import type { Identity } from './identity.ts'
import type { Placing } from './placing.ts'
import type { Policy } from './policy.ts'

type Standing = Pick<UserRecord, 'status' | 'reason'>

interface Decision {
  readonly policy: Policy
  readonly identity: {
    readonly via: 'capture' | 'signal' | 'retry' | Identity['via'] | 'administrator'
    readonly connectionId: string
  }
  /** Null where nothing is decided now. */
  readonly placing: Placing | null
  /** How they have stood, where they are known. */
  readonly before?: Standing
}

/** What is to be written of a decision about somebody's place: the place, or why there is none yet, and the event. */
export interface Placed {
  readonly place?: NewPlace
  readonly withheld?: Withheld
  /** Nothing where they are held, and have been for the same reason. */
  readonly told: NewEvent[]
}

export function placed(userId: string, { policy, identity, placing, before }: Decision): Placed {
  if (!placing) return { told: [] }
  const { via, connectionId } = identity
  const told = (type: 'user.provisioned' | 'user.held', data: object) =>
    eventOf({
      type,
      subject: { type: 'user', id: userId },
      by: { policyVersion: policy.version, rule: placing.rule },
      data: { via, connectionId, ...data },
    })
  if (placing.give === 'hold') {
    const code = placing.reason
    const withheld = { code, policyVersion: policy.version }
    const isSame = before?.status === 'held' && before.reason === code
    return { withheld, told: isSame ? [] : [told('user.held', { code })] }
  }
  const place = placeOf(placing)
  const event = told('user.provisioned', {
    ...(place && { workspace: { id: place.workspaceId, name: place.name }, role: place.role }),
    ...(placing.give === 'create' && { home: placing.team }),
  })
  return { ...(place && { place }), told: [event] }
}

/** How whoever is active stands by a decision. */
export const standingBy = ({ withheld }: Pick<Placed, 'withheld'>): Standing =>
  withheld ? { status: 'held', reason: withheld.code } : { status: 'ready', reason: null }

function placeOf(placing: Exclude<Placing, { give: 'hold' }>): NewPlace | undefined {
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
