import type { UserRecord, UserStatus } from '../../db/index.ts'

/** Why somebody is not ready, and what is to be done about it. */
export interface Reason {
  /** Stable. */
  readonly code: ReasonCode
  readonly sentence: string
  readonly nextStep: string
}

/** Every reason there is, by its code: whoever is not ready has exactly one of them. */
const catalogue = {
  workspace_unavailable: {
    sentence: 'The workspace that the policy has this person join is archived.',
    nextStep: 'Restore that workspace, or have the policy name another: it is tried again within seconds.',
  },
  home_unknown: {
    sentence: 'No team of the policy is the home for what is known of this person.',
    nextStep:
      'Add the domain or department to `homes.teams` of the policy, or correct it at the identity provider: it is tried again within seconds.',
  },
  suspended_by_scim: {
    sentence: 'The identity provider has made this person inactive.',
    nextStep: 'Assign the person again at the identity provider, or reactivate them here.',
  },
  suspended_by_administrator: {
    sentence: 'An administrator has suspended this person.',
    nextStep: 'Reactivate the person here; assigning them anew at the identity provider does it, too.',
  },
  guest_expired: {
    sentence: 'This person is a guest, and the time that the policy gives guests is over.',
    nextStep:
      'Let the policy give guests more time, or change `userType` at the identity provider if they are no guest; then reactivate the person here.',
  },
  staged: {
    sentence: 'This person is known, and has not been given a place yet.',
    nextStep: 'Nothing: they get it at the next push or sign-in.',
  },
  leaving: {
    sentence: 'This person was deleted, and can still be brought back as they were.',
    nextStep:
      'Restore the person here, or push them again with the same externalId, before the grace is over.',
  },
  archived: {
    sentence: 'This person was deleted, and the grace is over.',
    nextStep: 'Restore the person here if they are to return.',
  },
  erased: {
    sentence: 'All that told who this person was has been erased.',
    nextStep: 'Nothing: whoever returns is a new person.',
  },
} as const satisfies Record<string, Omit<Reason, 'code'>>

export type ReasonCode = keyof typeof catalogue

/** What keeps somebody from getting their place, who has it as soon as that goes away. */
export type HoldCode = Extract<ReasonCode, 'workspace_unavailable' | 'home_unknown'>

/** Why somebody is suspended whom SCIM has not suspended: what SCIM repeats does not bring them back. */
export type Suspension = Extract<ReasonCode, 'suspended_by_administrator' | 'guest_expired'>

/** The code of those whose record has none: their status says it. */
export const codesByStatus = {
  staged: 'staged',
  held: 'staged',
  suspended: 'suspended_by_scim',
  leaving: 'leaving',
  archived: 'archived',
  erased: 'erased',
} as const satisfies Record<Exclude<UserStatus, 'ready'>, ReasonCode>

export const reasonOf = (code: ReasonCode): Reason => ({ code, ...catalogue[code] })

/** Why somebody is not ready; null for who is. */
export function reasonFor({ status, reason }: Pick<UserRecord, 'status' | 'reason'>): Reason | null {
  if (status === 'ready') return null
  // A record says what was written from here.
  return reasonOf((reason as ReasonCode | null) ?? codesByStatus[status])
}
