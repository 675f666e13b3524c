import { Resolver } from 'node:dns/promises'

/** Nobody answers for a name: that says nothing about its records. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer'
}

/** The texts of the TXT records at a name; none where there is no such name. Throws `NoAnswer`. */
export type ResolveTxt = (name: string) => Promise<string[]>

/** No such name, or none of this type. */
const ABSENT = ['ENOTFOUND', 'ENODATA']

/** Asks name servers: those of this machine, unless others are given as `address:port`. */
export function dnsRecords(servers?: readonly string[]): ResolveTxt {
  const resolver = new Resolver({ timeout: 2000, tries: 2 })
  if (servers) resolver.setServers(servers)
  return async (name) => {
    try {
      // A text of over 255 bytes comes in parts (RFC 7208 section 3.3).
      return (await resolver.resolveTxt(name)).map((parts) => parts.join(''))
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : ''
      if (ABSENT.includes(code)) return []
      throw new NoAnswer(`no answer for ${name}: ${code}`, { cause: error })
    }
  }
}

/** The record by which an organization shows that a domain is its own. */
export interface Proof {
  readonly type: 'TXT'
  readonly name: string
  readonly value: string
}

export function proofOf({ domain, challenge }: { domain: string; challenge: string }): Proof {
  return { type: 'TXT', name: `_usher-challenge.${domain}`, value: `usher-verification=${challenge}` }
}
