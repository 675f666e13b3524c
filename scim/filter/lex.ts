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
  /[ \t]*(?:([A-Za-z$_.][\w$.:-]*)|("[^"\\]*(?:\\[\s\S][^"\\]*)*")|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|([()[\]]))/y

export function syntaxError(code: SyntaxCode, at: number, expected: string): ScimError {
  const what = code === 'invalidPath' ? 'path' : 'filter'
  return new ScimError(code, `The ${what} is malformed at position ${at + 1}: expected ${expected}.`)
}

// By their places, in the order of the pattern: names would cost an object for each token.
function toToken([, word, string, number, mark]: RegExpExecArray, at: number): Token {
  if (mark) return { kind: mark as '(', text: mark, at }
  if (word) return { kind: 'word', text: word, at }
  if (number) return { kind: 'number', text: number, at }
  return { kind: 'string', text: string ?? '', at }
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
