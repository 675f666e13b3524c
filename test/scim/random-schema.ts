import fc from 'fast-check'
import type { Attribute, Json, Schema } from '../../scim/index.ts'

/** A schema document, and a way to more of the values that fit it. */
export interface RandomSchema {
  readonly schema: Schema
  /** Two values of each attribute by its name, which differ. */
  readonly values: { readonly [name: string]: readonly [Json, Json] }
}

const urn = 'urn:acme:scim:schemas:extension:random:1.0:User'

const text = fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 20 })

const byType: { readonly [type in Exclude<Attribute['type'], 'complex'>]: fc.Arbitrary<Json> } = {
  string: fc.oneof(text, fc.constantFrom('Grün', '東京', '100 %', '_', "o'clock", '"', '\\', 'TRUE', 'null')),
  boolean: fc.boolean(),
  integer: fc.integer(),
  decimal: fc.integer().map((value) => value / 100),
  dateTime: fc
    .date({ min: new Date('1970-01-01'), max: new Date('2100-01-01'), noInvalidDate: true })
    .map((date) => date.toISOString()),
  reference: fc.webUrl(),
  binary: fc
    .uint8Array({ minLength: 1, maxLength: 20 })
    .map((bytes) => Buffer.from(bytes).toString('base64')),
}

const simpleType = fc.constantFrom(...(Object.keys(byType) as (keyof typeof byType)[]))

const characteristics = fc.record({
  caseExact: fc.boolean(),
  mutability: fc.constantFrom('readWrite', 'readWrite', 'readWrite', 'immutable'),
  returned: fc.constantFrom('default', 'default', 'default', 'always', 'request', 'never'),
})

type Given = Partial<Attribute> & { readonly name: string }

const simple = (name: string): fc.Arbitrary<Given> =>
  fc.record({ type: simpleType, more: characteristics }).map(({ type, more }) => ({
    name,
    type,
    ...more,
    ...(type === 'string' && { canonicalValues: ['Ping'] }),
  }))

const complex = (name: string): fc.Arbitrary<Given> =>
  fc
    .record({ subs: fc.array(simpleType, { minLength: 1, maxLength: 3 }), more: characteristics })
    .map(({ subs, more }) => {
      const subAttributes = subs.map((type, i) => ({ name: `s${i}`, type, caseExact: more.caseExact }))
      return { name, type: 'complex', ...more, subAttributes: subAttributes as unknown as Attribute[] }
    })

const named = (name: string): fc.Arbitrary<Given> =>
  fc
    .record({ one: fc.oneof(simple(name), simple(name), complex(name)), multiValued: fc.boolean() })
    .map(({ one, multiValued }) => ({ ...one, multiValued }))

function anyOf({ type = 'string', subAttributes = [] }: Partial<Attribute>): fc.Arbitrary<Json> {
  if (type !== 'complex') return byType[type]
  return fc.record(Object.fromEntries(subAttributes.map((sub) => [sub.name, anyOf(sub)])))
}

const isSame = (a: Json, b: Json) => JSON.stringify(a).toLowerCase() === JSON.stringify(b).toLowerCase()

function pairOf(attribute: Given): fc.Arbitrary<[Json, Json]> {
  const one = anyOf(attribute)
  const many = fc.uniqueArray(one, { minLength: 1, maxLength: 3, comparator: isSame })
  const value: fc.Arbitrary<Json> = attribute.multiValued ? many : one
  return fc.tuple(value, value).filter(([a, b]) => !isSame(a, b))
}

/** Any schema that can be uploaded, whose first attribute is required. */
export const randomSchema: fc.Arbitrary<RandomSchema> = fc
  .array(fc.nat(), { minLength: 1, maxLength: 6 })
  .chain((list) => fc.tuple(...list.map((_, i) => named(`attribute-${i}$`))))
  .chain((given) => {
    const attributes = given.map((one, i) => (i === 0 ? { ...one, required: true } : one))
    const document = { id: urn, name: 'Random', attributes } as unknown as Schema
    const pairs = Object.fromEntries(attributes.map((one) => [one.name, pairOf(one)]))
    return fc.record({
      schema: fc.constant(document),
      values: fc.record(pairs) as fc.Arbitrary<RandomSchema['values']>,
    })
  })
