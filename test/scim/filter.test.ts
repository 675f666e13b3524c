import fc from 'fast-check'
import t from 'tap'
import {
  enterpriseUserSchema,
  type Filter,
  matches,
  parseFilter,
  parsePath,
  printFilter,
  printPath,
  readFilter,
  userNameKey,
  userType,
} from '../../scim/index.ts'

const ENTERPRISE = enterpriseUserSchema.id
const id = '2819c223-7f76-453a-919d-413861904646'

const user = {
  id,
  schemas: [userType.schema.id, ENTERPRISE],
  externalId: 'Ext-1',
  userName: 'Bjensen',
  active: true,
  title: 'Tour Guide',
  nickName: '',
  name: { familyName: "O'Malley", givenName: 'Babs' },
  emails: [
    { type: 'work', value: 'bjensen@example.com', primary: true },
    { type: 'home', value: 'babs@jensen.org' },
  ],
  meta: { resourceType: 'User', created: '2010-01-23T04:56:22Z', lastModified: '2011-05-13T04:42:34.250Z' },
  [ENTERPRISE]: { employeeNumber: '701984', manager: { value: '26118915' } },
}

const matching: { filter: string; not?: string }[] = [
  { filter: 'userName eq "bjensen"', not: 'userName eq "jensen"' },
  { filter: 'USERNAME Eq "BJENSEN"', not: 'externalId eq "ext-1"' },
  { filter: `name.familyName co "O'Malley"`, not: 'name.familyName co "%"' },
  { filter: 'userName sw "B"', not: 'userName sw "J"' },
  { filter: 'userName ew "SEN"', not: 'userName ew "b"' },
  { filter: 'urn:ietf:params:scim:schemas:core:2.0:User:userName sw "B"' },
  { filter: 'title pr', not: 'nickName pr' },
  { filter: 'emails pr and name pr', not: 'addresses pr or photos.value pr' },
  {
    filter: 'meta.lastModified gt "2011-05-13T04:42:34Z"',
    not: 'meta.lastModified lt "2011-05-13T04:42:34Z"',
  },
  {
    filter: 'meta.lastModified eq "2011-05-13T06:42:34.250+02:00"',
    not: 'meta.created ge "2011-01-01T00:00:00Z"',
  },
  { filter: 'title pr and active eq true', not: 'title pr and active eq false' },
  { filter: 'active eq "True"', not: 'active eq "FALSE"' },
  { filter: 'title pr or userType eq "Intern"', not: 'userType eq "Intern" or userType eq "Boss"' },
  { filter: `schemas eq "${ENTERPRISE}"`, not: 'schemas eq "urn:x"' },
  {
    filter: 'userType ne "Employee" and not (emails co "example.net" or emails.value co "example.net")',
    not: 'userType ne "Employee" and not (emails co "example.com" or emails.value co "example.org")',
  },
  { filter: 'userType ne "Employee" and not (emails.type eq "other")' },
  { filter: 'emails eq "babs@jensen.org"', not: 'emails eq "babs"' },
  {
    filter: 'emails[type eq "work" and value co "@example.com"]',
    not: 'emails[type eq "home" and value co "@example.com"]',
  },
  {
    filter: 'emails[type eq "work"].value eq "bjensen@example.com"',
    not: 'emails[type eq "work"].value eq "babs@jensen.org"',
  },
  { filter: 'emails[not (type eq "work") and value pr]', not: 'emails[type eq "other"]' },
  { filter: 'emails[primary eq "True"].value sw "bj"', not: 'emails[primary eq "True"].type eq "home"' },
  { filter: 'emails.value ne "babs@jensen.org"', not: 'photos.value ne "x"' },
  { filter: `${ENTERPRISE}:employeeNumber eq "701984"`, not: `${ENTERPRISE}:employeeNumber eq "1"` },
  { filter: `id eq "${id}" and manager eq "26118915"`, not: `id eq "${id}" and manager eq "1"` },
  { filter: `${ENTERPRISE}:manager.value pr`, not: `${ENTERPRISE}:manager.displayName pr` },
  { filter: 'name[familyName sw "O" and givenName eq "babs"]', not: 'name[familyName eq "x"]' },
  { filter: 'locale eq null and title ne null', not: 'locale ne null or title eq null' },
  { filter: 'locale ne "en"', not: 'locale gt "a" or locale co ""' },
  { filter: 'userName gt "A" and userName lt "C"', not: 'userName ge "C" or userName le "A"' },
  {
    filter: 'title eq "x" or title pr and active eq true',
    not: '(title eq "x" or title pr) and active eq false',
  },
  { filter: 'not (title eq "x")', not: 'not (title eq "x") and not (active eq true)' },
  { filter: 'title eq "\\u0054our\\u0020Guide"', not: 'title eq "Tour\\\\u0020Guide"' },
]

