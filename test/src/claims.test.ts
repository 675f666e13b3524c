import t from 'tap'
import type { ClaimRule, ClaimSettings } from '../../db/index.ts'
import type { SignIn } from '../../src/provisioning/identity.ts'
import { news } from '../../src/provisioning/news.ts'
import { type Claims, firstOf, text, valuesOf } from '../../src/translate/claim-rules.ts'
import { type ClaimsOf, signInOf } from '../../src/translate/claims.ts'
import { createBrowser } from '../oidc/browser.ts'
import { startHostile } from '../oidc/hostile.ts'
import { makeConnection, makeOrganization } from './api.ts'
import { holdOnEachLayout } from './layouts.ts'
import { listen } from './listening.ts'

const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'

const read = (claims: Claims, rules: ClaimSettings = {}, more: Partial<ClaimsOf> = {}) =>
  signInOf(
    { issuer: 'https://idp.example', subject: 's', claims },
    { connectionId: 'c', correlationClaim: 'sub', bound: false, rules, ...more },
  )

t.test('a rule finds what it names, and nothing else', async (t) => {
  const claims: Claims = {
    name: 'Ada',
    'a.b': 'dotted',
    'https://acme.example/team': 'by address',
    deep: { 'x/y': { '~': 'escaped' }, list: ['zero', 'one'], number: 7, blank: ' ', control: 'a\u0007b' },
    ['__proto__']: { evil: 'yes' },
  }
  const cases: [ClaimRule, unknown][] = [
    ['name', 'Ada'],
    ['https://acme.example/team', 'by address'],
    ['/a.b', 'dotted'],
    ['/name', 'Ada'],
    ['/deep/x~1y/~0', 'escaped'],
    ['/deep/list/1', 'one'],
    ['/deep/list/2', undefined],
    ['/deep/list/01', undefined],
    ['/deep/list/length', undefined],
    ['/deep/number', undefined],
    ['/deep/blank', undefined],
    ['/deep/control', undefined],
    ['/deep', undefined],
    ['/name/length', undefined],
    ['/name/0', undefined],
    ['missing', undefined],
    [['missing', '/deep/number', 'name', 'never'], 'Ada'],
    [['missing', { constant: 'else' }], 'else'],
    [{ constant: 'always' }, 'always'],
    [[], undefined],
    ['constructor', undefined],
    ['/constructor/name', undefined],
    ['toString', undefined],
    ['__proto__', undefined],
    ['/__proto__/evil', undefined],
    ['/deep/__proto__/constructor', undefined],
  ]
  for (const [rule, expected] of cases) t.equal(firstOf(claims, rule, text), expected, JSON.stringify(rule))
  t.equal(Reflect.get({}, 'evil'), undefined)
})

t.test('several values are taken where they are text, and none for what is not told', async (t) => {
  const many = Array.from({ length: 1001 }, (_, index) => `g${index}`)
  const cases: [Claims, ClaimRule, unknown][] = [
    [{ groups: ['b', 'a', 'b'] }, 'groups', ['b', 'a']],
    [{ groups: 'one' }, 'groups', ['one']],
    [{ groups: ['a', 1, null, '', ['b'], { value: 'c' }] }, 'groups', ['a']],
    [{ groups: [] }, 'groups', []],
    [{}, 'groups', []],
    [{ groups: 7 }, 'groups', []],
    [{ realm_access: { roles: ['x'] } }, '/realm_access/roles', ['x']],
    [{}, ['groups', { constant: 'all' }], ['all']],
    [{ groups: many }, 'groups', null],
    [{ _claim_names: { groups: 'src1' } }, 'groups', null],
    [{ _claim_names: { groups: 'src1' } }, ['groups', { constant: 'all' }], null],
    [{ _claim_names: { groups: 'src1' } }, ['missing', 'groups'], null],
    [{ _claim_names: { groups: 'src1' } }, 'roles', []],
    [{ _claim_names: 'groups' }, 'groups', []],
    [{ hasgroups: true }, 'groups', null],
    [{ hasgroups: 'true' }, 'groups', []],
    [{ hasgroups: true, groups: ['a'] }, 'groups', ['a']],
  ]
  for (const [claims, rule, expected] of cases)
    t.same(valuesOf(claims, rule), expected, `${JSON.stringify(claims).slice(0, 80)} ${JSON.stringify(rule)}`)
})

