import t from 'tap'
import {
  enterpriseUserSchema,
  groupSchema,
  type Json,
  readSchema,
  type Schema,
  userSchema,
} from '../../scim/index.ts'

const standard = [userSchema, enterpriseUserSchema, groupSchema]
const URN = 'urn:acme:scim:schemas:extension:payroll:1.0:User'

const document = (attributes: Json, more: { [name: string]: Json } = {}): Json => ({
  id: URN,
  name: 'Payroll',
  attributes,
  ...more,
})
const read = (given: Json | undefined, others: readonly Schema[] = []) =>
  readSchema(given, { standard, others })
const attributeOf = (more: { [name: string]: Json }) => document([{ name: 'badge', ...more }])
const subOf = (...subAttributes: Json[]) => attributeOf({ type: 'complex', subAttributes })

t.test('what a document leaves out has the defaults of the RFC', async (t) => {
  const given = [
    { name: 'badge' },
    { name: 'photo', type: 'binary' },
    { name: 'page', type: 'reference', referenceTypes: ['external'], caseExact: false },
    {
      name: 'desk',
      type: 'complex',
      multiValued: true,
      subAttributes: [
        { name: 'value', type: 'integer' },
        { name: '$ref', type: 'reference' },
      ],
    },
  ]
  const reading = read(
    document(given, { schemas: ['urn:ietf:params:scim:schemas:core:2.0:Schema'], meta: { location: 'x' } }),
  )
  if ('problems' in reading) return t.same(reading.problems, [])
  const usual = {
    description: '',
    multiValued: false,
    required: false,
    caseExact: false,
    mutability: 'readWrite',
    returned: 'default',
    uniqueness: 'none',
  }
  return t.same(reading.schema, {
    id: URN,
    name: 'Payroll',
    description: '',
    attributes: [
      { ...usual, name: 'badge', type: 'string' },
      { ...usual, name: 'photo', type: 'binary', caseExact: true },
      { ...usual, name: 'page', type: 'reference', referenceTypes: ['external'] },
      {
        ...usual,
        name: 'desk',
        type: 'complex',
        multiValued: true,
        subAttributes: [
          { ...usual, name: 'value', type: 'integer' },
          { ...usual, name: '$ref', type: 'reference', caseExact: true },
        ],
      },
    ],
  })
})

t.test('standard schemas are documents, but for what is not supported and what is theirs', async (t) => {
  const reading = readSchema(JSON.parse(JSON.stringify(enterpriseUserSchema)), { standard: [], others: [] })
  t.same(reading, { schema: enterpriseUserSchema })
})

const big = 'x'.repeat(8192)

