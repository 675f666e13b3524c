import { buildEndSessionUrl } from 'openid-client'
import { approvedProvider } from './approved.ts'
import { configure } from './client.ts'
import { OidcError } from './errors.ts'
import type { OidcConnection } from './ports.ts'
import { clearSession, organizationLeft, readSession, rememberLeft } from './sessions.ts'
import { checkSameOrigin, html, type Visit } from './visit.ts'

const DONE = '/logout/done'

/** `GET /logout` asks and ends nothing: a link or an image on another site must not sign anybody out. */
export async function askToLogOut(visit: Visit): Promise<unknown> {
  const { options, request, reply } = visit
  const token = readSession(visit)
  if (token === undefined) return reply.redirect(DONE, 303)
  const organization = await options.store.organizationOf(token)
  const page = options.pages(request).confirmSignOut?.(organization ?? undefined)
  return page === undefined ? reply.redirect('/', 303) : html(reply, page)
}

/** `POST /logout`: ends the session here, then at the provider where it can (RP-Initiated Logout). */
export async function logout(visit: Visit): Promise<unknown> {
  checkSameOrigin(visit)
  const { store } = visit.options
  const token = readSession(visit)
  const ended = token === undefined ? null : await store.endSession(token)
  clearSession(visit)
  const connection = ended && (await store.connection(ended.connectionId))
  if (!connection) return visit.reply.redirect(DONE, 303)
  rememberLeft(visit, connection.organization)
  return visit.reply.redirect((await providerLogout(visit, connection, ended.idToken)) ?? DONE, 303)
}

/** `GET /logout/done`, where the provider sends people back to. */
export async function loggedOut(visit: Visit): Promise<unknown> {
  const { options, request, reply } = visit
  const slug = organizationLeft(visit)
  const [one] = slug === undefined ? [] : await options.store.connectionsOf(slug)
  return html(reply, options.pages(request).signedOut(one?.organization))
}

async function providerLogout(
  visit: Visit,
  connection: OidcConnection,
  idToken: string | undefined,
): Promise<string | null> {
  const { options, request } = visit
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
    request.log.warn({ connectionId: connection.id, detail }, 'no sign-out at the provider')
    return null
  }
}
