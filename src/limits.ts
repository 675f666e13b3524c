import { isIP } from 'node:net'

/** So many at once, and then so many a second. */
export interface Pace {
  readonly burst: number
  readonly perSecond: number
}

export interface Meter {
  /**
   * Milliseconds until `key` may: 0 is at once. It is counted where that is within `patience`, and then it may after
   * that time; otherwise nothing is counted. Of many `times` at once the first is what is waited for.
   */
  take(key: string, pace: Pace, at: { now: Date; patience?: number; times?: number }): number
  /** As if one that was counted had not been. */
  giveBack(key: string, pace: Pace): void
}

const SECOND = 1000
const MOST_KEYS = 10_000

/** Keeps many keys to their paces by the generic cell rate algorithm: one number each, the oldest forgotten. */
export function createMeter(): Meter {
  // When the burst of a key would be whole again.
  const whole = new Map<string, number>()
  return {
    take(key, { burst, perSecond }, { now, patience = 0, times = 1 }) {
      const time = now.getTime()
      const after = Math.max(time, whole.get(key) ?? 0) + SECOND / perSecond
      const wait = Math.max(0, Math.ceil(after - time - (burst * SECOND) / perSecond))
      if (wait > patience) return wait
      whole.delete(key)
      whole.set(key, after + ((times - 1) * SECOND) / perSecond)
      const [oldest] = whole.keys()
      if (whole.size > MOST_KEYS && oldest !== undefined) whole.delete(oldest)
      return wait
    },
    giveBack(key, { perSecond }) {
      const at = whole.get(key)
      if (at !== undefined) whole.set(key, at - SECOND / perSecond)
    },
  }
}

/**
 * Where somebody asks from: an address, or of IPv6 the /64 that one host may have all of. A proxy may say the port as
 * well; whatever it says that is no address is one place.
 */
export function networkOf(address: string): string {
  const bare = /^(?:\[(.+)\]|([\d.]+))(?::\d+)?$/.exec(address)
  const plain = (bare?.[1] ?? bare?.[2] ?? address).replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '')
  if (isIP(plain) === 0) return 'unknown'
  if (isIP(plain) === 4) return plain
  const [head = '', tail = ''] = plain.split('::')
  const [before, after] = [head, tail].map((part) => part.split(':').filter(Boolean)) as [string[], string[]] // two in, two out
  const zeros = plain.includes('::')
    ? Array<string>(Math.max(0, 8 - before.length - after.length)).fill('0')
    : []
  const groups = [...before, ...zeros, ...after].slice(0, 4)
  return `${groups.map((group) => Number.parseInt(group, 16).toString(16)).join(':')}::/64`
}

export interface Failures {
  /** Counts a failed attempt; seconds after which to try again where there were too many, else 0. */
  count(attempt: { address: string; organizationId?: string; now: Date }): number
}

const LOOKUPS: Pace = { burst: 20, perSecond: 0.5 }

/** Seconds until an address may look for the organization of another domain; 0 is now, which is counted. */
export type Lookups = (asked: { readonly address: string; readonly now: Date }) => number

/** Keeps anybody from reading out whose customers there are, domain by domain. */
export function paceLookups(): Lookups {
  const meter = createMeter()
  return ({ address, now }) => Math.ceil(meter.take(networkOf(address), LOOKUPS, { now }) / SECOND)
}

const PUSHES: Pace = { burst: 60, perSecond: 2 }

/** The same for having one connection's provider asked, which costs that provider something. */
export function pacePushes(): (asked: Parameters<Lookups>[0] & { connectionId: string }) => number {
  const meter = createMeter()
  return ({ address, connectionId, now }) =>
    Math.ceil(meter.take(`${connectionId} ${networkOf(address)}`, PUSHES, { now }) / SECOND)
}

interface Redemption {
  readonly address: string
  readonly connectionId: string
}

export interface Redemptions {
  /** Seconds until an address may have a provider asked what a code is worth; 0 is now, which is counted. */
  wait(of: Redemption & { readonly now: Date }): number
  /** It was worth a person: people come in by the thousand from the address of one company. */
  succeeded(of: Redemption): void
}

/** Keeps anybody from having the provider of a connection asked about codes that they have made up. */
export function paceRedemptions(): Redemptions {
  const meter = createMeter()
  const keyOf = ({ address, connectionId }: Redemption) => `${connectionId} ${networkOf(address)}`
  return {
    wait: ({ now, ...of }) => Math.ceil(meter.take(keyOf(of), PUSHES, { now }) / SECOND),
    succeeded: (of) => meter.giveBack(keyOf(of), PUSHES),
  }
}

const OF_AN_ADDRESS: Pace = { burst: 50, perSecond: 0.5 }
const OF_AN_ORGANIZATION: Pace = { burst: 200, perSecond: 2 }

/**
 * Failed attempts by where they come from and whom they are after. Secrets of 256 bits are not guessed, so this only
 * sends scanners away: what is valid is served whatever others did from its address or against its organization.
 */
export function countFailures(): Failures {
  const [addresses, organizations] = [createMeter(), createMeter()]
  return {
    count({ address, organizationId, now }) {
      const byAddress = addresses.take(networkOf(address), OF_AN_ADDRESS, { now })
      const byOrganization =
        organizationId === undefined ? 0 : organizations.take(organizationId, OF_AN_ORGANIZATION, { now })
      return Math.ceil(Math.max(byAddress, byOrganization) / SECOND)
    },
  }
}
