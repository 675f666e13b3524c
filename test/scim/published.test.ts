import t from 'tap'
import { type Attributes, oktaRoleType, type Published, roleType, type Stored } from '../../scim/index.ts'
import { asking, baseUrl, memoryHost } from './memory-host.ts'

const stored = (id: string, attributes: Attributes): Stored => {
  const at = new Date('2026-01-02T03:04:05Z')
  return { id, attributes, created: at, lastModified: at, version: 1 }
}

const roles = ['admin', 'Bookkeeper', 'team/lead'].map((value) =>
  stored(value, { value, display: `The ${value}`, type: value === 'admin' ? 'app' : 'org', supported: true }),
)

const published: Published[] = [
  { type: roleType, all: async () => roles },
  { type: oktaRoleType, all: async ({ profile }) => (profile === 'strict' ? [] : roles) },
]

t.test('types that are only read are one entry of a table', async (t) => {
  const app = await memoryHost(t, {
    published,
    serviceProviderConfig: { extra: { supported: true } },
    sort: true,
  })
  const ask = asking(app, 'lenient')
  const read = async (url: string) => (await ask({ url })).json()
  t.match(await read('/ServiceProviderConfig'), { extra: { supported: true }, patch: { supported: true } })
  t.match(await read('/ResourceTypes/OktaRole'), {
    id: 'OktaRole',
    endpoint: '/OktaRoles',
    schema: oktaRoleType.schema.id,
  })
  t.equal((await read('/ResourceTypes')).totalResults, 4)
  const strict = asking(app, 'strict')
  t.equal(
    (await strict({ url: '/ResourceTypes' })).json().totalResults,
    3,
    'not those of which the caller has none',
  )
  t.equal((await strict({ url: '/ResourceTypes/OktaRole' })).statusCode, 404)
  t.equal((await app.inject({ url: '/scim/v2/ResourceTypes' })).json().totalResults, 2, 'nobody has any')
  t.match(await read(`/Schemas/${roleType.schema.id}`), {
    attributes: [{ name: 'value', mutability: 'readOnly' }],
  })

  const lead = { id: 'team/lead', value: 'team/lead', display: 'The team/lead', type: 'org', supported: true }
  const location = `${baseUrl}/Roles/team%2Flead`
  const one = await ask({ url: '/Roles/team%2Flead' })
  t.match(one.json(), { ...lead, schemas: [roleType.schema.id], meta: { resourceType: 'Role', location } })
  t.equal(
    (await ask({ url: '/Roles/team%2Flead', headers: { 'if-none-match': String(one.headers.etag) } }))
      .statusCode,
    304,
  )
  t.equal((await ask({ url: '/Roles/nobody' })).statusCode, 404)
  t.same(await read('/Roles/admin?attributes=value'), {
    schemas: [roleType.schema.id],
    id: 'admin',
    value: 'admin',
  })

  const idsOf = async (query: string) =>
    ((await read(`/Roles?${query}`)).Resources as { id: string }[]).map(({ id }) => id)
  t.same(await idsOf(''), ['admin', 'Bookkeeper', 'team/lead'])
  t.same(await idsOf(`filter=${encodeURIComponent('value eq "bookkeeper" or type eq "APP"')}`), [
    'admin',
    'Bookkeeper',
  ])
  t.same(await idsOf('sortBy=display&sortOrder=descending'), ['team/lead', 'Bookkeeper', 'admin'])
  t.same(await idsOf('startIndex=2&count=1'), ['Bookkeeper'])
  const first = await read('/Roles?cursor&count=2')
  t.equal(first.Resources.length, 2)
  t.equal((await read(`/Roles?count=2&cursor=${first.nextCursor}`)).Resources.length, 1)
  t.match(await read('/Roles?filter=userName%20pr'), { status: '400', scimType: 'invalidFilter' })
  const search = {
    schemas: ['urn:ietf:params:scim:api:messages:2.0:SearchRequest'],
    filter: 'value sw "team"',
  }
  t.match((await ask({ method: 'POST', url: '/Roles/.search', body: search })).json(), { totalResults: 1 })

  await ask({ method: 'POST', url: '/Users', body: { userName: 'ada', title: 'app' } })
  const root = async (filter: string) =>
    ((await read(`/?filter=${encodeURIComponent(filter)}`)).Resources as { meta: { resourceType: string } }[])
      .map(({ meta }) => meta.resourceType)
      .join(' ')
  t.equal((await read('/')).totalResults, 7, 'the root lists them too')
  t.equal(await root('type eq "app"'), 'Role OktaRole')
  t.equal(await root('value eq "admin" or userName eq "ada"'), 'User Role')
  t.equal(await root('meta.resourceType eq "Role"'), 'Role Role Role')

  t.equal((await read('/OktaRoles')).totalResults, 3)
  t.equal(
    (await asking(app, 'strict')({ url: '/OktaRoles' })).json().totalResults,
    0,
    'as the caller has them',
  )
  t.equal((await app.inject({ url: '/scim/v2/Roles' })).statusCode, 401)
  for (const [method, url] of [
    ['POST', '/Roles'],
    ['PUT', '/Roles/admin'],
    ['PATCH', '/Roles/admin'],
    ['DELETE', '/Roles/admin'],
  ] as const) {
    const answer = await ask({ method, url, body: {} })
    t.match(answer, { statusCode: 405, headers: { allow: 'GET' } }, `${method} ${url}`)
  }
})
