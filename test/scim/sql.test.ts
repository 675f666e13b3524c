import fc from 'fast-check'
import pg from 'pg'
import t from 'tap'
import {
  type Attributes,
  type Columns,
  enterpriseUserSchema,
  type Filter,
  matches,
  prepareSql,
  printFilter,
  readFilter,
  sortExpression,
  toSql,
  userNameKey,
  userType,
} from '../../scim/index.ts'
import { selectionReader } from '../../scim/search.ts'
import { makeDatabase } from '../database.ts'

const ENTERPRISE = enterpriseUserSchema.id
const id = (n: number) => `00000000-0000-4000-8000-00000000000${n}`

const columns: Columns = {
  document: 'u.document',
  paths: {
    id: { sql: 'u.id', type: 'uuid' },
    userName: { sql: 'u.user_name', key: 'u.user_name_key' },
    active: { sql: 'u.active' },
    'meta.lastModified': { sql: 'u.last_modified' },
    'emails.value': {
      sql: `u.document -> 'emails'`,
      contains: (parameter) => `u.emails @> array[lower(${parameter})]`,
    },
    'groups.value': { sql: 'm.group_id', type: 'uuid' },
    'groups.display': { sql: 'm.display' },
  },
  relations: {
    groups: (condition) => `exists (select 1 from members m where m.user_id = u.id and ${condition})`,
  },
}

const sql = (text: string) => toSql(readFilter(text, userType, 'lenient'), { columns, schemas: userType })

t.test('a mapped column is compared so that its index serves', async (t) => {
  const cases: [filter: string, text: string, values: unknown[]][] = [
    ['userName eq "A"', 'u.user_name_key = $1::text', ['a']],
    [`id eq "${id(1)}"`, 'u.id = $1::uuid', [id(1)]],
    ['id eq "1"', 'u.id = $1::uuid', [null]],
    ['id ne "1"', 'u.id is distinct from $1::uuid', [null]],
    ['id sw "0"', 'starts_with((u.id)::text, $1::text)', ['0']],
    ['active eq "False"', 'u.active = $1::boolean', [false]],
    [
      'meta.lastModified gt "2020-01-01T00:00:00+01:00"',
      'u.last_modified > $1::timestamptz',
      ['2019-12-31T23:00:00.000Z'],
    ],
    [
      `groups eq "${id(2)}"`,
      'exists (select 1 from members m where m.user_id = u.id and (m.group_id = $1::uuid))',
      [id(2)],
    ],
    ['not (userName eq "A")', 'not coalesce(u.user_name_key = $1::text, false)', ['a']],
  ]
  for (const [filter, text, values] of cases) t.same(sql(filter), { text, values }, filter)
  const { text, values } = sql('emails[type eq "work" and value eq "A"]')
  t.match(text, /^\(u\.emails @> array\[lower\(\$1::text\)\] and exists \(/)
  t.same(values, ['A', 'work', 'A'])
  t.match(
    toSql(readFilter('title eq "x"', userType, 'strict'), { columns, schemas: userType, firstParameter: 4 })
      .text,
    /\$4/,
  )
})

t.test('no value is ever part of the text', async (t) => {
  const hostile = `'; drop table users; -- $1 \\ % _ "`
  for (const path of [
    'userName',
    'title',
    'emails',
    'emails[type eq "x"].value',
    'name.familyName',
    'id',
    'groups.display',
  ]) {
    for (const op of ['eq', 'ne', 'co', 'sw', 'ew', 'gt']) {
      const { text } = sql(`${path} ${op} ${JSON.stringify(hostile)}`)
      t.notMatch(text, /drop/)
    }
  }
})

t.test('what has no place is refused, and never widens a query', async (t) => {
  t.throws(() => sql('groups.type eq "direct"'), { code: 'invalidFilter' })
  const unresolved = { kind: 'present', path: { name: 'unknown' } } as const
  t.throws(() => toSql(unresolved, { columns, schemas: userType }), { code: 'invalidFilter' })
})

const words = [
  '',
  'a',
  'A',
  'ab',
  'aB%',
  '_',
  "o'x",
  ' a',
  'é',
  'É',
  'E\u0301',
  'ＡＢ',
  'ｱ',
  'ΣΑΣ',
  'σας',
  'İ',
  '\u{1f600}',
  '\uffee',
]
const some = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined })
const word = fc.constantFrom(...words)
const date = fc.constantFrom('2020-01-01T00:00:00Z', '2020-01-01T00:00:00.001Z', '2021-06-01T12:00:00Z')
const email = fc.record({
  value: some(word),
  type: some(fc.constantFrom('work', 'Home')),
  primary: some(fc.boolean()),
})

