import t from 'tap'
import {
  applyPatch,
  enterpriseUserSchema,
  groupType,
  type Json,
  memberChanges,
  parseJson,
  parsePatch,
  readFilter,
  userType,
  validate,
} from '../../scim/index.ts'
import { enterpriseUser, filters, fullUser, group, groupPatches, userPatches, users } from './rfc-examples.ts'

const ENTERPRISE = enterpriseUserSchema.id
const PATCH_OP = 'urn:ietf:params:scim:api:messages:2.0:PatchOp'
const profiles = ['lenient', 'strict'] as const

const lenient = (body: Json) => validate(body, { resourceType: userType, profile: 'lenient' })
const strict = (body: Json) => validate(body, { resourceType: userType, profile: 'strict' })

t.test('every example of the RFCs is accepted in both profiles', async (t) => {
  for (const profile of profiles) {
    const rules = { resourceType: userType, profile }
    const before = validate(enterpriseUser, rules)
    for (const body of users) t.equal(validate(body, rules).userName, body.userName)
    for (const operation of userPatches) {
      const operations = parsePatch({ schemas: [PATCH_OP], Operations: [operation] }, rules)
      t.ok(applyPatch(before, operations, rules))
    }
    for (const text of filters) t.ok(readFilter(text, userType, profile), text)
    const groupRules = { resourceType: groupType, profile }
    t.equal(validate(group, groupRules).displayName, 'Tour Guides')
    for (const operation of groupPatches) {
      const operations = parsePatch({ schemas: [PATCH_OP], Operations: [operation] }, groupRules)
      t.equal(memberChanges(operations).members.length, 1)
    }
  }
})

t.test('what the server gives, and a password, are left out', async (t) => {
  for (const profile of profiles) {
    const attributes = validate(enterpriseUser, { resourceType: userType, profile })
    for (const name of ['id', 'meta', 'schemas', 'groups', 'password']) t.notOk(name in attributes, name)
    t.same((attributes[ENTERPRISE] as { manager: Json }).manager, { value: '26118915' })
    const { schemas, id, meta, groups, password, ...kept } = fullUser
    t.same(validate(fullUser, { resourceType: userType, profile }), kept)
  }
})

const base = { schemas: [userType.schema.id], userName: 'u' }

/** What a lenient connection may send, and how it is meant; a strict one is refused. */
const tolerated: { given: { [name: string]: Json }; kept: { [name: string]: Json }; code: string }[] = [
  { given: { active: 'False' }, kept: { active: false }, code: 'invalidValue' },
  { given: { active: 'true' }, kept: { active: true }, code: 'invalidValue' },
  { given: { externalId: 12 }, kept: { externalId: '12' }, code: 'invalidValue' },
  { given: { emails: { value: 'a' } }, kept: { emails: [{ value: 'a' }] }, code: 'invalidValue' },
  { given: { emails: ['a', 'b'] }, kept: { emails: [{ value: 'a' }, { value: 'b' }] }, code: 'invalidValue' },
  { given: { emails: [7] }, kept: { emails: [{ value: '7' }] }, code: 'invalidValue' },
  { given: { emails: 'a' }, kept: { emails: [{ value: 'a' }] }, code: 'invalidValue' },
  {
    given: { emails: [{ value: 'a', primary: 'True' }] },
    kept: { emails: [{ value: 'a', primary: true }] },
    code: 'invalidValue',
  },
  {
    given: { 'name.givenName': 'G', name: { familyName: 'F' } },
    kept: { name: { givenName: 'G', familyName: 'F' } },
    code: 'invalidSyntax',
  },
  {
    given: { [`${ENTERPRISE}:department`]: 'D' },
    kept: { [ENTERPRISE]: { department: 'D' } },
    code: 'invalidSyntax',
  },
  { given: { department: 'D' }, kept: { [ENTERPRISE]: { department: 'D' } }, code: 'invalidSyntax' },
  {
    given: { [ENTERPRISE.toLowerCase()]: { DEPARTMENT: 'D' } },
    kept: { [ENTERPRISE]: { department: 'D' } },
    code: 'invalidSyntax',
  },
  {
    given: { [ENTERPRISE]: { manager: 'm' } },
    kept: { [ENTERPRISE]: { manager: { value: 'm' } } },
    code: 'invalidSyntax',
  },
  {
    given: { manager: [{ value: 'm' }] },
    kept: { [ENTERPRISE]: { manager: { value: 'm' } } },
    code: 'invalidSyntax',
  },
  { given: { manager: '' }, kept: {}, code: 'invalidSyntax' },
  {
    given: { roles: [{ value: '{"value":"Admin","displayName":"A"}' }] },
    kept: { roles: [{ value: 'Admin', display: 'A' }] },
    code: '',
  },
  { given: { roles: [{ value: '{"value' }] }, kept: { roles: [{ value: '{"value' }] }, code: '' },
  ...['"a\\ud800"', '"a\\u0000"', '1e400', '"a","value":"b"'].map((inner) => {
    // What no body could say is no JSON either.
    const roles = [{ value: `{"value":${inner}}` }]
    return { given: { roles }, kept: { roles }, code: '' }
  }),
  {
    given: { [userType.schema.id]: { title: 'T', name: { givenName: 'G' } } },
    kept: { title: 'T', name: { givenName: 'G' } },
    code: 'invalidSyntax',
  },
  { given: { shoeSize: 43, 'a.b.c': 1 }, kept: {}, code: 'invalidSyntax' },
  { given: { name: { shoeSize: 43 } }, kept: {}, code: 'invalidSyntax' },
  { given: { 'urn:acme:User': { a: 1 } }, kept: {}, code: 'invalidSyntax' },
]

