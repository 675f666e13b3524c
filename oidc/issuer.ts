import { refused } from './errors.ts'

const ENTRA_HOSTS = [
  'login.microsoftonline.com',
  'login.microsoftonline.us',
  'login.partner.microsoftonline.cn',
]
/** Names for any tenant, and that of personal accounts: whoever has one at Microsoft would be of this organization. */
const ENTRA_SHARED = /^\/(common|organizations|consumers|9188040d-6c67-4c5b-b112-36a304b66dad)(\/|$)/i

/**
 * An issuer identifier (Discovery section 2): a URL without query and fragment. `/.well-known/` in it would
 * switch off openid-client's comparison of issuers.
 */
export function checkIssuer(issuer: string): URL {
  if (!URL.canParse(issuer)) throw refused('provider_metadata', 'issuer is not a URL')
  const url = new URL(issuer)
  if (/[?#\s\\]/.test(issuer)) throw refused('provider_metadata', 'issuer with query, fragment or space')
  if (url.username || url.password) throw refused('provider_metadata', 'issuer with credentials')
  if (/\/\.well-known(\/|$)/i.test(url.pathname))
    throw refused('provider_metadata', 'issuer with .well-known')
  if (ENTRA_HOSTS.includes(url.hostname) && ENTRA_SHARED.test(url.pathname)) {
    throw refused('provider_metadata', 'issuer of any tenant')
  }
  return url
}