const person = fc.record({
  userName: word,
  active: fc.boolean(),
  title: some(word),
  nickName: some(word),
  name: some(fc.record({ familyName: some(word), givenName: some(word) })),
  emails: some(fc.array(email, { maxLength: 3 })),
  lastModified: date,
  groups: fc.uniqueArray(fc.constantFrom(1, 2, 3), { maxLength: 2 }),
  enterprise: some(fc.record({ department: some(word), manager: some(fc.record({ value: some(word) })) })),
})

type Person = typeof person extends fc.Arbitrary<infer P> ? P : never

async function createTables(client: pg.Client): Promise<void> {
  await client.query(`create table people (id uuid, user_name text, user_name_key text, active boolean, last_modified timestamptz,
    emails text[], document jsonb)`)
  await client.query('create table members (user_id uuid, group_id uuid, display text)')
}

/** Stores a person, and gives the resource that a client would see. */
async function insert(
  client: pg.Client,
  n: number,
  { lastModified, groups, enterprise, ...kept }: Person,
): Promise<Attributes> {
  const given = JSON.stringify({ ...kept, ...(enterprise && { [ENTERPRISE]: enterprise }) })
  const attributes = JSON.parse(given) as Attributes & { emails?: { value?: string }[] }
  const { userName, active, emails = [], ...document } = attributes
  const uuid = `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`
  const values = emails.flatMap(({ value }) => (value === undefined ? [] : [value]))
  const stored = { ...document, ...(attributes.emails && { emails }) }
  await client.query(
    'insert into people values ($1, $2, $3, $4, $5, array(select lower(x) from unnest($6::text[]) x), $7)',
    [uuid, userName, userNameKey(String(userName)), active, lastModified, values, stored],
  )
  for (const group of groups)
    await client.query('insert into members values ($1, $2, $3)', [uuid, id(group), `G${group}`])
  return {
    ...attributes,
    id: uuid,
    schemas: [userType.schema.id, ...(ENTERPRISE in attributes ? [ENTERPRISE] : [])],
    meta: { lastModified },
    groups: groups.map((group) => ({ value: id(group), display: `G${group}` })),
  }
}

const quoted = word.map((text) => JSON.stringify(text))
const textOp = fc.constantFrom('eq', 'ne', 'co', 'sw', 'ew', 'gt', 'ge', 'lt', 'le')
const orderOp = fc.constantFrom('eq', 'ne', 'gt', 'ge', 'lt', 'le')
const equalOp = fc.constantFrom('eq', 'ne')
const said = (...parts: fc.Arbitrary<string>[]) => fc.tuple(...parts).map((list) => list.join(' '))

