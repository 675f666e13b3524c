import { domainToASCII } from 'node:url'

const LABEL = /^(?!-)[a-z0-9-]{1,63}(?<!-)$/
/** A top-level domain is never all digits, so no address of a host passes for a domain. */
const TOP = /^[a-z]/

/**
 * A domain as it is compared: in A-labels (IDNA), lower case, without the dot of the root. Null where the text is no
 * domain that mail could go to.
 */
export function domainOf(text: string): string | null {
  if (text.length > 253 || /[^\p{L}\p{M}\p{N}.·-]/u.test(text)) return null
  const ascii = domainToASCII(text.replace(/\.$/, '').normalize('NFC'))
  const labels = ascii.split('.')
  const top = labels.at(-1) ?? ''
  const fits = ascii.length <= 253 && labels.length >= 2 && labels.every((label) => LABEL.test(label))
  return fits && TOP.test(top) ? ascii : null
}

/** The domain of an e-mail address: what follows its one @. Null where it is none. */
export function domainOfAddress(address: string): string | null {
  const [local = '', domain = '', ...rest] = address.split('@')
  const plain = rest.length === 0 && /^[^\s<>()[\]\\,;:"\p{Cc}\p{Cs}]{1,64}$/u.test(local)
  return plain ? domainOf(domain) : null
}