const wrong: [what: string, given: Json | undefined, ...problems: [path: string, message: RegExp][]][] = [
  ['nothing', undefined, ['', /must be an object/]],
  ['a list', [], ['', /must be an object/]],
  ['an empty object', {}, ['id', /is missing/], ['attributes', /is missing/]],
  ['no attributes', document([]), ['attributes', /1 to 100/]],
  ['attributes as an object', document({}), ['attributes', /must be a list/]],
  [
    'too many',
    document(Array.from({ length: 101 }, (_, i) => ({ name: `a${i}` }))),
    ['attributes', /1 to 100/],
  ],
  [
    'too many below',
    subOf(...Array.from({ length: 100 }, (_, i) => ({ name: `a${i}` }))),
    ['attributes', /1 to 100/],
  ],
  ['too large', document([{ name: 'a', description: 'x'.repeat(66_000) }]), ['', /65536 characters/]],
  ['an unknown member', document([{ name: 'a' }], { version: 1 }), ['version', /is not known/]],
  ['a name beyond measure', document([{ name: 'a' }], { name: big }), ['name', /at most 100/]],
  ['no URN', document([{ name: 'a' }], { id: 'payroll' }), ['id', /must be a URN/]],
  ['a URN with a space', document([{ name: 'a' }], { id: 'urn:a: b' }), ['id', /must be a URN/]],
  ['a URN with a quote', document([{ name: 'a' }], { id: "urn:a:b'c" }), ['id', /must be a URN/]],
  ['a URN beyond measure', document([{ name: 'a' }], { id: `urn:a:${big}` }), ['id', /must be a URN/]],
  [
    'a URN of a message',
    document([{ name: 'a' }], { id: 'urn:ietf:params:scim:api:messages:2.0:PatchOp' }),
    ['id', /namespace of the IETF/],
  ],
  [
    'the core schema',
    document([{ name: 'a' }], { id: userSchema.id.toUpperCase() }),
    ['id', /namespace of the IETF/],
  ],
  [
    'the enterprise schema',
    document([{ name: 'a' }], { id: enterpriseUserSchema.id.toLowerCase() }),
    ['id', /URN of another schema/],
  ],
  ['an attribute that is none', document(['a']), ['attributes/0', /must be an object/]],
  ['no name', document([{ type: 'string' }]), ['attributes/0/name', /is missing/]],
  ['a name with a dot', document([{ name: 'a.b' }]), ['attributes/0/name', /must be a letter/]],
  ['a name beyond measure', document([{ name: big }]), ['attributes/0/name', /must be a letter/]],
  ['__proto__', document([{ name: '__proto__' }]), ['attributes/0/name', /must be a letter/]],
  ['constructor', document([{ name: 'constructor' }]), ['attributes/0/name', /reserved/]],
  ['toString below', subOf({ name: 'toString' }), ['attributes/0/subAttributes/0/name', /reserved/]],
  ['$ref at the top', document([{ name: '$ref' }]), ['attributes/0/name', /reserved/]],
  ['the same twice', document([{ name: 'a' }, { name: 'A' }]), ['attributes/1/name', /twice/]],
  [
    'the same twice below',
    subOf({ name: 'a' }, { name: 'A' }),
    ['attributes/0/subAttributes/1/name', /twice/],
  ],
  [
    'standard names',
    document([{ name: 'USERNAME' }, { name: 'department' }, { name: 'members' }, { name: 'meta' }]),
    ['attributes/0/name', /standard/],
    ['attributes/1/name', /standard/],
    ['attributes/2/name', /standard/],
    ['attributes/3/name', /standard/],
  ],
  ['an unknown type', attributeOf({ type: 'text' }), ['attributes/0/type', /"string", .*"complex"/]],
  ['a type in a list', attributeOf({ type: ['string'] }), ['attributes/0/type', /must be one of/]],
  ['a misspelt member', attributeOf({ caseexact: true }), ['attributes/0/caseexact', /is not known/]],
  ['a boolean as text', attributeOf({ required: 'true' }), ['attributes/0/required', /true or false/]],
  [
    'what nobody may read',
    attributeOf({ mutability: 'writeOnly' }),
    ['attributes/0/mutability', /not supported/],
  ],
  [
    'what nobody can give',
    attributeOf({ mutability: 'readOnly', required: true }),
    ['attributes/0/required', /no client may give/],
  ],
  ['a unique attribute', attributeOf({ uniqueness: 'server' }), ['attributes/0/uniqueness', /not supported/]],
  [
    'another uniqueness',
    attributeOf({ uniqueness: 'x' }),
    ['attributes/0/uniqueness', /must be one of "none"/],
  ],
  [
    'canonical numbers',
    attributeOf({ type: 'integer', canonicalValues: ['1'] }),
    ['attributes/0/canonicalValues', /for the type "string"/],
  ],
  [
    'a canonical value beyond measure',
    attributeOf({ canonicalValues: [big] }),
    ['attributes/0/canonicalValues', /at most 100 texts/],
  ],
  [
    'a reference that is none',
    attributeOf({ referenceTypes: ['User'] }),
    ['attributes/0/referenceTypes', /for the type "reference"/],
  ],
  ['complex, of nothing', attributeOf({ type: 'complex' }), ['attributes/0/subAttributes', /are missing/]],
  [
    'simple, with parts',
    attributeOf({ subAttributes: [{ name: 'a' }] }),
    ['attributes/0/subAttributes', /for the type "complex"/],
  ],
  [
    'complex within complex',
    subOf({ name: 'a', type: 'complex', subAttributes: [{ name: 'b' }] }),
    ['attributes/0/subAttributes/0/type', /within/],
  ],
  [
    'lists within',
    subOf({ name: 'a', multiValued: true }),
    ['attributes/0/subAttributes/0/multiValued', /not supported/],
  ],
  [
    'a description beyond measure',
    attributeOf({ description: big }),
    ['attributes/0/description', /at most 1000/],
  ],
  [
    'several at once',
    document([
      { name: 'a b', type: 'x' },
      { name: 'c', returned: 1 },
    ]),
    ['attributes/0/name', /letter/],
    ['attributes/0/type', /one of/],
    ['attributes/1/returned', /one of/],
  ],
]

t.test('what is wrong is told place by place', async (t) => {
  for (const [what, given, ...expected] of wrong) {
    const reading = read(given)
    t.match(reading, { problems: expected.map(([path, message]) => ({ path, message })) }, what)
    t.equal('problems' in reading ? reading.problems.length : 0, expected.length, `${what}: nothing else`)
  }
})

t.test('schemas of one organization do not read as each other', async (t) => {
  const other = read(document([{ name: 'badge' }], { id: 'urn:acme:payroll' }))
  if ('problems' in other) throw new Error('it is well-formed')
  const cases: [given: Json, path: string, message: RegExp][] = [
    [document([{ name: 'a' }], { id: 'urn:ACME:payroll' }), 'id', /another schema/],
    [document([{ name: 'a' }], { id: 'urn:acme:payroll:badge' }), 'id', /path of an attribute/],
    [document([{ name: 'Payroll' }], { id: 'urn:acme' }), 'id', /must be a URN/],
    [document([{ name: 'payroll' }], { id: 'urn:x:y' }), '', /never/],
    [
      document([{ name: 'User' }], { id: 'urn:ietf:params:scim:schemas:extension:enterprise:2.0' }),
      'attributes/0/name',
      /URN of another/,
    ],
  ]
  for (const [given, path, message] of cases) {
    const reading = read(given, [other.schema])
    if (path === '') t.ok('schema' in reading, 'a name of its own is free')
    else t.match(reading, { problems: [{ path, message }] }, path)
  }
})
