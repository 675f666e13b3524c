import {
  type DepartureRow,
  freshnessByConnection,
  heldByReason,
  type LatencyRow,
  peopleByStatus,
  type Range,
  type Scope,
  timeToGone,
  timeToReady,
  workspacesByKind,
} from '../../db/index.ts'
import { quarantineOf } from './quarantine.ts'

type Report = (scope: Scope, range: Range) => Promise<object>

const DAY = 24 * 60 * 60 * 1000

/** What each report tells, and of how many days where nobody says: without, of all there is. */
const reports: Readonly<Record<string, { readonly days?: number; readonly tell: Report }>> = {
  readiness: { tell: readiness },
  'time-to-ready': { days: 30, tell: async (...of) => ({ ways: (await timeToReady(...of)).map(latency) }) },
  held: { tell: held },
  deprovisioning: { days: 30, tell: async (...of) => ({ ways: (await timeToGone(...of)).map(departure) }) },
  workspaces: { tell: async (...of) => ({ kinds: await workspacesByKind(...of) }) },
  freshness: { days: 1, tell: freshness },
}

export interface Asked {
  readonly name: string
  readonly from?: Date | undefined
  readonly to?: Date | undefined
}

export interface Told extends Range {
  readonly name: string
  readonly result: object
}

/** One report over an organization; null where there is none of that name. */
export async function report(scope: Scope, { name, from, to = scope.now }: Asked): Promise<Told | null> {
  const found = Object.hasOwn(reports, name) ? reports[name] : undefined
  if (!found) return null
  const start = found.days === undefined ? new Date(0) : new Date(to.getTime() - found.days * DAY)
  const range = { from: from ?? start, to }
  return { name, ...range, result: await found.tell(scope, range) }
}

/** Whoever is suspended or gone is not to be ready. */
async function readiness(scope: Scope, range: Range): Promise<object> {
  const rows = await peopleByStatus(scope, range)
  const byStatus = Object.fromEntries(rows.map(({ status, people }) => [status, people]))
  const { staged = 0, held = 0, ready = 0 } = byStatus
  const shouldBeReady = staged + held + ready
  return { ready, shouldBeReady, ratio: shouldBeReady === 0 ? null : ready / shouldBeReady, byStatus }
}

const latency = ({ way, people, percentiles: [p50, p95, p99], max }: LatencyRow) => ({
  way,
  people,
  seconds: { p50, p95, p99, max },
})

const departure = ({ way, people, measured, percentiles, max }: DepartureRow) => ({
  way,
  people,
  measured,
  ...(percentiles && { seconds: { p50: percentiles[0], p95: percentiles[1], p99: percentiles[2], max } }),
})

async function held(scope: Scope, range: Range): Promise<object> {
  const reasons = await heldByReason(scope, range)
  return {
    people: reasons.reduce((sum, { people }) => sum + people, 0),
    reasons: reasons.map(({ reason, people, oldest, hour, day, week }) => ({
      reason,
      people,
      oldestSince: oldest,
      age: { hour, day: day - hour, week: week - day, longer: people - week },
    })),
  }
}

async function freshness(scope: Scope, range: Range): Promise<object> {
  const rows = await freshnessByConnection(scope, range)
  return {
    connections: rows.map(({ id, name, last_request, last_change, changes, failures }) => ({
      id,
      name,
      ...(last_request && { lastRequestAt: last_request }),
      ...(last_change && { lastChangeAt: last_change }),
      changes,
      failures,
      quarantine: quarantineOf({ attempts: changes + failures, failures }),
    })),
  }
}