const textPath = fc.constantFrom(
  'userName',
  'title',
  'nickName',
  'name.familyName',
  'emails',
  'emails.type',
  'manager',
  'department',
)
const anyPath = fc.constantFrom(
  'title',
  'name',
  'emails',
  'emails.primary',
  'groups',
  'active',
  'locale',
  'manager',
  `${ENTERPRISE}:manager`,
)
const inEmail = fc.oneof(
  said(fc.constantFrom('value', 'type'), textOp, quoted),
  said(fc.constant('primary'), equalOp, fc.constantFrom('true', 'false')),
  said(fc.constantFrom('value', 'type', 'primary', 'display'), fc.constant('pr')),
)
const group = fc.constantFrom(1, 2, 4).map((n) => `"${id(n)}"`)
const leaf = fc.oneof(
  said(textPath, textOp, quoted),
  said(anyPath, fc.constant('pr')),
  said(fc.constantFrom('title', 'emails', 'locale', 'name'), equalOp, fc.constant('null')),
  said(fc.constantFrom('active', 'emails.primary'), equalOp, fc.constantFrom('true', '"False"')),
  said(
    fc.constant('meta.lastModified'),
    orderOp,
    date.map((text) => `"${text}"`),
  ),
  said(fc.constant('groups'), equalOp, fc.oneof(group, quoted)),
  said(fc.constant('groups.display'), textOp, fc.constantFrom('"G1"', '"g2"')),
  said(fc.constant('id'), textOp, fc.constantFrom('"00000000-0000-4000-8000-000000000003"', '"3"', '"0"')),
  said(fc.constant('schemas'), equalOp, fc.constantFrom(`"${ENTERPRISE}"`, '"x"')),
)
const inner = fc.oneof(
  inEmail,
  said(inEmail, fc.constantFrom('and', 'or'), inEmail),
  inEmail.map((text) => `not (${text})`),
)
const valuePath = fc.oneof(
  inner.map((text) => `emails[${text}]`),
  said(
    inner.map((text) => `emails[${text}].value`),
    textOp,
    quoted,
  ),
  said(textOp, quoted).map((text) => `name[familyName ${text}]`),
  said(equalOp, group).map((text) => `groups[value ${text} and display pr]`),
)
const term = fc.oneof({ arbitrary: leaf, weight: 3 }, valuePath)
const negated = fc.oneof(
  term,
  term.map((text) => `not (${text})`),
)
const filter = fc.oneof(
  negated,
  said(negated, fc.constantFrom('and', 'or'), negated),
  said(
    negated,
    fc.constantFrom('and', 'or'),
    said(term, fc.constantFrom('and', 'or'), term).map((text) => `not (${text})`),
  ),
)

t.test('SQL and JavaScript find the same people', async (t) => {
  const { config } = await makeDatabase(t, { empty: true })
  const client = new pg.Client(config)
  await client.connect()
  await createTables(client)
  const people: Attributes[] = []
  for (const [n, one] of fc.sample(person, { numRuns: 60, seed: 1 }).entries())
    people.push(await insert(client, n, one))
  await client.query(
    `insert into people values (null, 'bad', 'bad', true, now(), '{}', '{"emails": {"value": "a"}, "name": []}')`,
  )

  let found = 0
  let shaped = 0
  await fc.assert(
    fc.asyncProperty(filter, async (text) => {
      const tree = readFilter(text, userType, 'lenient')
      const { text: condition, values } = toSql(tree, { columns, schemas: userType })
      const reader = selectionReader({ profile: 'lenient', sort: false })
      const others = text.replaceAll(/"((?!False)[^"]*)"/g, '"$1 "')
      if (!others.includes('T')) reader.one({ filter: others }, userType) // no time
      const { filter: again, shape, texts = [] } = reader.one({ filter: text }, userType) ?? {}
      if (printFilter(again as Filter) !== printFilter(tree)) throw new Error(`${text} was read differently`)
      if (shape) {
        shaped++
        const prepared = prepareSql(shape, { columns, schemas: userType })
        const same = { text: prepared.text, values: prepared.values(texts) }
        if (JSON.stringify(same) !== JSON.stringify({ text: condition, values }))
          throw new Error(`${text}: ${JSON.stringify(same)}`)
      }
      const query = `select id from people u where ${condition} and id is not null order by id`
      const { rows } = await client.query<{ id: string }>(query, values)
      const expected = people.filter((one) => matches(tree, one, userType)).map((one) => one.id)
      found += expected.length
      if (JSON.stringify(rows.map((row) => row.id)) !== JSON.stringify(expected)) {
        throw new Error(`${printFilter(tree)}\n${condition}\n${rows.length} instead of ${expected.length}`)
      }
    }),
    { numRuns: 600 },
  )
  t.ok(found > 1000)
  t.ok(shaped > 100)

  for (const [path, first] of [
    [{ name: 'userName' }, 'u.user_name_key'],
    [{ name: 'emails', sub: 'value' }, ''],
    [{ name: 'meta', sub: 'lastModified' }, 'u.last_modified'],
  ] as const) {
    const by = sortExpression(path, { columns, schemas: userType })
    if (first) t.equal(by, first)
    t.equal((await client.query(`select from people u order by ${by}`)).rowCount, 61)
  }
  const { rows } =
    await client.query(`select (${sortExpression({ name: 'emails', sub: 'value' }, { columns, schemas: userType })}) as by
    from (values ('{"emails": [{"value": "A"}, {"value": "B", "primary": true}]}'::jsonb)) u (document)`)
  t.same(rows, [{ by: 'b' }])
  await client.end()
})
