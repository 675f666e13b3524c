import type { EventRow } from '../../db/index.ts'
import type { Now } from '../provisioning/now.ts'
import type { Decided, Known } from './known.ts'

/** What somebody does not have: by what was decided, and what the policy in force would decide. */
export interface Missing {
  readonly what: 'workspace' | 'group-role' | 'login' | 'sign-in'
  readonly sentence: string
  readonly since?: Date
  readonly decided?: {
    readonly at: Date
    readonly rule: string | null
    readonly policyVersion: number | null
  }
  readonly now?: { readonly policyVersion: number; readonly rule?: string; readonly sentence: string }
}

export function missing(known: Known): Missing[] {
  const { now } = known
  if (!now) return []
  return [...workspace(known, now), ...groupRole(known, now), ...login(known), ...signIn(known)]
}

function workspace({ decided, place }: Known, now: Now): Missing[] {
  if (place || now.placed) return []
  const { placing, policyVersion } = now
  const { rule } = placing
  const gives = 'role' in placing
  return [
    {
      what: 'workspace',
      sentence: decided
        ? `No workspace: rule ${decided.rule}, policy v${decided.policyVersion}`
        : 'No workspace: nothing has been decided yet',
      ...(decided && { since: decided.at, decided: rulingIn(decided) }),
      now: {
        policyVersion,
        rule,
        sentence: gives
          ? `Policy v${policyVersion} gives one, by rule ${rule}, when they next come`
          : `Policy v${policyVersion} gives none, by rule ${rule}`,
      },
    },
  ]
}

const rulingIn = ({ at, rule, policyVersion }: Decided) => ({ at, rule, policyVersion })

function groupRole({ decisions }: Known, now: Now): Missing[] {
  if (now.held.length > 0) return []
  const taken = decisions.find(({ type, data }) => type === 'membership.revoked' && data.via === 'group-rule')
  const { policyVersion } = now
  const [wanted] = now.roles
  return [
    {
      what: 'group-role',
      sentence: taken
        ? `No role by groups: the last was taken by rule ${taken.rule}, policy v${taken.policy_version}`
        : 'No role by groups: none was ever given',
      ...(taken && { since: taken.at, decided: decisionOf(taken) }),
      now: {
        policyVersion,
        ...(wanted && { rule: wanted.rule }),
        sentence: wanted
          ? `Policy v${policyVersion} makes them ${wanted.role} of “${wanted.placeName}”, by rule ${wanted.rule}`
          : `Policy v${policyVersion} gives none: ${whyNoRole(now)}`,
      },
    },
  ]
}

const MOST_NAMED = 5

function whyNoRole({ rules, groups }: Now): string {
  if (rules === 0) return 'it has no rule of groups'
  if (groups.length === 0) return 'they are in no group'
  const named = groups.slice(0, MOST_NAMED).map((name) => `“${name}”`)
  const more = groups.length > MOST_NAMED ? ` and ${groups.length - MOST_NAMED} more` : ''
  return `none of its ${rules} rules of groups gives one for ${named.join(', ')}${more}`
}

function login({ hasLogin, person: { created_at: since } }: Known): Missing[] {
  return hasLogin
    ? []
    : [{ what: 'login', sentence: 'No login: nobody has signed in as them since they were made', since }]
}

function signIn({ refused }: Known): Missing[] {
  const [last, first] = [refused[0], refused.at(-1)]
  if (!last || !first) return []
  const { data, rule, policy_version: version } = last
  const by = rule === null ? '' : `: rule ${rule}${version === null ? '' : `, policy v${version}`}`
  const sentence = `No sign-in: refused ${refused.length} times, last by ${data.code}${by}`
  return [{ what: 'sign-in', sentence, since: first.at, decided: decisionOf(last) }]
}

const decisionOf = ({ at, rule, policy_version: policyVersion }: EventRow) => ({ at, rule, policyVersion })
