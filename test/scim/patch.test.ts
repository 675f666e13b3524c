import fc from 'fast-check'
import t, { type Test } from 'tap'
import {
  type Attributes,
  applyPatch,
  enterpriseUserSchema,
  groupType,
  type Json,
  memberChanges,
  type Profile,
  parsePatch,
  userType,
  validate,
} from '../../scim/index.ts'

const ENTERPRISE = enterpriseUserSchema.id
const schemas = ['urn:ietf:params:scim:api:messages:2.0:PatchOp']

const work = { type: 'work', value: 'w@example.com', primary: true }
const home = { type: 'home', value: 'h@example.com' }
const user: Attributes = {
  userName: 'bjensen',
  active: true,
  name: { familyName: 'Jensen', givenName: 'Barbara' },
  emails: [work, home],
  [ENTERPRISE]: { department: 'Tours', manager: { value: 'm1' } },
}
const frozen = structuredClone(user)

interface Case {
  readonly op: string
  readonly path?: Json
  readonly value?: Json
  /** What differs afterwards; null: gone. */
  readonly after?: { [name: string]: Json }
  readonly fails?: string
  /** Default: both. */
  readonly only?: Profile
}

function run(operations: Json[], profile: Profile, attributes = user): Attributes {
  const rules = { resourceType: userType, profile }
  return applyPatch(attributes, parsePatch({ schemas, Operations: operations }, rules), rules)
}

function expected(after: { [name: string]: Json }): Attributes {
  return Object.fromEntries(Object.entries({ ...user, ...after }).filter(([, value]) => value !== null))
}

function check(t: Test, { after = {}, fails, only, ...operation }: Case): void {
  for (const profile of ['lenient', 'strict'] as const) {
    const says = `${profile} ${JSON.stringify(operation)}`
    if (only && only !== profile) continue
    if (fails) t.throws(() => run([operation], profile), { code: fails }, says)
    else t.same(run([operation], profile), expected(after), says)
    t.same(user, frozen)
  }
}

const enterprise = (changes: { [name: string]: Json }): { [name: string]: Json } => {
  const after = { ...(user[ENTERPRISE] as Attributes), ...changes }
  return { [ENTERPRISE]: Object.fromEntries(Object.entries(after).filter(([, value]) => value !== null)) }
}