t.test('an address is verified by a claim that speaks of it, and by true alone', async (t) => {
  const email = 'ada@acme.example'
  const entra = { preset: 'entra' as const }
  const cases: [Claims, string | undefined, ClaimSettings?, Partial<ClaimsOf>?][] = [
    [{ email, email_verified: true }, 'email_verified'],
    [{ email, email_verified: 'true' }, undefined],
    [{ email, email_verified: 1 }, undefined],
    [{ email, email_verified: [true] }, undefined],
    [{ email }, undefined],
    [{ email, xms_edov: true }, undefined],
    [{ email, xms_edov: true }, 'xms_edov', {}, entra],
    [{ email, xms_edov: '1' }, undefined, {}, entra],
    [{ email, email_verified: false, xms_edov: true }, 'xms_edov', {}, entra],
    [{ email: 'x@y.example', upn: email, email_verified: true }, undefined, { email: 'upn' }],
    [{ email, upn: email, email_verified: true }, 'email_verified', { email: 'upn' }],
    [{ upn: email, ours: true }, 'ours', { email: 'upn', emailVerified: 'ours' }],
    [{ upn: email, a: 'true', b: { c: true } }, '/b/c', { email: 'upn', emailVerified: ['a', '/b/c'] }],
    [{ email, email_verified: true }, undefined, { emailVerified: [] }],
  ]
  for (const [claims, by, rules, more] of cases)
    t.same(
      read(claims, rules, more).email,
      { value: email, domain: 'acme.example', ...(by && { verifiedBy: by }) },
      JSON.stringify(claims),
    )
  for (const odd of ['a@b, c@d', 'Ada <a@b>', 'ada', 7, ['a@b'], 'a@b\n'])
    t.equal(read({ mail: odd, email_verified: true }, { email: 'mail' }).email, null, String(odd))
})

t.test('a person is what the rules read, and what the standard claims say where there is none', async (t) => {
  const claims = {
    name: 'Ada Lovelace',
    given_name: 'Ada',
    preferred_username: 'ada',
    upn: 'ada@corp.example',
    unit: { name: 'Engines' },
    roles: ['admin', 'admin', 'owner'],
    groups: ['owner', '*', 'Administrators'],
  }
  const standard = read(claims)
  t.match(standard, { userName: 'ada', groups: null, without: [], email: null })
  t.same(standard.attributes, {
    displayName: 'Ada Lovelace',
    name: { formatted: 'Ada Lovelace', givenName: 'Ada' },
  })
  const ruled = read(claims, {
    userName: ['missing', 'upn'],
    displayName: '/unit/name',
    givenName: [],
    department: ['missing', '/unit/name'],
    groups: 'groups',
    roles: 'roles',
  })
  t.match(ruled, { userName: 'ada@corp.example', groups: ['owner', '*', 'Administrators'], without: [] })
  t.same(ruled.attributes, {
    displayName: 'Engines',
    name: { formatted: 'Ada Lovelace' },
    [ENTERPRISE]: { department: 'Engines' },
    roles: [{ value: 'admin' }, { value: 'owner' }],
  })
  t.equal(read(claims, { userName: 'missing' }).userName, 's', 'a rule that reads nothing leaves the subject')
  t.same(read({}, { roles: 'roles' }).without, ['roles'])
  t.same(read({ hasgroups: true }, { roles: 'groups' }).without, [])
})

t.test(
  'only what differs is news, and nothing where SCIM or another connection keeps the record',
  async (t) => {
    const attributes = {
      displayName: 'Ada',
      name: { givenName: 'Ada', middleName: 'K.' },
      roles: [{ value: 'x' }],
    }
    const user = { attributes, sources: null, managed: false, connection_id: 'c' }
    const told = (signIn: SignIn, of: Parameters<typeof news>[2]) => news({ attributes: {} }, signIn, of)
    const said = (claims: Claims, rules?: ClaimSettings) => read(claims, rules)
    t.equal(told(said({ name: 'Ada', given_name: 'Ada' }, { name: [] }), user), null)
    t.equal(told(said({}), user), null, 'silence changes nothing')
    const changed = said({ given_name: 'Augusta' }, { roles: 'roles' })
    t.same(told(changed, user), {
      attributes: { displayName: 'Ada', name: { givenName: 'Augusta', middleName: 'K.' } },
      sources: null,
      changed: ['name', 'roles'],
      beneath: [],
    })
    t.equal(told(changed, { ...user, managed: true }), null)
    t.equal(told(changed, { ...user, connection_id: 'other' }), null)
    t.equal(told(said({ hasgroups: true }, { roles: 'groups' }), user), null, 'overage keeps what was')
  },
)

