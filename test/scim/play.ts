import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Json } from '../../scim/index.ts'

/**
 * One recorded exchange. `{{name}}` in a response takes what is there the first time, and stands for it from then on,
 * in paths and requests too. `null` in a response means that the member is absent; members not named may be anything.
 */
export interface Exchange {
  readonly file: string
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly path: string
  readonly request?: Json
  readonly statusCode: number
  readonly response?: Json
}

export type Send = (asked: Pick<Exchange, 'method' | 'path'> & { body?: Json }) => Promise<{
  statusCode: number
  body: string
}>

export const idpFolder = join('test', 'fixtures', 'idp')

/** The exchanges of one identity provider, in the order of their file names. */
export function readExchanges(idp: string): Exchange[] {
  const folder = join(idpFolder, idp)
  const files = readdirSync(folder).filter((name) => name.endsWith('.json'))
  return files.sort().map((file) => ({ file, ...JSON.parse(readFileSync(join(folder, file), 'utf8')) }))
}

type Known = Map<string, string>

function fill<T extends Json | undefined>(value: T, known: Known): T {
  if (value === undefined) return value
  const text = JSON.stringify(value).replaceAll(
    /\{\{(\w+)\}\}/g,
    (_, name) => known.get(name) ?? `unknown ${name}`,
  )
  return JSON.parse(text)
}

function differences(
  expected: Json,
  actual: Json | undefined,
  { at, known }: { at: string; known: Known },
): string[] {
  if (expected === null) return actual === undefined ? [] : [`${at} should be absent`]
  if (typeof expected === 'string') {
    const name = /^\{\{(\w+)\}\}$/.exec(expected)?.[1]
    if (name && !known.has(name) && typeof actual === 'string') known.set(name, actual)
    expected = fill(expected, known)
  }
  if (typeof expected !== 'object') {
    return expected === actual
      ? []
      : [`${at}: ${JSON.stringify(actual)} instead of ${JSON.stringify(expected)}`]
  }
  if (typeof actual !== 'object' || actual === null) return [`${at} is missing`]
  const size = Array.isArray(expected) && Array.isArray(actual) && expected.length !== actual.length
  const inner = Object.entries(expected).flatMap(([name, value]) => {
    const found = (actual as { [name: string]: Json })[name]
    return differences(value, found, { at: `${at}.${name}`, known })
  })
  return [...(size ? [`${at} has ${actual.length} elements`] : []), ...inner]
}

/** Sends the exchanges one after the other; says for each what came back otherwise than recorded. */
export async function play(
  exchanges: readonly Exchange[],
  send: Send,
): Promise<{ file: string; wrong: string[] }[]> {
  const known: Known = new Map()
  const results = []
  for (const { file, method, path, request, statusCode, response } of exchanges) {
    const body = fill(request, known)
    const answer = await send({ method, path: fill(path, known), ...(body !== undefined && { body }) })
    const wrong =
      answer.statusCode === statusCode
        ? []
        : [`${answer.statusCode} instead of ${statusCode}: ${answer.body}`]
    const actual: Json | undefined = answer.body === '' ? undefined : JSON.parse(answer.body)
    if (response !== undefined) wrong.push(...differences(response, actual, { at: 'response', known }))
    results.push({ file, wrong })
  }
  return results
}
