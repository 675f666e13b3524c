/** A page that was reached, after all redirects. */
export interface Page {
  readonly url: URL
  readonly status: number
  readonly headers: Headers
  readonly text: string
}

interface Cookie {
  readonly name: string
  readonly value: string
  readonly host: string
  readonly path: string
}

/** A browser without a screen: it keeps cookies as browsers do, follows redirects, and submits forms. */
export interface Browser {
  open(url: string | URL, init?: RequestInit): Promise<Page>
  /** Submits the first form of the page with these fields, as if its button was pressed. */
  submit(page: Page, fields: Record<string, string>): Promise<Page>
  /** Does not follow the redirect, if it is one. */
  visit(url: string | URL, init?: RequestInit): Promise<Page>
  cookies(url: string | URL): Record<string, string>
  setCookie(url: string | URL, line: string): void
  /** A copy with the cookies of this moment. */
  clone(): Browser
}

const REDIRECTS = [301, 302, 303, 307, 308]

export function createBrowser(kept: readonly Cookie[] = []): Browser {
  let jar = [...kept]

  function sent(url: URL): Cookie[] {
    return jar.filter(({ host, path }) => host === url.hostname && url.pathname.startsWith(path))
  }
  function keep(url: URL, line: string): void {
    const { cookie, dead } = parseCookie(url, line)
    const same = (one: Cookie) =>
      one.name === cookie.name && one.host === cookie.host && one.path === cookie.path
    jar = dead ? jar.filter((one) => !same(one)) : [...jar.filter((one) => !same(one)), cookie]
  }
  async function visit(address: string | URL, init: RequestInit = {}): Promise<Page> {
    const url = new URL(address)
    const cookie = sent(url).map(({ name, value }) => `${name}=${value}`)
    const headers = new Headers(init.headers)
    if (cookie.length > 0) headers.set('cookie', cookie.join('; '))
    const response = await fetch(url, { ...init, headers, redirect: 'manual' })
    for (const line of response.headers.getSetCookie()) keep(url, line)
    return { url, status: response.status, headers: response.headers, text: await response.text() }
  }
  async function open(address: string | URL, init?: RequestInit): Promise<Page> {
    let page = await visit(address, init)
    for (let hops = 0; REDIRECTS.includes(page.status) && hops < 10; hops++) {
      page = await visit(new URL(page.headers.get('location') ?? '', page.url))
    }
    return page
  }
  return {
    visit,
    open,
    submit: (page, fields) => open(...formOf(page, fields)),
    cookies: (url) => Object.fromEntries(sent(new URL(url)).map(({ name, value }) => [name, value])),
    setCookie: (url, line) => keep(new URL(url), line),
    clone: () => createBrowser(jar),
  }
}

/** Signs a person in, from a page of the service to the page where it ends. */
export async function signIn(browser: Browser, start: string, sub: string): Promise<Page> {
  const page = await browser.open(start)
  return page.text.includes('name="sub"') ? browser.submit(page, { sub }) : page
}

function parseCookie(url: URL, line: string): { cookie: Cookie; dead: boolean } {
  const [pair = '', ...attributes] = line.split(';').map((part) => part.trim())
  const at = pair.indexOf('=')
  const attribute = (name: string) =>
    attributes.find((one) => one.toLowerCase().startsWith(`${name}=`))?.slice(name.length + 1)
  const expires = attribute('expires')
  return {
    cookie: {
      name: pair.slice(0, at),
      value: pair.slice(at + 1),
      host: url.hostname,
      path: attribute('path') ?? '/',
    },
    dead: attribute('max-age') === '0' || (expires !== undefined && new Date(expires) <= new Date()),
  }
}

function formOf(page: Page, fields: Record<string, string>): [URL, RequestInit] {
  const form = /<form\b[^>]*>/i.exec(page.text)?.[0]
  if (!form) throw new Error(`no form at ${page.url}: ${page.text.slice(0, 200)}`)
  const body = new URLSearchParams()
  for (const [input] of page.text.matchAll(/<input\b[^>]*>/gi)) {
    const name = attributeOf(input, 'name')
    if (name) body.set(name, attributeOf(input, 'value') ?? '')
  }
  for (const [name, value] of Object.entries(fields)) body.set(name, value)
  const action = attributeOf(form, 'action')
  const origin = page.url.origin
  const headers = { origin, 'sec-fetch-site': 'same-origin' }
  return [new URL(action || page.url.href, page.url), { method: 'POST', body, headers }]
}

function attributeOf(tag: string, name: string): string | undefined {
  const value = new RegExp(`\\s${name}="([^"]*)"`, 'i').exec(tag)?.[1]
  return value?.replaceAll('&amp;', '&')
}
