import fc from 'fast-check'
import t, { type Test } from 'tap'
import type { Ask, Body } from './api.ts'
import { holdOnEachLayout } from './layouts.ts'
import { person } from './people.ts'
import { PUBLIC_URL, type Usher } from './usher.ts'

const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'

interface Page extends Body {
  readonly nextCursor?: string
  readonly previousCursor?: string
}

type Query = Readonly<Record<string, string>>

const ids = ({ Resources }: Body) => Resources.map(({ id }) => id)

async function pageOf(scim: Ask, path: string, query: Query): Promise<Page> {
  return (await scim('GET', `${path}?${new URLSearchParams(query)}`)).body
}

interface Walk {
  readonly path: string
  readonly query: Query
  readonly direction?: 'nextCursor' | 'previousCursor'
  readonly cursor?: string
  /** Done between two pages. */
  readonly meanwhile?: () => Promise<unknown>
}

/** Every page from the cursor on. */
async function walk(scim: Ask, { path, query, direction = 'nextCursor', cursor = '', meanwhile }: Walk) {
  const pages: Page[] = []
  for (let at: string | undefined = cursor; at !== undefined; await meanwhile?.()) {
    const page = await pageOf(scim, path, { ...query, cursor: at })
    pages.push(page)
    at = page[direction]
  }
  return pages
}

/** Some of the people have what others lack; the order of their making is that of their names. */
async function push(scim: Ask, many: number): Promise<string[]> {
  const made: string[] = []
  const titles = ['B', 'a', 'é', 'x'.repeat(700), 'x'.repeat(699)]
  for (let n = 0; n < many; n++) {
    const title = n % 3 === 0 ? {} : { title: titles[n % titles.length] }
    const costCenter = n % 4 === 0 ? {} : { [ENTERPRISE]: { costCenter: String(n % 2) } }
    const body = { ...title, ...costCenter, active: n % 5 !== 0 }
    const { status, body: user } = await scim(
      'POST',
      '/Users',
      person(`p${String(n).padStart(4, '0')}`, body),
    )
    if (status !== 201) throw new Error(`POST: ${status}`)
    made.push(user.id)
  }
  return made
}

interface Described {
  readonly name: string
  readonly type: string
  readonly returned: string
  readonly subAttributes?: readonly Described[]
}

/** Every attribute and sub-attribute of a resource, as its schemas and the RFC name them. */
async function pathsOf(scim: Ask, type: string): Promise<{ path: string; attribute: Described }[]> {
  const { body: resourceType } = await scim('GET', `/ResourceTypes/${type}`)
  const extensions = resourceType.schemaExtensions as { schema: string }[]
  const urns = [String(resourceType.schema), ...extensions.map(({ schema }) => schema)]
  const found: { path: string; attribute: Described }[] = ['id', 'externalId', 'schemas']
    .concat(['resourceType', 'created', 'lastModified', 'location', 'version'].map((name) => `meta.${name}`))
    .map((path) => ({ path, attribute: { name: path, type: 'string', returned: 'default' } }))
  for (const urn of urns) {
    const { body: schema } = await scim('GET', `/Schemas/${urn}`)
    for (const attribute of schema.attributes as Described[]) {
      const path = urn === resourceType.schema ? attribute.name : `${urn}:${attribute.name}`
      found.push({ path, attribute })
      for (const sub of attribute.subAttributes ?? [])
        found.push({ path: `${path}.${sub.name}`, attribute: sub })
    }
  }
  return found
}

async function missesNobody(t: Test, usher: Usher, query: Query): Promise<void> {
  const { scim } = await usher.makePusher()
  const made = await push(scim, 120)
  const gone = made.filter((_, n) => n % 6 === 1)
  let turn = 0
  const meanwhile = async () => {
    const [leaver, newcomer] = [gone[turn], `n${turn}`]
    turn++
    if (leaver) await scim('DELETE', `/Users/${leaver}`)
    await scim('POST', '/Users', person(newcomer))
  }
  const pages = await walk(scim, { path: '/Users', query: { ...query, count: '5' }, meanwhile })
  const seen = pages.flatMap(ids)
  t.equal(new Set(seen).size, seen.length, 'nobody twice')
  const left = gone.slice(0, turn)
  const missed = made.filter((id) => !left.includes(id) && !seen.includes(id))
  t.same(missed, [], 'nobody who lived through it is missed')
}

