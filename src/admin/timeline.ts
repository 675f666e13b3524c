import {
  type EventRow,
  eventsOf,
  findRequests,
  type RequestRow,
  requestsWithoutEvent,
  type Scope,
} from '../../db/index.ts'
import { isUuid } from '../ids.ts'
import { requestLine } from './requests.ts'
import { timelineView } from './views.ts'

/** An event, with the request behind it while that is noted; or a request that nothing came of. */
export type Moment =
  | { readonly id: string; readonly event: EventRow; readonly request: RequestRow | undefined }
  | { readonly id: string; readonly request: RequestRow; readonly event?: undefined }

/** What happened to somebody, and what was sent about them to no avail: the newest first. */
export async function momentsOf(
  scope: Scope,
  userId: string,
  page: { before?: string; limit: number },
): Promise<Moment[]> {
  const [events, silent] = await Promise.all([
    eventsOf(scope, userId, page),
    requestsWithoutEvent(scope, userId, page),
  ])
  const requests = await requestsBehind(scope, events)
  const moments: Moment[] = [
    ...events.map((event) => ({ id: event.id, event, request: requests.get(event.request_id ?? '') })),
    ...silent.map((request) => ({ id: request.id, request })),
  ]
  return moments.sort((a, b) => (a.id < b.id ? 1 : -1)).slice(0, page.limit)
}

/** By their ids, those that are still noted. */
export async function requestsBehind(
  scope: Scope,
  events: readonly EventRow[],
): Promise<ReadonlyMap<string, RequestRow>> {
  const ids = events.flatMap(({ request_id: id }) => (id !== null && isUuid(id) ? [id] : []))
  return new Map((ids.length > 0 ? await findRequests(scope, ids) : []).map((row) => [row.id, row]))
}

export function momentView({ event, request }: Moment): object {
  return event ? timelineView(event, request) : silentView(request)
}

function silentView(request: RequestRow): object {
  const { id, at, kind, connection_id, status } = request
  const isRefused = status === null || status >= 400
  return {
    id,
    at,
    type: isRefused ? 'request.refused' : 'request.unchanged',
    actor: `${kind}:${connection_id}`,
    summary: isRefused ? refusalOf(request) : `${whatIs(request)} changed nothing`,
    requestId: id,
    request: requestLine(request),
  }
}

const whatIs = ({ kind, method, path }: RequestRow) => (kind === 'scim' ? `${method} ${path}` : `A ${kind}`)

function refusalOf(request: RequestRow): string {
  const { status, code, detail } = request
  if (status === null) return `${whatIs(request)} was given up by whoever asked`
  const why = [code, detail].filter((part) => part !== null).join(', ')
  return `${whatIs(request)} was refused: ${status}${why && ` ${why}`}`
}
