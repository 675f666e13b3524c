import type { NewEvent, NewIdentity, UserRecord } from '../../db/index.ts'
import { eventOf } from '../events/record.ts'
import { newId } from '../ids.ts'
import type { Identity } from './identity.ts'
import type { Policy } from './policy.ts'

/** The record of whom an identity makes. */
export function recordOf(identity: Identity, { managed }: { managed: boolean }): UserRecord {
  const active = identity.via === 'sign-in' || identity.active
  return {
    connection_id: identity.connectionId,
    managed,
    user_name: identity.userName,
    user_name_key: identity.userNameKey,
    external_id: identity.externalId,
    status: active ? 'ready' : 'suspended',
    reason: null,
    attributes: identity.attributes,
    sources: null,
  }
}

export const newIdentity = ({
  connectionId,
  issuer,
  subject,
  externalId,
}: Extract<Identity, { via: 'sign-in' }>) =>
  ({ id: newId(), connectionId, issuer, subject, correlation: externalId }) satisfies NewIdentity

export function happened(
  type: 'user.created' | 'user.adopted' | 'user.restored' | 'user.linked',
  id: string,
  { policy, identity, rule }: { policy: Policy; identity: Identity; rule: string },
): NewEvent {
  const { via, connectionId, attributes } = identity
  const active = via === 'sign-in' || identity.active
  return eventOf({
    type,
    subject: { type: 'user', id },
    changed: type === 'user.linked' ? [] : ['userName', 'externalId', ...Object.keys(attributes)],
    by: { policyVersion: policy.version, rule },
    data: { via, connectionId, active },
  })
}
