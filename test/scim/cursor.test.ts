import fc from 'fast-check'
import t, { type Test } from 'tap'
import { createCursors, type Mark } from '../../scim/cursor.ts'
import { asking, memoryHost } from './memory-host.ts'

const key = (fill: number) => new Uint8Array(32).fill(fill)
const walk = { query: 'q', count: 10 }
const mark: Mark = { side: 'after', part: 0, place: { id: 'i', value: 'v' } }

/** A clock that tests turn. */
function clockAt(time: number) {
  const clock = { time, now: () => new Date(clock.time) }
  return clock
}

function cursorsOf(keys: readonly Uint8Array[] = [key(1)]) {
  return createCursors({ keys, timeout: 60, now: () => new Date(0) })
}

t.test('a cursor is opaque, and leads back to where it was made', async (t) => {
  const cursors = cursorsOf()
  const marks: Mark[] = [
    mark,
    { side: 'before', part: 1, place: { id: 'i' } },
    { side: 'before', part: 0, place: { id: 'i', value: null } },
    { side: 'after', part: 0 },
  ]
  for (const made of marks) t.same(cursors.read(cursors.write(made, walk), walk), made)
  const text = cursors.write(mark, walk)
  t.match(text, /^[\w.~-]+$/, 'of unreserved characters (RFC 3986 section 2.3)')
  t.notMatch(Buffer.from(text, 'base64url').toString('latin1'), /"v"/)
})

t.test('whatever is changed about a cursor makes it none', async (t) => {
  const cursors = cursorsOf()
  const text = cursors.write(mark, walk)
  const other = (char: string) => (char === 'A' ? 'B' : 'A')
  for (const [at, char] of [...text].entries()) {
    const forged = text.slice(0, at) + other(char) + text.slice(at + 1)
    t.throws(() => cursors.read(forged, walk), { code: 'invalidCursor' }, `at ${at}`)
  }
  for (const forged of ['', 'x', text.slice(1), `${text}A`, `${text}=`, ` ${text}`, 'A'.repeat(100_000)]) {
    t.throws(() => cursors.read(forged, walk), { code: 'invalidCursor' })
  }
  t.throws(() => cursors.read(text, { ...walk, query: 'r' }), { code: 'invalidCursor' })
  t.throws(() => cursors.read(text, { ...walk, count: 11 }), { code: 'invalidCount' })
})

t.test('keys may be replaced: every known one reads', async (t) => {
  const text = cursorsOf([key(1)]).write(mark, walk)
  t.same(cursorsOf([key(2), key(1)]).read(text, walk), mark)
  t.throws(() => cursorsOf([key(2)]).read(text, walk), { code: 'invalidCursor' })
  t.throws(() => cursorsOf([]), TypeError)
})

interface Listed {
  readonly totalResults?: number
  readonly startIndex?: number
  readonly itemsPerPage: number
  readonly nextCursor?: string
  readonly previousCursor?: string
  readonly Resources: readonly { readonly id: string }[]
}

async function start(t: Test, userNames: readonly string[]) {
  const clock = clockAt(Date.parse('2026-01-01T00:00:00Z'))
  const app = await memoryHost(t, { now: clock.now, cursorKeys: [key(1)], sort: true })
  const ask = asking(app, 'lenient')
  for (const userName of userNames) await ask({ method: 'POST', url: '/Users', body: { userName } })
  const page = async (query: string) => (await ask({ url: `/Users?${query}` })).json() as Listed
  return { clock, app, ask, page }
}

const ids = ({ Resources }: Listed) => Resources.map(({ id }) => id)

