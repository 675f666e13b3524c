import type { InjectOptions } from 'fastify'
import t, { type Test } from 'tap'
import { enterpriseUserSchema, groupSchema, type Handlers, ScimError, userSchema } from '../../scim/index.ts'
import { asking, baseUrl, memoryHost } from './memory-host.ts'
import { enterpriseUser } from './rfc-examples.ts'

const ENTERPRISE = enterpriseUserSchema.id
const ERROR = 'urn:ietf:params:scim:api:messages:2.0:Error'
const PATCH_OP = 'urn:ietf:params:scim:api:messages:2.0:PatchOp'
const unknown = 'aaaaaaaa-7f76-453a-919d-413861904646'

const errorOf = (status: number, scimType?: string) => ({
  schemas: [ERROR],
  status: String(status),
  ...(scimType && { scimType }),
  detail: /./,
})

async function start(t: Test) {
  const app = await memoryHost(t)
  return { app, ask: asking(app, 'lenient'), askStrictly: asking(app, 'strict') }
}

type Ask = ReturnType<typeof asking>

async function createUser(ask: Ask, body: object = {}): Promise<{ id: string }> {
  return (await ask({ method: 'POST', url: '/Users', body: { userName: 'ada', ...body } })).json()
}

t.test('POST answers 201 with the resource, where it is, and its version', async (t) => {
  const { ask } = await start(t)
  const response = await ask({ method: 'POST', url: '/Users', body: enterpriseUser })
  const { id, ...created } = response.json()
  t.equal(response.statusCode, 201)
  t.not(id, enterpriseUser.id, 'the server gives the id')
  t.match(response.headers, {
    location: `${baseUrl}/Users/${id}`,
    etag: 'W/"1"',
    'content-type': /^application\/scim\+json/,
  })
  t.match(created, {
    schemas: [userSchema.id, ENTERPRISE],
    userName: 'bjensen@example.com',
    meta: { resourceType: 'User', location: `${baseUrl}/Users/${id}`, version: 'W/"1"', created: /Z$/ },
    [ENTERPRISE]: { manager: { value: '26118915', $ref: `${baseUrl}/Users/26118915` } },
  })
  t.notMatch(response.body, /password|t1meMa/)
  t.same((await ask({ url: `/Users/${id}` })).json(), { id, ...created })
})

t.test('references to members and groups carry their URI', async (t) => {
  const { ask } = await start(t)
  const members = [{ value: 'u1' }, { value: 'g1', type: 'Group' }, { value: 'a/b' }]
  const response = await ask({ method: 'POST', url: '/Groups', body: { displayName: 'G', members } })
  t.same(response.json().members, [
    { value: 'u1', $ref: `${baseUrl}/Users/u1` },
    { value: 'g1', type: 'Group', $ref: `${baseUrl}/Groups/g1` },
    { value: 'a/b', $ref: `${baseUrl}/Users/a%2Fb` },
  ])
})

t.test('attributes and excludedAttributes choose what is returned', async (t) => {
  const { ask } = await start(t)
  const { id } = (await ask({ method: 'POST', url: '/Users', body: enterpriseUser })).json()
  const names = async (query: string) => (await ask({ url: `/Users/${id}?${query}` })).json()
  t.same(Object.keys(await names('attributes=userName')).sort(), ['id', 'schemas', 'userName'])
  t.same(await names('attributes=NAME.familyname,emails.value,name.givenName'), {
    schemas: [userSchema.id, ENTERPRISE],
    id,
    name: { familyName: 'Jensen', givenName: 'Barbara' },
    emails: [{ value: 'bjensen@example.com' }, { value: 'babs@jensen.org' }],
  })
  const extension = { employeeNumber: '701984', manager: { value: '26118915' } }
  t.match(
    (await names(`attributes=${ENTERPRISE}:employeeNumber,${ENTERPRISE}:manager.value`))[ENTERPRISE],
    extension,
  )
  t.match((await names(`attributes=${ENTERPRISE}`))[ENTERPRISE], { costCenter: '4130', ...extension })
  t.same(Object.keys(await names('attributes=nothing')).sort(), ['id', 'schemas'])
  const rest = await names(
    `excludedAttributes=id,schemas,userName,name.familyName,emails.type,${ENTERPRISE}:manager,meta`,
  )
  t.match(rest, { id, schemas: Array, emails: [{ value: 'bjensen@example.com', primary: true }, {}] })
  t.notOk(
    rest.userName || rest.name.familyName || rest.emails[0].type || rest[ENTERPRISE].manager || rest.meta,
  )
  t.notOk((await names(`excludedAttributes=${ENTERPRISE}`))[ENTERPRISE])
  const both = await ask({ url: `/Users/${id}?attributes=id&excludedAttributes=id` })
  t.match(both.json(), errorOf(400, 'invalidValue'))
  const list = await ask({ url: '/Users?attributes=userName' })
  t.same(Object.keys(list.json().Resources[0]).sort(), ['id', 'schemas', 'userName'])
})

