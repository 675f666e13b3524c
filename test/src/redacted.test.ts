import t from 'tap'
import { redactedBody, redactedDetail, redactedFilter, redactedQuery } from '../../src/translate/redacted.ts'

const ID = '0190aa3c-5d1c-7a39-9d3f-2f6a1c0b7e11'

const filters: [string, string][] = [
  ['userName eq "ada@acme.example"', 'userName eq "[text]"'],
  [
    'emails[type eq "work" and value co "ada"].value pr',
    'emails[type eq "work" and value co "[text]"].value pr',
  ],
  [`members[value eq "${ID}"]`, `members[value eq "${ID}"]`],
  [`externalId eq "${ID}"`, 'externalId eq "[text]"'],
  [`externalId eq ${ID}`, 'externalId eq [text]'],
  [`/Users/${ID}`, `/Users/${ID}`],
  ['name.familyName', 'name.familyName'],
  ['active eq true', 'active eq true'],
  ['urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department eq "Sales"'],
  ['externalId eq 4711'],
  ['userName eq "ada \\" lovelace" or title pr'],
  ['userName eq "unended ada lovelace'],
  ['userName eq ada@acme.example'],
  ['lovelace'],
  ['"lovelace'],
  ['userName eq \u201cada\u201d'],
  ["userName eq 'ada lovelace'"],
].map(([text = '', shown = '']) => [text, shown])

t.test('a filter is told without its values', async (t) => {
  for (const [text, shown] of filters) {
    if (shown) t.equal(redactedFilter(text), shown)
    t.notMatch(redactedFilter(text), /ada|lovelace|Sales|4711/i, text)
  }
  t.ok(redactedFilter('"'.repeat(100_000)).length < 10_000)
})

t.test('of a query what was asked for is told, and nothing else', async (t) => {
  const query = {
    filter: 'userName eq "ada"',
    count: '1',
    startIndex: 'x',
    cursor: 'c',
    token: 't',
    sortBy: 'title',
  }
  t.equal(redactedQuery(query), 'filter=userName eq "[text]"&count=1&startIndex=[text]&sortBy=title')
  t.equal(redactedQuery({}), undefined)
})

/** Everything that must not be kept, under whatever name and in whatever shape it comes. */
const personal = [
  'Ada',
  'Lovelace',
  'ada@acme.example',
  '+44 1815',
  'Countess',
  '12 St James Square',
  'x-secret-x',
]
const bodies: unknown[] = [
  {
    userName: 'ada@acme.example',
    externalId: 'Ada',
    password: 'x-secret-x',
    displayName: 'Ada Lovelace',
    name: { givenName: 'Ada', familyName: 'Lovelace', formatted: 'Countess Ada' },
    emails: [{ value: 'ada@acme.example', type: 'work', primary: true }],
    phoneNumbers: [{ value: '+44 1815', type: 'Ada' }],
    addresses: [{ streetAddress: '12 St James Square', locality: 'Ada' }],
    photos: [{ value: 'https://acme.example/Ada.png' }],
    'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User': {
      employeeNumber: 4711,
      manager: { value: 'Ada' },
    },
    'ada@acme.example': 1,
  },
  { Operations: [{ op: 'replace', path: 'password', value: 'x-secret-x' }] },
  { Operations: [{ op: 'replace', path: 'password', value: { value: 'x-secret-x' } }] },
  { Operations: [{ op: 'replace', path: 'password', value: '4711aaaa-0000-0000-0000-000000004711' }] },
  {
    Operations: [
      { op: 'add', path: 'emails[value eq "ada@acme.example"].value', value: ['ada@acme.example'] },
    ],
  },
  {
    Operations: [
      { op: 'Ada', path: 'Lovelace', value: { 'name.givenName': 'Ada', password: { a: 'x-secret-x' } } },
    ],
  },
  { schemas: ['Ada'], filter: 'userName eq "Ada"', method: 'Ada', type: 'Ada', op: 'Ada', id: 'Ada' },
  { apiToken: 'x-secret-x', client_secret: ['x-secret-x'], privateKey: 4711, credentials: { user: 'Ada' } },
  'Ada',
  ['Ada', 4711],
  4711,
]

