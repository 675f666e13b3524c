import { type Checklist, checklistSection } from './checklist-section.ts'
import { html, type Markup } from './html.ts'
import { languageQuery, type Messages, messagesFor, type Reader, type Reason } from './messages.ts'

export interface Refusal {
  readonly code: string
  /** In English, for a code that the catalogue does not know. */
  readonly message: string
  readonly said?: string
}

/** Whose page it is. */
export interface Brand {
  readonly name: string
  /** The path of an image. */
  readonly logo?: string
}

/** The same with what its own sign-in is reached by. */
export interface Organization extends Brand {
  readonly slug: string
}

/** A page in the language of its reader. */
interface Page {
  readonly say: Messages
  readonly title: string
  readonly brand?: Brand | undefined
}

/** The pages for whoever sent the request. */
export function pagesFor(reader: Reader) {
  const say = messagesFor(reader)
  return {
    refused: (refusal: Refusal, context: RefusedContext) =>
      refusedPage({ say, title: refusedTitle(say, refusal), brand: context.organization }, refusal, context),
    failed: (refusal: Refusal, context: RefusedContext) =>
      refusedPage({ say, title: say.failed.title }, refusal, context),
    askAddress: (question: AddressQuestion) => addressPage(say, question, reader),
    signedOut: (organization?: Organization) => signedOutPage(say, reader, organization),
    askToTest: (test: WaitingTest, brand?: Brand) => askToTestPage({ say, brand }, test, reader),
    tested: (test: { readonly ok: boolean }, brand?: Brand) => testedPage(say, test, brand),
    confirmSignOut: (brand?: Brand) => confirmPage(say, brand),
    choose: (connections: readonly Choice[], brand?: Brand) => choosePage(say, connections, brand),
    nobody: () => nobodyPage(say, reader),
    place: (place: Place) => placePage(say, place),
  }
}

function page({ say, title, brand }: Page, body: Markup): string {
  return html`<!doctype html>
<html lang="${say.locale}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}${brand && ` – ${brand.name}`}</title>
<link rel="stylesheet" href="/assets/usher.css">
</head>
<body>
${brand && header(brand)}
<main>
<h1>${title}</h1>
${body}
</main>
</body>
</html>
`.toString()
}

// The name stands beside the image, so the image says nothing that is not read out already.
function header({ name, logo }: Brand): Markup {
  return html`<header>${logo && html`<img src="${logo}" alt="">`}<span>${name}</span></header>`
}

export interface RefusedContext {
  readonly requestId: string
  /** Where to begin anew. */
  readonly retry?: string
  readonly organization?: Brand
}

/** What did not succeed: what happened, what to do, and the number to quote. */
function refusedPage(
  { say, ...head }: Page,
  { code, message, said }: Refusal,
  { requestId, retry }: RefusedContext,
): string {
  const { what, next } = reasonOf(say, code) ?? { what: message, next: undefined }
  const { again, reason, reference, said: itSaid } = say.refused
  return page(
    { say, ...head },
    html`<p>${what}${said && html` ${itSaid} <q>${said}</q>`}</p>
${next && html`<p>${next}</p>`}
${retry && html`<p class="actions"><a class="button" href="${retry}">${again}</a></p>`}
<dl class="fine">
<dt>${reason}</dt><dd><code>${code}</code></dd>
<dt>${reference}</dt><dd><code>${requestId}</code></dd>
</dl>`,
  )
}

/** What was no sign-in of anybody's: who is signed in still is. */
const NO_SIGN_IN = ['test_unknown', 'cross_site']

const refusedTitle = ({ refused, failed }: Messages, { code }: Refusal): string =>
  NO_SIGN_IN.includes(code) ? failed.title : refused.title

function reasonOf({ reasons }: Messages, code: string): Reason | undefined {
  return Object.entries(reasons).find(([known]) => known === code)?.[1]
}

export interface AddressQuestion {
  readonly returnTo: string
  readonly demand?: Readonly<Record<string, string>>
  readonly address?: string
  readonly problem?: 'malformed' | 'unknown'
}