t.test('a lenient connection is understood, a strict one held to the letter', async (t) => {
  for (const { given, kept, code } of tolerated) {
    const says = JSON.stringify(given)
    t.same(lenient({ ...base, ...given }), { userName: 'u', ...kept }, says)
    if (code) t.throws(() => strict({ ...base, ...given }), { code }, says)
  }
  t.same(lenient({ userName: 'u' }), { userName: 'u' })
})

t.test('both profiles: names in any case, null and empty are unassigned, duplicates go', async (t) => {
  const email = { value: 'a', type: 'work' }
  const both: [given: { [name: string]: Json }, kept: { [name: string]: Json }][] = [
    [
      { DISPLAYNAME: 'd', name: { FAMILYNAME: 'F' } },
      { displayName: 'd', name: { familyName: 'F' } },
    ],
    [{ title: null, emails: null, name: null, roles: [], addresses: [{}] }, {}],
    [{ name: { givenName: null } }, {}],
    [{ emails: [email, { ...email, type: 'Work' }, email] }, { emails: [email] }],
    [
      {
        emails: [
          { ...email, primary: true },
          { ...email, primary: true },
        ],
      },
      { emails: [{ ...email, primary: true }] },
    ],
  ]
  for (const [given, kept] of both) {
    for (const validated of [lenient, strict])
      t.same(validated({ ...base, ...given }), { userName: 'u', ...kept })
  }
})

t.test('what a client said of two things, or not exactly, is refused in both profiles', async (t) => {
  const refused: [given: { [name: string]: Json }, code: string][] = [
    [{ title: 'a', TITLE: 'b' }, 'invalidSyntax'],
    [{ USERNAME: 'v' }, 'invalidSyntax'],
    [{ name: { givenName: 'a', GIVENNAME: 'b' } }, 'invalidSyntax'],
    [{ emails: [{ value: 'a', Value: 'b' }] }, 'invalidSyntax'],
    [{ externalId: 2 ** 60 }, 'invalidValue'],
    [{ title: 1e300 }, 'invalidValue'],
  ]
  for (const [given, code] of refused) {
    for (const validated of [lenient, strict])
      t.throws(() => validated({ ...base, ...given }), { code }, JSON.stringify(given))
  }
  t.match(lenient({ ...base, externalId: 9007199254740991 }), { externalId: '9007199254740991' })
})

t.test('names that JavaScript knows are names like any other', async (t) => {
  const body = parseJson(
    Buffer.from('{"userName":"u","__proto__":{"a":1},"constructor":1,"name":{"__proto__":1}}'),
  )
  const cleaned = lenient(body as Json)
  t.same(cleaned, { userName: 'u' })
  t.equal(Object.getPrototypeOf(cleaned), Object.prototype)
})

