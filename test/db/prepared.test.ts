import t from 'tap'
import { connect, query, transact } from '../../db/connect.ts'
import { type DatabaseAddress, disconnect } from '../../db/index.ts'
import { makeDatabase } from '../database.ts'

// One connection, so that every statement meets what the one before has left.
const open = async (test: { teardown(end: () => Promise<void>): void }) => {
  const { config } = await makeDatabase(test, { empty: true })
  const db = connect({ database: config as DatabaseAddress, poolSize: 1 }) // the harness always says where its server is
  test.teardown(() => disconnect(db))
  return db
}

const columns = `$1::text as text, $2::integer as integer, $3::boolean as boolean, $4::timestamptz as time,
  $5::bytea as bytes, $6::text[] as texts, $7::integer[] as numbers, $8::jsonb as json, $9::text as absent`

const values = [
  'naïve "quoted" \\ text',
  -7,
  true,
  new Date('2026-01-02T03:04:05.678Z'),
  Buffer.from([0, 1, 255]),
  ['plain', 'a,b', '"', '\\', '', 'null', '{}', null],
  [1, -2],
  { a: [1, { b: null }] },
  undefined,
]

t.test('a named statement gives the rows that pg gives, the second time too', async (t) => {
  const db = await open(t)
  const text = `select ${columns} from generate_series(1, 2)`
  const expected = await query(db, { text }, values)
  for (const _ of [1, 2]) t.same(await query(db, { name: 'all', text }, values), expected)
  t.equal(expected.length, 2)
})

t.test('a statement without a result, or without rows', async (t) => {
  const db = await open(t)
  await query(db, { text: 'create table things (id integer primary key, name text)' }, [])
  const insert = { name: 'insert', text: 'insert into things (id) values ($1)' }
  const find = { name: 'find', text: 'select name, id from things where id = $1' }
  for (const id of [1, 2]) t.same(await query(db, insert, [id]), [])
  t.same(await query(db, find, [3]), [])
  t.same(await query(db, find, [2]), [{ name: null, id: 2 }])
})

t.test('after an error of any kind the connection and the statement serve on', async (t) => {
  const db = await open(t)
  const divide = { name: 'divide', text: 'select 1 / $1::integer as share' }
  await t.rejects(query(db, divide, [0]), { code: '22012' })
  t.same(await query(db, divide, [1]), [{ share: 1 }])
  await t.rejects(query(db, divide, ['x']), { code: '22P02' })
  await t.rejects(query(db, { name: 'wrong', text: 'selekt' }, []), { code: '42601' })
  await t.rejects(
    query(db, { name: 'late', text: 'select $1::timestamptz' }, [new Date(Number.NaN)]),
    RangeError,
  )
  t.same(await query(db, divide, [1]), [{ share: 1 }])
})

t.test('an error leads to who asked', async (t) => {
  const db = await open(t)
  const asksWrongly = async () => await query(db, { name: 'nothing', text: 'select * from nothing' }, [])
  await t.rejects(asksWrongly(), { code: '42P01', stack: /asksWrongly/ })
})

t.test('statements keep to their transaction', async (t) => {
  const db = await open(t)
  await query(db, { text: 'create table things (id integer primary key)' }, [])
  const insert = { name: 'insert', text: 'insert into things (id) values ($1) returning id' }
  const both = transact(db, async (held) => {
    t.same(await query(held, insert, [1]), [{ id: 1 }])
    await query(held, insert, [1])
  })
  await t.rejects(both, { code: '23505' })
  t.same(await query(db, { text: 'select id from things' }, []), [])
})

t.test('a result whose shape has changed is an error, never a wrong row', async (t) => {
  const db = await open(t)
  await query(db, { text: 'create table things (a integer, b integer)' }, [])
  await query(db, { text: 'insert into things values (1, 2)' }, [])
  const all = { name: 'all', text: 'select * from things' }
  t.same(await query(db, all, []), [{ a: 1, b: 2 }])
  await query(db, { text: 'alter table things drop column a' }, [])
  await t.rejects(query(db, all, []), { code: '0A000' })
})
