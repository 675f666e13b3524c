import { buildEndSessionUrl } from 'openid-client'
import { approvedProvider } from './approved.ts'
import { configure } from './client.ts'
import { OidcError, refused } from './errors.ts'
import { clearSession, readSession } from './sessions.ts'
import { html, type Visit } from './visit.ts'

const DONE = '/logout/done'

/** `GET /logout` asks and ends nothing: a link or an image on another site must not sign anybody out. */
export async function askToLogOut(visit: Visit): Promise<unknown> {
  const { options, request, reply } = visit
  if (!readSession(visit)) return reply.redirect(DONE, 303)
  const page = options.pages(request).confirmSignOut?.()
  return page === undefined ? reply.redirect('/', 303) : html(reply, page)
}

/** `POST /logout`: ends the session here, then at the provider where it can (RP-Initiated Logout). */
export async function logout(visit: Visit): Promise<unknown> {
  checkSameOrigin(visit)
  const token = readSession(visit)
  const ended = token === undefined ? null : await visit.options.store.endSession(token)
  clearSession(visit)
  return visit.reply.redirect((ended && (await providerLogout(visit, ended))) ?? DONE, 303)
}

/** `GET /logout/done`, where the provider sends people back to. */
export async function loggedOut({ options, request, reply }: Visit): Promise<unknown> {
  return html(reply, options.pages(request).signedOut())
}

/** `Sec-Fetch-Site` decides where it is sent; `Origin` is `null` on pages with a strict referrer policy. */
function checkSameOrigin({ request, options }: Visit): void {
  const site = request.headers['sec-fetch-site']
  const { origin } = request.headers
  const same = site === undefined ? origin === new URL(options.publicUrl).origin : site === 'same-origin'
  if (!same) throw refused('cross_site')
}

interface EndedSession {
  readonly connectionId: string
  readonly idToken?: string
}

async function providerLogout(visit: Visit, { connectionId, idToken }: EndedSession): Promise<string | null> {
  const { options, request } = visit
  const connection = await options.store.connection(connectionId)
  if (!connection) return null
  try {
    const provider = await approvedProvider(visit, connection)
    if (!provider.metadata.end_session_endpoint) return null
    return buildEndSessionUrl(configure(connection, provider), {
      post_logout_redirect_uri: options.publicUrl + DONE,
      ...(idToken !== undefined && { id_token_hint: idToken }),
    }).href
  } catch (error) {
    // The session here is over already; a provider that is out of reach keeps nobody from leaving.
    const detail = error instanceof OidcError ? error.refusal.detail : 'no answer in time'
    request.log.warn({ connectionId, detail }, 'no sign-out at the provider')
    return null
  }
}
