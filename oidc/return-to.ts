import { refused } from './errors.ts'

/** What a proxy or browser on the way could take for the start of an authority, or for a line of its own. */
const DISGUISED = /^\/[/\\@]|[\p{Cc}\p{Cs}\\]/u

/**
 * The page of this service to end at, as a path. Nobody gets a link with an odd one by honest means, so it is
 * refused rather than replaced. The rules:
 * - a path that begins with one slash, or an address on this very origin;
 * - no backslash, no control character, no user information, no second slash at the start: not as it is written,
 *   not percent-decoded once or twice, and not when its dots are resolved (`/x/..//evil`).
 */
export function checkReturnTo(value: string | undefined, publicUrl: string): string {
  if (value === undefined || value === publicUrl) return '/'
  const path = value.startsWith(`${publicUrl}/`) ? value.slice(publicUrl.length) : value
  if (path.length > 2048 || !path.startsWith('/') || isDisguised(path)) throw refused('invalid_return_to')
  const url = new URL(path, publicUrl)
  const resolved = url.pathname + url.search + url.hash
  if (url.origin !== new URL(publicUrl).origin || isDisguised(resolved)) throw refused('invalid_return_to')
  return resolved
}

function isDisguised(path: string): boolean {
  return decodings(path).some((text) => DISGUISED.test(text))
}

function decodings(text: string): string[] {
  const once = decode(text)
  return [text, once, decode(once)]
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    // Not all of it is UTF-8; what is dangerous is ASCII.
    return text.replace(/%[0-7][\da-f]/gi, (one) => decodeURIComponent(one))
  }
}