const adds: Case[] = [
  { op: 'add', path: 'title', value: 'Guide', after: { title: 'Guide' } },
  { op: 'add', path: 'userName', value: 'other', after: { userName: 'other' } },
  {
    op: 'add',
    path: 'name.middleName',
    value: 'J',
    after: { name: { familyName: 'Jensen', givenName: 'Barbara', middleName: 'J' } },
  },
  {
    op: 'add',
    path: 'name',
    value: { givenName: 'B' },
    after: { name: { familyName: 'Jensen', givenName: 'B' } },
  },
  { op: 'add', path: 'emails', value: [home] },
  {
    op: 'add',
    path: 'emails',
    value: [{ type: 'home', value: 'h@example.com', display: 'H' }],
    after: { emails: [work, { ...home, display: 'H' }] },
  },
  {
    op: 'add',
    path: 'emails',
    value: [{ type: 'other', value: 'o' }],
    after: { emails: [work, home, { type: 'other', value: 'o' }] },
  },
  {
    op: 'add',
    path: 'emails',
    value: [{ type: 'other', value: 'o', primary: true }],
    after: { emails: [{ ...work, primary: false }, home, { type: 'other', value: 'o', primary: true }] },
  },
  {
    op: 'add',
    path: 'emails',
    value: [
      { value: 'a', primary: true },
      { value: 'b', primary: true },
    ],
    fails: 'invalidValue',
  },
  {
    op: 'add',
    path: 'emails[type eq "home"].primary',
    value: true,
    after: {
      emails: [
        { ...work, primary: false },
        { ...home, primary: true },
      ],
    },
  },
  {
    op: 'add',
    path: 'emails[type eq "other"].value',
    value: 'o',
    after: { emails: [work, home, { type: 'other', value: 'o' }] },
  },
  {
    op: 'add',
    path: 'emails[type eq "other"]',
    value: { value: 'o' },
    after: { emails: [work, home, { type: 'other', value: 'o' }] },
  },
  { op: 'add', path: 'emails[type sw "other"].value', value: 'o', fails: 'noTarget' },
  { op: 'add', path: `${ENTERPRISE}:costCenter`, value: '4130', after: enterprise({ costCenter: '4130' }) },
  { op: 'add', path: ENTERPRISE, value: { costCenter: '4130' }, after: enterprise({ costCenter: '4130' }) },
  {
    op: 'add',
    value: { title: 'Guide', [ENTERPRISE]: { costCenter: '1' } },
    after: { title: 'Guide', ...enterprise({ costCenter: '1' }) },
  },
  { op: 'add', value: { id: 'x', meta: {}, schemas: [], groups: [{ value: 'g' }], password: 'p' } },
  { op: 'add', path: 'password', value: 'secret' },
  { op: 'add', value: 'x', fails: 'invalidValue' },
  { op: 'add', path: 'title', fails: 'invalidValue' },
  { op: 'add', path: 'title', value: { a: 1 }, fails: 'invalidValue' },
  { op: 'add', path: 'title', value: true, fails: 'invalidValue' },
  { op: 'Add', path: 'title', value: 'x', after: { title: 'x' }, only: 'lenient' },
  { op: 'Add', path: 'title', value: 'x', fails: 'invalidSyntax', only: 'strict' },
  {
    op: 'add',
    path: 'manager',
    value: 'm2',
    after: enterprise({ manager: { value: 'm2' } }),
    only: 'lenient',
  },
  {
    op: 'add',
    path: 'manager',
    value: [{ $ref: 'x/m2', value: 'm2' }],
    after: enterprise({ manager: { value: 'm2' } }),
    only: 'lenient',
  },
  { op: 'add', path: 'manager', value: 'm2', fails: 'invalidPath', only: 'strict' },
  {
    op: 'add',
    path: 'emails',
    value: 'x@example.com',
    after: { emails: [work, home, { value: 'x@example.com' }] },
    only: 'lenient',
  },
  { op: 'add', path: 'emails', value: 'x@example.com', fails: 'invalidValue', only: 'strict' },
  {
    op: 'add',
    path: 'roles',
    value: [{ value: '{"value":"Admin","displayName":"A"}' }],
    after: { roles: [{ value: 'Admin', display: 'A' }] },
    only: 'lenient',
  },
  {
    op: 'add',
    path: 'roles',
    value: [{ value: 'a', primary: 'True' }],
    after: { roles: [{ value: 'a', primary: true }] },
    only: 'lenient',
  },
  { op: 'add', path: 'externalId', value: 12, after: { externalId: '12' }, only: 'lenient' },
]

