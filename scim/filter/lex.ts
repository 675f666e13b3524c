import { ScimError } from '../errors.ts'

/** A filter longer than this is refused unread. */
export const MAX_LENGTH = 16_384

export interface Token {
  readonly kind: 'word' | 'string' | 'number' | '(' | ')' | '[' | ']' | 'end'
  readonly text: string
  readonly at: number
}

export type SyntaxCode = 'invalidFilter' | 'invalidPath'

/** A word is a name, a URN with its name, an operator or a literal; after `]` it begins with a dot. */
const pattern =
  /[ \t]*(?:(?<word>[A-Za-z$_.][\w$.:-]*)|(?<string>"[^"\\]*(?:\\[\s\S][^"\\]*)*")|(?<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(?<mark>[()[\]]))/y

export function syntaxError(code: SyntaxCode, at: number, expected: string): ScimError {
  const what = code === 'invalidPath' ? 'path' : 'filter'
  return new ScimError(code, `The ${what} is malformed at position ${at + 1}: expected ${expected}.`)
}

function toToken({ groups = {} }: RegExpExecArray, at: number): Token {
  if (groups.mark) return { kind: groups.mark as '(', text: groups.mark, at }
  if (groups.word) return { kind: 'word', text: groups.word, at }
  if (groups.number) return { kind: 'number', text: groups.number, at }
  return { kind: 'string', text: groups.string ?? '', at }
}

/** The tokens of a filter or path, with one that marks its end. */
export function lex(text: string, code: SyntaxCode): Token[] {
  if (text.length > MAX_LENGTH)
    throw new ScimError(code, `More than ${MAX_LENGTH} characters are not accepted.`)
  const tokens: Token[] = []
  const end = text.trimEnd().length
  let at = 0
  while (at < end) {
    pattern.lastIndex = at
    const match = pattern.exec(text)
    if (!match) throw syntaxError(code, at, 'a name, a value or a bracket')
    tokens.push(toToken(match, at))
    at = pattern.lastIndex
  }
  tokens.push({ kind: 'end', text: '', at })
  return tokens
}
