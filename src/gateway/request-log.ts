import { type Db, failureOf, insertRequests, type NewRequest } from '../../db/index.ts'
import { newId } from '../ids.ts'

/** What others have asked, noted beside the answer: nobody waits for it, and it may be lost. */
export interface RequestLog {
  /** By itself, unless there are too many. */
  note(organizationId: string, request: Described): void
  /** As one of many alike, of which a minute makes one note. */
  count(organizationId: string, request: Described): void
  /** When all that waits is written, or lost. */
  written(): Promise<void>
}

export type Alike = Omit<NewRequest, 'id' | 'times'>

/** A request, of which no more is told than is noted: that costs more than to count it. */
export interface Described {
  /** The same for all that are alike. */
  readonly key: string
  readonly failed: boolean
  readonly alike: () => Alike
  readonly whole: () => NewRequest
}

export interface RequestLogHost {
  readonly db: Db
  readonly clock: () => Date
  /** Told of how many were lost. */
  readonly lost: (requests: number) => void
  readonly log: { warn(what: object, message: string): void }
}

const SECOND = 1000
const MINUTE = 60 * SECOND
/** Most that wait to be written. */
const MOST_WAITING = 5000
/** Of one organization so many are noted each by itself in a second, and so many more that come at once. */
const EACH_SECOND = 50
const BURST = 200
/** Most kinds of alike ones that are counted at once. */
const MOST_COUNTED = 2000
/** Most that failed alike and are noted each by itself, a minute. */
const MOST_FAILED_ALIKE = 100

interface Counted {
  readonly organizationId: string
  readonly alike: Alike
  /** Those that failed and have a note of their own. */
  noted: number
  times: number
}

/** Organizations of which it is known how many notes were lost. */
const MOST_LOSING = 1000

interface Queue extends RequestLogHost {
  /** Rows in JSON, by organization: one statement is of one. */
  readonly rows: Map<string, string[]>
  readonly counted: Map<string, Counted>
  /** How many notes of an organization have been taken that its seconds have not yet paid for. */
  readonly taken: Map<string, number>
  /** How many of an organization were lost, until its log says so. */
  readonly losses: Map<string, number>
  waiting: number
  writing: Promise<void> | undefined
}

export function requestLog(host: RequestLogHost): RequestLog {
  const queue = queueOf(host)
  const soon = timed(SECOND, () => {
    payOff(queue)
    if (queue.taken.size > 0) soon()
    void write(queue)
  })
  const later = timed(MINUTE, () => {
    endCounting(queue)
    soon()
  })
  const count: RequestLog['count'] = (organizationId, request) => {
    const counted = countedOf(queue, organizationId, request)
    if (counted) counted.times++
    else lose(queue, organizationId, 1)
    later()
  }
  return {
    count,
    note(organizationId, request) {
      const taken = queue.taken.get(organizationId) ?? 0
      const full = taken >= BURST || queue.waiting >= MOST_WAITING
      if (full || (request.failed && !isOneOfFew(queue, organizationId, request)))
        return count(organizationId, request)
      queue.taken.set(organizationId, taken + 1)
      append(queue, organizationId, request.whole())
      if (request.failed) later()
      soon()
    },
    written() {
      endCounting(queue)
      return write(queue)
    },
  }
}

const queueOf = (host: RequestLogHost): Queue => ({
  ...host,
  rows: new Map(),
  counted: new Map(),
  taken: new Map(),
  losses: new Map(),
  waiting: 0,
  writing: undefined,
})

function payOff({ taken }: Queue): void {
  for (const [organizationId, notes] of taken)
    if (notes > EACH_SECOND) taken.set(organizationId, notes - EACH_SECOND)
    else taken.delete(organizationId)
}

/** Calls once, that much after it was asked to first. */
function timed(after: number, work: () => void): () => void {
  let timer: NodeJS.Timeout | undefined
  return () => {
    if (timer) return
    timer = setTimeout(() => {
      timer = undefined
      work()
    }, after)
    timer.unref()
  }
}

function countedOf(
  { counted }: Queue,
  organizationId: string,
  { key, alike }: Described,
): Counted | undefined {
  const known = counted.get(key)
  if (known || counted.size >= MOST_COUNTED) return known
  const first = { organizationId, alike: alike(), noted: 0, times: 0 }
  counted.set(key, first)
  return first
}

/** A client that fails again and again, whoever it asks about, is not to push out what others did. */
function isOneOfFew(queue: Queue, organizationId: string, request: Described): boolean {
  const counted = countedOf(queue, organizationId, request)
  return counted !== undefined && counted.noted++ < MOST_FAILED_ALIKE
}

function append(queue: Queue, organizationId: string, request: NewRequest): void {
  const own = queue.rows.get(organizationId) ?? []
  if (own.length === 0) queue.rows.set(organizationId, own)
  own.push(JSON.stringify(request))
  queue.waiting++
}

function endCounting(queue: Queue): void {
  const { counted } = queue
  for (const { organizationId, alike, times } of counted.values()) {
    if (times === 0) continue
    if (queue.waiting < MOST_WAITING) append(queue, organizationId, { ...alike, id: newId(), times })
    else lose(queue, organizationId, times)
  }
  counted.clear()
}

/** One statement after another, so that no more than one connection is taken from those who wait for an answer. */
function write(queue: Queue): Promise<void> {
  queue.writing ??= writeAll(queue).finally(() => {
    queue.writing = undefined
  })
  return queue.writing
}

async function writeAll(queue: Queue): Promise<void> {
  const { db, rows, losses, log } = queue
  for (const [organizationId, own] of rows) {
    rows.delete(organizationId)
    queue.waiting -= own.length
    const known = losses.get(organizationId) ?? 0
    const said = known > 0 ? [...own, JSON.stringify(lossOf(queue, known))] : own
    try {
      await insertRequests({ db, organizationId }, said)
      forgive(queue, organizationId, known)
    } catch (err) {
      lose(queue, organizationId, own.length)
      log.warn({ err }, 'requests were not noted')
      if (failureOf(err)?.kind === 'unavailable') return loseAll(queue)
    }
  }
}

const lossOf = ({ clock }: Queue, times: number): NewRequest => ({
  id: newId(),
  at: clock(),
  kind: 'lost',
  times,
})

/** What was lost while it was said stays to be said. */
function forgive({ losses }: Queue, organizationId: string, said: number): void {
  const left = (losses.get(organizationId) ?? 0) - said
  if (left > 0) losses.set(organizationId, left)
  else losses.delete(organizationId)
}

function lose(queue: Queue, organizationId: string, requests: number): void {
  queue.lost(requests)
  const known = queue.losses.get(organizationId)
  if (known !== undefined || queue.losses.size < MOST_LOSING)
    queue.losses.set(organizationId, (known ?? 0) + requests)
}

/** A database that is away is not waited for once for each organization. */
function loseAll(queue: Queue): void {
  for (const [organizationId, own] of queue.rows) lose(queue, organizationId, own.length)
  queue.waiting = 0
  queue.rows.clear()
}
