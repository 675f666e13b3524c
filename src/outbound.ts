import dns from 'node:dns'
import { BlockList, isIP, type LookupFunction } from 'node:net'
import { Agent } from 'undici'
import { OutboundError } from './outbound/error.ts'
import { perform } from './outbound/perform.ts'

export { type OutboundCode, OutboundError } from './outbound/error.ts'

export interface Outbound {
  /** Like the global one, but guarded; a redirect is returned as it is, the body has been read. */
  readonly fetch: typeof fetch
  /** True for an http address that an exception names. */
  allowInsecure(url: URL): boolean
  close(): Promise<void>
}

export interface OutboundSettings {
  /** Exceptions: `host`, `host:port`, or CIDR. */
  readonly allow: readonly string[]
  /** For headers and body together, in milliseconds. */
  readonly deadline?: number
  /** Of the body, decompressed. */
  readonly maxBytes?: number
  readonly lookup?: LookupFunction
}

const SECOND = 1000
const MIB = 1024 * 1024
/** To one origin at a time, so that what one takes in memory has a bound; who is over it waits within the deadline. */
const connections = 64
const PORTS = ['', '443', '8443']
/** RFC 6761 section 6.3, whatever a resolver makes of it. */
const LOOPBACK_NAME = /(^|\.)localhost\.?$/

/** Not public by the IANA special-purpose registry: this host, private, CGNAT, loopback, link-local, documentation … */
const SPECIAL_V4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
]
/** Only global unicast is public: that leaves out loopback, ULA, link-local, multicast, `::ffff:` mapped and NAT64. */
const GLOBAL_V6 = ['2000::/3']
/** Inside it: IETF assignments with Teredo, documentation, and 6to4, which carries an IPv4 address. */
const SPECIAL_V6 = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20']

const special = networks([...SPECIAL_V4, ...SPECIAL_V6])
const globalV6 = networks(GLOBAL_V6)

/** A fetch for addresses that others set: it reaches public addresses and named exceptions, nothing else. */
export function createOutbound(settings: OutboundSettings): Outbound {
  const { deadline = 5 * SECOND, maxBytes = MIB, lookup = dns.lookup } = settings
  const allow = parseAllow(settings.allow)
  const guarded = new Agent({
    connections,
    connect: { lookup: checkedLookup(lookup, allow), timeout: deadline },
  })
  // An exception may name one port of a host, and a lookup does not know the port: hence an agent of their own.
  const excepted = new Agent({ connections, connect: { lookup, timeout: deadline } })

  const guardedFetch: typeof fetch = async (input, init) => {
    const url = checkUrl(input, allow)
    const dispatcher = allow.names(url) ? excepted : guarded
    return perform({ url, input, init }, { dispatcher, deadline, maxBytes })
  }
  return {
    fetch: guardedFetch,
    allowInsecure: (url) => url.protocol === 'http:' && allow.names(url),
    close: async () => {
      await Promise.all([guarded.close(), excepted.close()])
    },
  }
}

interface Allow {
  /** Whether an exception names the host of this URL. A CIDR names hosts that are written as an address in it. */
  names(url: URL): boolean
  holds(address: string): boolean
}

function parseAllow(entries: readonly string[]): Allow {
  const ranges = networks(entries.filter((entry) => entry.includes('/')))
  const hosts = new Set(entries.filter((entry) => !entry.includes('/')).map(canonicalHost))
  const holds = (address: string) => contains(ranges, address)
  return {
    names: (url) =>
      hosts.has(url.hostname) || hosts.has(`${url.hostname}:${portOf(url)}`) || holds(bare(url.hostname)),
    holds,
  }
}

/** As a URL writes it: lower case, IPv6 in brackets. */
function canonicalHost(entry: string): string {
  const text = isIP(entry) === 6 ? `[${entry}]` : entry
  const url = URL.canParse(`http://${text}`) ? new URL(`http://${text}`) : null
  if (!url?.hostname || url.href !== `http://${url.host}/`) throw badException(entry)
  return /:\d+$/.test(text) ? `${url.hostname}:${portOf(url)}` : url.hostname
}

function networks(cidrs: readonly string[]): BlockList {
  const list = new BlockList()
  for (const cidr of cidrs) {
    const [address = '', bits = '', ...rest] = cidr.split('/')
    const family = isIP(address)
    if (!family || rest.length > 0 || !/^\d{1,3}$/.test(bits)) throw badException(cidr)
    if (Number(bits) > (family === 4 ? 32 : 128)) throw badException(cidr)
    list.addSubnet(address, Number(bits), family === 4 ? 'ipv4' : 'ipv6')
  }
  return list
}

function badException(entry: string): TypeError {
  return new TypeError(`not a host, host:port or CIDR: ${entry}`)
}

function contains(list: BlockList, address: string): boolean {
  const family = isIP(address)
  if (family === 0 || address.includes('%')) return false
  return list.check(address, family === 4 ? 'ipv4' : 'ipv6')
}

function isPublic(address: string): boolean {
  if (contains(special, address)) return false
  return isIP(address) === 4 || contains(globalV6, address)
}

function portOf(url: URL): string {
  return url.port || (url.protocol === 'https:' ? '443' : '80')
}

function bare(hostname: string): string {
  return hostname.startsWith('[') ? hostname.slice(1, -1) : hostname
}

/** What can be said before resolving. An address literal is judged here, since connecting to one asks no lookup. */
function checkUrl(input: string | URL | Request, allow: Allow): URL {
  const text = input instanceof Request ? input.url : String(input)
  if (!URL.canParse(text)) throw new OutboundError('outbound_url', 'not a URL')
  const url = new URL(text)
  const refuse = (why: string) => new OutboundError('outbound_url', `${why}: ${url.host}`)
  if (url.username || url.password) throw refuse('credentials in the URL')
  const host = bare(url.hostname)
  // 2130706433 and 0177.1 are 127.0.0.1 to the parser: nobody honest writes an address like that.
  if (isIP(host) === 4 && !text.includes(host)) throw refuse('address in disguise')
  if (allow.names(url) && /^https?:$/.test(url.protocol)) return url
  if (url.protocol !== 'https:') throw refuse('only https')
  if (!PORTS.includes(url.port)) throw refuse('only ports 443 and 8443')
  if ((isIP(host) && !isPublic(host)) || LOOPBACK_NAME.test(host)) throw addressRefused(host)
  return url
}

/** The socket connects to what this returns, so an answer that changes after the check changes nothing. */
function checkedLookup(lookup: LookupFunction, allow: Allow): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, found) => {
      if (error) return callback(error, [])
      const addresses = Array.isArray(found) ? found : [{ address: found, family: isIP(found) }]
      const first = addresses[0]
      // One private address among public ones is a trap, too: all of them must pass.
      if (!first || !addresses.every(({ address }) => isPublic(address) || allow.holds(address))) {
        return callback(addressRefused(hostname), [])
      }
      return options.all ? callback(null, addresses) : callback(null, first.address, first.family)
    })
  }
}

function addressRefused(host: string): OutboundError {
  return new OutboundError('outbound_address', `not a public address: ${host}`)
}
