import { html, type Markup } from './html.ts'
import type { Messages } from './messages.ts'

/** A checklist as a page shows it. */
export interface Checklist {
  readonly dismissed: boolean
  readonly complete: boolean
  readonly steps: readonly Step[]
}

interface Step {
  readonly key: string
  readonly title: string
  readonly text?: string
  readonly link?: string
  readonly by: 'event' | 'person'
  readonly done: boolean
}

/** The checklist beside a person's place; one that is put away is a button that brings it back. */
export function checklistSection(say: Messages, { dismissed, complete, steps }: Checklist): Markup {
  const { title, progress, dismiss, resume, complete: all } = say.checklist
  if (dismissed) return html`<div class="checklist">${button('resume', resume)}</div>`
  const done = String(steps.filter((step) => step.done).length)
  return html`<section class="checklist" aria-labelledby="checklist">
<h2 id="checklist">${title}</h2>
<p class="state">${progress} ${done} / ${String(steps.length)}${complete && ` – ${all}`}</p>
<ol>
${steps.map((step) => item(say, step))}
</ol>
${button('dismiss', dismiss)}
</section>`
}

function item({ checklist }: Messages, { key, title, text, link, by, done }: Step): Markup {
  const name = link === undefined ? html`${title}` : html`<a href="${link}" rel="noopener">${title}</a>`
  return html`<li>${name} <span class="state">– ${done ? checklist.done : checklist.open}</span>
${text && html`<p>${text}</p>`}
${!done && by === 'person' && button('finish', checklist.finish, { step: key, title })}</li>`
}

/** Which step a button is about is said to whoever does not see where it stands. */
function button(what: string, label: string, about?: { step: string; title: string }): Markup {
  return html`<form method="post" action="/checklist">
${about && html`<input type="hidden" name="step" value="${about.step}">`}
<button class="quiet" type="submit" name="do" value="${what}"${about && html` aria-label="${label}: ${about.title}"`}>${label}</button>
</form>`
}