t.test('an empty cursor begins, nextCursor goes on, previousCursor goes back', async (t) => {
  const { page } = await start(t, ['a', 'b', 'c', 'd', 'e'])
  const first = await page('cursor&count=2')
  t.match(first, { itemsPerPage: 2, nextCursor: /./ })
  for (const absent of ['previousCursor', 'startIndex', 'totalResults']) t.notOk(absent in first, absent)
  const second = await page(`cursor=${first.nextCursor}&count=2`)
  t.match(second, { itemsPerPage: 2, nextCursor: /./, previousCursor: /./ })
  const third = await page(`cursor=${second.nextCursor}&count=2`)
  t.match(third, { itemsPerPage: 1, previousCursor: /./ })
  t.notOk('nextCursor' in third, 'the last page')
  t.equal(new Set([first, second, third].flatMap(ids)).size, 5)
  const back = await page(`cursor=${third.previousCursor}&count=2`)
  t.same(ids(back), ids(second))
  t.same(ids(await page(`cursor=${back.nextCursor}&count=2`)), ids(third))
  const start_ = await page(`cursor=${back.previousCursor}&count=2`)
  t.same(ids(start_), ids(first))
  t.notOk('previousCursor' in start_, 'the first page')
})

t.test('the total is told where a page by cursor shows all, and where nothing else is asked', async (t) => {
  const { page } = await start(t, ['a', 'b', 'c'])
  t.match(await page('cursor&count=5'), { totalResults: 3, itemsPerPage: 3 })
  t.match(await page('cursor=&count=0'), { totalResults: 3, itemsPerPage: 0 })
  t.match(await page('cursor=&count=-1'), { totalResults: 3, itemsPerPage: 0 })
  t.match(await page('cursor=&filter=userName eq "b"'), { totalResults: 1 })
  t.match(await page('cursor=&filter=userName eq "x"'), { totalResults: 0, Resources: [] })
})

t.test('a cursor is good for its query, its caller and its time', async (t) => {
  const { page, app, clock } = await start(t, ['a', 'b', 'c'])
  const begin = 'filter=userName pr&sortBy=userName&count=1'
  const { nextCursor } = await page(`${begin}&cursor`)
  const bad = async (query: string, scimType: string) =>
    t.match(await page(`${query}&cursor=${nextCursor}`), { status: '400', scimType }, query)
  t.match(await page(`${begin}&cursor=${nextCursor}`), { itemsPerPage: 1 })
  t.match(
    await page(`filter=USERNAME PR&sortBy=UserName&count=1&cursor=${nextCursor}`),
    { itemsPerPage: 1 },
    'the same query in other letters',
  )
  await bad('filter=userName sw "a"&sortBy=userName&count=1', 'invalidCursor')
  await bad('sortBy=userName&count=1', 'invalidCursor')
  await bad('filter=userName pr&count=1', 'invalidCursor')
  await bad(`${begin}&sortOrder=descending`, 'invalidCursor')
  await bad('filter=userName pr&sortBy=userName&count=2', 'invalidCount')
  await bad('filter=userName pr&sortBy=userName', 'invalidCount')
  await bad('filter=userName pr&sortBy=userName&count=one', 'invalidCount')
  await bad(`${begin}&startIndex=1`, 'invalidValue')
  const elsewhere = await asking(app, 'strict')({ url: `/Users?${begin}&cursor=${nextCursor}` })
  t.match(elsewhere.json(), { scimType: 'invalidCursor' }, 'of somebody else')
  const groups = await asking(app, 'lenient')({ url: `/Groups?count=1&cursor=${nextCursor}` })
  t.match(groups.json(), { scimType: 'invalidCursor' }, 'of another type')
  clock.time += 3600_000
  t.match(await page(`${begin}&cursor=${nextCursor}`), { itemsPerPage: 1 })
  clock.time += 1000
  await bad(begin, 'expiredCursor')
})

