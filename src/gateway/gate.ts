import { setTimeout as pause } from 'node:timers/promises'
import { ScimError } from '../../scim/index.ts'
import { createMeter } from '../limits.ts'

/** Who comes in: an organization, and how many requests a second it may have served; null for as many as can be. */
export interface Arrival {
  readonly owner: string
  readonly requestsPerSecond: number | null
  readonly now: Date
}

/** `request` is any object that stands for the request. */
export interface Gate {
  /** Nothing where it may go on at once; a 429 where it may not in time. */
  enter(request: object, arrival: Arrival): Promise<void> | undefined
  /**
   * Counts what one that is in asks for as so many requests more, before it is begun: all or, by a 429, none of it.
   * What is beyond the limit is made up for by whoever comes next.
   */
  count(arrival: Arrival, times: number): Promise<void> | undefined
  /** When it is over, even while it still waits. */
  leave(request: object): void
}

export interface GateSettings {
  /** Most requests in flight: of the process, and fewer of one organization, so that another always finds room. */
  readonly most: number
  readonly mostOfOne: number
  /** Most of one organization that wait for others to leave, and for how many milliseconds. */
  readonly mostWaiting: number
  readonly patience: number
  /** How many milliseconds one waits that comes faster than the limit of its organization. */
  readonly limitPatience: number
}

interface Line {
  readonly owner: string
  /** In the order in which they came. */
  readonly waiting: Set<Place>
  inFlight: number
}

/** Where a request keeps its place; a WeakMap beside it would cost more than the rest of the gate. */
const PLACE = Symbol('place at the gate')

interface Guest {
  [PLACE]?: Place
}

interface Place {
  readonly owner: string
  state: 'waiting' | 'in' | 'over'
  line?: Line
  /** Ends its waiting. */
  call?: () => void
}

const usual: GateSettings = {
  most: 48,
  mostOfOne: 32,
  mostWaiting: 256,
  patience: 10_000,
  limitPatience: 2000,
}

/** Lines that are kept though nobody is in them, since most are soon entered again. */
const MOST_IDLE = 1000

/** What the organizations of a process share. */
interface Hall extends GateSettings {
  readonly lines: Map<string, Line>
  /** Lines that wait; the first is whose turn it is. */
  readonly turns: Set<Line>
  inFlight: number
}

/** Organizations that share a process take turns: what one asks for does not stand in the way of another. */
export function createGate(settings: GateSettings = usual): Gate {
  const hall: Hall = { ...settings, lines: new Map(), turns: new Set(), inFlight: 0 }
  const meter = createMeter()
  const delayOf = ({ owner, requestsPerSecond: perSecond, now }: Arrival, times: number): number => {
    if (perSecond === null) return 0
    const at = { now, patience: hall.limitPatience, times }
    const delay = meter.take(owner, { burst: perSecond, perSecond }, at)
    if (delay > hall.limitPatience) throw tooMany(delay)
    return delay
  }
  return {
    enter(request: Guest, arrival) {
      // It is over already: its client went away while it was asked who that is.
      if (request[PLACE]) throw tooMany()
      const delay = delayOf(arrival, 1)
      const place: Place = { owner: arrival.owner, state: 'waiting' }
      request[PLACE] = place
      return delay > 0 ? joinLater(hall, place, delay) : join(hall, place)
    },
    count(arrival, times) {
      const delay = times > 0 ? delayOf(arrival, times) : 0
      return delay > 0 ? pause(delay) : undefined
    },
    leave(request: Guest) {
      const place = request[PLACE]
      if (place) end(hall, place)
      else request[PLACE] = { owner: '', state: 'over' }
    },
  }
}

async function joinLater(hall: Hall, place: Place, delay: number): Promise<void> {
  await pause(delay)
  if (place.state === 'over') throw tooMany()
  await join(hall, place)
}

function join(hall: Hall, place: Place): Promise<void> | undefined {
  const line = lineOf(hall, place.owner)
  place.line = line
  if (hall.inFlight < hall.most && line.inFlight < hall.mostOfOne && line.waiting.size === 0) {
    admit(hall, place)
    return undefined
  }
  if (line.waiting.size >= hall.mostWaiting) throw tooMany()
  line.waiting.add(place)
  hall.turns.add(line)
  return called(place, hall.patience)
}

function lineOf({ lines }: Hall, owner: string): Line {
  const line = lines.get(owner) ?? { owner, waiting: new Set(), inFlight: 0 }
  lines.set(owner, line)
  return line
}

function admit(hall: Hall, place: Place): void {
  place.state = 'in'
  hall.inFlight++
  if (place.line) place.line.inFlight++
  place.call?.()
}

async function called(place: Place, patience: number): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, patience)
    place.call = () => resolve(clearTimeout(timer))
  })
  if (place.state === 'in') return
  place.state = 'over'
  place.line?.waiting.delete(place)
  throw tooMany()
}

function end(hall: Hall, place: Place): void {
  const { state, line } = place
  place.state = 'over'
  if (state === 'waiting') place.call?.()
  if (state !== 'in' || !line) return
  line.inFlight--
  hall.inFlight--
  if (hall.turns.size > 0) callNext(hall)
  const isIdle = line.inFlight === 0 && line.waiting.size === 0
  if (isIdle && hall.lines.size > MOST_IDLE) hall.lines.delete(line.owner)
}

/** Whose turn it was goes to the end of the turns. */
function callNext(hall: Hall): void {
  for (const line of hall.turns) {
    if (hall.inFlight >= hall.most) return
    const [place] = line.waiting
    if (place && line.inFlight >= hall.mostOfOne) continue
    hall.turns.delete(line)
    if (!place) continue
    line.waiting.delete(place)
    if (line.waiting.size > 0) hall.turns.add(line)
    admit(hall, place)
  }
}

const tooMany = (milliseconds = 1000) =>
  new ScimError('tooManyRequests', undefined, { retryAfter: Math.ceil(milliseconds / 1000) })
