import type { ClaimRule, ClaimSettings, ClaimSource } from '../../db/index.ts'

export type Claims = Readonly<Record<string, unknown>>

const OF_EVERY_OBJECT = ['__proto__', 'constructor', 'prototype']
const DEEPEST = 8
/** What is longer is nobody's name, and no key of anybody. */
const LONGEST = 1000
/** Who has more is in too many for any of them to be told. */
const MOST_VALUES = 1000

/** What is wrong with rules, and where. */
export interface Misfit {
  /** Below the rules, as in `groups/0`. */
  readonly path: string
  readonly message: string
}

export function claimsMisfit(settings: ClaimSettings): Misfit | null {
  const misfits = Object.entries(settings).flatMap(([field, rule]) =>
    sourcesOf(rule).flatMap((source, index) => {
      const message = typeof source === 'string' ? pathMisfit(source) : null
      return message === null ? [] : [{ path: Array.isArray(rule) ? `${field}/${index}` : field, message }]
    }),
  )
  return misfits[0] ?? null
}

/** A claim is named as it is; a path into one is a JSON pointer (RFC 6901). */
function pathMisfit(path: string): string | null {
  const pointer = path.startsWith('/')
  if (!pointer && path.includes('.') && !path.includes('://'))
    return `must begin with a slash where it goes into a claim, as in ${JSON.stringify(`/${path.replaceAll('.', '/')}`)}, or where the name has a dot`
  if (pointer && /~(?![01])/.test(path)) return 'has a ~ that is neither ~0 nor ~1'
  const names = namesOf(path)
  if (names.includes('')) return 'has an empty part'
  if (names.length > DEEPEST) return `has more than ${DEEPEST} parts`
  const odd = names.find((name) => OF_EVERY_OBJECT.includes(name))
  return odd === undefined ? null : `names ${odd}, which is no claim`
}

function namesOf(path: string): string[] {
  if (!path.startsWith('/')) return [path]
  const parts = path.slice(1).split('/')
  return parts.map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
}

const sourcesOf = (rule: ClaimRule): readonly ClaimSource[] =>
  typeof rule === 'string' || 'constant' in rule ? [rule] : rule

/** The claims that the rules read, for each rule those of which any may do. */
export function claimsRead(settings: ClaimSettings): readonly (readonly string[])[] {
  return Object.values(settings)
    .map((rule: ClaimRule) => sourcesOf(rule).filter((source) => typeof source === 'string'))
    .filter((paths) => paths.length > 0)
    .map((paths) => paths.map((path) => namesOf(path)[0] ?? ''))
}

/** What is at the path. */
export function claimAt(claims: Claims, path: string): unknown {
  return namesOf(path).reduce<unknown>(memberOf, claims)
}

/** Own members only: what every object has, nobody has said. */
function memberOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || OF_EVERY_OBJECT.includes(name)) return undefined
  if (Array.isArray(value)) return /^(0|[1-9]\d{0,3})$/.test(name) ? value[Number(name)] : undefined
  return Object.hasOwn(value, name) ? Reflect.get(value, name) : undefined
}

/** The first source that is there in the shape it should have. */
export function firstOf<T>(
  claims: Claims,
  rule: ClaimRule,
  read: (value: unknown, path?: string) => T | undefined,
): T | undefined {
  for (const source of sourcesOf(rule)) {
    const found = typeof source === 'string' ? read(claimAt(claims, source), source) : read(source.constant)
    if (found !== undefined) return found
  }
  return undefined
}

/** One line of text. */
export function text(value: unknown): string | undefined {
  if (typeof value !== 'string' || value.trim() === '' || value.length > LONGEST) return undefined
  return /[\p{Cc}\p{Cs}]/u.test(value) ? undefined : value
}

/**
 * Several values, or one. None where the claim is not there; null where the provider says that there are too many for
 * the token (Entra's overage, a distributed claim of Core section 5.6.2), which are then fetched from nowhere.
 */
export function valuesOf(claims: Claims, rule: ClaimRule): readonly string[] | null {
  const told = firstOf(claims, rule, (value, path) => {
    if (value !== undefined) return valuesIn(value)
    return path !== undefined && isElsewhere(claims, path) ? TOO_MANY : undefined
  })
  if (told === undefined) return []
  return told.length > MOST_VALUES || told === TOO_MANY ? null : told
}

const TOO_MANY: readonly string[] = []

function valuesIn(value: unknown): string[] | undefined {
  const values = (Array.isArray(value) ? value : [value]).map(text).filter((one) => one !== undefined)
  return values.length > 0 || Array.isArray(value) ? [...new Set(values)] : undefined
}

function isElsewhere(claims: Claims, path: string): boolean {
  const [name = ''] = namesOf(path)
  return memberOf(claims._claim_names, name) !== undefined || (name === 'groups' && claims.hasgroups === true)
}
