import t, { type Test } from 'tap'
import { enterpriseUserSchema, groupSchema, type Json, userSchema, userType } from '../../scim/index.ts'
import { asking, baseUrl, memoryHandler, memoryHost } from './memory-host.ts'

const SEARCH = 'urn:ietf:params:scim:api:messages:2.0:SearchRequest'

interface Listed {
  readonly status?: string
  readonly totalResults?: number
  readonly nextCursor?: string
  readonly previousCursor?: string
  readonly Resources: readonly { readonly [name: string]: Json }[]
}

const nameOf = ({ userName, displayName }: Listed['Resources'][number]) => `${userName ?? displayName}`

/** Three people and two groups. */
async function start(t: Test) {
  const app = await memoryHost(t, { sort: true })
  const ask = asking(app, 'lenient')
  for (const userName of ['b', 'a', 'c']) {
    const body = { userName, ...(userName === 'a' && { displayName: 'Both', title: 't' }) }
    await ask({ method: 'POST', url: '/Users', body })
  }
  for (const displayName of ['Both', 'H'])
    await ask({ method: 'POST', url: '/Groups', body: { displayName } })
  const get = async (query: Record<string, string>) =>
    (await ask({ url: `/?${new URLSearchParams(query)}` })).json() as Listed
  const find = async (filter: string) => {
    const { Resources, status } = await get({ filter })
    return status ?? Resources.map(nameOf).join(' ')
  }
  return { app, ask, get, find }
}

t.test('the root lists every type, one after the other', async (t) => {
  const { ask, get } = await start(t)
  const whole = await get({})
  t.equal(whole.Resources.map(nameOf).join(' '), 'b a c Both H')
  t.match(whole, { totalResults: 5, startIndex: 1, itemsPerPage: 5 })
  t.match(whole.Resources.at(-1), { schemas: [groupSchema.id], meta: { resourceType: 'Group' } })
  for (const count of ['0', '1', '2', '4']) {
    const names: string[] = []
    for (let startIndex = 1; startIndex <= 7; startIndex += Number(count) || 7) {
      const page = await get({ startIndex: String(startIndex), count })
      t.match(page, { totalResults: 5, startIndex })
      names.push(...page.Resources.map(nameOf))
    }
    t.equal(names.join(' '), count === '0' ? '' : 'b a c Both H', `pages of ${count}`)
  }
  const { Resources } = await get({ attributes: 'displayName' })
  t.same(
    Resources.map((resource) => Object.keys(resource).length),
    [2, 3, 2, 3, 3],
  )
  t.notOk((await get({ excludedAttributes: 'meta' })).Resources.some((resource) => 'meta' in resource))
  t.equal((await ask({ url: '' })).json().totalResults, 5, 'with or without a slash')
})

t.test('a filter at the root is asked of each type, as if the others had no value', async (t) => {
  const { find } = await start(t)
  const cases: [filter: string, found: string][] = [
    ['userName eq "a"', 'a'],
    ['displayName eq "both"', 'a Both'],
    ['displayName pr', 'a Both H'],
    ['userName eq "a" or displayName eq "H"', 'a H'],
    ['userName eq "a" and displayName eq "H"', ''],
    ['not (userName eq "a")', 'b c Both H'],
    ['userName ne "a"', 'b c Both H'],
    ['title eq null', 'b c Both H'],
    ['title ne null', 'a'],
    ['members pr', ''],
    ['not (members[value eq "x"] or userName pr)', 'Both H'],
    ['meta.resourceType eq "User"', 'b a c'],
    ['meta.resourceType eq "Group" and displayName pr', 'Both H'],
    ['not (meta.resourceType eq "User") or userName eq "b"', 'b Both H'],
    ['meta.resourceType eq "Nothing"', ''],
    ['meta.resourceType ne null', 'b a c Both H'],
    ['meta.lastModified gt "2020-01-01T00:00:00Z"', 'b a c Both H'],
    [`schemas eq "${groupSchema.id}"`, 'Both H'],
    [`${enterpriseUserSchema.id}:costCenter ne "1"`, 'b a c Both H'],
    ['unknown eq "a"', '400'],
    ['userName eq "a" or unknown pr', '400'],
    ['userName gt true', '400'],
    ['members gt null', '400'],
    ['password eq "x"', '400'],
  ]
  for (const [filter, found] of cases) t.equal(await find(filter), found, filter)
})

