import type { NewEvent, Scope } from '../../db/index.ts'
import { eventOf } from '../events/record.ts'
import type { EventType } from '../events/types.ts'

type DomainEventType = Extract<EventType, `domain.${string}`>

export function domainEvent(
  { organizationId }: Scope,
  type: DomainEventType,
  data: { readonly domain: string; readonly [name: string]: unknown },
): NewEvent {
  return eventOf({ type, subject: { type: 'organization', id: organizationId }, data })
}