const replaces: Case[] = [
  { op: 'replace', path: 'active', value: false, after: { active: false } },
  { op: 'replace', path: 'active', value: 'False', after: { active: false }, only: 'lenient' },
  { op: 'replace', path: 'active', value: 'False', fails: 'invalidValue', only: 'strict' },
  { op: 'replace', path: 'active', value: 'maybe', fails: 'invalidValue' },
  {
    op: 'replace',
    path: 'NAME.familyname',
    value: 'X',
    after: { name: { familyName: 'X', givenName: 'Barbara' } },
  },
  { op: 'replace', path: 'name', value: { givenName: null }, after: { name: { familyName: 'Jensen' } } },
  { op: 'replace', path: 'name', value: null, after: { name: null } },
  { op: 'replace', path: 'title', value: null },
  { op: 'replace', path: 'addresses', value: [], after: {} },
  { op: 'replace', path: 'emails', value: [home], after: { emails: [home] } },
  { op: 'replace', path: 'emails', value: [], after: { emails: null } },
  {
    op: 'replace',
    path: 'emails[type eq "work"].value',
    value: 'x',
    after: { emails: [{ ...work, value: 'x' }, home] },
  },
  {
    op: 'replace',
    path: 'emails[type eq "work"]',
    value: { value: 'x' },
    after: { emails: [{ type: 'work', value: 'x' }, home] },
  },
  {
    op: 'replace',
    path: 'emails[type eq "other"].value',
    value: 'x',
    after: { emails: [work, home, { type: 'other', value: 'x' }] },
    only: 'lenient',
  },
  { op: 'replace', path: 'emails[type eq "other"].value', value: 'x', fails: 'noTarget', only: 'strict' },
  { op: 'replace', path: 'emails[type eq "other"].value', value: null, only: 'lenient' },
  { op: 'replace', path: 'emails[type pr].primary', value: true, fails: 'invalidValue' },
  {
    op: 'replace',
    path: 'emails.type',
    value: 'other',
    after: {
      emails: [
        { ...work, type: 'other' },
        { ...home, type: 'other' },
      ],
    },
  },
  { op: 'replace', path: 'phoneNumbers.value', value: '1', after: { phoneNumbers: [{ value: '1' }] } },
  {
    op: 'replace',
    path: 'addresses[type eq "work"]',
    value: { locality: 'L' },
    after: { addresses: [{ type: 'work', locality: 'L' }] },
    only: 'lenient',
  },
  {
    op: 'replace',
    value: { 'name.givenName': 'K', [`${ENTERPRISE}:employeeNumber`]: 'A', unknown: 1 },
    after: { name: { familyName: 'Jensen', givenName: 'K' }, ...enterprise({ employeeNumber: 'A' }) },
    only: 'lenient',
  },
  {
    op: 'replace',
    value: { 'emails[type eq "work"].value': 'x', 'phoneNumbers[type eq "fax"].value': '1' },
    after: { emails: [{ ...work, value: 'x' }, home], phoneNumbers: [{ type: 'fax', value: '1' }] },
    only: 'lenient',
  },
  { op: 'replace', value: { 'name.givenName': 'K' }, fails: 'invalidSyntax', only: 'strict' },
  {
    op: 'replace',
    path: `${ENTERPRISE}:manager`,
    value: '',
    after: enterprise({ manager: null }),
    only: 'lenient',
  },
  {
    op: 'replace',
    path: `${ENTERPRISE}:manager`,
    value: { value: '' },
    after: enterprise({ manager: null }),
    only: 'lenient',
  },
  {
    op: 'replace',
    path: `${ENTERPRISE}:manager`,
    value: { value: 'm3', displayName: 'No' },
    after: enterprise({ manager: { value: 'm3' } }),
  },
  {
    op: 'replace',
    value: { [userType.schema.id]: { title: 'T' } },
    after: { title: 'T' },
    only: 'lenient',
  },
  { op: 'replace', path: 'id', value: 'x', only: 'lenient' },
  { op: 'replace', path: 'id', value: 'x', fails: 'mutability', only: 'strict' },
  { op: 'replace', path: 'groups', value: [], fails: 'mutability' },
  { op: 'replace', path: `${ENTERPRISE}:manager.displayName`, value: 'x', fails: 'mutability' },
  { op: 'replace', path: 'userName', value: null, fails: 'mutability' },
  { op: 'replace', path: 'userName', value: '', fails: 'invalidValue' },
  { op: 'replace', path: 'unknown', value: 1, fails: 'invalidPath' },
  { op: 'replace', path: '__proto__', value: { polluted: true }, fails: 'invalidPath' },
  { op: 'replace', path: 'constructor.prototype', value: {}, fails: 'invalidPath' },
  { op: 'replace', path: 'name[givenName eq "x"]', value: {}, fails: 'invalidPath' },
  { op: 'replace', path: 'emails[unknown eq "x"]', value: {}, fails: 'invalidFilter' },
  { op: 'replace', path: 'emails[type eq "work"].unknown', value: 1, fails: 'invalidPath' },
  { op: 'replace', path: 7, value: 1, fails: 'invalidPath' },
  { op: 'move', path: 'title', value: 'x', fails: 'invalidSyntax' },
]

const removes: Case[] = [
  { op: 'remove', fails: 'noTarget' },
  { op: 'remove', value: { title: '' }, fails: 'noTarget' },
  { op: 'remove', path: 'name.givenName', after: { name: { familyName: 'Jensen' } } },
  { op: 'remove', path: 'name', after: { name: null } },
  { op: 'remove', path: 'title' },
  { op: 'remove', path: 'emails', after: { emails: null } },
  { op: 'remove', path: 'emails', value: [{ value: 'h@example.com' }], after: { emails: [work] } },
  { op: 'remove', path: 'emails', value: [] },
  { op: 'remove', path: 'emails', value: null },
  { op: 'remove', path: 'emails[type eq "work"]', after: { emails: [home] } },
  { op: 'remove', path: 'emails[type eq "work" and value ew "example.com"]', after: { emails: [home] } },
  { op: 'remove', path: 'emails[type eq "work"].value', after: { emails: [home] } },
  {
    op: 'remove',
    path: 'emails[type eq "work"].primary',
    after: { emails: [{ type: 'work', value: 'w@example.com' }, home] },
  },
  { op: 'remove', path: 'emails[type eq "other"]', fails: 'noTarget' },
  { op: 'remove', path: 'emails[primary eq "True"]', after: { emails: [home] }, only: 'lenient' },
  { op: 'remove', path: `${ENTERPRISE}:manager`, after: enterprise({ manager: null }) },
  { op: 'remove', path: ENTERPRISE, after: { [ENTERPRISE]: null } },
  { op: 'remove', path: 'userName', fails: 'mutability' },
  { op: 'remove', path: 'groups', fails: 'mutability' },
]

