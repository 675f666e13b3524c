import t, { type Test } from 'tap'
import {
  enterpriseUserSchema,
  groupSchema,
  ScimError,
  type ScimOptions,
  userSchema,
} from '../../scim/index.ts'
import { asking, baseUrl, memoryHost } from './memory-host.ts'

const ENTERPRISE = enterpriseUserSchema.id
const BULK_REQUEST = 'urn:ietf:params:scim:api:messages:2.0:BulkRequest'
const BULK_RESPONSE = 'urn:ietf:params:scim:api:messages:2.0:BulkResponse'
const PATCH_OP = 'urn:ietf:params:scim:api:messages:2.0:PatchOp'
const stranger = 'aaaaaaaa-7f76-453a-919d-413861904646'

interface Answered {
  readonly method: string
  readonly bulkId?: string
  readonly location?: string
  readonly version?: string
  readonly status: string
  readonly response?: { readonly detail: string; readonly scimType?: string; readonly status: string }
}

type Operation = Readonly<Record<string, unknown>>

async function start(t: Test, options: Partial<ScimOptions> = {}) {
  const app = await memoryHost(t, options)
  const ask = asking(app, 'lenient')
  const bulk = async (Operations: unknown, more: object = {}, query = '') => {
    const body = { schemas: [BULK_REQUEST], Operations, ...more }
    const response = await ask({ method: 'POST', url: `/Bulk${query}`, body })
    t.equal(response.statusCode, 200, response.body.slice(0, 300))
    t.same(response.json().schemas, [BULK_RESPONSE])
    return response.json().Operations as Answered[]
  }
  const read = async (location: string | undefined) => {
    return (await ask({ url: String(location).slice(baseUrl.length) })).json()
  }
  const total = async (endpoint: string) => (await ask({ url: `${endpoint}?count=0` })).json().totalResults
  return { app, ask, askStrictly: asking(app, 'strict'), bulk, read, total }
}

const idOf = ({ location }: Partial<Answered> = {}) => String(location?.split('/').at(-1))
const statuses = (answers: readonly Answered[]) => answers.map(({ status }) => status).join(' ')
const isOf = (op: Answered | undefined) => [op?.status, op?.response?.scimType].filter(Boolean).join(' ')

const post = (bulkId: string, path: string, data: unknown): Operation => ({
  method: 'POST',
  path,
  bulkId,
  data,
})
const user = (bulkId: string, more: object = {}) => post(bulkId, '/Users', { userName: bulkId, ...more })
const group = (bulkId: string, members: readonly string[] = []) =>
  post(bulkId, '/Groups', { displayName: bulkId, members: members.map((value) => ({ value })) })
const patch = (path: string, ...Operations: Operation[]): Operation => ({
  method: 'PATCH',
  path,
  data: { schemas: [PATCH_OP], Operations },
})
const managedBy = (bulkId: string) => ({ [ENTERPRISE]: { manager: { value: `bulkId:${bulkId}` } } })
const valuesOf = ({ members = [] }: { members?: { value: string }[] }) => members.map(({ value }) => value)

t.test('the circular groups of RFC 7644 section 3.7.1', async (t) => {
  for (const profile of ['lenient', 'strict'] as const) {
    const app = await memoryHost(t)
    const ask = asking(app, profile)
    const member = (value: string) => ({ type: 'Group', value })
    const data = (displayName: string, value: string) => ({
      schemas: [groupSchema.id],
      displayName,
      members: [member(value)],
    })
    const body = {
      schemas: [BULK_REQUEST],
      Operations: [
        post('qwerty', '/Groups', data('Group A', 'bulkId:ytrewq')),
        post('ytrewq', '/Groups', data('Group B', 'bulkId:qwerty')),
      ],
    }
    const response = await ask({ method: 'POST', url: '/Bulk', body })
    t.match(response.headers, { 'content-type': /^application\/scim\+json/ })
    const [a, b] = response.json().Operations
    t.match(
      [a, b],
      [
        { method: 'POST', bulkId: 'qwerty', status: '201', version: 'W/"2"', location: /Groups\/[-\w]{36}$/ },
        { method: 'POST', bulkId: 'ytrewq', status: '201', version: 'W/"1"', location: /Groups\/[-\w]{36}$/ },
      ],
    )
    const read = async (op: Answered) => (await ask({ url: `/Groups/${idOf(op)}` })).json()
    t.match(await read(a), {
      displayName: 'Group A',
      members: [member(idOf(b))],
      meta: { version: a.version },
    })
    t.match(await read(b), {
      displayName: 'Group B',
      members: [member(idOf(a))],
      meta: { version: b.version },
    })
  }
})