t.test('a page whose rows are gone still leads on and back', async (t) => {
  const { ask, page } = await start(t, ['a', 'b', 'c', 'd'])
  const query = 'sortBy=userName&count=2'
  const first = await page(`${query}&cursor`)
  const second = await page(`${query}&cursor=${first.nextCursor}`)
  for (const id of ids(second)) await ask({ method: 'DELETE', url: `/Users/${id}` })
  const empty = await page(`${query}&cursor=${first.nextCursor}`)
  t.match(empty, { itemsPerPage: 0, previousCursor: /./ })
  t.notOk('nextCursor' in empty)
  t.same(ids(await page(`${query}&cursor=${empty.previousCursor}`)), ids(first))
  for (const id of ids(first)) await ask({ method: 'DELETE', url: `/Users/${id}` })
  await ask({ method: 'POST', url: '/Users', body: { userName: 'z' } })
  const before = await page(`${query}&cursor=${second.previousCursor}`)
  t.match(before, { itemsPerPage: 0, nextCursor: /./ })
  t.notOk('previousCursor' in before)
  t.match(await page(`${query}&cursor=${before.nextCursor}`), { Resources: [{ userName: 'z' }] })
})

const word = fc.constantFrom('a', 'B', 'b', 'é', '', '\u{1f600}')
const person = fc.record(
  {
    title: word,
    active: fc.boolean(),
    emails: fc.array(fc.record({ value: word, primary: fc.boolean() }), { maxLength: 2 }),
  },
  { requiredKeys: [] },
)
const sortBy = fc.constantFrom(
  '',
  'userName',
  'title',
  'active',
  'emails',
  'id',
  'meta.created',
  'name.familyName',
)
const filter = fc.constantFrom('', 'title pr', 'not (title eq "a")', 'active eq true')

/** Every page from the given query on, in the direction of the cursors that the name says. */
async function pages(
  page: (query: string) => Promise<Listed>,
  query: string,
  { cursor, name }: { cursor: string; name: 'nextCursor' | 'previousCursor' },
): Promise<Listed[]> {
  const found: Listed[] = []
  for (let at: string | undefined = cursor; at !== undefined; ) {
    const next = await page(`${query}&cursor=${at}`)
    found.push(next)
    at = next[name]
  }
  return found
}

interface Wish {
  readonly filter: string
  readonly sortBy: string
  readonly sortOrder: string
  readonly count: string
}

const wish = fc.record({
  filter,
  sortBy,
  sortOrder: fc.constantFrom('ascending', 'descending'),
  count: fc.constantFrom('1', '2', '3', '4'),
})

/** The ids of the whole list, page after page forward, and page before page from the last one. */
async function walked(people: readonly object[], { count, ...rest }: Wish) {
  const app = await memoryHost({ teardown: () => {} }, { sort: true })
  const ask = asking(app, 'lenient')
  for (const [n, body] of people.entries()) {
    await ask({ method: 'POST', url: '/Users', body: { userName: `u${n}`, ...body } })
  }
  const page = async (query: string) => (await ask({ url: `/Users?${query}` })).json() as Listed
  const list = String(new URLSearchParams({ ...rest }))
  const query = `${list}&count=${count}`
  const forward = await pages(page, query, { cursor: '', name: 'nextCursor' })
  const last = forward.at(-1)
  const cursor = last?.previousCursor
  const before = cursor === undefined ? [] : await pages(page, query, { cursor, name: 'previousCursor' })
  const whole = ids(await page(list))
  await app.close()
  const backward = [...before.reverse(), ...(last ? [last] : [])]
  return { whole: rest.sortBy === '' ? whole.sort() : whole, forward, backward }
}

t.test('pages by cursor are the whole list in its order, and backward its reverse', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.array(person.map(onePrimary), { maxLength: 9 }), wish, async (people, asked) => {
      const { whole, forward, backward } = await walked(people, asked)
      t.same(forward.flatMap(ids), whole)
      t.same(backward.flatMap(ids), whole)
    }),
    { numRuns: 60 },
  )
})

/** At most one address is primary. */
function onePrimary<Body extends { emails?: { primary: boolean }[] }>(body: Body): Body {
  const { emails = [] } = body
  return { ...body, emails: emails.map((email, i) => ({ ...email, primary: email.primary && i === 0 })) }
}
