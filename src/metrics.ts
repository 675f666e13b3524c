import { Counter, collectDefaultMetrics, Histogram, Registry } from 'prom-client'

export type SignalSource = 'backchannel-logout' | 'frontchannel-logout' | 'signal' | 'scim'

/** Notes that what was said at that time holds now: whoever it is about is refused from here on. */
export type Applied = (source: SignalSource, saidAt: Date) => void

export interface Metrics {
  readonly applied: Applied
  /** Notes that were lost of requests that were answered. */
  readonly requestsLost: (requests: number) => void
  readonly contentType: string
  /** In the text format of Prometheus. Its labels name no organization and nobody. */
  text(): Promise<string>
}

const BUCKETS = [0.01, 0.05, 0.1, 0.5, 1, 2, 5, 10, 30, 60, 300, 900, 3600]

export function createMetrics(clock: () => Date): Metrics {
  const registry = new Registry()
  const signals = new Histogram({
    name: 'usher_signal_seconds',
    help: 'From when it was said that somebody goes until they are refused.',
    labelNames: ['source'],
    buckets: BUCKETS,
    registers: [registry],
  })
  const lost = new Counter({
    name: 'usher_requests_not_noted_total',
    help: 'Notes of requests that were lost, each of one or of many alike.',
    registers: [registry],
  })
  return {
    requestsLost: (requests) => lost.inc(requests),
    // A clock that is ahead of ours says nothing of how long it took.
    applied: (source, saidAt) =>
      signals.observe({ source }, Math.max(0, (clock().getTime() - saidAt.getTime()) / 1000)),
    contentType: registry.contentType,
    text: () => Registry.merge([ofProcess(), registry]).metrics(),
  }
}

let watched: Registry | undefined

/** What is watched of the process, which is one however many services it runs; from when it is first asked for. */
function ofProcess(): Registry {
  if (watched) return watched
  watched = new Registry()
  collectDefaultMetrics({ register: watched })
  return watched
}
