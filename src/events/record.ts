import type { NewEvent } from '../../db/index.ts'
import { newId } from '../ids.ts'
import type { EventType, SubjectType } from './types.ts'

export interface Happening {
  readonly type: EventType
  readonly subject: { readonly type: SubjectType; readonly id: string }
  readonly changed?: readonly string[]
  /** The decision behind it: the policy's version and the rule that made it. */
  readonly by?: { readonly policyVersion: number; readonly rule: string }
  readonly data?: Readonly<Record<string, unknown>>
  /** Personal values: erasable, and kept apart. The subject is the person they belong to. */
  readonly personal?: Readonly<Record<string, unknown>>
}

/** An event to be written in the statement or transaction that does what it tells. */
export function eventOf({ type, subject, changed = [], by, data = {}, personal }: Happening): NewEvent {
  return {
    id: newId(),
    type,
    subject_type: subject.type,
    subject_id: subject.id,
    changed,
    ...(by && { policy_version: by.policyVersion, rule: by.rule }),
    data,
    ...(personal && { personal }),
  }
}
