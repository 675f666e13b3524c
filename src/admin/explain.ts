import type { EventRow, PersonRow, RequestRow, Scope } from '../../db/index.ts'
import type { NamedRole, Now } from '../provisioning/now.ts'
import { type Known, knownOf, type Ruling, rulingNow } from './known.ts'
import { type Missing, missing } from './missing.ts'
import { requestLine } from './requests.ts'
import { requestsBehind } from './timeline.ts'

export interface DecisionView {
  readonly at: Date
  readonly outcome: string
  readonly policyVersion: number | null
  readonly rule: string | null
  readonly inputs: EventRow['data']
  readonly request?: object
}

export interface Explanation {
  /** One sentence that says it all. */
  readonly verdict: string
  readonly decisions: readonly DecisionView[]
  readonly missing: readonly Missing[]
}

/** Why somebody is where they are: what was decided, what would be now, and what they do not have. */
export async function explain(scope: Scope, person: PersonRow): Promise<Explanation> {
  const known = await knownOf(scope, person)
  const { reason, since, decided, now } = known
  const ruled = known.decisions.filter(({ rule }) => rule !== null)
  const requests = await requestsBehind(scope, ruled)
  const explanation = {
    verdict: verdictOf(known),
    status: person.status,
    ...(reason && { reason }),
    since,
    decisions: ruled.map((event) => decisionView(event, requests.get(event.request_id ?? ''))),
    decided: { ...(decided && { workspace: decided }), roles: (now?.held ?? []).map(roleView) },
    ...(now && {
      now: {
        policyVersion: now.policyVersion,
        workspace: rulingNow(now),
        roles: now.roles.map(roleView),
        differs: differs(decided, now),
      },
    }),
    missing: missing(known),
  }
  return explanation
}

/** Whether whoever came now would be given something else; by what they are called, no. */
function differs(decided: Ruling | null, now: Now): boolean {
  const told = ({ rule, workspace }: Ruling) => [rule, workspace?.role, workspace?.home?.id]
  const roles = (list: readonly NamedRole[]) => list.map((one) => JSON.stringify(roleView(one))).sort()
  return (
    JSON.stringify(decided && told(decided)) !== JSON.stringify(told(rulingNow(now))) ||
    JSON.stringify(roles(now.held)) !== JSON.stringify(roles(now.roles))
  )
}

const roleView = ({ place, placeId, placeName, role, rule }: NamedRole) => ({
  role,
  [place]: { id: placeId, name: placeName },
  rule,
})

function decisionView(
  { at, type, policy_version, rule, data }: EventRow,
  request?: RequestRow,
): DecisionView {
  const behind = request && { id: request.id, at: request.at, ...requestLine(request) }
  return {
    at,
    outcome: type,
    policyVersion: policy_version,
    rule,
    inputs: data,
    ...(behind && { request: behind }),
  }
}

/** One sentence. */
function verdictOf({ person: { status }, reason, since, place, decided, now }: Known): string {
  if (reason)
    return `${status.charAt(0).toUpperCase()}${status.slice(1)} since ${since.toISOString()}: ${reason.sentence}`
  const by = decided ? `rule ${decided.rule}, policy v${decided.policyVersion}` : 'no rule'
  if (!place) return `No workspace: ${by}${decided && now ? alteredBy(decided, now) : ''}.`
  const isDecided = decided?.workspace?.id === place.id
  const home = place.home ? ` in “${place.home.name}”` : ''
  return `Ready since ${since.toISOString()}: ${place.role} of “${place.name}”${home}${isDecided ? `, by ${by}` : ''}.`
}

function alteredBy({ workspace }: Ruling, now: Now): string {
  const ruling = rulingNow(now)
  return !workspace && ruling.workspace
    ? `; policy v${now.policyVersion} gives one, by rule ${ruling.rule}, when they next come`
    : ''
}