t.test('add, by the letter and as identity providers send it', async (t) => {
  for (const one of adds) check(t, one)
})

t.test('replace, by the letter and as identity providers send it', async (t) => {
  for (const one of replaces) check(t, one)
  t.equal(Object.hasOwn(Object.prototype, 'polluted'), false)
})

t.test('remove, by the letter and as identity providers send it', async (t) => {
  for (const one of removes) check(t, one)
})

t.test('a PATCH without its parts is 400 invalidSyntax', async (t) => {
  const rules = { resourceType: userType, profile: 'strict' } as const
  for (const body of [
    undefined,
    [],
    {},
    { schemas },
    { schemas, Operations: {} },
    { schemas, Operations: ['x'] },
    { Operations: [] },
  ]) {
    t.throws(() => parsePatch(body as Json | undefined, rules), { code: 'invalidSyntax' })
  }
  t.same(parsePatch({ operations: [{ OP: 'Remove', Path: 'title' }] }, { ...rules, profile: 'lenient' }), [
    { op: 'remove', path: { path: { name: 'title' } } },
  ])
})

t.test('operations follow one another, and one that fails undoes all', async (t) => {
  const grow = [
    { op: 'remove', path: 'emails' },
    { op: 'add', path: 'emails', value: [{ type: 'home', value: 'n' }] },
    { op: 'replace', path: 'emails[value eq "n"].type', value: 'work' },
  ]
  t.same(run(grow, 'strict').emails, [{ type: 'work', value: 'n' }])
  t.throws(() => run([...grow, { op: 'remove', path: 'emails[value eq "x"]' }], 'strict'), {
    code: 'noTarget',
  })
  t.same(user, frozen)
})

const changes: { operation: Json; members: unknown[]; rest?: number }[] = [
  {
    operation: { op: 'add', path: 'members', value: [{ value: 'a' }] },
    members: [{ kind: 'add', members: [{ value: 'a' }] }],
  },
  {
    operation: { op: 'Add', path: 'members', value: [{ $ref: null, value: 'a' }] },
    members: [{ kind: 'add', members: [{ value: 'a' }] }],
  },
  {
    operation: { op: 'add', path: 'members', value: { value: 'a', type: 'group' } },
    members: [{ kind: 'add', members: [{ value: 'a', type: 'Group' }] }],
  },
  {
    operation: { op: 'add', path: 'members', value: ['a', 'b', 'a'] },
    members: [{ kind: 'add', members: [{ value: 'a' }, { value: 'b' }] }],
  },
  {
    operation: { op: 'add', path: 'members', value: 'a' },
    members: [{ kind: 'add', members: [{ value: 'a' }] }],
  },
  {
    operation: { op: 'add', path: 'members', value: [{ value: 'a', $ref: 'https://h/Groups/a' }] },
    members: [{ kind: 'add', members: [{ value: 'a', type: 'Group' }] }],
  },
  {
    operation: { op: 'add', value: { members: [{ value: 'a' }], displayName: 'd' } },
    members: [{ kind: 'add', members: [{ value: 'a' }] }],
    rest: 1,
  },
  { operation: { op: 'replace', value: { members: null, displayName: 'd' } }, members: [], rest: 1 },
  { operation: { op: 'replace', path: 'members', value: null }, members: [] },
  { operation: { op: 'replace', path: 'members', value: [] }, members: [{ kind: 'replace', members: [] }] },
  {
    operation: { op: 'replace', path: 'members', value: [{ value: 'a', display: 'A' }] },
    members: [{ kind: 'replace', members: [{ value: 'a' }] }],
  },
  { operation: { op: 'replace', value: { members: [] } }, members: [{ kind: 'replace', members: [] }] },
  {
    operation: { op: 'remove', path: 'members', value: [{ value: 'a' }] },
    members: [{ kind: 'remove', ids: ['a'] }],
  },
  {
    operation: { op: 'remove', path: 'members', value: ['a', 'b'] },
    members: [{ kind: 'remove', ids: ['a', 'b'] }],
  },
  { operation: { op: 'remove', path: 'members', value: null }, members: [{ kind: 'remove', ids: [] }] },
  { operation: { op: 'remove', path: 'members', value: [] }, members: [{ kind: 'remove', ids: [] }] },
  { operation: { op: 'remove', path: 'members' }, members: [{ kind: 'removeAll' }] },
  { operation: { op: 'remove', path: 'members[value eq "a"]' }, members: [{ kind: 'remove', ids: ['a'] }] },
  {
    operation: { op: 'remove', path: 'members[value eq "a" or VALUE eq "b"]' },
    members: [{ kind: 'remove', ids: ['a', 'b'] }],
  },
  { operation: { op: 'replace', path: 'displayName', value: 'd' }, members: [], rest: 1 },
]