t.test('a type of which no resource can be meant is not asked', async (t) => {
  const asked: string[] = []
  const handler = (name: string) => ({
    ...memoryHandler(userType),
    list: async () => {
      asked.push(name)
      return { totalResults: 0, resources: [] }
    },
  })
  const app = await memoryHost(t, { handlers: { User: handler('User'), Group: handler('Group') } })
  const ask = asking(app, 'strict')
  await ask({ url: `/?filter=${encodeURIComponent('userName eq "a"')}` })
  await ask({ url: `/?filter=${encodeURIComponent('meta.resourceType eq "Group"')}&cursor` })
  await ask({ url: `/?filter=${encodeURIComponent('meta.resourceType eq "Other"')}` })
  t.same(asked, ['User', 'Group'])
})

t.test('the root is walked by cursor over its types, and back', async (t) => {
  const { get } = await start(t)
  for (const count of ['1', '2', '3', '5', '9']) {
    const names: string[] = []
    let last: Listed | undefined
    for (let cursor: string | undefined = ''; cursor !== undefined; cursor = last.nextCursor) {
      last = await get({ cursor, count, sortBy: 'userName' })
      names.push(...last.Resources.map(nameOf))
    }
    t.equal(names.slice(0, 3).join(' '), 'a b c', 'each type in its order')
    t.equal(names.length, 5)
    const back: string[] = last ? last.Resources.map(nameOf) : []
    for (let cursor = last?.previousCursor; cursor !== undefined; ) {
      const page: Listed = await get({ cursor, count, sortBy: 'userName' })
      back.unshift(...page.Resources.map(nameOf))
      cursor = page.previousCursor
    }
    t.same(back, names)
  }
  t.match(await get({ sortBy: 'unknown' }), { scimType: 'invalidPath' })
})

t.test('POST to .search asks as GET does, without telling it to the address', async (t) => {
  const { app, ask } = await start(t)
  const search = async (url: string, body: unknown) => (await ask({ method: 'POST', url, body })).json()
  const filter = 'userName pr'
  const body = { schemas: [SEARCH], filter, attributes: ['userName', 'emails'], sortBy: 'userName', count: 2 }
  const found = await search('/Users/.search', { ...body, startIndex: 2 })
  t.match(found, { totalResults: 3, startIndex: 2, Resources: [{ userName: 'b' }, { userName: 'c' }] })
  t.same(Object.keys(found.Resources[0]).sort(), ['id', 'schemas', 'userName'])
  const first = await search('/.search', { ...body, sortOrder: 'descending', cursor: '' })
  t.match(first, { itemsPerPage: 2, Resources: [{ userName: 'c' }, { userName: 'b' }] })
  const next = { ...body, sortOrder: 'descending', cursor: first.nextCursor }
  t.match(await search('/.search', next), { itemsPerPage: 1, Resources: [{ userName: 'a' }] })
  t.match(await search('/Groups/.search', { ...next }), { status: '400' })
  t.match(await search('/Groups/.search', { FILTER: 'displayName eq "H"' }), { totalResults: 1 })
  t.match(await search('/Users/.search', { attributes: 'userName', count: '1' }), { itemsPerPage: 1 })
  t.match(await search('/Users/.search', { excludedAttributes: null, filter: null }), { totalResults: 3 })

  const refused: [body: unknown, scimType: string][] = [
    [[], 'invalidSyntax'],
    [{ filter: 1 }, 'invalidSyntax'],
    [{ count: 1.5 }, 'invalidSyntax'],
    [{ attributes: [1] }, 'invalidSyntax'],
    [{ count: 'x' }, 'invalidValue'],
    [{ filter: 'x eq 1' }, 'invalidFilter'],
    [{ cursor: 'x' }, 'invalidCursor'],
  ]
  for (const [wrong, scimType] of refused) {
    t.match(await search('/Users/.search', wrong), { status: '400', scimType }, JSON.stringify(wrong))
  }
  const strictly = async (wrong: unknown) =>
    (await asking(app, 'strict')({ method: 'POST', url: '/.search', body: wrong })).statusCode
  t.equal(await strictly({ schemas: [SEARCH], count: 1 }), 200)
  for (const wrong of [
    {},
    { schemas: [userSchema.id] },
    { schemas: [SEARCH], nothing: 1 },
    { schemas: [SEARCH], count: '1' },
  ]) {
    t.equal(await strictly(wrong), 400, JSON.stringify(wrong))
  }
  const other = await ask({ url: '/Users/.search' })
  t.match(other, { statusCode: 405, headers: { allow: 'POST' } })
})