t.test('the references of RFC 7644 section 3.7.2', async (t) => {
  const { bulk, read } = await start(t)
  const alice = post('qwerty', '/Users', { schemas: [userSchema.id], userName: 'Alice' })
  const guides = post('ytrewq', '/Groups', {
    schemas: [groupSchema.id],
    displayName: 'Tour Guides',
    members: [{ type: 'User', value: 'bulkId:qwerty' }],
  })
  const bob = post('bob', '/Users', {
    schemas: [userSchema.id, ENTERPRISE],
    userName: 'Bob',
    [ENTERPRISE]: { employeeNumber: '11250', manager: { value: 'bulkId:qwerty' } },
  })
  const answers = await bulk([alice, guides, bob])
  t.match(answers, [{ status: '201' }, { status: '201' }, { status: '201' }])
  t.notOk(
    answers.some((answer) => 'response' in answer),
    'what has succeeded is not shown',
  )
  const manager = { value: idOf(answers[0]), $ref: answers[0]?.location }
  t.match(await read(answers[1]?.location), { members: [{ type: 'User', ...manager }] })
  t.match(await read(answers[2]?.location), { [ENTERPRISE]: { employeeNumber: '11250', manager } })
})

t.test('the operations of RFC 7644 section 3.7.3', async (t) => {
  const { bulk, read } = await start(t)
  const made = await bulk([user('b', { nickName: 'b' }), user('c', { nickName: 'c' }), user('d')])
  const [b, c, d] = made.map(idOf)
  const alice = post('qwerty', '/Users', { schemas: [userSchema.id], userName: 'Alice' })
  const put = { method: 'PUT', path: `/Users/${b}`, version: 'W/"1"', data: { id: b, userName: 'Bob' } }
  const change = patch(
    `/Users/${c}`,
    { op: 'remove', path: 'nickName' },
    { op: 'add', path: 'userName', value: 'Dave' },
  )
  const remove = { method: 'DELETE', path: `/Users/${d}`, version: 'W/"1"' }
  const answers = await bulk([alice, put, { ...change, version: 'W/"1"' }, remove], { failOnErrors: 1 })
  t.match(answers[0], { method: 'POST', bulkId: 'qwerty', version: 'W/"1"', status: '201' })
  t.same(answers.slice(1), [
    { location: `${baseUrl}/Users/${b}`, method: 'PUT', version: 'W/"2"', status: '200' },
    { location: `${baseUrl}/Users/${c}`, method: 'PATCH', version: 'W/"2"', status: '200' },
    { location: `${baseUrl}/Users/${d}`, method: 'DELETE', status: '204' },
  ])
  t.match(await read(answers[2]?.location), { userName: 'Dave', nickName: undefined })

  const again = await bulk([
    post('qwerty', '/Users', { schemas: [userSchema.id] }),
    { ...put, version: 'W/"3694e05e9dff591"' },
    { ...change, version: 'W/"1"' },
    remove,
  ])
  const error = { schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'], detail: /./ }
  t.match(again, [
    {
      method: 'POST',
      bulkId: 'qwerty',
      status: '400',
      response: { ...error, scimType: 'invalidValue', status: '400' },
    },
    {
      method: 'PUT',
      location: `${baseUrl}/Users/${b}`,
      status: '412',
      response: { ...error, status: '412' },
    },
    {
      method: 'PATCH',
      location: `${baseUrl}/Users/${c}`,
      status: '412',
      response: { ...error, status: '412' },
    },
    {
      method: 'DELETE',
      location: `${baseUrl}/Users/${d}`,
      status: '404',
      response: { ...error, status: '404' },
    },
  ])
  t.notOk('location' in (again[0] ?? {}), 'what was not made is nowhere')
})

t.test('failOnErrors is how many may fail; what comes after is neither done nor told', async (t) => {
  const { bulk, total } = await start(t)
  const wrong = (bulkId: string) => post(bulkId, '/Users', {})
  const operations = [user('a'), wrong('x'), user('b'), wrong('y'), user('c'), wrong('z'), user('d')]
  const expected: [failOnErrors: unknown, statuses: string, made: number][] = [
    [1, '201 400', 1],
    ['2', '409 400', 1],
    [3, '409 400 201 400', 2],
    [100, '409 400 409 400 201 400 201', 4],
    [null, '409 400 409 400 409 400 409', 4],
  ]
  for (const [failOnErrors, told, made] of expected) {
    t.equal(statuses(await bulk(operations, { failOnErrors })), told)
    t.equal(await total('/Users'), made)
  }
})

const references: Record<string, (bulkId: string) => object> = {
  'a manager': (bulkId) => ({ [ENTERPRISE]: { manager: { value: bulkId } } }),
  'a bare manager': (bulkId) => ({ [ENTERPRISE]: { manager: bulkId } }),
  'a manager in a list, without the extension': (bulkId) => ({ Manager: [{ VALUE: bulkId }] }),
  'a manager by a path': (bulkId) => ({ [`${ENTERPRISE}:manager.value`]: bulkId }),
}

t.test('a bulkId stands wherever a reference may, ahead of what it refers to', async (t) => {
  for (const [where, data] of Object.entries(references)) {
    const { bulk, read } = await start(t)
    const answers = await bulk([user('a', data('bulkId:b')), user('b')])
    t.equal(statuses(answers), '201 201', where)
    const value = idOf(answers[1])
    t.match(await read(answers[0]?.location), { [ENTERPRISE]: { manager: { value } } }, where)
  }
})

t.test('a bulkId stands in what a PATCH says', async (t) => {
  const { bulk, read } = await start(t)
  const [u, g] = await bulk([user('u'), group('g')])
  const add: Operation[] = [
    { op: 'add', path: 'members', value: [{ value: 'bulkId:b' }, 'bulkId:c'] },
    { op: 'add', value: { members: [{ value: 'bulkId:d', $ref: `${baseUrl}/Users/bulkId:d` }] } },
    { op: 'remove', path: 'members[value eq "bulkId:b" or value eq "bulkId:d"]' },
  ]
  const manage: Operation[] = [
    { op: 'add', path: 'manager', value: 'bulkId:b' },
    { op: 'replace', path: `${ENTERPRISE}:manager.value`, value: 'bulkId:c' },
    { op: 'Replace', Path: ENTERPRISE, Value: { manager: { value: 'bulkId:d' } } },
    { op: 'add', path: 'displayName', value: 'bulkId:nobody' },
    { op: 'add', path: 'emails[value eq "bulkId:nobody"].type', value: 'work' },
  ]
  const answers = await bulk([
    patch(`/Groups/${idOf(g)}`, ...add),
    patch(`/Users/${idOf(u)}`, ...manage),
    user('b'),
    user('c'),
    user('d'),
    patch('/Users/bulkId:b', { op: 'add', path: 'nickName', value: 'x' }),
    { method: 'PUT', path: '/Users/bulkId:c', version: 'W/"1"', data: { userName: 'C' } },
    { method: 'DELETE', path: '/Users/bulkId%3Ad' },
  ])
  t.equal(statuses(answers), '200 200 201 201 201 200 200 204')
  t.same(valuesOf(await read(g?.location)), [idOf(answers[3])])
  t.match(await read(u?.location), {
    displayName: 'bulkId:nobody',
    [ENTERPRISE]: { manager: { value: idOf(answers[4]) } },
  })
  t.match(await read(answers[2]?.location), { nickName: 'x' })
  t.match(
    answers.slice(5).map(({ location }) => location),
    answers.slice(2, 5).map(({ location }) => location),
  )
})

t.test('what only looks like a reference is left as it is', async (t) => {
  const { bulk, read } = await start(t)
  const like = {
    displayName: 'bulkId:x',
    title: '{"value":"bulkId:x"}',
    emails: [{ value: 'bulkId:x', type: 'work' }],
    groups: [{ value: 'bulkId:x' }],
  }
  const [a] = await bulk([user('a', { ...like, ...{ [ENTERPRISE]: { department: 'bulkId:x' } } })])
  const { displayName, title, emails } = await read(a?.location)
  t.same(
    { displayName, title, emails },
    { displayName: like.displayName, title: like.title, emails: like.emails },
  )
})

t.test('circles are closed when all are made', async (t) => {
  const { bulk, read } = await start(t)
  const answers = await bulk([
    user('a', managedBy('b')),
    user('b', { ...managedBy('c'), title: 'kept' }),
    user('c', managedBy('a')),
    user('self', managedBy('self')),
    group('g', ['bulkId:a', 'bulkId:h', stranger]),
    group('h', ['bulkId:c', 'bulkId:g']),
  ])
  t.equal(statuses(answers), '201 201 201 201 201 201')
  const [a, b, c, self, g, h] = answers
  const managers: [of: Answered | undefined, by: Answered | undefined][] = [
    [a, b],
    [b, c],
    [c, a],
    [self, self],
  ]
  for (const [of, by] of managers)
    t.match(await read(of?.location), {
      [ENTERPRISE]: { manager: { value: idOf(by) } },
      meta: { version: of?.version },
    })
  t.match(await read(b?.location), { title: 'kept' })
  t.same(valuesOf(await read(g?.location)), [idOf(a), stranger, idOf(h)])
  t.same(valuesOf(await read(h?.location)), [idOf(c), idOf(g)])
})

t.test('a circle that cannot be closed leaves nothing behind', async (t) => {
  const { bulk, total } = await start(t)
  await bulk([user('taken')])
  const circle = [user('a', managedBy('taken')), user('taken', managedBy('a'))]
  const answers = await bulk([...circle, user('c', managedBy('a')), user('d')])
  t.match(answers.map(isOf), ['409', '409 uniqueness', '409', '201'])
  t.match(answers[0]?.response?.detail, /Undone/)
  t.match(answers[2]?.response?.detail, /The operation with the bulkId "a" has failed/)
  t.equal(await total('/Users'), 2)
})

t.test('where the host has no transactions, circles are refused', async (t) => {
  const { ask, bulk, total } = await start(t, { atomic: undefined } as object)
  const answers = await bulk([user('a', managedBy('b')), user('b', managedBy('a')), user('c')])
  t.match(answers.map(isOf), ['409', '409', '201'])
  t.equal(await total('/Users'), 1)
  const response = await ask({ method: 'POST', url: '/Bulk?atomic=true', body: { Operations: [] } })
  t.match(response.json(), { status: '501' })
})

t.test('who needs what has failed fails', async (t) => {
  const { bulk, total } = await start(t)
  const answers = await bulk([
    group('g', ['bulkId:a']),
    patch('/Groups/bulkId:g', { op: 'add', path: 'displayName', value: 'x' }),
    post('a', '/Users', { userName: '' }),
    post('b', '/Nowhere', {}),
    group('h', ['bulkId:b']),
    group('i', ['bulkId:nobody']),
    { method: 'DELETE', path: '/Users/bulkId:' },
  ])
  t.match(answers.map(isOf), [
    '409',
    '409',
    '400 invalidValue',
    '400 invalidPath',
    '409',
    '400 invalidValue',
    '400 invalidValue',
  ])
  t.match(answers[5]?.response?.detail, /No POST has the bulkId "nobody"/)
  t.equal(await total('/Groups'), 0)
})

t.test('operations on one resource and for one name keep their order', async (t) => {
  const { bulk, read } = await start(t)
  const rename = (path: string, value: string) => patch(path, { op: 'replace', path: 'userName', value })
  const [a] = await bulk([user('a')])
  const answers = await bulk([
    rename(`/Users/${idOf(a)}`, 'b'),
    user('a'),
    { ...user('A'), bulkId: 'second' },
    { method: 'DELETE', path: `/Users/${idOf(a)}` },
    user('b'),
    rename('/Users/bulkId:b', 'c'),
    rename('/Users/bulkId:b', 'd'),
  ])
  t.equal(statuses(answers), '200 201 409 204 201 200 200')
  t.match(await read(answers[4]?.location), { userName: 'd', meta: { version: 'W/"3"' } })
})

t.test('an atomic request is done wholly or not at all', async (t) => {
  const { ask, bulk, total } = await start(t)
  const operations = [user('a'), group('g', ['bulkId:a']), post('b', '/Users', {}), user('c')]
  const undone = await bulk(operations, { failOnErrors: 9 }, '?atomic=true')
  t.match(undone.map(isOf), ['409', '409', '400 invalidValue', '409'])
  t.notOk(undone.some((answer) => 'location' in answer))
  t.equal((await total('/Users')) + (await total('/Groups')), 0)
  const whole = operations.filter((_, index) => index !== 2)
  t.equal(statuses(await bulk(whole, {}, '?atomic=TRUE')), '201 201 201')
  t.equal(statuses(await bulk(whole, {}, '?atomic=false')), '409 409 409')
  const response = await ask({ method: 'POST', url: '/Bulk?atomic=perhaps', body: { Operations: [] } })
  t.match(response.json(), { status: '400', scimType: 'invalidValue' })
})

t.test('limits are announced and kept to', async (t) => {
  const limits = { maxOperations: 3, maxPayloadSize: 2000 }
  const { ask, bulk, total } = await start(t, { bulk: limits, bodyLimit: 500 })
  t.match((await ask({ url: '/ServiceProviderConfig' })).json(), { bulk: { supported: true, ...limits } })
  const title = 'x'.repeat(900)
  t.equal(statuses(await bulk([user('a', { title }), user('b'), user('c')])), '201 201 201')
  const tooMany = ['d', 'e', 'f', 'g'].map((name) => user(name))
  const tooLarge = [user('d', { title: title.repeat(3) })]
  for (const [Operations, detail] of [
    [tooMany, /4 operations.*\(maxOperations\) is 3/],
    [tooLarge, /larger than 2000 bytes.*\(maxPayloadSize\)/],
  ] as const) {
    const response = await ask({ method: 'POST', url: '/Bulk', body: { Operations } })
    t.equal(response.statusCode, 413)
    t.match(response.json(), { status: '413', detail })
  }
  t.equal(await total('/Users'), 3)
  t.equal((await ask({ method: 'POST', url: '/Users', body: { userName: 'x'.repeat(600) } })).statusCode, 413)
})

const notBulk: [body: unknown, expected: string][] = [
  ['', '400 invalidSyntax'],
  ['[]', '400 invalidSyntax'],
  [{}, '400 invalidSyntax'],
  [{ Operations: {} }, '400 invalidSyntax'],
  [{ Operations: [null] }, '400 invalidSyntax'],
  [{ Operations: ['POST'] }, '400 invalidSyntax'],
  [{ Operations: [], failOnErrors: 0 }, '400 invalidValue'],
  [{ Operations: [], failOnErrors: 1.5 }, '400 invalidValue'],
  [{ Operations: [], failOnErrors: 'all' }, '400 invalidValue'],
  [{ Operations: [user('a'), user('a')] }, '400 invalidValue'],
  [{ Operations: [user('a'), group('a')] }, '400 invalidValue'],
  [`{"Operations":[],"Operations":[]}`, '400 invalidSyntax'],
  [`{"Operations":[{"data":${'['.repeat(40)}${']'.repeat(40)}}]}`, '400 invalidSyntax'],
  [`{"Operations":[${'{},'.repeat(1000)}{}]}`, '413'],
]

t.test('a request that is not one does nothing', async (t) => {
  const { ask, askStrictly, total } = await start(t)
  for (const [body, expected] of notBulk) {
    const { status, scimType } = (await ask({ method: 'POST', url: '/Bulk', body })).json()
    t.equal([status, scimType].filter(Boolean).join(' '), expected, JSON.stringify(body).slice(0, 80))
  }
  t.equal(await total('/Users'), 0)
  t.match((await askStrictly({ method: 'POST', url: '/Bulk', body: { Operations: [] } })).statusCode, 400)
  t.match((await ask({ method: 'POST', url: '/Bulk', body: { operations: [] } })).json(), { Operations: [] })
  const anonymous = await ask({ method: 'POST', url: '/Bulk', body: {}, headers: { authorization: '' } })
  t.equal(anonymous.statusCode, 401)
  for (const method of ['GET', 'PUT', 'PATCH', 'DELETE'] as const) {
    const response = await ask({ method, url: '/Bulk' })
    t.match(response, { statusCode: 405, headers: { allow: 'POST' } })
  }
})

const hostile: [operation: Operation, expected: string][] = [
  [{}, '405'],
  [{ method: 'GET', path: '/Users/x' }, '405'],
  [{ method: 7, path: '/Users/x' }, '405'],
  [{ method: 'CONNECT', path: '/Users/x' }, '405'],
  [{ method: 'POST', path: '/Users', data: { userName: 'a' } }, '400 invalidSyntax'],
  [{ method: 'POST', path: '/Users', bulkId: '', data: { userName: 'a' } }, '400 invalidSyntax'],
  [{ method: 'POST', path: '/Users', bulkId: 'none' }, '400 invalidSyntax'],
  [{ method: 'PATCH', path: '/Users/x' }, '400 invalidSyntax'],
  [{ method: 'PUT', path: '/Users/x', data: null }, '400 invalidSyntax'],
  [{ method: 'PUT', path: '/Users/x', data: {}, version: 1 }, '400 invalidSyntax'],
  [post('p1', '/Users/x', { userName: 'a' }), '405'],
  [{ method: 'DELETE', path: '/Users' }, '405'],
  [{ method: 'DELETE', path: '/Users/x' }, '404'],
  [{ method: 'DELETE', path: `/Users/${'x'.repeat(10_000)}` }, '404'],
  [{ method: 'DELETE', path: '/Users/..' }, '404'],
  [{ method: 'DELETE', path: '/Users/%2e%2e%2fGroups%2fx' }, '404'],
  [{ method: 'DELETE', path: '/Users/%00' }, '404'],
  [{ method: 'DELETE', path: '/Users/__proto__' }, '404'],
  [{ method: 'DELETE', path: '/Users/%' }, '400 invalidPath'],
  [{ method: 'DELETE', path: '/Users/../Groups/x' }, '400 invalidPath'],
  [{ method: 'DELETE', path: '/Users/x/' }, '400 invalidPath'],
  [{ method: 'DELETE', path: '//Users/x' }, '400 invalidPath'],
  [{ method: 'DELETE', path: '/Users//x' }, '400 invalidPath'],
  [{ method: 'DELETE', path: '/Users/x?a=b' }, '400 invalidPath'],
  [{ method: 'DELETE', path: '/Users/x#' }, '400 invalidPath'],
  [{ method: 'DELETE', path: '/Users/x\n' }, '404'],
  [{ method: 'DELETE', path: `${baseUrl}/Users/x` }, '400 invalidPath'],
  [{ method: 'DELETE', path: '//usher.example/Users/x' }, '400 invalidPath'],
  [{ method: 'DELETE', path: 'Users/x' }, '400 invalidPath'],
  [{ method: 'DELETE', path: ['/Users/x'] }, '400 invalidPath'],
  [{ method: 'DELETE', path: '/constructor/x' }, '400 invalidPath'],
  [post('p2', '/Bulk', { Operations: [] }), '400 invalidPath'],
  [post('p3', '/Users', { userName: 'a', ...managedBy('bulkId:p3') }), '400 invalidValue'],
  [post('p4', '/Users', 'bulkId:a'), '400 invalidSyntax'],
  [post('p5', '/Users', [{ userName: 'a' }]), '400 invalidSyntax'],
  [patch('/Users/bulkId:a/manager'), '400 invalidPath'],
  [patch('/Users/x', { op: 'remove', path: 'members[value eq "bulkId:a"' }), '400 invalidPath'],
  [patch('/Groups/x', { op: 'remove', path: 'members[value eq "bulkId:a"]' }), '400 invalidValue'],
]

t.test('an operation that is not one fails by itself', async (t) => {
  const { bulk, read, total } = await start(t)
  const [made] = await bulk([user('there')])
  const answers = await bulk([...hostile.map(([operation]) => operation), user('last')])
  t.equal(answers.length, hostile.length + 1)
  for (const [index, [operation, expected]] of hostile.entries())
    t.equal(isOf(answers[index]), expected, JSON.stringify(operation).slice(0, 100))
  t.match(answers.at(-1), { status: '201' })
  t.equal(await total('/Users'), 2)
  t.match(await read(made?.location), { userName: 'there', meta: { version: 'W/"1"' } })
})

t.test('members of an object that look like its machinery do nothing', async (t) => {
  const { ask, total } = await start(t)
  const data = '{"userName":"a","__proto__":{"userName":"b"},"constructor":{"value":"bulkId:x"}}'
  const body = `{"Operations":[{"method":"POST","path":"/Users","bulkId":"__proto__","data":${data}}]}`
  t.match((await ask({ method: 'POST', url: '/Bulk', body })).json(), { Operations: [{ status: '201' }] })
  t.equal(await total('/Users'), 1)
})

t.test('a long chain of references is resolved', async (t) => {
  const { bulk } = await start(t)
  const chain = Array.from({ length: 999 }, (_, n) => user(`u${n}`, managedBy(`u${n + 1}`)))
  t.ok((await bulk([...chain, user('u999')])).every(({ status }) => status === '201'))
})

t.test('creates that follow each other are under way together, as many as the host takes', async (t) => {
  let underWay = 0
  let most = 0
  const create = async () => {
    most = Math.max(most, ++underWay)
    await new Promise(setImmediate)
    underWay--
    return { id: 'x', attributes: {}, created: new Date(), lastModified: new Date(), version: 1 }
  }
  const handlers = {
    User: { create, createsAtOnce: 100 },
    Group: { create },
  } as unknown as ScimOptions['handlers']
  const { bulk } = await start(t, { handlers })
  const creates = Array.from({ length: 250 }, (_, n) => user(`u${n}`))
  const expected: [operations: readonly Operation[], more: object, most: number][] = [
    [creates, {}, 100],
    [creates, { failOnErrors: 7 }, 7],
    [[user('a'), user('b'), ...['c', 'd', 'e'].map((name) => group(name))], {}, 2],
    [creates.map((operation) => ({ ...operation, data: { [`${userSchema.id}:UserName`]: 'same' } })), {}, 1],
    [[user('a'), user('b', managedBy('a')), user('c', managedBy('b'))], {}, 1],
  ]
  for (const [operations, more, together] of expected) {
    most = 0
    t.equal((await bulk(operations, more)).length, operations.length)
    t.equal(most, together)
  }
})

t.test('a host that is away is not asked for every operation', async (t) => {
  let asked = 0
  let served = 0
  const create = async () => {
    if (++asked <= served)
      return { id: 'x', attributes: {}, created: new Date(), lastModified: new Date(), version: 1 }
    throw new ScimError('unavailable', undefined, { retryAfter: 1 })
  }
  const handlers = { User: { create }, Group: { create } } as unknown as ScimOptions['handlers']
  const { ask, bulk } = await start(t, { handlers })
  const chain = Array.from({ length: 50 }, (_, n) => group(`g${n}`, n === 0 ? [] : [stranger]))
  const inOrder = chain.map((operation) => ({ ...operation, data: { displayName: 'g', externalId: 'same' } }))
  const body = { Operations: inOrder }
  const response = await ask({ method: 'POST', url: '/Bulk', body })
  t.match(response, { statusCode: 503, headers: { 'retry-after': '1' } })
  t.equal(asked, 3)
  asked = 0
  served = 2
  const answers = await bulk(inOrder)
  t.equal(asked, 5)
  t.equal(statuses(answers), `201 201${' 503'.repeat(48)}`)
})

t.test('an error of the host tells nothing of itself', async (t) => {
  const create = async () => {
    throw new Error('secret')
  }
  const handlers = { User: { create }, Group: { create } } as unknown as ScimOptions['handlers']
  const { bulk } = await start(t, { handlers })
  const [answer] = await bulk([user('a')])
  t.match(answer, { status: '500', response: { status: '500', detail: 'An internal error occurred.' } })
})