t.test('operations on members are changes of a set', async (t) => {
  const rules = { resourceType: groupType, profile: 'lenient' } as const
  for (const { operation, members, rest = 0 } of changes) {
    const found = memberChanges(parsePatch({ Operations: [operation] }, rules))
    t.same(found.members, members, JSON.stringify(operation))
    t.equal(found.attributes.length, rest)
  }
  const refused: [Json, string][] = [
    [{ op: 'remove', path: 'members[type eq "Group"]' }, 'invalidFilter'],
    [{ op: 'replace', path: 'members[value eq "a"].value', value: 'b' }, 'mutability'],
    [{ op: 'replace', path: 'members[value eq "a"]', value: { value: 'b' } }, 'mutability'],
    [{ op: 'add', path: 'members', value: [{ display: 'nobody' }] }, 'invalidValue'],
  ]
  for (const [operation, code] of refused) {
    t.throws(() => memberChanges(parsePatch({ Operations: [operation] }, rules)), { code })
  }
})

t.test('a PATCH that asks for more work than it is long is refused', async (t) => {
  const rules = { resourceType: userType, profile: 'lenient' } as const
  const many = (count: number, operation: (n: number) => object) =>
    Array.from({ length: count }, (_, n) => operation(n))
  const emails = many(5000, (n) => ({ value: `${n}@x` })) as Json[]
  const filter = Array(150).fill('value co "@"').join(' or ')
  const hostile: Record<string, object[]> = {
    'adds one by one': many(10_000, (n) => ({ op: 'add', path: 'roles', value: [{ value: `${n}` }] })),
    'changes one by one': many(5000, (n) => ({
      op: 'replace',
      path: `emails[value eq "${n}@x"].type`,
      value: 'y',
    })),
    'a list taken from a list': [{ op: 'remove', path: 'emails', value: emails }],
    'a long filter': many(20, () => ({
      op: 'add',
      path: `emails[${filter}].type`,
      value: 'y',
    })),
  }
  for (const [what, Operations] of Object.entries(hostile)) {
    const operations = parsePatch({ Operations: Operations as Json[] }, rules)
    t.throws(
      () => applyPatch({ userName: 'u', emails }, operations, rules),
      { code: 'payloadTooLarge' },
      what,
    )
  }
  const honest = many(300, (n) => ({ op: 'add', path: 'roles', value: [{ value: `${n}` }] })) as Json[]
  const { roles } = applyPatch({ userName: 'u' }, parsePatch({ Operations: honest }, rules), rules)
  t.equal((roles as Json[]).length, 300)
})

t.test('whatever a PATCH holds, what it is applied to stays as it was', async (t) => {
  const paths = [
    'userName',
    'title',
    'name',
    'name.givenName',
    'emails',
    'emails.value',
    'emails[type eq "work"]',
  ]
  const more = [
    'emails[type eq "x"].value',
    'emails[primary eq true].primary',
    `${ENTERPRISE}:manager`,
    'manager',
    ENTERPRISE,
  ]
  const operation = fc.record(
    {
      op: fc.constantFrom('add', 'remove', 'replace', 'Add'),
      path: fc.constantFrom(...paths, ...more),
      value: fc.oneof(
        fc.jsonValue(),
        fc.constant([home]),
        fc.constant({ value: 'x', primary: true }),
        fc.constant('x'),
      ),
    },
    { requiredKeys: ['op'] },
  )
  fc.assert(
    fc.property(
      fc.array(operation, { maxLength: 4 }),
      fc.constantFrom<Profile>('lenient', 'strict'),
      (list, profile) => {
        try {
          const after = run(list as Json[], profile)
          const { emails } = after as { emails?: { primary?: boolean }[] }
          t.ok((emails ?? []).filter(({ primary }) => primary).length <= 1)
          t.same(
            validate(
              { schemas: [userType.schema.id, ENTERPRISE], ...after },
              { resourceType: userType, profile: 'strict' },
            ),
            after,
          )
        } catch (error) {
          t.match(error, { name: 'ScimError', status: 400 })
        }
        t.same(user, frozen)
      },
    ),
    { numRuns: 500 },
  )
})