t.test('discovery tells of pages, and has versions too', async (t) => {
  const app = await memoryHost(t, { maxResults: 50, cursorTimeout: 60 })
  const config = await app.inject('/scim/v2/ServiceProviderConfig')
  t.match(config.json().pagination, {
    cursor: true,
    index: true,
    defaultPaginationMethod: 'index',
    defaultPageSize: 50,
    maxPageSize: 50,
    cursorTimeout: 60,
  })
  for (const url of ['/ServiceProviderConfig', '/ResourceTypes/User', `/Schemas/${userSchema.id}`]) {
    const ask = (headers = {}) => app.inject({ url: `/scim/v2${url}`, headers })
    const { headers, ...seen } = await ask()
    t.equal(seen.json().meta.version, headers.etag)
    const known = await ask({ 'if-none-match': `"x", ${headers.etag}` })
    t.match(known, { statusCode: 304, body: '', headers: { etag: headers.etag } }, url)
    t.match(await ask({ 'if-none-match': 'W/"1"' }), { statusCode: 200 })
  }
})

t.test('/Me is who is signed in, and nobody else', async (t) => {
  let id = ''
  const caller = { id: 'me', profile: 'lenient' as const, requestId: 'r' }
  const me = async ({ headers }: { headers: { cookie?: string | undefined } }) =>
    headers.cookie === 'yes' ? { id, caller } : null
  const app = await memoryHost(t, { me })
  const ask = asking(app, 'lenient')
  id = (await ask({ method: 'POST', url: '/Users', body: { userName: 'ada', title: 't' } })).json().id
  const mine = (url = '/scim/v2/Me', headers = {}) =>
    app.inject({ method: 'GET', url, headers: { cookie: 'yes', ...headers } })
  const location = `${baseUrl}/Users/${id}`
  const seen = await mine()
  t.match(seen, { statusCode: 200, headers: { location, etag: 'W/"1"', 'cache-control': 'no-store' } })
  t.match(seen.json(), { id, userName: 'ada', meta: { location } })
  t.same(Object.keys((await mine('/scim/v2/Me?attributes=title')).json()).sort(), ['id', 'schemas', 'title'])
  t.match(await mine('/scim/v2/Me', { 'if-none-match': 'W/"1"' }), { statusCode: 304 })
  t.match(await mine('/scim/v2/Users'), { statusCode: 401 }, 'the session opens nothing else')
  t.match(await mine(`/scim/v2/Users/${id}`), { statusCode: 401 })
  t.match(await app.inject('/scim/v2/Me'), { statusCode: 401 })
  t.match(await ask({ url: '/Me' }), { statusCode: 501 }, 'a client is nobody')
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE'] as const) {
    t.match(await app.inject({ method, url: '/scim/v2/Me', headers: { cookie: 'yes' } }), { statusCode: 501 })
  }
  await ask({ method: 'DELETE', url: `/Users/${id}` })
  t.match(await mine(), { statusCode: 404 })
  const without = await memoryHost(t)
  t.match(await asking(without, 'lenient')({ url: '/Me' }), { statusCode: 501 })
})