t.test('a list says how many there are and how many it shows', async (t) => {
  const { ask } = await start(t)
  for (const userName of ['a', 'b', 'c']) await createUser(ask, { userName })
  const pages: [query: string, page: { startIndex: number; itemsPerPage: number }][] = [
    ['', { startIndex: 1, itemsPerPage: 3 }],
    ['?startIndex=0&count=2', { startIndex: 1, itemsPerPage: 2 }],
    ['?startIndex=3&count=2', { startIndex: 3, itemsPerPage: 1 }],
    ['?startIndex=9', { startIndex: 9, itemsPerPage: 0 }],
    ['?count=-1', { startIndex: 1, itemsPerPage: 0 }],
    ['?startIndex=-5&count=99999999999999999999', { startIndex: 1, itemsPerPage: 3 }],
    ['?startIndex=&count=&filter=', { startIndex: 1, itemsPerPage: 3 }],
    ['?StartIndex=3&COUNT=2', { startIndex: 3, itemsPerPage: 1 }],
    ['?aadOptscim062020', { startIndex: 1, itemsPerPage: 3 }],
  ]
  for (const [query, page] of pages) {
    const { Resources, ...rest } = (await ask({ url: `/Users${query}` })).json()
    t.match(rest, {
      schemas: ['urn:ietf:params:scim:api:messages:2.0:ListResponse'],
      totalResults: 3,
      ...page,
    })
    t.equal(Resources.length, page.itemsPerPage, query)
  }
  t.match((await ask({ url: '/Users?count=ten' })).json(), errorOf(400, 'invalidValue'))
  t.match((await ask({ url: '/Users?filter=unknown eq "x"' })).json(), errorOf(400, 'invalidFilter'))
})

t.test('a parameter in another case is none that is left unread', async (t) => {
  const { ask, askStrictly } = await start(t)
  for (const userName of ['a', 'b', 'c']) await createUser(ask, { userName })
  for (const list of [ask, askStrictly]) {
    const answer = async (query: string) => (await list({ url: `/Users?${query}` })).json()
    t.equal((await answer('Filter=userName eq "b"')).totalResults, 1)
    t.notOk('meta' in (await answer('filter=userName eq "b"&Attributes=userName')).Resources[0])
    t.ok('meta' in (await answer('filter=userName eq "c"')).Resources[0], 'nor is it there for another')
    t.equal((await answer('filter=userName sw "b"&Filter=x')).scimType, 'invalidFilter')
    t.match(await answer('FILTER=nothing'), errorOf(400, 'invalidFilter'))
    t.match(await answer('filter=userName pr&Filter=userName eq "b"'), errorOf(400, 'invalidFilter'))
    t.match(await answer('Cursor=&Count=2'), { itemsPerPage: 2, nextCursor: /./ })
    t.match(await answer('Cursor=x'), errorOf(400, 'invalidCursor'))
    const [{ id, ...shown }] = (await answer('ExcludedAttributes=meta&StartIndex=2')).Resources
    t.same(Object.keys(shown), ['schemas', 'userName'])
    t.same(Object.keys((await list({ url: `/Users/${id}?Attributes=meta` })).json()), [
      'schemas',
      'id',
      'meta',
    ])
  }
})

