import type { Attribute } from '../schema/types.ts'

/** Lower case by single code points, as the database has it: no rule looks at the neighbours. */
export function fold(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the range is ASCII
  if (/^[\x00-\x7f]*$/.test(text)) return text.toLowerCase()
  return Array.from(text, (char) => String.fromCodePoint(char.toLowerCase().codePointAt(0) ?? 0)).join('')
}

/** Full-width and half-width forms, and the ideographic space. */
const wide = /[\u3000\uff01-\uffef]+/g

export function narrowed(text: string): string {
  return text.replaceAll(wide, (forms) => forms.normalize('NFKC'))
}

/**
 * What a userName is compared by (RFC 7644 section 5): the profile UsernameCaseMapped of RFC 8265, that is width, then
 * case, then composition. A final sigma is like any other, so that part of a name is part of its key.
 */
export function userNameKey(name: string): string {
  if (/^[\x20-\x7e]*$/.test(name)) return name.toLowerCase()
  return narrowed(name).toLowerCase().replaceAll('ς', 'σ').normalize('NFC')
}

/** No two may have it, whatever its letter case: a name that people sign in by. */
export function isUserName({ type, uniqueness, caseExact }: Attribute): boolean {
  return type === 'string' && uniqueness === 'server' && !caseExact
}

/** Text in the form it is compared in. */
export function comparisonKey(attribute: Attribute, text: string): string {
  if (attribute.caseExact) return text
  return isUserName(attribute) ? userNameKey(text) : fold(text)
}
