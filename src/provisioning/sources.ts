import { isDeepStrictEqual } from 'node:util'
import type { Heard, Source, Sources, UserRecord, Word } from '../../db/index.ts'
import { namesIn, toldAs, valueAt, withValue } from './attribute-names.ts'
import type { PolicyDocument } from './policy.ts'

type Attributes = UserRecord['attributes']
type Rules = Pick<PolicyDocument, 'attributes'>
type Said = Heard['said']

/** Of a record, what it says and who said it. */
export type Spoken = Pick<UserRecord, 'attributes' | 'sources' | 'managed'>
export type Effective = Pick<UserRecord, 'attributes' | 'sources'>

/** In the order in which they are heard by default. */
export const allSources: readonly Source[] = ['scim', 'sign-in', 'administrator']

/** Whom the policy hears on an attribute, the first first. */
function orderOf({ attributes }: Rules, name: string): readonly Source[] {
  const first = attributes[name]
  return first ? [first, ...allSources.filter((source) => source !== first)] : allSources
}

const keeperOf = ({ managed }: Pick<Spoken, 'managed'>): Source => (managed ? 'scim' : 'sign-in')

/** Who has said what a record says of an attribute. */
export const sourceOf = (record: Spoken, name: string): Source =>
  record.sources?.[name]?.source ?? keeperOf(record)

/** What each source says of an attribute. */
export function saidOf(record: Spoken, name: string): Said {
  const heard = record.sources?.[name]
  if (heard) return heard.said
  const value = valueAt(record.attributes, name)
  return value === undefined ? {} : { [keeperOf(record)]: { value } }
}

/** Who would be heard before an administrator whose word has no end; nobody where the administrator is. */
export function outranking(rules: Rules, record: Spoken, name: string): Source | undefined {
  const order = orderOf(rules, name)
  const said = saidOf(record, name)
  return order.slice(0, order.indexOf('administrator')).find((source) => said[source])
}

/** An override is heard before the policy's order, until its end. */
const heardOf = (order: readonly Source[], said: Said): Source | undefined =>
  said.administrator?.until === undefined ? order.find((source) => said[source]) : 'administrator'

/** The record once it is decided anew who is heard on these attributes; what only its keeper says is not kept apart. */
function hear(rules: Rules, record: Spoken, words: Iterable<readonly [string, Said]>): Effective {
  let { attributes } = record
  const sources: Record<string, Heard> = { ...record.sources }
  for (const [name, said] of words) {
    const source = heardOf(orderOf(rules, name), said)
    attributes = withValue(attributes, name, source && said[source]?.value)
    delete sources[name]
    const others = Object.keys(said).some((one) => one !== keeperOf(record))
    if (source && others) sources[name] = { source, said }
  }
  return { attributes, sources: Object.keys(sources).length > 0 ? sources : null }
}

function saying(said: Said, source: Source, word: Word | undefined): Said {
  const { [source]: _, ...others } = said
  return word ? { ...others, [source]: word } : others
}

const wordOf = (attributes: Attributes, name: string): Word | undefined => {
  const value = valueAt(attributes, name)
  return value === undefined ? undefined : { value }
}

/** The attributes as the keeper of the record says them, whoever is heard. */
export function ownWords(record: Spoken): Attributes {
  const names = Object.keys(record.sources ?? {})
  return names.reduce(
    (own, name) => withValue(own, name, record.sources?.[name]?.said[keeperOf(record)]?.value),
    record.attributes,
  )
}

/**
 * What SCIM says of somebody, with what others are heard on. A record that it takes over keeps of what a sign-in said
 * only that on which the policy hears sign-ins first.
 */
export function afterPush(rules: Rules, record: Spoken, pushed: Attributes): Effective {
  const heardFirst = (name: string) => rules.attributes[name] === 'sign-in'
  const names = new Set(Object.keys(record.sources ?? {}))
  if (!record.managed) for (const name of namesIn(record.attributes)) if (heardFirst(name)) names.add(name)
  const words = [...names].map((name) => {
    const said = saidOf(record, name)
    const kept = record.managed || heardFirst(name) ? said : saying(said, 'sign-in', undefined)
    return [name, saying(kept, 'scim', wordOf(pushed, name))] as const
  })
  return hear(rules, { attributes: pushed, sources: null, managed: true }, words)
}

/** What was said by a sign-in, of a record that SCIM keeps: nothing but that on which the policy hears it first. */
export function signInWords({ sources }: Spoken): Attributes {
  return Object.entries(sources ?? {}).reduce<Attributes>(
    (own, [name, { said }]) => withValue(own, name, said['sign-in']?.value),
    {},
  )
}

/** What a sign-in says of somebody, with what others are heard on. */
export function afterSignIn(rules: Rules, record: Spoken, said: Attributes): Effective {
  const heardFirst = Object.keys(rules.attributes).filter((name) => rules.attributes[name] === 'sign-in')
  const names = record.managed ? heardFirst : Object.keys(record.sources ?? {})
  const words = names
    .filter((name) => record.sources?.[name] || valueAt(said, name) !== undefined)
    .map((name) => [name, saying(saidOf(record, name), 'sign-in', wordOf(said, name))] as const)
  return hear(rules, record.managed ? record : { ...record, attributes: said }, words)
}

/** With the word of an administrator on an attribute; without one, they say nothing of it any more. */
export const afterAdministrator = (
  rules: Rules,
  record: Spoken,
  { name, word }: { name: string; word?: Word | undefined },
): Effective => hear(rules, record, [[name, saying(saidOf(record, name), 'administrator', word)]])

/** By these rules, without the overrides that have ended by `now`. */
export function heardBy(rules: Rules, record: Spoken, now?: Date): Effective & { lapsed: string[] } {
  const names = Object.keys(record.sources ?? {})
  const lapsed = now ? names.filter((name) => hasLapsed(saidOf(record, name), now)) : []
  const words = names.map((name) => {
    const said = saidOf(record, name)
    return [name, lapsed.includes(name) ? saying(said, 'administrator', undefined) : said] as const
  })
  return { ...hear(rules, record, words), lapsed }
}

const hasLapsed = ({ administrator }: Said, now: Date): boolean =>
  administrator?.until !== undefined && Date.parse(administrator.until) <= now.getTime()

/** When the first override ends; null where none does. */
export function endOf(sources: Sources | null): Date | null {
  const ends = Object.values(sources ?? {}).flatMap(({ said }) => said.administrator?.until ?? [])
  return ends.length > 0 ? new Date(Math.min(...ends.map(Date.parse))) : null
}

/** On which attributes another is heard, and of which something is kept that is not heard. */
export function otherwiseHeard(before: Spoken, after: Spoken): { heard: string[]; beneath: string[] } {
  const names = [
    ...new Set([...Object.keys(before.sources ?? {}), ...Object.keys(after.sources ?? {})]),
  ].sort()
  const isMoved = (name: string) => sourceOf(before, name) !== sourceOf(after, name)
  const isKept = (name: string) => {
    const { [sourceOf(before, name)]: _, ...was } = saidOf(before, name)
    const { [sourceOf(after, name)]: __, ...is } = saidOf(after, name)
    return !isDeepStrictEqual(was, is)
  }
  return {
    heard: [...new Set(names.filter(isMoved).map(toldAs))],
    beneath: names.filter((name) => !isMoved(name) && isKept(name)),
  }
}