t.test('a slash at the end of an address changes nothing', async (t) => {
  const { ask } = await start(t)
  const { id } = await createUser(ask)
  const addresses: [method: InjectOptions['method'], url: string, status: number][] = [
    ['GET', '/Users/', 200],
    ['GET', '/Users/?count=1', 200],
    ['HEAD', '/Users/', 200],
    ['GET', `/Users/${id}/`, 200],
    ['POST', '/Users/.search/', 400],
    ['POST', '/Bulk/', 400],
    ['GET', '/ServiceProviderConfig/', 200],
    ['GET', `/Schemas/${userSchema.id}/`, 200],
    ['GET', '/Me/', 501],
    ['PUT', '/Users/', 405],
    ['GET', '/Users//', 404],
    ['DELETE', `/Users/${id}/`, 204],
  ]
  for (const [method, url, status] of addresses) {
    t.equal((await ask({ method, url })).statusCode, status, `${method} ${url}`)
  }
  const made = await ask({ method: 'POST', url: '/Groups/', body: { displayName: 'G' } })
  t.match(made.headers.location, /\/Groups\/[\w-]+$/)
  t.equal((await ask({ url: '/Users/', headers: { authorization: '' } })).statusCode, 401)
})

t.test('sortBy reaches a host that sorts, in canonical names', async (t) => {
  const asked: unknown[] = []
  const list = async (_caller: unknown, { sortBy, sortOrder }: { sortBy?: unknown; sortOrder: string }) => {
    asked.push([sortBy, sortOrder])
    return { totalResults: 0, resources: [] }
  }
  const handlers = { User: { list } } as unknown as Handlers // no other method is asked
  const ask = asking(await memoryHost(t, { handlers, sort: true }), 'lenient')
  await ask({ url: '/Users?sortBy=USERNAME&sortOrder=Descending' })
  await ask({ url: '/Users?sortBy=emails' })
  t.same(asked, [
    [{ name: 'userName' }, 'descending'],
    [{ name: 'emails', sub: 'value' }, 'ascending'],
  ])
  for (const sortBy of ['name', 'unknown', 'password', 'a b']) {
    t.match((await ask({ url: `/Users?sortBy=${sortBy}` })).json(), errorOf(400, 'invalidPath'), sortBy)
  }
  t.equal((await ask({ url: '/ServiceProviderConfig' })).json().sort.supported, true)
})

t.test('PUT replaces; of a group it says what becomes of the members', async (t) => {
  const { ask, askStrictly } = await start(t)
  const { id } = await createUser(ask, { title: 'T', displayName: 'D' })
  const user = await ask({
    method: 'PUT',
    url: `/Users/${id}`,
    body: { id: 'x', userName: 'ada', title: 'U' },
  })
  t.match(user.json(), { id, title: 'U', displayName: undefined, meta: { version: 'W/"2"' } })

  const members = [{ value: 'a' }]
  const group = (await ask({ method: 'POST', url: '/Groups', body: { displayName: 'G', members } })).json()
  const put = async (by: Ask, body: object) => {
    const schemas = [groupSchema.id]
    const response = await by({
      method: 'PUT',
      url: `/Groups/${group.id}`,
      body: { schemas, displayName: 'G', ...body },
    })
    return response.json().members.length
  }
  t.equal(await put(ask, {}), 1)
  t.equal(await put(ask, { members: null }), 1)
  t.equal(await put(ask, { members: [] }), 0)
  t.equal(await put(ask, { Members: { value: 'b' } }), 1)
  t.equal(await put(askStrictly, {}), 0)
})