const changesOf = async (
  rows: (text: string, values: unknown[]) => Promise<Record<string, unknown>[]>,
  id: string,
) =>
  (await rows('select type, changed, data from events where subject_id = $1 order by id', [id])).filter(
    ({ type }) => type === 'user.changed',
  )

holdOnEachLayout(t, {
  'a later sign-in writes what has changed, once, and nothing where nothing has': async (t, usher) => {
    const connection = await usher.makeConnection(await usher.makeOrganization(), {
      oidc: { issuer: 'https://idp.example', clientId: 'c' },
    })
    const found = async () =>
      (
        await usher.rows('select id, version, attributes, user_name from users where connection_id = $1', [
          connection.id,
        ])
      )[0]
    await usher.signIn(connection, {
      sub: 's',
      preferred_username: 'ada',
      name: 'Ada',
      email: 'a@acme.example',
    })
    const first = await found()
    await usher.signIn(connection, {
      sub: 's',
      preferred_username: 'ada',
      name: 'Ada',
      email: 'a@acme.example',
    })
    await usher.signIn(connection, { sub: 's' })
    t.same(await found(), first)
    const later = { sub: 's', preferred_username: 'countess', name: 'Ada King', email: 'k@acme.example' }
    const all = await Promise.all(Array.from({ length: 5 }, () => usher.signIn(connection, later)))
    for (const { cookie } of all) t.ok(cookie)
    t.match(await found(), {
      version: 2,
      user_name: 'ada',
      attributes: { displayName: 'Ada King', emails: [{ value: 'k@acme.example' }] },
    })
    t.match(await changesOf(usher.rows, String(first?.id)), [
      { changed: ['displayName', 'emails', 'name'], data: { via: 'sign-in', connectionId: connection.id } },
    ])
    const keys = await usher.rows('select email_keys from users where id = $1', [first?.id])
    t.same(keys, [{ email_keys: ['k@acme.example'] }], 'and is found by the new address')
    t.equal(
      (await usher.admin('GET', `/organizations/${connection.organizationId}/users/${first?.id}/timeline`))
        .status,
      200,
    )
  },

  'what SCIM keeps, no sign-in changes': async (t, usher) => {
    const { connection, scim } = await usher.makePusher({
      oidc: { issuer: 'https://idp.example', clientId: 'c' },
      scim: {},
    })
    const pushed = {
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
      userName: 'ada',
      externalId: 's',
      displayName: 'Pushed',
    }
    const { id } = (await scim('POST', '/Users', pushed)).body
    for (let i = 0; i < 2; i++) t.ok((await usher.signIn(connection, { sub: 's', name: 'Said' })).cookie)
    t.match((await scim('GET', `/Users/${id}`)).body, { displayName: 'Pushed' })
    t.same(await changesOf(usher.rows, id), [])
  },

  'rules are checked, and what is wrong is named': async (t, usher) => {
    const organization = await usher.makeOrganization()
    const oidc = { issuer: 'https://idp.example', clientId: 'c' }
    const claims = {
      userName: ['upn', { constant: 'x' }],
      groups: '/realm_access/roles',
      email: { constant: 'a@b.example' },
    }
    const connection = await usher.makeConnection(organization, { oidc: { ...oidc, claims } })
    const shown = async () =>
      ((await usher.admin('GET', connection.path)).body.oidc as { claims?: object }).claims
    t.same(await shown(), claims)
    const cases: [object, string, RegExp][] = [
      [{ name: 7 }, 'name', /must be string,object,array/],
      [{ name: '' }, 'name', /fewer than 1/],
      [{ nam: 'name' }, 'nam', /not known/],
      [{ name: { constant: 7 } }, 'name/constant', /must be string/],
      [{ name: {} }, 'name/constant', /missing/],
      [{ name: { constant: 'a', code: 'b' } }, 'name/code', /not known/],
      [{ groups: [['a']] }, 'groups/0', /must be string,object/],
      [{ groups: Array(11).fill('a') }, 'groups', /more than 10/],
      [{ emailVerified: { constant: 'true' } }, 'emailVerified', /must be string,array/],
      [{ groups: 'realm_access.roles' }, 'groups', /"\/realm_access\/roles"/],
      [{ groups: ['a', '/b//c'] }, 'groups/1', /empty part/],
      [{ groups: '/a~2' }, 'groups', /~0 nor ~1/],
      [{ groups: '/a/b/c/d/e/f/g/h/i' }, 'groups', /more than 8 parts/],
      [{ groups: '__proto__' }, 'groups', /no claim/],
      [{ userName: ['a', '/a/constructor'] }, 'userName/1', /constructor, which is no claim/],
    ]
    for (const [wrong, path, message] of cases) {
      const answer = await usher.admin('PATCH', connection.path, { oidc: { claims: wrong } })
      t.match(answer, { status: 400, body: { code: 'invalid_request' } }, JSON.stringify(wrong))
      const [error] = answer.body.errors as { path: string; message: string }[]
      t.match(error, { path: `body/oidc/claims/${path}`, message }, JSON.stringify(wrong))
    }
    t.same(await shown(), claims)
    await usher.admin('PATCH', connection.path, {
      oidc: { claims: { userName: null, groups: [], email: 'upn' } },
    })
    t.same(await shown(), { groups: [], email: 'upn' })
    const told = await usher.rows('select changed from events where subject_id = $1 and type = $2', [
      connection.id,
      'connection.changed',
    ])
    t.same(told, [{ changed: ['oidc.claims'] }])
  },
})