t.test('a body is told without anything that names a person or a secret', async (t) => {
  for (const body of bodies) {
    const told = JSON.stringify(redactedBody(body))
    t.same(
      [...personal, '4711'].filter((one) => told.toLowerCase().includes(one.toLowerCase())),
      [],
      told,
    )
  }
})

t.test('what was meant can still be read', async (t) => {
  const schemas = ['urn:ietf:params:scim:api:messages:2.0:PatchOp']
  const patch = {
    schemas,
    Operations: [
      { op: 'Replace', path: 'active', value: 'False' },
      { op: 'add', path: 'members', value: [{ value: ID }] },
      { op: 'replace', path: 'name.givenName', value: 'Ada' },
    ],
  }
  t.same(redactedBody(patch), {
    schemas,
    Operations: [
      { op: 'Replace', path: 'active', value: 'False' },
      { op: 'add', path: 'members', value: [{ value: ID }] },
      { op: 'replace', path: 'name.givenName', value: '[text]' },
    ],
  })
  t.same(redactedBody({ password: 'x', active: false, title: 'y', age: 7 }), {
    password: '[secret]',
    active: false,
    title: '[text]',
    age: '[number]',
  })
  t.equal(redactedBody(undefined), undefined)
})

t.test('an id that a directory knows a person by is not told, and one of ours is', async (t) => {
  const members = [{ value: ID }]
  t.same(redactedBody({ externalId: ID, userName: ID, emails: [{ value: ID }], members }), {
    externalId: '[text]',
    userName: '[text]',
    emails: [{ value: '[text]' }],
    members,
  })
  const operation = (path: string, value: unknown) => ({ op: 'add', path, value })
  t.same(
    redactedBody([operation('externalId', ID), operation('members', members), operation('members', ID)]),
    [operation('externalId', '[text]'), operation('members', members), operation('members', ID)],
  )
})

t.test('what was said of a refusal is told without what it quotes of values', async (t) => {
  const told: [string, string][] = [
    ['"emails[value eq "ada"].value" matches nothing.', '"emails[value eq "[text]"].value" matches nothing.'],
    ['"x[y eq "a]b " ada "c"]" matches nothing.', '/ada/'],
    ['There is no attribute "ada@acme.example".', 'There is no attribute "[text]".'],
    ['The bulkId "ada" is given to two POSTs.', 'The bulkId "[text]" is given to two POSTs.'],
    ['"schemas" lacks "urn:ietf:x".', '"schemas" lacks "urn:ietf:x".'],
    ['"add" needs a "value".', '"add" needs a "value".'],
    ['"ada" lacks "ada" needs a "ada".', '/ada/'],
    ['This externalId is in use.', 'This externalId is in use.'],
  ]
  for (const [sentence, shown] of told) {
    if (shown !== '/ada/') t.equal(redactedDetail(sentence), shown)
    t.notMatch(redactedDetail(sentence), /\bada\b/, sentence)
  }
})

t.test('a large body is cut', async (t) => {
  const members = Array.from({ length: 10_000 }, () => ({ value: ID }))
  t.ok(JSON.stringify(redactedBody({ members })).length < 1000)
  const wide = Object.fromEntries(members.map((_, index) => [`attribute${index}`, 'x'.repeat(100)]))
  t.ok(JSON.stringify(redactedBody(wide)).length < 2000)
  let deep: object = {}
  for (let depth = 0; depth < 1000; depth++) deep = { deep }
  t.ok(JSON.stringify(redactedBody(deep)).length < 200)
  const full = (depth: number): unknown =>
    depth === 0
      ? 1
      : Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`k${index}`, full(depth - 1)]))
  t.ok(JSON.stringify(redactedBody(full(3))).length < 50_000)
  const lists = (depth: number): unknown => Array.from({ length: 10 }, () => (depth ? lists(depth - 1) : 1))
  t.ok(JSON.stringify(redactedBody(lists(4))).length < 50_000)
})
