import fc from 'fast-check'
import t from 'tap'
import { createProjection } from '../../scim/project.ts'
import { enterpriseUserSchema } from '../../scim/schema/enterprise-user.ts'
import type { Attributes } from '../../scim/schema/types.ts'
import { userType } from '../../scim/schema/user.ts'

const ENTERPRISE = enterpriseUserSchema.id
const GONE = 'urn:example:gone'

const { write } = createProjection(userType, 'https://usher.example/scim/v2')

const times = {
  created: new Date('2026-01-02T03:04:05.678Z'),
  lastModified: new Date('2026-02-03T04:05:06Z'),
}
const kept = (attributes: Attributes, document?: string) => ({
  id: '0192f0c0-0000-7000-8000-000000000001',
  version: 3,
  ...times,
  attributes,
  ...(document !== undefined && { document }),
})

// Texts that a careless look at a document would take for a key.
const text = fc.oneof(
  fc.string({ unit: 'binary' }).filter((value) => !value.includes('\0')),
  fc.constantFrom(`"${ENTERPRISE}": {}`, `${ENTERPRISE}`, 'urn:x": "', `\\"${GONE}\\":`, '"urn:'),
)

const person = fc.record(
  {
    displayName: text,
    nickName: text,
    emails: fc.array(fc.record({ value: text, type: text })),
    [ENTERPRISE]: fc.record({ department: text }),
    [GONE]: fc.record({ secret: text }),
  },
  { requiredKeys: [] },
)

/** As PostgreSQL writes jsonb. */
const spaced = (attributes: Attributes): string =>
  `{${Object.entries(attributes)
    .map(([name, value]) => `${JSON.stringify(name)}: ${JSON.stringify(value)}`)
    .join(', ')}}`

t.test('a document that is copied says what its attributes would', async (t) => {
  fc.assert(
    fc.property(person, text, fc.boolean(), (rest, userName, isSpaced) => {
      const attributes = rest as Attributes // of generated JSON
      const document = isSpaced ? spaced(attributes) : JSON.stringify(attributes)
      const copied = JSON.parse(write(kept({ userName, active: true }, document)))
      const written = JSON.parse(write(kept({ userName, active: true, ...attributes })))
      t.same(copied, written)
      t.notOk(GONE in copied)
    }),
    { numRuns: 300 },
  )
})

t.test('what is selected of a document is no more than that', async (t) => {
  const document = JSON.stringify({ displayName: 'Ada', [ENTERPRISE]: { department: 'Works' } })
  const stored = kept({ userName: 'ada' }, document)
  const only = JSON.parse(write(stored, { attributes: [{ name: 'displayName' }] }))
  t.same(Object.keys(only).sort(), ['displayName', 'id', 'schemas'])
  const without = JSON.parse(write(stored, { excludedAttributes: [{ urn: ENTERPRISE, name: 'department' }] }))
  t.equal(without.displayName, 'Ada')
  t.notOk(without[ENTERPRISE]?.department)
})

t.test('a document beside no attributes, and an empty one', async (t) => {
  t.equal(JSON.parse(write(kept({}, '{"displayName": "Ada"}'))).displayName, 'Ada')
  t.equal(JSON.parse(write(kept({ userName: 'ada' }, '{}'))).userName, 'ada')
})