t.test('rules hold from the provider to the person, who gets nothing by them', async (t) => {
  const usher = await listen(t, '127.0.0.1')
  const provider = await startHostile()
  t.teardown(() => provider.close())
  const claims = {
    roles: '/realm_access/roles',
    groups: 'groups',
    department: 'dept',
    displayName: ['nick', 'name'],
  }
  const connection = await makeConnection(usher.admin, await makeOrganization(usher.admin), {
    oidc: { issuer: provider.issuer, clientId: 'usher', clientSecret: 's', claims },
  })
  const signIn = async (said: object, raw = '') => {
    provider.lie({ claims: (good) => ({ ...good, ...said, ...(raw && JSON.parse(raw)) }) })
    t.match(await createBrowser().open(`${usher.url}/oidc/${connection.id}/start`), {
      status: 200,
      text: /Your role/,
    })
    return usher.rows(
      `select u.id, u.version, u.attributes, m.role from users u join memberships m on m.user_id = u.id
       where u.connection_id = $1`,
      [connection.id],
    )
  }
  const proto = '{"__proto__": {"dept": "Evil"}, "constructor": {"name": "Evil"}}'
  const first = await signIn(
    { realm_access: { roles: ['owner', '*'] }, groups: ['Administrators'], dept: 'Engines' },
    proto,
  )
  t.match(first, [
    {
      role: 'owner',
      version: 1,
      attributes: {
        displayName: 'Ada',
        roles: [{ value: 'owner' }, { value: '*' }],
        [ENTERPRISE]: { department: 'Engines' },
      },
    },
  ])
  t.notOk(JSON.stringify(first).includes('Evil'))
  t.notOk(JSON.stringify(first).includes('Administrators'))
  const overage = {
    _claim_names: { realm_access: 'src1' },
    _claim_sources: { src1: { endpoint: `${provider.issuer}/groups` } },
  }
  t.same(await signIn(overage), first)
  t.notOk(provider.requests.includes('/groups'), 'nothing is fetched')
  t.match(await signIn({ realm_access: { roles: [] } }), [{ version: 2, attributes: { roles: undefined } }])
})

t.test('what rules read is asked of userinfo where the id_token does not say it', async (t) => {
  const usher = await listen(t, '127.0.0.1')
  const provider = await startHostile()
  t.teardown(() => provider.close())
  const claims = { roles: '/realm_access/roles', department: ['dept', 'unit'], groups: [] }
  const connection = await makeConnection(usher.admin, await makeOrganization(usher.admin), {
    oidc: {
      issuer: provider.issuer,
      clientId: 'usher',
      clientSecret: 's',
      correlationClaim: 'number',
      claims,
    },
  })
  const signIn = async (token: object, userinfo: object) => {
    provider.lie({
      claims: (good) => ({ ...good, ...token }),
      userinfo: (good) => ({ ...good, ...userinfo }),
    })
    const page = await createBrowser().open(`${usher.url}/oidc/${connection.id}/start`)
    t.equal(page.status, 200)
    return provider.requests.includes('/userinfo')
  }
  const inToken = { realm_access: { roles: ['a'] }, unit: 'Engines' }
  t.equal(await signIn(inToken, { number: '7' }), true)
  t.equal(await signIn({ ...inToken, number: '7' }, {}), false)
  const rest = { realm_access: { roles: ['b'] }, dept: 'Wheels' }
  t.equal(await signIn({ number: '7' }, rest), true)
  const [person] = await usher.rows('select external_id, attributes from users where connection_id = $1', [
    connection.id,
  ])
  t.match(person, {
    external_id: '7',
    attributes: { roles: [{ value: 'b' }], [ENTERPRISE]: { department: 'Wheels' } },
  })
})
