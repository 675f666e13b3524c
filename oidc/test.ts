import { refused } from './errors.ts'
import { begin } from './login.ts'
import type { OidcStore, Refusal, VerifiedSignIn } from './ports.ts'
import {
  checkSameOrigin,
  html,
  type Manner,
  parameters,
  pathParameter,
  refusedPage,
  single,
  type Visit,
} from './visit.ts'

/** `GET /oidc/{connection}/test` asks and begins nothing: addresses are opened by whatever looks at messages, too. */
export async function askToTest(visit: Visit): Promise<unknown> {
  const token = single(parameters(visit), 'token')
  const connectionId = pathParameter(visit, 'connection')
  const connection = token === undefined ? null : await visit.options.tests?.waiting({ connectionId, token })
  if (!connection || token === undefined) throw refused('test_unknown')
  const page = visit.options.pages(visit.request).askToTest({ connectionId, token }, connection.organization)
  return html(visit.reply, page)
}

/** `POST /oidc/{connection}/test`: to the provider, by a token that works once, to sign nobody in. */
export async function beginTest(visit: Visit): Promise<unknown> {
  checkSameOrigin(visit)
  const token = single(parameters(visit), 'token')
  const connectionId = pathParameter(visit, 'connection')
  const opened = token === undefined ? null : await visit.options.tests?.open({ connectionId, token })
  if (!opened) throw refused('test_unknown')
  visit.connection = opened.connection
  visit.test = opened.id
  return begin(quiet(visit), opened.connection, { returnTo: '/', testId: opened.id })
}

/** The same visit where it is a test: of what is found out about the provider, nothing is kept. */
export function quiet(visit: Visit): Visit {
  if (visit.test === undefined) return visit
  const { store } = visit.options
  return { ...visit, options: { ...visit.options, store: { ...store, ...FORGETFUL } } }
}

const FORGETFUL: Pick<OidcStore, 'pin' | 'recordDrift' | 'forgetDrift'> = {
  pin: async (_connection, found) => found,
  recordDrift: async () => {},
  forgetDrift: async () => {},
}

/** Reports how the test ended, and says to whoever made it that it is over. */
export async function endTest(
  { test, connection, progress, options, request, reply }: Visit,
  end: { readonly person: VerifiedSignIn } | { readonly refusal: Refusal },
): Promise<unknown> {
  const { tests, pages } = options
  if (!tests || !connection || test === undefined) throw new TypeError('this is no test')
  const { ok } = await tests.finish({ ...progress, testId: test, connection, ...end })
  return html(reply, pages(request).tested({ ok }, connection.organization))
}

/** What is refused in a test is in its report, and nowhere else. */
export const MAYBE_A_TEST: Manner = {
  of: 'sign-in',
  untold: ({ test }) => test !== undefined,
  answer: (visit, refusal) =>
    visit.test === undefined ? refusedPage(visit, refusal) : endTest(visit, { refusal }),
}
