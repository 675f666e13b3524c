import { isStorable } from '../json.ts'
import type { AttrPath, CompareOp, CompareValue, Filter, PatchPath } from './ast.ts'
import { lex, type SyntaxCode, syntaxError, type Token } from './lex.ts'

const MAX_DEPTH = 32
const MAX_TERMS = 200

interface Cursor {
  readonly tokens: readonly Token[]
  readonly code: SyntaxCode
  at: number
  depth: number
  terms: number
}

const operators = new Set(['eq', 'ne', 'co', 'sw', 'ew', 'gt', 'ge', 'lt', 'le'])
const literals = new Map<string, CompareValue>([
  ['true', true],
  ['false', false],
  ['null', null],
])

function open(text: string, code: SyntaxCode): Cursor {
  return { tokens: lex(text, code), code, at: 0, depth: 0, terms: 0 }
}

function peek({ tokens, at }: Cursor): Token {
  return tokens[at] as Token // the last token, `end`, is never taken
}

function fail(cursor: Cursor, expected: string): Error {
  return syntaxError(cursor.code, peek(cursor).at, expected)
}

function take(cursor: Cursor, kind: Token['kind'], expected: string): Token {
  const token = peek(cursor)
  if (token.kind !== kind || kind === 'end') throw fail(cursor, expected)
  cursor.at++
  return token
}

function isWord(cursor: Cursor, word: string): boolean {
  const token = peek(cursor)
  return token.kind === 'word' && token.text.toLowerCase() === word
}

function takeWord(cursor: Cursor, word: string): boolean {
  const found = isWord(cursor, word)
  if (found) cursor.at++
  return found
}

function end(cursor: Cursor): void {
  if (peek(cursor).kind !== 'end') throw fail(cursor, 'the end')
}

function nested<T>(cursor: Cursor, parse: (cursor: Cursor) => T): T {
  if (++cursor.depth > MAX_DEPTH) throw fail(cursor, `at most ${MAX_DEPTH} levels`)
  const tree = parse(cursor)
  cursor.depth--
  return tree
}

// attrPath = [URI ":"] ATTRNAME *1subAttr: a URN has dots of its own, so it ends at the last colon.
function attrPath(cursor: Cursor): AttrPath {
  const { text } = take(cursor, 'word', 'an attribute')
  const colon = text.lastIndexOf(':')
  const [name = '', sub, ...more] = text.slice(colon + 1).split('.')
  cursor.at--
  if (!name || sub === '' || more.length > 0) throw fail(cursor, 'an attribute')
  cursor.at++
  return { ...(colon > 0 && { urn: text.slice(0, colon) }), name, ...(sub && { sub }) }
}

// compValue = false / null / true / number / string
function compValue(cursor: Cursor): CompareValue {
  const { kind, text } = peek(cursor)
  const value =
    kind === 'string'
      ? jsonString(cursor, text)
      : kind === 'number'
        ? Number(text)
        : literals.get(text.toLowerCase())
  if (value === undefined || value === Number.POSITIVE_INFINITY || value === Number.NEGATIVE_INFINITY) {
    throw fail(cursor, 'a value')
  }
  cursor.at++
  return value
}

function jsonString(cursor: Cursor, text: string): string {
  let value: string
  try {
    value = JSON.parse(text)
  } catch {
    throw fail(cursor, 'a JSON string')
  }
  if (!isStorable(value)) throw fail(cursor, 'a string of whole characters')
  return value
}

// attrExp = (attrPath SP "pr") / (attrPath SP compareOp SP compValue)
function attrExp(cursor: Cursor, path: AttrPath): Filter {
  if (++cursor.terms > MAX_TERMS) throw fail(cursor, `at most ${MAX_TERMS} comparisons`)
  if (takeWord(cursor, 'pr')) return { kind: 'present', path }
  const op = peek(cursor).text.toLowerCase()
  if (!operators.has(op)) throw fail(cursor, 'an operator')
  cursor.at++
  return { kind: 'compare', path, op: op as CompareOp, value: compValue(cursor) }
}

function brackets(cursor: Cursor): Filter {
  take(cursor, '[', '"["')
  const filter = nested(cursor, orExp)
  take(cursor, ']', '"]"')
  return filter
}

function dotted(cursor: Cursor): string | undefined {
  const { kind, text } = peek(cursor)
  if (kind !== 'word' || !text.startsWith('.')) return undefined
  if (!/^\.[A-Za-z$][\w$-]*$/.test(text)) throw fail(cursor, 'a sub-attribute')
  cursor.at++
  return text.slice(1)
}

// valuePath = attrPath "[" valFilter "]". Clients go on with `emails[type eq "work"].value eq "a"`: of one element
// both must hold.
function valuePath(cursor: Cursor, path: AttrPath): Filter {
  const filter = brackets(cursor)
  const sub = dotted(cursor)
  if (sub === undefined) return { kind: 'valuePath', path, filter }
  const term = attrExp(cursor, { name: sub })
  return { kind: 'valuePath', path, filter: { kind: 'and', terms: [filter, term] } }
}

function group(cursor: Cursor): Filter {
  take(cursor, '(', '"("')
  const filter = nested(cursor, orExp)
  take(cursor, ')', '")"')
  return filter
}

// FILTER = attrExp / logExp / valuePath / *1"not" "(" FILTER ")"
function term(cursor: Cursor): Filter {
  if (peek(cursor).kind === '(') return group(cursor)
  if (takeWord(cursor, 'not')) return { kind: 'not', term: group(cursor) }
  const path = attrPath(cursor)
  return peek(cursor).kind === '[' ? valuePath(cursor, path) : attrExp(cursor, path)
}

function series(cursor: Cursor, kind: 'and' | 'or', parse: (cursor: Cursor) => Filter): Filter {
  const first = parse(cursor)
  if (!isWord(cursor, kind)) return first
  const terms = [first]
  while (takeWord(cursor, kind)) terms.push(parse(cursor))
  return { kind, terms }
}

// logExp = FILTER SP ("and" / "or") SP FILTER, where "and" binds closer
function andExp(cursor: Cursor): Filter {
  return series(cursor, 'and', term)
}

function orExp(cursor: Cursor): Filter {
  return series(cursor, 'or', andExp)
}

/** What clients ask most, one name that must equal one plain text, without a look at each token. */
const lookUp = /^([A-Za-z][\w-]*) eq "([ !#-[\]-~\u00a0-\ud7ff]{0,500})"$/

/** The tree of a filter (RFC 7644 figure 1); names are as the client wrote them. */
export function parseFilter(text: string): Filter {
  const [, name, value = ''] = lookUp.exec(text) ?? []
  if (name) return { kind: 'compare', path: { name }, op: 'eq', value }
  const cursor = open(text, 'invalidFilter')
  const filter = orExp(cursor)
  end(cursor)
  return filter
}

/** The tree of a PATCH path (RFC 7644 figure 7): attrPath / valuePath [subAttr]. */
export function parsePath(text: string): PatchPath {
  const cursor = open(text, 'invalidPath')
  const path = attrPath(cursor)
  const filter = peek(cursor).kind === '[' ? brackets(cursor) : undefined
  const sub = filter && dotted(cursor)
  end(cursor)
  return { path, ...(filter && { filter }), ...(sub && { sub }) }
}

/** One attribute as `attributes`, `excludedAttributes` and `sortBy` name it. */
export function parseAttrPath(text: string): AttrPath {
  const cursor = open(text, 'invalidPath')
  const path = attrPath(cursor)
  end(cursor)
  return path
}
