import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { SignInTransaction } from './ports.ts'
import { cookieName, cookieOptions } from './sessions.ts'
import type { Visit } from './visit.ts'

/** How long somebody may take at the provider. */
const LIFETIME_SECONDS = 600
/** Sign-ins that one browser may have open at once; beginning one more forgets the first. */
const PENDING = 8
const PREFIX = 'usher-signin-'

export function secret(): string {
  return randomBytes(32).toString('base64url')
}

export function hash(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

export function expiry({ now }: Visit): Date {
  return new Date(now().getTime() + LIFETIME_SECONDS * 1000)
}

export function begunAt({ expiresAt }: SignInTransaction): Date {
  return new Date(expiresAt.getTime() - LIFETIME_SECONDS * 1000)
}

/** Each sign-in has a cookie of its own, so that two tabs do not disturb one another. */
export function bindToBrowser(visit: Visit, stateHash: Buffer, browser: string): void {
  const { request, reply, options } = visit
  const pending = Object.keys(request.cookies).filter((name) => name.startsWith(cookieName(visit, PREFIX)))
  // Browsers send the oldest first (RFC 6265 section 5.4).
  for (const name of pending.slice(0, Math.max(0, pending.length + 1 - PENDING))) {
    reply.clearCookie(name, cookieOptions(options))
  }
  reply.setCookie(flowCookie(visit, stateHash), browser, {
    ...cookieOptions(options),
    maxAge: LIFETIME_SECONDS,
  })
}

/** The secret that this browser holds for the sign-in, which is thereby over for it, whatever comes of it. */
export function takeFromBrowser(visit: Visit, stateHash: Buffer): string | undefined {
  const name = flowCookie(visit, stateHash)
  const held = visit.request.cookies[name]
  if (held !== undefined) visit.reply.clearCookie(name, cookieOptions(visit.options))
  return held
}

export function isBoundTo(transaction: SignInTransaction, browser: string): boolean {
  const actual = hash(browser)
  return actual.length === transaction.browserHash.length && timingSafeEqual(actual, transaction.browserHash)
}

function flowCookie(visit: Visit, stateHash: Buffer): string {
  return cookieName(visit, PREFIX + stateHash.toString('hex').slice(0, 16))
}
