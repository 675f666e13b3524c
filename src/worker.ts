import {
  endings,
  organizationsToSeeOff,
  organizationsToTidy,
  organizationsWithEnds,
  organizationsWithRequests,
  removeExpired,
  removeRequests,
  requestBeyond,
  takeLease,
} from '../db/index.ts'
import { type RecheckHost, recheckDomains } from './domains/recheck.ts'
import { idAt, newId } from './ids.ts'
import { runCaptures } from './provisioning/capture.ts'
import { seeOffIn } from './provisioning/departures.ts'
import { reviewAttributes } from './provisioning/overrides.ts'
import { retryHeld } from './provisioning/retry.ts'
import { rollOut } from './provisioning/rollout.ts'
import { userNameKey } from './translate/user-name.ts'

export interface WorkerHost extends RecheckHost {
  readonly log: { warn(what: object, message: string): void }
}

const MINUTE = 60_000
const EVERY = 10 * MINUTE
/** A little less, so that whoever comes next finds it free. */
const LEASE = EVERY - MINUTE

const CAPTURES_EVERY = 10_000
/** How late an override may end. */
const ATTRIBUTES_EVERY = MINUTE
/** How soon whoever is held is tried again once there is another policy. */
const RETRY_EVERY = 10_000
/** How soon a changed rule begins to be put into effect. */
const ROLLOUT_EVERY = 2000

/** What is to be done from time to time, by one process of all. Returns what stops it, once it has come to rest. */
export function startWorker(host: WorkerHost): () => Promise<void> {
  const stop = new AbortController()
  const holder = newId()
  const stops = [
    repeat(host, EVERY, () => workOnce(host, holder, stop.signal)),
    repeat(host, CAPTURES_EVERY, () => captureOnce(host, holder, stop.signal)),
    repeat(host, ATTRIBUTES_EVERY, () => attributesOnce(host, holder, stop.signal)),
    // By all of them: each batch is claimed, and one that is lost is another's.
    repeat(host, ROLLOUT_EVERY, () => rollOut(host, stop.signal)),
    repeat(host, RETRY_EVERY, () => retryHeld(host, stop.signal)),
  ]
  return async () => {
    stop.abort()
    await Promise.all(stops.map((end) => end()))
  }
}

/** Works now and at intervals, never twice at once. */
function repeat(host: WorkerHost, every: number, work: () => Promise<void>): () => Promise<void> {
  let round: Promise<void> | undefined
  const begin = () => {
    round ??= work()
      .catch((err: unknown) => host.log.warn({ err }, 'a round of the worker failed'))
      .finally(() => {
        round = undefined
      })
  }
  begin()
  const timer = setInterval(begin, every)
  timer.unref()
  return async () => {
    clearInterval(timer)
    await round
  }
}

/** What is past its end counts for nothing already; now it is gone, and what tests found out about people with it. */
async function tidy({ db }: WorkerHost, now: Date, stop: AbortSignal): Promise<void> {
  for (const organizationId of await organizationsToTidy(db, now)) {
    const scope = { db, organizationId, now, actor: 'system', requestId: '' }
    for (const table of endings) while (!stop.aborted && (await removeExpired(scope, table)));
  }
}

/** What follows of its own when people leave, are suspended for long or stay too long. */
async function seeOff({ db, log }: WorkerHost, now: Date, stop: AbortSignal): Promise<void> {
  for (const organizationId of await organizationsToSeeOff(db)) {
    if (stop.aborted) return
    const scope = { db, organizationId, now, actor: 'system', requestId: '' }
    // What is wrong in one organization is not to keep the others waiting.
    await seeOffIn(scope, stop).catch((err: unknown) =>
      log.warn({ err, organizationId }, 'seeing people off failed'),
    )
  }
}

const DAY = 24 * 60 * MINUTE
/** How long a request stays noted, and how many of one organization do. */
const REQUESTS_KEPT_FOR = 30 * DAY
const MOST_REQUESTS = 100_000

async function forgetRequests({ db }: WorkerHost, now: Date, stop: AbortSignal): Promise<void> {
  const tooOld = idAt(new Date(now.getTime() - REQUESTS_KEPT_FOR))
  for (const organizationId of await organizationsWithRequests(db)) {
    const of = { db, organizationId }
    const tooMany = await requestBeyond(of, MOST_REQUESTS)
    const last = tooMany !== null && tooMany > tooOld ? tooMany : tooOld
    while (!stop.aborted && (await removeRequests(of, last)));
  }
}

/** One round, unless another process has done it a moment ago. */
export async function workOnce(host: WorkerHost, holder: string, stop: AbortSignal): Promise<void> {
  const now = host.clock()
  const until = new Date(now.getTime() + LEASE)
  if (!(await takeLease(host.db, { name: 'domains', holder, now, until }))) return
  await tidy(host, now, stop)
  await seeOff(host, now, stop)
  await forgetRequests(host, now, stop)
  await recheckDomains(host, stop)
}

/** Brings people on into the organizations that have their domains; two at once would do nothing twice. */
export async function captureOnce(host: WorkerHost, holder: string, stop: AbortSignal): Promise<void> {
  const now = host.clock()
  const until = new Date(now.getTime() + CAPTURES_EVERY / 2)
  if (!(await takeLease(host.db, { name: 'captures', holder, now, until }))) return
  await runCaptures({ db: host.db, clock: host.clock, userNameKey }, stop)
}

/** Ends overrides whose time is over, and hears the sources of attributes by a changed policy. */
export async function attributesOnce(host: WorkerHost, holder: string, stop: AbortSignal): Promise<void> {
  const { db, log } = host
  const now = host.clock()
  const until = new Date(now.getTime() + ATTRIBUTES_EVERY / 2)
  if (!(await takeLease(db, { name: 'attributes', holder, now, until }))) return
  for (const organizationId of await organizationsWithEnds(db, now)) {
    if (stop.aborted) return
    const scope = { db, organizationId, now, actor: 'system', requestId: '' }
    await reviewAttributes(scope, stop).catch((err: unknown) =>
      log.warn({ err, organizationId }, 'attributes were not looked at'),
    )
  }
}