t.test('filters match by the rules of RFC 7644', async (t) => {
  for (const { filter, not } of matching) {
    t.equal(matches(readFilter(filter, userType, 'lenient'), user, userType), true, filter)
    if (not) t.equal(matches(readFilter(not, userType, 'lenient'), user, userType), false, not)
  }
})

t.test('order of strings is that of code points', async (t) => {
  const holds = (title: string, filter: string) =>
    matches(readFilter(filter, userType, 'strict'), { title }, userType)
  t.ok(holds('\u{1f600}', 'title gt "\uffee"'))
  t.ok(holds('ΟΔΟΣ', 'title eq "οδοσ"'), 'lower case looks at single characters')
})

t.test('userNames are compared by width, case and composition', async (t) => {
  const same = [
    ['Bjensen@Example.com', 'bjensen@example.com'],
    ['\uff21\uff24\uff21', 'ada'],
    ['\uff76\uff9e', '\u30ac'],
    ['E\u0301', '\u00e9'],
    ['\u039f\u0394\u039f\u03a3', '\u03bf\u03b4\u03bf\u03c2'],
    ['a\u3000b', 'A B'],
  ]
  for (const [one = '', other = ''] of same) {
    t.equal(userNameKey(one), userNameKey(other), one)
    t.equal(userNameKey(userNameKey(one)), userNameKey(one), 'a key is its own')
    t.ok(matches(readFilter(`userName eq "${one}"`, userType, 'strict'), { userName: other }, userType), one)
  }
  for (const [one = '', other = ''] of [
    ['e', '\u00e9'],
    ['\ufb01', 'fi'],
    ['stra\u00dfe', 'strasse'],
    ['a\u0430', 'aa'],
    [' a', 'a'],
  ])
    t.not(userNameKey(one), userNameKey(other), one)
})

const malformed = [
  '',
  ' ',
  'userName',
  'userName eq',
  'userName eq bjensen',
  'userName eq "x',
  'userName eq "\\x"',
  'userName eq "\\u0000"',
  'userName eq "\\ud800"',
  'userName xx "y"',
  'userName eq 1e400',
  'userName eq "a" and',
  'userName eq "a" "b"',
  'and userName eq "a"',
  '(userName eq "a"',
  'userName eq "a")',
  'not userName eq "a"',
  'emails[type eq "work"',
  'emails[]',
  'emails[type eq "work"]value eq "x"',
  'emails[type eq "work"].value',
  'name..familyName eq "x"',
  'name.familyName.x eq "y"',
  '.name eq "y"',
  'userName eq "a"; drop table users',
]

const senseless = [
  'unknown eq "x"',
  'constructor eq "x"',
  '__proto__ pr',
  'name.unknown eq "x"',
  'emails[unknown eq "x"]',
  'emails[type eq "work" and emails[value eq "x"]]',
  'name eq "x"',
  'active gt true',
  'active co "true"',
  'active eq "yes"',
  'userName eq true',
  'userName gt null',
  'meta.created eq "yesterday"',
  'meta.created co "2011"',
  'meta.created gt "2011-02-30T00:00:00Z"',
  'x509Certificates gt "a"',
  'password eq "x"',
  'userName[value eq "x"]',
  'urn:unknown:User:userName eq "x"',
]

t.test('what is no filter is 400 invalidFilter', async (t) => {
  for (const text of [...malformed, ...senseless]) {
    t.throws(() => readFilter(text, userType, 'lenient'), { code: 'invalidFilter' }, text)
  }
})

t.test('a strict connection is told of values and names that a lenient one may use', async (t) => {
  for (const text of ['active eq "true"', 'externalId eq 12', 'manager eq "x"']) {
    t.ok(readFilter(text, userType, 'lenient'), text)
    t.throws(() => readFilter(text, userType, 'strict'), { code: 'invalidFilter' }, text)
  }
})

t.test('names come out in canonical spelling', async (t) => {
  const cases = [
    ['USERNAME EQ "x"', 'userName eq "x"'],
    ['Urn:ietf:params:scim:schemas:core:2.0:user:NAME.familyname pr', 'name.familyName pr'],
    ['employeenumber eq 12', `${ENTERPRISE}:employeeNumber eq "12"`],
    ['emails eq "x"', 'emails.value eq "x"'],
    ['emails[TYPE eq "work"].VALUE pr', 'emails[type eq "work" and value pr]'],
    ['title eq null', 'not (title pr)'],
    ['active eq "TRUE" or active eq False', 'active eq true or active eq false'],
  ]
  for (const [given = '', canonical] of cases) {
    t.equal(printFilter(readFilter(given, userType, 'lenient')), canonical)
  }
})