t.test('PATCH of a user shows it, of a group only where attributes are asked for', async (t) => {
  const { ask, askStrictly } = await start(t)
  const { id } = await createUser(ask)
  const change = { schemas: [PATCH_OP], Operations: [{ op: 'replace', path: 'displayName', value: 'New' }] }
  const user = await askStrictly({ method: 'PATCH', url: `/Users/${id}`, body: change })
  t.match(user.json(), { displayName: 'New' })
  t.equal(user.headers.etag, 'W/"2"')
  const group = (await ask({ method: 'POST', url: '/Groups', body: { displayName: 'G' } })).json()
  const silent = await ask({ method: 'PATCH', url: `/Groups/${group.id}`, body: change })
  t.match(silent, { statusCode: 204, body: '', headers: { etag: 'W/"2"' } })
  const shown = await ask({
    method: 'PATCH',
    url: `/Groups/${group.id}?attributes=displayName`,
    body: change,
  })
  t.match(shown.json(), { id: group.id, displayName: 'New', meta: undefined })
  const failed = [
    [{ op: 'remove' }, 'noTarget'],
    [{ op: 'remove', path: 'userName' }, 'mutability'],
    [{ op: 'replace', path: '__proto__.x', value: 1 }, 'invalidPath'],
  ] as const
  for (const [operation, scimType] of failed) {
    const response = await ask({ method: 'PATCH', url: `/Users/${id}`, body: { Operations: [operation] } })
    t.match(response.json(), errorOf(400, scimType))
  }
})

t.test('entity tags: 304 for what is known, 412 for what has changed', async (t) => {
  const { ask } = await start(t)
  const { id } = await createUser(ask)
  const url = `/Users/${id}`
  const body = { userName: 'ada' }
  const cases = [
    [{ url, headers: { 'if-none-match': 'W/"1"' } }, 304],
    [{ url, headers: { 'if-none-match': '"x", "1"' } }, 304],
    [{ url, headers: { 'if-none-match': '*' } }, 304],
    [{ url, headers: { 'if-none-match': 'W/"2"' } }, 200],
    [{ method: 'PUT', url, body, headers: { 'if-match': 'W/"7"' } }, 412],
    [{ method: 'PATCH', url, body: { Operations: [] }, headers: { 'if-match': 'nonsense' } }, 412],
    [{ method: 'DELETE', url, headers: { 'if-match': 'W/"2", W/"3"' } }, 412],
    [{ method: 'PUT', url, body, headers: { 'if-match': '*' } }, 200],
    [{ method: 'PUT', url, body, headers: { 'if-match': 'W/"1", W/"2"' } }, 200],
    [{ method: 'DELETE', url, headers: { 'if-match': 'W/"3"' } }, 204],
    [{ method: 'DELETE', url }, 404],
  ] as const
  for (const [asked, status] of cases) {
    const response = await ask(asked)
    t.equal(response.statusCode, status, JSON.stringify(asked))
    if (status >= 400) t.match(response.json(), errorOf(status))
  }
})