/** Asks for an e-mail address; again, with what was wrong beside it, where nothing was found by the last one. */
function addressPage(say: Messages, question: AddressQuestion, reader: Reader): string {
  const { returnTo, demand = {}, address, problem } = question
  const { title, label, hint, submit, instead, placeholder } = say.find
  const fault = problem && html`<p class="fault" id="fault">${say.find[problem]}</p>`
  return page(
    { say, title },
    html`<form method="post" action="/login${languageQuery(reader)}">
<input type="hidden" name="return_to" value="${returnTo}">
${Object.entries(demand).map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`)}
<label for="address">${label}</label>
${fault}
<input id="address" name="login_hint" type="email" autocomplete="username" autocapitalize="none" spellcheck="false"
  required autofocus value="${address}" aria-describedby="${fault && 'fault '}hint"${fault && html` aria-invalid="true"`}>
<p class="hint" id="hint">${hint}</p>
<p class="actions"><button class="button" type="submit">${submit}</button></p>
</form>
${problem === 'unknown' && html`<p class="fine">${instead} <code>/login/<em>${placeholder}</em></code></p>`}`,
  )
}

function signedOutPage(say: Messages, reader: Reader, organization: Organization | undefined): string {
  const { title, text, again } = say.signedOut
  const own = organization ? `/${encodeURIComponent(organization.slug)}` : ''
  return page(
    { say, title, brand: organization },
    html`<p>${text}</p>
<p class="actions"><a class="button" href="/login${own}${languageQuery(reader)}">${again}</a></p>`,
  )
}

export interface WaitingTest {
  readonly connectionId: string
  readonly token: string
}

function askToTestPage(
  { say, brand }: Omit<Page, 'title'>,
  { connectionId, token }: WaitingTest,
  reader: Reader,
): string {
  const { title, text, seen, begin } = say.toTest
  return page(
    { say, title, brand },
    html`<p>${text}</p>
<p>${seen}</p>
<form class="actions" method="post" action="/oidc/${connectionId}/test${languageQuery(reader)}">
<input type="hidden" name="token" value="${token}">
<button class="button" type="submit">${begin}</button>
</form>`,
  )
}

/** A sign-in was tried, and signed nobody in. */
function testedPage(say: Messages, { ok }: { readonly ok: boolean }, brand: Brand | undefined): string {
  const { title, well, unwell, kept } = say.tested
  return page(
    { say, title, brand },
    html`<p>${ok ? well : unwell}</p>
<p>${kept}</p>`,
  )
}

function confirmPage(say: Messages, brand: Brand | undefined): string {
  const { title, text, leave, stay } = say.confirm
  return page(
    { say, title, brand },
    html`<p>${text}</p>
<form class="actions" method="post" action="/logout">
<button class="button" type="submit">${leave}</button>
<a href="/">${stay}</a>
</form>`,
  )
}

interface Choice {
  readonly name: string
  readonly url: string
}

function choosePage(say: Messages, connections: readonly Choice[], brand: Brand | undefined): string {
  const items = connections.map(({ name, url }) => html`<li><a class="button" href="${url}">${name}</a></li>`)
  return page({ say, title: say.choose.title, brand }, html`<ul class="choices">${items}</ul>`)
}

function nobodyPage(say: Messages, reader: Reader): string {
  const { title, text, enter } = say.nobody
  return page(
    { say, title },
    html`<p>${text}</p>
<p class="actions"><a class="button" href="/login${languageQuery(reader)}">${enter}</a></p>`,
  )
}

export interface Place {
  readonly displayName: string
  readonly userName: string
  readonly organization: Brand
  readonly workspace: { readonly name: string; readonly role: string; readonly home: string } | null
  readonly checklist?: Checklist
}

/** The signed-in person's place. */
function placePage(
  say: Messages,
  { displayName, userName, organization, workspace, checklist }: Place,
): string {
  const { place } = say
  return page(
    { say, title: workspace?.name ?? place.none, brand: organization },
    html`<p>${place.welcome} <strong>${displayName}</strong>.</p>
<dl>
<dt>${place.signedInAs}</dt><dd>${userName}</dd>
<dt>${place.organization}</dt><dd>${organization.name}</dd>
${
  workspace &&
  html`<dt>${place.workspace}</dt><dd>${workspace.name}</dd>
<dt>${place.role}</dt><dd>${roleIn(say, workspace.role)}</dd>
<dt>${place.home}</dt><dd>${workspace.home}</dd>`
}
</dl>
${checklist && checklistSection(say, checklist)}
<form class="actions" method="post" action="/logout"><button class="button" type="submit">${place.leave}</button></form>`,
  )
}

function roleIn({ place }: Messages, role: string): string {
  return Object.entries(place.roles).find(([known]) => known === role)?.[1] ?? role
}
