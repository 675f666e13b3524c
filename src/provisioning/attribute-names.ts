import type { UserRecord } from '../../db/index.ts'

type Attributes = UserRecord['attributes']
type Complex = Readonly<Record<string, unknown>>

/** What it stands under: of an attribute of an extension, the URN of that. */
interface Place {
  readonly urn?: string
  readonly name: string
}

function placeOf(name: string): Place {
  const colon = name.lastIndexOf(':')
  return colon > 0 ? { urn: name.slice(0, colon), name: name.slice(colon + 1) } : { name }
}

const isComplex = (value: unknown): value is Complex =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** What is said of the attribute with this full name. */
export function valueAt(attributes: Attributes, fullName: string): unknown {
  const { urn, name } = placeOf(fullName)
  const container = urn === undefined ? attributes : attributes[urn]
  return isComplex(container) ? container[name] : undefined
}

/** The same attributes, of which this one says that; without a value, nothing. */
export function withValue(attributes: Attributes, fullName: string, value: unknown): Attributes {
  const { urn, name } = placeOf(fullName)
  if (urn === undefined) return replaced(attributes, name, value)
  const before = attributes[urn]
  const extension = replaced(isComplex(before) ? before : {}, name, value)
  return replaced(attributes, urn, Object.keys(extension).length > 0 ? extension : undefined)
}

function replaced(container: Complex, name: string, value: unknown): Complex {
  if (value !== undefined) return { ...container, [name]: value }
  const { [name]: _, ...rest } = container
  return rest
}

/** The full names of what is said. */
export const namesIn = (attributes: Attributes): string[] =>
  Object.entries(attributes).flatMap(([key, value]) =>
    key.includes(':') && isComplex(value) ? Object.keys(value).map((name) => `${key}:${name}`) : [key],
  )

/** By what name a change of the attribute is told: that of an extension, as its own. */
export const toldAs = (fullName: string): string => placeOf(fullName).urn ?? fullName
