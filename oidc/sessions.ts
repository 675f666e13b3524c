import type { CookieSerializeOptions } from '@fastify/cookie'
import type { OidcOptions, Organization } from './ports.ts'
import type { Visit } from './visit.ts'

/** Lax, since the provider's answer comes from another site; for the whole host and none beside it. */
export function cookieOptions({ publicUrl }: OidcOptions): CookieSerializeOptions {
  return { path: '/', httpOnly: true, sameSite: 'lax', secure: isSecure(publicUrl) }
}

/** `__Host-` keeps other hosts of the domain from planting the cookie; browsers grant it to https alone. */
export function cookieName({ options }: Visit, name: string): string {
  return isSecure(options.publicUrl) ? `__Host-${name}` : name
}

export function setSession({ options, reply }: Visit, session: { token: string; expiresAt: Date }): void {
  reply.setCookie(options.sessionCookie, session.token, {
    ...cookieOptions(options),
    expires: session.expiresAt,
  })
}

export function readSession({ options, request }: Visit): string | undefined {
  return request.cookies[options.sessionCookie] || undefined
}

export function clearSession({ options, reply }: Visit): void {
  reply.clearCookie(options.sessionCookie, cookieOptions(options))
}

/** Seconds in which somebody comes back from signing out at the provider. */
const BACK_WITHIN = 600
const LEFT = 'usher-left'

/** Keeps whose session this browser has ended, for the page after: the provider says nothing of it. */
export function rememberLeft(visit: Visit, { slug }: Organization): void {
  const options = { ...cookieOptions(visit.options), maxAge: BACK_WITHIN }
  visit.reply.setCookie(cookieName(visit, LEFT), slug, options)
}

export function organizationLeft(visit: Visit): string | undefined {
  return visit.request.cookies[cookieName(visit, LEFT)] || undefined
}

function isSecure(publicUrl: string): boolean {
  return publicUrl.startsWith('https:')
}
