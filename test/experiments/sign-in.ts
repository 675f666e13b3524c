import type { Browser, Page } from '../oidc/browser.ts'
import type { Scene } from './scene.ts'

/** A sign-in that the provider has agreed to, and that the service does not know the outcome of yet. */
export interface Pending {
  readonly browser: Browser
  readonly callback: URL
}

/** A page where none was expected. */
export class LostWay extends Error {
  override readonly name = 'LostWay'
  readonly page: Page

  constructor(page: Page) {
    super(`${page.status} at ${page.url}: ${page.text.slice(0, 300)}`)
    this.page = page
  }
}

const MOST_HOPS = 12

/** Begins a sign-in at one process and follows it to where the provider sends the browser back. */
export async function beginSignIn(
  { slug, publicUrl }: Pick<Scene, 'slug' | 'publicUrl'>,
  { browser, origin, sub }: { browser: Browser; origin: string; sub: string },
): Promise<Pending> {
  let page = await browser.visit(`${origin}/login/${slug}`)
  for (let hops = 0; hops < MOST_HOPS; hops++) {
    const location = page.headers.get('location')
    const next = location === null ? undefined : new URL(location, page.url)
    if (next?.origin === publicUrl && next.pathname.endsWith('/callback')) return { browser, callback: next }
    if (next) page = await browser.visit(next)
    else if (page.text.includes('name="sub"')) page = await choose(browser, page, sub)
    else throw new LostWay(page)
  }
  throw new LostWay(page)
}

function choose(browser: Browser, { url }: Page, sub: string): Promise<Page> {
  return browser.visit(url, { method: 'POST', body: new URLSearchParams({ sub }) })
}

/** Brings the provider's answer to one of the processes, whichever it was begun at. */
export function finishSignIn({ browser, callback }: Pending, origin: string): Promise<Page> {
  return browser.visit(origin + callback.pathname + callback.search)
}

/** The session that a page gave, as a header; undefined where it gave none. */
export function sessionOf(page: Page): string | undefined {
  const cookies = page.headers.getSetCookie().map((line) => line.split(';')[0] ?? '')
  return cookies.find((cookie) => /^usher_session=./.test(cookie))
}

/** Whether a process lets the session in. */
export async function isLetIn(
  origin: string,
  cookie: string,
  path: '/session' | '/session/verify' = '/session/verify',
): Promise<boolean> {
  const answer = await fetch(origin + path, { headers: { cookie } })
  await answer.arrayBuffer()
  return answer.status === 200
}