t.test('what cannot be meant is refused in both profiles', async (t) => {
  const refused: [given: { [name: string]: Json }, code: string][] = [
    [{ userName: null }, 'invalidValue'],
    [{ userName: ' \u3000' }, 'invalidValue'],
    [{ userName: 'a\nb' }, 'invalidValue'],
    [{ userName: '' }, 'invalidValue'],
    [{ userName: {} }, 'invalidValue'],
    [{ userName: 'u'.repeat(1001) }, 'invalidValue'],
    [{ active: 'maybe' }, 'invalidValue'],
    [{ name: 'n' }, 'invalidValue'],
    [{ title: ['a'] }, 'invalidValue'],
    [{ title: { a: 1 } }, 'invalidValue'],
    [{ emails: [true] }, 'invalidValue'],
    [
      {
        emails: [
          { value: 'a', primary: true },
          { value: 'b', primary: true },
        ],
      },
      'invalidValue',
    ],
  ]
  for (const [given, code] of refused) {
    for (const validated of [lenient, strict]) {
      t.throws(() => validated({ ...base, ...given }), { code }, JSON.stringify(given))
    }
  }
  for (const body of [[], 'x', 1, null]) t.throws(() => lenient(body), { code: 'invalidSyntax' })
  for (const group of [{ members: [] }, { displayName: '' }, { displayName: ' \t' }]) {
    t.throws(() => validate(group, { resourceType: groupType, profile: 'lenient' }), { code: 'invalidValue' })
  }
})

t.test('strict: schemas names what is used and nothing unknown', async (t) => {
  const wrong: Json[] = [
    undefined as unknown as Json,
    [],
    'x',
    [1],
    [ENTERPRISE],
    [userType.schema.id, 'urn:x'],
  ]
  for (const schemas of wrong) t.throws(() => strict({ userName: 'u', schemas }), { code: 'invalidSyntax' })
  t.throws(() => strict({ ...base, [ENTERPRISE]: { department: 'D' } }), { code: 'invalidSyntax' })
})

t.test('a body that JSON or the database cannot carry is 400 invalidSyntax, at once', async (t) => {
  const hostile = [
    '{',
    'nonsense',
    '{"a":1,}',
    '{"a":1,"a":2}',
    '{"a":{"b":1,"\\u0062":2}}',
    '{"__proto__":1,"__proto__":2}',
    '{"a":"\\u0000"}',
    '{"\\u0000":1}',
    '{"a":"\\ud800"}',
    '{"a":1e400}',
    '{"a":[-1e999]}',
    `${'['.repeat(900_000)}${']'.repeat(900_000)}`,
    `{"a":`.repeat(900_000),
    `${'['.repeat(33)}${']'.repeat(33)}`,
    `"${'\\"'.repeat(100_000)}`,
  ]
  // Of CPU, in microseconds: what grew with the square of the text would take minutes.
  const SECOND = 1_000_000
  for (const text of hostile) {
    const start = process.cpuUsage()
    t.throws(() => parseJson(Buffer.from(text)), { code: 'invalidSyntax' }, text.slice(0, 40))
    t.ok(process.cpuUsage(start).user < SECOND, 'at a cost that grows with the text')
  }
  t.throws(() => parseJson(Buffer.from([0x22, 0xff, 0x22])), { code: 'invalidSyntax' })
})

t.test('any other body is read as JSON reads it', async (t) => {
  const texts = [
    '{}',
    '[]',
    '{"a":"x:{[\\"\\\\","b":{"a":1}}',
    '"\\ud83d\\ude00"',
    `${'['.repeat(32)}${']'.repeat(32)}`,
  ]
  for (const text of texts) t.same(parseJson(Buffer.from(text)), JSON.parse(text), text)
  t.same(parseJson(Buffer.from('\ufeff{"a":1}')), { a: 1 }, 'a byte order mark is none of it')
  t.equal(parseJson(Buffer.alloc(0)), undefined)
})
