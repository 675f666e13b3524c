import { cookieOf } from './current-session.ts'
import { de } from './messages/de.ts'
import { en, type Messages, type Reason } from './messages/en.ts'

export type { Messages, Reason }

/** By language. English stands in for those that there is no catalogue for. */
export const catalogues: Readonly<Record<string, Messages>> = { en, de }

/** What a request says of its reader's languages. */
export interface Reader {
  readonly query: unknown
  readonly headers: { readonly 'accept-language'?: string | undefined; readonly cookie?: string | undefined }
}

const PARAMETERS = ['lang', 'ui_locales']

/** What an address has chosen, for the pages after it, to which providers lead without it. */
const COOKIE = 'usher_language'

/** The catalogue for whoever reads the answer: this address asks first, then one before, then the browser's settings. */
export function messagesFor(reader: Reader): Messages {
  const { cookie, 'accept-language': accepted = '' } = reader.headers
  const kept = cookieOf(cookie, COOKIE) ?? ''
  return askedBy(reader) ?? [kept, ...preferred(accepted)].map(catalogueOf).find(Boolean) ?? en
}

function askedBy({ query }: Reader): Messages | undefined {
  const asked = PARAMETERS.flatMap((name) => textOf(query, name).split(/\s+/))
  return asked.map(catalogueOf).find(Boolean)
}

/** The cookie that keeps to the language of this address until the browser is closed, where it has chosen one. */
export function languageCookie(reader: Reader, { secure }: { readonly secure: boolean }): string | undefined {
  const say = askedBy(reader)
  return say && `${COOKIE}=${say.locale}; Path=/; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}`
}

/** What of the address chose the language, for an address that is to keep to it. */
export function languageQuery({ query }: Reader): string {
  const asked = PARAMETERS.map((name): [string, string] => [name, textOf(query, name)]).filter(
    ([, text]) => text,
  )
  return asked.length > 0 ? `?${new URLSearchParams(asked)}` : ''
}

function textOf(query: unknown, name: string): string {
  const value: unknown = typeof query === 'object' && query !== null ? Reflect.get(query, name) : undefined
  return typeof value === 'string' ? value : ''
}

/** By the primary language of a tag (RFC 4647 section 3.4): `de-AT` reads German. */
function catalogueOf(tag: string): Messages | undefined {
  const language = tag.split('-')[0]?.toLowerCase() ?? ''
  return Object.hasOwn(catalogues, language) ? catalogues[language] : undefined
}

const MOST_RANGES = 20

/** The ranges of `Accept-Language` by weight (RFC 9110 section 12.5.4), without those of weight 0. */
function preferred(header: string): string[] {
  const ranges = header.split(',', MOST_RANGES).map((range) => {
    const [tag = '', ...parameters] = range.split(';').map((part) => part.trim())
    const weight = parameters.find((parameter) => parameter.startsWith('q='))
    return { tag, weight: weight === undefined ? 1 : Number(weight.slice(2)) }
  })
  const usable = ranges.filter(({ weight }) => weight > 0)
  return usable.toSorted((one, other) => other.weight - one.weight).map(({ tag }) => tag)
}