holdOnEachLayout(t, {
  'a walk by cursor during deletes and inserts misses none that lived through it': async (t, usher) => {
    await missesNobody(t, usher, {})
    await missesNobody(t, usher, { sortBy: 'userName', sortOrder: 'descending' })
    await missesNobody(t, usher, { sortBy: 'title' })
  },

  'pages by cursor are the whole list in its order, forward and back': async (t, usher) => {
    const { scim } = await usher.makePusher()
    await push(scim, 17)
    for (const displayName of ['b', 'A', 'c']) await scim('POST', '/Groups', { displayName })
    const sortBy = [
      '',
      'id',
      'userName',
      'title',
      'active',
      'emails',
      'meta.lastModified',
      'meta.version',
      'nickName',
    ]
    const query = fc.record({
      path: fc.constantFrom('/Users', '/Users', '/'),
      sortBy: fc.constantFrom(...sortBy, 'displayName', `${ENTERPRISE}:costCenter`),
      sortOrder: fc.constantFrom('ascending', 'descending'),
      filter: fc.constantFrom('', 'title pr', `active eq false`, `not (${ENTERPRISE}:costCenter eq "1")`),
      count: fc.constantFrom('1', '2', '3', '5', '8'),
    })
    await fc.assert(
      fc.asyncProperty(query, async ({ path, count, ...rest }) => {
        const whole = ids(await pageOf(scim, path, rest))
        const pages = await walk(scim, { path, query: { ...rest, count } })
        t.same(pages.flatMap(ids), whole, JSON.stringify({ path, count, ...rest }))
        const byIndex: string[] = []
        for (let at = 1; at <= whole.length; at += Number(count)) {
          byIndex.push(...ids(await pageOf(scim, path, { ...rest, count, startIndex: String(at) })))
        }
        t.same(byIndex, whole, 'by index')
        const last = pages.at(-1)
        const back = { path, query: { ...rest, count }, direction: 'previousCursor' as const }
        const before = last?.previousCursor ? await walk(scim, { ...back, cursor: last.previousCursor }) : []
        t.same([...before.reverse(), last as Page].flatMap(ids), whole, 'backward')
      }),
      { numRuns: 40 },
    )
  },

  'every attribute of the schemas can be filtered by, and sorted by, or is refused': async (t, usher) => {
    const { scim } = await usher.makePusher()
    await push(scim, 3)
    for (const displayName of ['G', 'H', 'I']) await scim('POST', '/Groups', { displayName })
    for (const type of ['User', 'Group']) {
      for (const { path, attribute } of await pathsOf(scim, type)) {
        const query = { attributes: path, filter: `not (${path} pr) or id pr`, count: '1' }
        // A URI is made when it is shown, and a password is never kept.
        const isKept = attribute.returned !== 'never' && !/\.(\$ref|location)$/.test(path)
        const status = isKept ? 200 : 400
        t.match(await scim('GET', `/${type}s?${new URLSearchParams(query)}`), { status }, path)
        if (!isKept || attribute.type === 'complex' || /^(groups|members)/.test(path)) continue
        const pages = await walk(scim, { path: `/${type}s`, query: { ...query, sortBy: path } })
        t.equal(pages.flatMap(ids).length, 3, `sorted by ${path}`)
      }
    }
  },

  'descending is the reverse: what has no value comes first': async (t, usher) => {
    const { scim } = await usher.makePusher()
    await push(scim, 9)
    for (const sortBy of ['userName', 'title', 'id']) {
      const up = ids(await pageOf(scim, '/Users', { sortBy }))
      const down = ids(await pageOf(scim, '/Users', { sortBy, sortOrder: 'descending' }))
      t.same(down, up.reverse(), sortBy)
    }
    const [first] = (await pageOf(scim, '/Users', { sortBy: 'title', sortOrder: 'descending' })).Resources
    t.notOk(first && 'title' in first)
  },

  'a walk goes on from the longest name there can be': async (t, usher) => {
    const { scim } = await usher.makePusher()
    for (const mark of ['\u0001', '"']) {
      const name = mark.repeat(1000)
      t.match(await scim('POST', '/Groups', { displayName: name }), { status: 201 })
      t.match(await scim('POST', '/Groups', { displayName: `${name}.` }), { status: 400 })
      // A control character is none of a userName (RFC 8265).
      const user = person(`${name.slice(1).replaceAll('\u0001', '\\')}a`, {
        title: name,
        displayName: name,
        emails: [],
      })
      t.match(await scim('POST', '/Users', user), { status: 201 })
    }
    for (const sortBy of ['displayName', 'userName', 'title']) {
      const path = sortBy === 'displayName' ? '/Groups' : '/Users'
      const pages = await walk(scim, { path, query: { sortBy, count: '1' } })
      t.equal(pages.length, 2, sortBy)
      t.match(pages.at(-1), { itemsPerPage: 1 })
    }
  },

  'a cursor is for the connection that was given it': async (t, usher) => {
    const { scim, organization } = await usher.makePusher()
    await push(scim, 3)
    const { nextCursor = '' } = await pageOf(scim, '/Users', { count: '1', cursor: '' })
    const other = await usher.makeConnection(organization)
    const token = await usher.makeCredential(other)
    const refused = await pageOf(usher.scim(token.token), '/Users', { count: '1', cursor: nextCursor })
    t.match(refused, { status: '400', scimType: 'invalidCursor' })
    const forged = `${nextCursor.slice(0, -3)}AAA`
    t.match(await pageOf(scim, '/Users', { count: '1', cursor: forged }), { scimType: 'invalidCursor' })
    t.match(await pageOf(scim, '/Users', { count: '1', cursor: nextCursor }), { itemsPerPage: 1 })
  },

  'the root finds people and groups': async (t, usher) => {
    const { scim } = await usher.makePusher()
    const ada = (await scim('POST', '/Users', person('ada'))).body
    const staff = (await scim('POST', '/Groups', { displayName: 'Staff', members: [{ value: ada.id }] })).body
    const find = async (filter: string) => {
      const { body } = await scim('POST', '/.search', { filter, excludedAttributes: ['members'] })
      t.notOk(body.Resources?.some((resource) => 'members' in resource))
      return body.Resources ? ids(body) : body.scimType
    }
    t.same(await find('userName eq "ADA"'), [ada.id])
    t.same(await find('displayName eq "staff"'), [staff.id])
    t.same(await find('userName eq "ada" or displayName eq "staff"'), [ada.id, staff.id])
    t.same(await find('meta.resourceType eq "User"'), [ada.id])
    t.same(await find(`id eq "${staff.id}" and members eq "${ada.id}"`), [staff.id])
    t.same(await find(`groups.value eq "${staff.id}"`), [ada.id])
    t.equal(await find('nothing eq "x"'), 'invalidFilter')
    t.match(await pageOf(scim, '/', { count: '1', startIndex: '2' }), {
      totalResults: 2,
      Resources: [{ id: staff.id }],
    })
  },

  'people of one address come in the order of their ids, few or many': async (t, usher) => {
    const { scim } = await usher.makePusher()
    const emails = [{ value: 'Crew@acme.example', type: 'work' }]
    const filter = 'emails[type eq "work"].value eq "crew@ACME.example"'
    const list = (startIndex: number, count: number) =>
      pageOf(scim, '/Users', { filter, startIndex: String(startIndex), count: String(count) })
    const made: string[] = []
    for (const many of [3, 99, 100, 101]) {
      while (made.length < many)
        made.push((await scim('POST', '/Users', person(`crew${made.length}`, { emails }))).body.id)
      const sorted = made.toSorted()
      const [first, last, beyond] = [await list(1, 2), await list(many - 1, 5), await list(many + 1, 5)]
      t.same(ids(first), sorted.slice(0, 2))
      t.same(ids(last), sorted.slice(-2))
      t.same(ids(beyond), [])
      for (const page of [first, last, beyond]) t.equal(page.totalResults, many)
    }
  },

  '/Me is the User of the session': async (t, usher) => {
    const { connection, scim, token } = await usher.makePusher()
    const { id } = (await scim('POST', '/Users', person('ada', { externalId: 'a' }))).body
    const { cookie } = await usher.signIn(connection, { sub: 'a' })
    const ask = (path: string, headers: Record<string, string>) =>
      usher.call({ method: 'GET', url: `/scim/v2${path}`, headers })
    const location = `${PUBLIC_URL}/scim/v2/Users/${id}`
    t.match(await ask('/Me', { cookie }), {
      status: 200,
      headers: { location },
      body: { id, userName: 'ada' },
    })
    for (const path of ['/Users', `/Users/${id}`, '/', '/Groups']) {
      t.match(await ask(path, { cookie }), { status: 401 }, path)
    }
    t.match(await ask('/Me', {}), { status: 401, body: { status: '401' } })
    t.match(await ask('/Me', { cookie: `${cookie}x` }), { status: 401 })
    t.match(await ask('/Me', { authorization: `Bearer ${token}` }), { status: 501 })
    await scim('PATCH', `/Users/${id}`, {
      schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
      Operations: [{ op: 'replace', path: 'active', value: false }],
    })
    t.match(await ask('/Me', { cookie }), { status: 401 }, 'who is shut out has no session')
  },
})
