import {
  decisionsAbout,
  type EventRow,
  eventsOf,
  loginsOf,
  type OwnWorkspaceRow,
  type PersonRow,
  type Scope,
  type UserStatus,
  workspacesOf,
} from '../../db/index.ts'
import { decidedNow, type Now } from '../provisioning/now.ts'
import type { Placing } from '../provisioning/placing.ts'
import { type Reason, reasonFor } from '../provisioning/reasons.ts'

/** A place that was given, or would be. */
export interface Given {
  readonly id?: string
  readonly name: string
  readonly role: string
  readonly home?: { readonly id: string; readonly name: string }
}

/** One decision about somebody's workspace. */
export interface Ruling {
  readonly policyVersion: number
  readonly rule: string
  /** Null where they get none. */
  readonly workspace: Given | null
}

export interface Decided extends Ruling {
  readonly at: Date
}

/** All that an explanation is made of. */
export interface Known {
  readonly person: PersonRow
  readonly reason: Reason | null
  readonly since: Date
  readonly decisions: readonly EventRow[]
  /** Where they are: their own workspace, or else where they have had a role for the longest. */
  readonly place: Given | null
  readonly decided: Decided | null
  readonly now: Now | null
  readonly hasLogin: boolean
  /** Refusals since they were last let in, the newest first. */
  readonly refused: readonly EventRow[]
}

const MOST_DECISIONS = 200
const MOST_RECENT = 100

const beginnings: Readonly<Record<UserStatus, readonly string[]>> = {
  ready: ['user.reactivated', 'user.restored', 'user.provisioned', 'user.created'],
  suspended: ['user.suspended', 'user.created'],
  staged: ['user.created', 'user.restored'],
  held: ['user.held', 'user.created'],
  leaving: ['user.deleted'],
  archived: ['user.archived'],
  erased: ['user.erased'],
}

export async function knownOf(scope: Scope, person: PersonRow): Promise<Known> {
  const { id, status, created_at } = person
  const [decisions, recent, now, logins, [first]] = await Promise.all([
    decisionsAbout(scope, id, { types: beginnings[status], limit: MOST_DECISIONS }),
    eventsOf(scope, id, { limit: MOST_RECENT }),
    decidedNow(scope, id),
    loginsOf(scope, id),
    workspacesOf(scope, id, { limit: 1 }),
  ])
  const entered = recent.findIndex(({ type }) => type === 'session.begun')
  const since = entered === -1 ? recent : recent.slice(0, entered)
  const placed = decisions.find(({ type }) => type === 'user.provisioned' || type === 'user.held')
  return {
    person,
    reason: reasonFor(person),
    since: decisions.find(({ type }) => beginnings[status].includes(type))?.at ?? created_at,
    decisions,
    place: ownPlace(person) ?? (first ? placeView(first) : null),
    decided: placed ? rulingOf(placed) : null,
    now,
    hasLogin: logins.length > 0,
    refused: since.filter(({ type }) => type === 'sign-in.refused'),
  }
}

function ownPlace({
  workspace_id: id,
  workspace_name: name,
  role,
  home_id,
  home_name,
}: PersonRow): Given | null {
  if (id === null || name === null || role === null) return null
  return { id, name, role, ...(home_id && home_name && { home: { id: home_id, name: home_name } }) }
}

const placeView = ({ id, name, role, home_id, home_name }: OwnWorkspaceRow) => ({
  ...{ id, name, role },
  home: { id: home_id, name: home_name },
})

function rulingOf({ at, policy_version, rule, data }: EventRow): Decided {
  const { workspace, role, home } = data as Partial<Given> & { workspace?: { id: string; name: string } } // as it was placed
  return {
    at,
    policyVersion: policy_version ?? 0,
    rule: rule ?? '',
    workspace: workspace ? { ...workspace, role: role ?? '', ...(home && { home }) } : null,
  }
}

export function rulingNow({ policyVersion, placing }: Now): Ruling {
  return { policyVersion, rule: placing.rule, workspace: givenBy(placing) }
}

function givenBy(placing: Placing): Given | null {
  if (placing.give === 'create') return { name: placing.name, role: placing.role, home: placing.team }
  return placing.give === 'join' ? { ...placing.workspace, role: placing.role } : null
}