t.test('what cannot be served is a SCIM error with the right status', async (t) => {
  const { ask } = await start(t)
  const { id } = await createUser(ask)
  const post = { method: 'POST', url: '/Users' } as const
  const cases = [
    [{ url: `/Users/${unknown}` }, 404],
    [{ url: `/Users/${'x'.repeat(101)}` }, 404],
    [{ url: `/Users/${'x'.repeat(3000)}` }, 404],
    [{ method: 'PATCH', url: `/Users/${unknown}`, body: { Operations: [] } }, 404],
    [{ method: 'PUT', url: `/Users/${unknown}`, body: { userName: 'x' } }, 404],
    [{ method: 'DELETE', url: `/Groups/${unknown}` }, 404],
    [{ url: '/Devices' }, 404],
    [{ url: `/Users/${id}/emails` }, 404],
    [{ method: 'DELETE', url: '/Users' }, 405],
    [{ method: 'POST', url: `/Users/${id}`, body: {} }, 405],
    [{ method: 'POST', url: '/Schemas', body: {} }, 405],
    [{ ...post, body: { userName: 'ADA' } }, 409, 'uniqueness'],
    [{ ...post, body: {} }, 400, 'invalidValue'],
    [{ ...post, body: [] }, 400, 'invalidSyntax'],
    [{ ...post, body: '{' }, 400, 'invalidSyntax'],
    [{ ...post, body: '{"userName":"a","userName":"b"}' }, 400, 'invalidSyntax'],
    [{ ...post, body: '['.repeat(900_000) }, 400, 'invalidSyntax'],
    [post, 400, 'invalidSyntax'],
    [{ ...post, body: `"${'x'.repeat(1_048_577)}"` }, 413],
    [{ ...post, body: 'a=b', headers: { 'content-type': 'application/x-www-form-urlencoded' } }, 415],
    [{ ...post, body: '{}', headers: { 'content-type': 'text/plain' } }, 415],
    [{ ...post, body: '{"userName":"x"}', headers: { 'content-encoding': 'gzip' } }, 415],
    [{ method: 'OPTIONS', url: '/Users' }, 405],
    [{ method: 'TRACE', url: `/Users/${id}` }, 405],
    [{ url: '/Users', headers: { authorization: '' } }, 401],
    [{ ...post, body: '['.repeat(900_000), headers: { authorization: 'Bearer x' } }, 401],
    [{ url: '/Schemas?filter=id%20pr' }, 403],
    [{ url: '/ServiceProviderConfig?filter=x' }, 403],
    [{ url: '/Schemas/urn:x' }, 404],
  ] as const
  for (const [asked, status, scimType] of cases) {
    const response = await ask(asked)
    t.equal(response.statusCode, status, `${asked.url.slice(0, 60)} ${response.body.slice(0, 200)}`)
    t.match(response.json(), errorOf(status, scimType))
    t.match(response.headers['content-type'], /^application\/scim\+json/)
    if (status === 401) t.match(response.headers['www-authenticate'], /^Bearer/)
    if (status === 405) t.match(response.headers.allow, /GET|POST/)
  }
})

t.test(
  'the body is JSON by either name, and the answer plain JSON only where nothing else is accepted',
  async (t) => {
    const { ask } = await start(t)
    for (const [i, type] of [
      'application/json',
      'application/scim+json; charset=utf-8',
      'Application/JSON',
    ].entries()) {
      const headers = { 'content-type': type }
      const response = await ask({ method: 'POST', url: '/Users', body: { userName: `u${i}` }, headers })
      t.equal(response.statusCode, 201, type)
    }
    const accepts: [accept: string, type: RegExp][] = [
      ['application/json', /^application\/json/],
      ['application/json;q=0.9, text/html', /^application\/json/],
      ['application/json, application/scim+json', /^application\/scim\+json/],
      ['*/*', /^application\/scim\+json/],
      ['text/html', /^application\/scim\+json/],
    ]
    for (const [accept, type] of accepts) {
      const { headers } = await ask({ url: '/Users', headers: { accept } })
      t.match(headers['content-type'], type, accept)
    }
    const { id } = await createUser(ask)
    const headers = { 'content-type': 'application/json' }
    t.equal((await ask({ method: 'DELETE', url: `/Users/${id}`, headers })).statusCode, 204, 'without a body')
  },
)

t.test('failures of the host are told as it says, or not at all', async (t) => {
  const away = new Error('connect ECONNREFUSED 10.0.0.1')
  let thrown: unknown = away
  const get = async () => {
    throw thrown
  }
  const toScimError = (error: unknown) => {
    return error === away
      ? new ScimError('unavailable', undefined, { retryAfter: 5, cause: error })
      : undefined
  }
  const handlers = { User: { get } } as unknown as Handlers // no other method is asked
  const ask = asking(await memoryHost(t, { handlers, toScimError }), 'lenient')
  const unavailable = await ask({ url: '/Users/1' })
  t.match(unavailable.json(), errorOf(503))
  t.equal(unavailable.headers['retry-after'], '5')
  for (thrown of [
    new Error('secret'),
    'secret',
    undefined,
    Object.assign(new Error('secret'), { statusCode: 404 }),
  ]) {
    const response = await ask({ url: '/Users/1' })
    t.match(response.json(), { ...errorOf(500), detail: 'An internal error occurred.' })
  }
})

