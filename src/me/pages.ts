import { html, type Markup } from './html.ts'

interface Refusal {
  readonly code: string
  readonly message: string
  readonly status: number
}

function page(title: string, body: Markup): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<link rel="stylesheet" href="/assets/usher.css">
</head>
<body>
<main>
<h1>${title}</h1>
${body}
</main>
</body>
</html>
`.toString()
}

const address = 'Check the address, or ask an administrator of your organization for it.'

const hints: Readonly<Record<string, string>> = {
  unknown_organization: address,
  unknown_connection: address,
  suspended: 'Ask an administrator of your organization whether this is meant to be so.',
  deprovisioned: 'Ask an administrator of your organization whether this is meant to be so.',
  just_in_time_off: 'Ask an administrator of your organization to assign you to this application.',
  user_name_taken: 'Ask an administrator of your organization to sort out which account is yours.',
  login_taken: 'Ask an administrator of your organization to sort out which account is yours.',
  ambiguous_person: 'Ask an administrator of your organization to sort out which account is yours.',
}

/** A sign-in that did not succeed: what happened, what to do, and the number to quote. */
export function refusedPage(
  { code, message, status }: Refusal,
  { requestId, retry }: { requestId: string; retry?: string },
): string {
  const wait = 'The identity provider has trouble at the moment. Try again in a little while.'
  const hint = hints[code] ?? (status >= 500 ? wait : undefined)
  return page(
    'You are not signed in',
    html`<p>${message}</p>
${hint && html`<p>${hint}</p>`}
${retry && html`<p class="actions"><a class="button" href="${retry}">Try again</a></p>`}
<dl class="fine">
<dt>Reason</dt><dd><code>${code}</code></dd>
<dt>Reference</dt><dd><code>${requestId}</code></dd>
</dl>`,
  )
}

export function signedOutPage(): string {
  return page(
    'You are signed out',
    html`<p>You can close this window, or sign in again at your organization’s own address.</p>`,
  )
}

export function confirmSignOutPage(): string {
  return page(
    'Sign out?',
    html`<p>Your session ends in this browser; nothing of yours is lost.</p>
<form class="actions" method="post" action="/logout">
<button class="button" type="submit">Sign out</button>
<a href="/">Stay signed in</a>
</form>`,
  )
}

export function choosePage(connections: readonly { name: string; url: string }[]): string {
  const items = connections.map(({ name, url }) => html`<li><a class="button" href="${url}">${name}</a></li>`)
  return page('Choose how to sign in', html`<ul class="choices">${items}</ul>`)
}

export function welcomePage(): string {
  return page(
    'Usher',
    html`<p>Nobody is signed in here. Sign in at your organization’s own address: <code>/login/<em>organization</em></code>.</p>`,
  )
}

export interface Place {
  readonly displayName: string
  readonly userName: string
  readonly organization: string
  readonly workspace: { readonly name: string; readonly role: string; readonly home: string } | null
}

/** The signed-in person's place. */
export function placePage({ displayName, userName, organization, workspace }: Place): string {
  return page(
    workspace?.name ?? 'No workspace yet',
    html`<p>Welcome, <strong>${displayName}</strong>.</p>
<dl>
<dt>Signed in as</dt><dd>${userName}</dd>
<dt>Organization</dt><dd>${organization}</dd>
${
  workspace &&
  html`<dt>Workspace</dt><dd>${workspace.name}</dd>
<dt>Your role</dt><dd>${workspace.role}</dd>
<dt>Home</dt><dd>${workspace.home}</dd>`
}
</dl>
<form class="actions" method="post" action="/logout"><button class="button" type="submit">Sign out</button></form>`,
  )
}
