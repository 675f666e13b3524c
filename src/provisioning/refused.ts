import type { NewConflict } from '../../db/index.ts'
import type { RefusalCode } from './plan.ts'

const sentences: Record<RefusalCode, string> = {
  user_name_taken: 'Another person of this organization has this userName.',
  external_id_taken: 'This externalId is in use.',
  ambiguous_person: 'The externalId and the userName belong to two different people.',
  login_taken: 'The person this sign-in points to has a different login already.',
  just_in_time_off: 'This organization lets nobody in who has not been assigned to it first.',
  not_pushed: 'Only people whom the organization’s directory has sent here may sign in.',
  domain_not_verified: 'Only people with an address in the organization’s own domains may sign in.',
  suspended: 'The account has been suspended.',
  signed_out: 'The identity provider ended this session while it was beginning. Please sign in again.',
  deprovisioned: 'The account has been removed.',
  workspace_unavailable: 'The workspace that people join here is archived: an administrator has to act.',
  home_unknown: 'No team has been named for people like this one yet: an administrator has to act.',
}

export const refusalCodes = Object.keys(sentences)

/** The connection that somebody signs in by is no longer what it was when its provider was asked: nothing was written. */
export class ConnectionGone extends Error {
  override readonly name = 'ConnectionGone'
}

/** A decision against an identity: nothing was written. `code` is stable; the message is safe to show. */
export class Refused extends Error {
  override readonly name = 'Refused'
  readonly code: RefusalCode
  readonly rule: string
  readonly policyVersion: number | undefined
  readonly userId: string | undefined
  /** What an administrator is to be asked. */
  readonly conflict: NewConflict | null

  constructor(decision: {
    code: RefusalCode
    rule: string
    policyVersion?: number | undefined
    userId?: string | undefined
    conflict?: NewConflict | null
  }) {
    super(sentences[decision.code])
    this.code = decision.code
    this.rule = decision.rule
    this.policyVersion = decision.policyVersion
    this.userId = decision.userId
    this.conflict = decision.conflict ?? null
  }
}