t.test('hostile filters are refused at once', async (t) => {
  const hostile = [
    `${'('.repeat(32_768)}${')'.repeat(32_768)}`,
    `userName eq "${'a'.repeat(65_536)}"`,
    `userName eq "${'\\'.repeat(16_000)}`,
    `${'('.repeat(33)}title pr${')'.repeat(33)}`,
    `${'not ('.repeat(33)}title pr${')'.repeat(33)}`,
    Array(201).fill('title pr').join(' or '),
    'a.'.repeat(8000),
    `${'urn:'.repeat(4000)}x pr`,
    `emails[${'emails['.repeat(1000)}`,
    ' '.repeat(16_384),
  ]
  for (const text of hostile) {
    const start = process.cpuUsage()
    t.throws(() => readFilter(text, userType, 'lenient'), { code: 'invalidFilter' }, text.slice(0, 40))
    t.ok(
      process.cpuUsage(start).user < 1_000_000,
      'a second of CPU at most, where the square of it takes minutes',
    )
  }
  t.ok(readFilter(Array(200).fill('title pr').join(' or '), userType, 'lenient'))
})

t.test('a path is an attribute, or some of its elements, and of these a sub-attribute', async (t) => {
  const type = { kind: 'compare', path: { name: 'type' }, op: 'eq', value: 'work' }
  t.same(parsePath('userName'), { path: { name: 'userName' } })
  t.same(parsePath('name.familyName'), { path: { name: 'name', sub: 'familyName' } })
  t.same(parsePath('emails[type eq "work"]'), { path: { name: 'emails' }, filter: type })
  t.same(parsePath('emails[type eq "work"].value'), { path: { name: 'emails' }, filter: type, sub: 'value' })
  t.same(parsePath(`${ENTERPRISE}:manager.value`), {
    path: { urn: ENTERPRISE, name: 'manager', sub: 'value' },
  })
  for (const text of [
    '',
    'a b',
    'emails[type eq "work"',
    'emails[type eq "work"].',
    'a.b.c',
    'a pr',
    '[x pr]',
    '"a"',
  ]) {
    t.throws(() => parsePath(text), { code: 'invalidPath' }, text)
  }
})

const name = fc.stringMatching(/^[A-Za-z][A-Za-z0-9_-]{0,8}$/).filter((word) => word.toLowerCase() !== 'not')
const path = fc.record({ name }, { requiredKeys: ['name'] }).chain((base) =>
  fc.oneof(
    fc.constant(base),
    name.map((sub) => ({ ...base, sub })),
    name.map((sub) => ({ urn: 'urn:example:2.0:User', ...base, sub })),
  ),
)
const value = fc.oneof(
  fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('\0')),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => (number === 0 ? 0 : number)),
  fc.boolean(),
  fc.constant(null),
)
const op = fc.constantFrom('eq', 'ne', 'co', 'sw', 'ew', 'gt', 'ge', 'lt', 'le')

const { filter } = fc.letrec<{ filter: Filter }>((tie) => ({
  filter: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.record({ kind: fc.constant('present'), path }) as fc.Arbitrary<Filter>,
    fc.record({ kind: fc.constant('compare'), path, op, value }) as fc.Arbitrary<Filter>,
    fc.record({ kind: fc.constant('not'), term: tie('filter') }) as fc.Arbitrary<Filter>,
    fc.record({ kind: fc.constant('valuePath'), path, filter: tie('filter') }) as fc.Arbitrary<Filter>,
    fc.record({
      kind: fc.constantFrom('and', 'or'),
      terms: fc.array(tie('filter'), { minLength: 2, maxLength: 3 }),
    }) as fc.Arbitrary<Filter>,
  ),
}))

t.test('a printed filter parses to the same tree', async () => {
  fc.assert(
    fc.property(filter, (tree) => t.same(parseFilter(printFilter(tree)), tree)),
    { numRuns: 300 },
  )
  fc.assert(
    fc.property(path, filter, name, (whole, inner, sub) => {
      const tree = { path: whole, filter: inner, sub }
      t.same(parsePath(printPath(tree)), tree)
    }),
    { numRuns: 50 },
  )
})

t.test('any text gives a tree or invalidFilter', async (t) => {
  const words = fc.constantFrom(
    'userName',
    'eq',
    '"x"',
    '(',
    ')',
    '[',
    ']',
    'and',
    'or',
    'not',
    '.value',
    'pr',
    'emails',
    '1',
  )
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(words).map((list) => list.join(' ')),
  )
  fc.assert(
    fc.property(text, (given) => {
      try {
        readFilter(given, userType, 'lenient')
      } catch (error) {
        t.match(error, { scimType: 'invalidFilter' })
      }
    }),
    { numRuns: 2000 },
  )
})