t.test('discovery needs no credential and tells what is supported', async (t) => {
  const { app } = await start(t)
  const read = async (url: string) => (await app.inject(`/scim/v2${url}`)).json()
  t.match(await read('/ServiceProviderConfig'), {
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig'],
    patch: { supported: true },
    bulk: { supported: true, maxOperations: 1000, maxPayloadSize: 4_194_304 },
    filter: { supported: true, maxResults: 1000 },
    changePassword: { supported: false },
    sort: { supported: false },
    etag: { supported: true },
    authenticationSchemes: [{ type: 'oauthbearertoken' }],
  })
  const types = await read('/ResourceTypes')
  t.match(types, { totalResults: 2, itemsPerPage: 2 })
  const [user] = types.Resources
  t.match(user, {
    id: 'User',
    endpoint: '/Users',
    schema: userSchema.id,
    schemaExtensions: [{ schema: ENTERPRISE }],
  })
  t.same(await read('/ResourceTypes/User'), user)
  const schemas = await read('/Schemas')
  t.same(
    schemas.Resources.map(({ id }: { id: string }) => id),
    [
      userSchema.id,
      ENTERPRISE,
      groupSchema.id,
      ...['ServiceProviderConfig', 'ResourceType', 'Schema'].map(
        (name) => `urn:ietf:params:scim:schemas:core:2.0:${name}`,
      ),
    ],
    'those of the discovery documents too (RFC 7643 section 8.7.2)',
  )
  const schema = await read(`/Schemas/${userSchema.id}`)
  t.same(schema, schemas.Resources[0])
  const names = schema.attributes.map(({ name }: { name: string }) => name)
  t.equal(names.length, 21, 'all of RFC 7643 section 4.1')
  t.match(schema.attributes[0], { name: 'userName', type: 'string', required: true, uniqueness: 'server' })
})

interface Described {
  readonly name: string
  readonly type: string
  readonly multiValued: boolean
  readonly required: boolean
  readonly canonicalValues?: readonly string[]
  readonly subAttributes?: readonly Described[]
}

const typeOf: { [type: string]: string } = { boolean: 'boolean', integer: 'number', complex: 'object' }

/** Where a value is otherwise than described. */
function* strays(attributes: readonly Described[], value: object, at: string): Generator<string> {
  const members = new Map<string, unknown>(Object.entries(value))
  for (const { name, type, multiValued, required, canonicalValues, subAttributes } of attributes) {
    const found = members.get(name)
    members.delete(name)
    if (found === undefined && required) yield `${at}.${name} is missing`
    if (found === undefined) continue
    if (multiValued !== Array.isArray(found)) yield `${at}.${name} is one of many`
    for (const one of [found].flat()) {
      if (typeof one !== (typeOf[type] ?? 'string')) yield `${at}.${name} is no ${type}`
      if (canonicalValues && !canonicalValues.includes(String(one))) yield `${at}.${name} is ${one}`
      if (subAttributes) yield* strays(subAttributes, one as object, `${at}.${name}`)
    }
  }
  for (const name of members.keys()) yield `${at}.${name} is unknown`
}

t.test('discovery documents are as their own schemas say, with nothing else', async (t) => {
  const { app } = await start(t)
  const read = async (url: string) => (await app.inject(`/scim/v2${url}`)).json()
  const schemas = (await read('/Schemas')).Resources
  const documents = [
    await read('/ServiceProviderConfig'),
    ...(await read('/ResourceTypes')).Resources,
    ...schemas,
  ]
  for (const document of documents) {
    const schema = schemas.find(({ id }: { id: string }) => id === document.schemas[0])
    const { schemas: _, id: __, meta, ...own } = document
    // The schema of schemas would have to hold itself.
    const wrong = [...strays(schema.attributes, own, '')].filter(
      (at) => !/subAttributes.subAttributes/.test(at),
    )
    t.same(wrong, [], meta.location)
    t.same(
      await read(meta.location.slice(meta.location.indexOf('/v2') + 3)),
      document,
      'each at its location',
    )
  }
})
