import t from 'tap'
import { createBrowser } from '../oidc/browser.ts'
import { startHostile } from '../oidc/hostile.ts'
import { adminAsk, makeConnection, makeOrganization } from './api.ts'
import { holdOnEachLayout } from './layouts.ts'
import { listen } from './listening.ts'
import { ADMIN_KEY, type Usher } from './usher.ts'

const oidc = { issuer: 'https://idp.example', clientId: 'client', clientSecret: 'first' }
const TENANT = '0f2a9c1e-7d52-4c1b-9a55-2f30c7b0e1aa'

/** What happened to a connection since it was made: types and names. */
async function changesOf(usher: Usher, id: string): Promise<unknown[][]> {
  const text = `select type, changed from events where subject_id = $1 and type <> 'connection.created' order by id`
  return (await usher.rows(text, [id])).map(({ type, changed }) => [type, changed])
}

const secretOf = async (usher: Usher, id: string) =>
  (await usher.rows('select client_secret from connections where id = $1', [id]))[0]?.client_secret

holdOnEachLayout(t, {
  'a patch changes what it names and keeps the rest': async (t, usher) => {
    const connection = await usher.makeConnection(await usher.makeOrganization(), {
      name: 'a',
      oidc,
      scim: {},
    })
    const before = await usher.admin('GET', connection.path)
    const secret = await secretOf(usher, connection.id)
    const patch = {
      name: 'b',
      oidc: { scopes: ['email'], tokenEndpointAuthMethod: 'client_secret_basic' },
      scim: { bareToken: true },
    }
    const after = await usher.admin('PATCH', connection.path, patch)
    t.match(after, { status: 200, headers: { etag: '"2"' } })
    const whole = { ...before.body, name: 'b' } as { oidc?: object; scim?: object }
    t.same(after.body, {
      ...whole,
      oidc: {
        ...whole.oidc,
        scopes: ['openid', 'email'],
        tokenEndpointAuthMethod: 'client_secret_basic',
      },
      scim: { ...whole.scim, bareToken: true },
    })
    t.same((await usher.admin('GET', connection.path)).body, after.body)
    t.equal(await secretOf(usher, connection.id), secret)
    const back = await usher.admin('PATCH', connection.path, {
      oidc: { tokenEndpointAuthMethod: null, scopes: null },
    })
    t.same(back.body, { ...before.body, name: 'b', scim: { ...whole.scim, bareToken: true } })
    await usher.admin('PATCH', connection.path, { name: 'b', oidc: { clientId: 'client' }, status: 'active' })
    t.same(await changesOf(usher, connection.id), [
      ['connection.changed', ['name', 'oidc.scopes', 'oidc.tokenEndpointAuthMethod', 'scim.bareToken']],
      ['connection.changed', ['oidc.scopes', 'oidc.tokenEndpointAuthMethod']],
    ])
  },

  'a secret is replaced, taken away, and shown to nobody': async (t, usher) => {
    const connection = await usher.makeConnection(await usher.makeOrganization(), { oidc })
    const first = await secretOf(usher, connection.id)
    const patched = await usher.admin('PATCH', connection.path, { oidc: { clientSecret: 'the-second' } })
    t.notOk(patched.text.includes('the-second'))
    const second = await secretOf(usher, connection.id)
    t.match(second, /^ey/)
    t.not(second, first)
    await usher.admin('PATCH', connection.path, { oidc: { clientSecret: null } })
    t.equal(await secretOf(usher, connection.id), null)
    t.same(await changesOf(usher, connection.id), [
      ['connection.changed', ['oidc.clientSecret']],
      ['connection.changed', ['oidc.clientSecret']],
    ])
  },

  'a secret does not follow to another issuer': async (t, usher) => {
    const connection = await usher.makeConnection(await usher.makeOrganization(), { oidc })
    const moved = { issuer: 'https://elsewhere.example' }
    t.match(await usher.admin('PATCH', connection.path, { oidc: moved }), {
      status: 400,
      body: { detail: /clientSecret/ },
    })
    t.same(await changesOf(usher, connection.id), [])
    t.match(await usher.admin('PATCH', connection.path, { oidc: { ...moved, clientSecret: 'its own' } }), {
      status: 200,
      body: { oidc: moved },
    })
  },

  'a patch is made to the version that was read': async (t, usher) => {
    const { id, path } = await usher.makeConnection(await usher.makeOrganization(), { oidc })
    const patch = (name: string, tag: string) =>
      adminAsk(usher.call, ADMIN_KEY, { 'content-type': 'application/merge-patch+json', 'if-match': tag })(
        'PATCH',
        path,
        { name },
      )
    t.match(await usher.admin('GET', path), { headers: { etag: '"1"' } })
    t.match(await patch('one', '"1"'), { status: 200, headers: { etag: '"2"' } })
    t.match(await patch('two', '"1"'), { status: 412, body: { code: 'precondition_failed' } })
    t.match(await patch('two', '"1", "2"'), { status: 200 })
    t.match(await patch('three', '*'), { status: 200 })
    const raced = await Promise.all(['x', 'y', 'z'].map((name) => patch(name, '"4"')))
    t.same(raced.map(({ status }) => status).sort(), [200, 412, 412])
    const merged = await Promise.all([
      usher.admin('PATCH', path, { oidc: { clientId: 'other' } }),
      usher.admin('PATCH', path, { oidc: { scopes: [] } }),
    ])
    t.same(
      merged.map(({ status }) => status),
      [200, 200],
      'without a version both are made, one after the other',
    )
    t.match(await usher.admin('GET', path), {
      headers: { etag: '"7"' },
      body: { oidc: { clientId: 'other', scopes: ['openid'] } },
    })
    t.equal((await changesOf(usher, id)).length, 6)
  },

  'a half is added, and not taken away': async (t, usher) => {
    const { path } = await usher.makeConnection(await usher.makeOrganization(), { oidc })
    t.match(await usher.admin('PATCH', path, { scim: {} }), { body: { scim: { profile: 'lenient' } } })
    for (const half of ['oidc', 'scim'])
      t.match(await usher.admin('PATCH', path, { [half]: null }), {
        status: 400,
        body: { errors: [{ path: `body/${half}` }] },
      })
  },

  'what making would refuse, a patch does not bring about': async (t, usher) => {
    const organization = await usher.makeOrganization()
    const { id, path } = await usher.makeConnection(organization, { name: 'one', oidc })
    await usher.makeConnection(organization, { name: 'two', oidc })
    const before = (await usher.admin('GET', path)).body
    const cases: [object, object][] = [
      [{}, { status: 400 }],
      [{ more: 1 }, { errors: [{ path: 'body/more' }] }],
      [{ name: null }, { errors: [{ path: 'body/name' }] }],
      [{ name: 'two' }, { status: 409, detail: /"two"/ }],
      [{ oidc: { issuer: null } }, { errors: [{ path: 'body/oidc/issuer', message: 'is missing' }] }],
      [{ oidc: { issuer: 'ftp://x', clientSecret: 'x' } }, { errors: [{ path: 'body/oidc/issuer' }] }],
      [{ oidc: { scopes: 'email' } }, { errors: [{ path: 'body/oidc/scopes' }] }],
      [{ oidc: { correlationClam: 'x' } }, { errors: [{ path: 'body/oidc/correlationClam' }] }],
      [{ oidc: { preset: 'google' } }, { status: 400, detail: /hostedDomain/ }],
      [{ oidc: { preset: 'entra' } }, { status: 400, detail: /tenant/ }],
    ]
    for (const [patch, body] of cases)
      t.match((await usher.admin('PATCH', path, patch)).body, body, JSON.stringify(patch))
    t.same((await usher.admin('GET', path)).body, before)
    t.same(await changesOf(usher, id), [])
  },

  'a preset brings its defaults and its demands': async (t, usher) => {
    const { path } = await usher.makeOrganization()
    const make = async (wish: object) => {
      const answer = await usher.admin('POST', `${path}/connections`, {
        name: JSON.stringify(wish),
        oidc: { ...oidc, ...wish },
      })
      return { ...answer.body, status: answer.status }
    }
    const at = (tenant: string) => ({
      preset: 'entra',
      issuer: `https://login.microsoftonline.com/${tenant}/v2.0`,
    })
    t.match(await make(at(TENANT)), { status: 201, oidc: { preset: 'entra', correlationClaim: 'oid' } })
    t.match(await make({ ...at(TENANT), correlationClaim: 'employee' }), {
      oidc: { correlationClaim: 'employee' },
    })
    // The last is the tenant of personal accounts.
    for (const any of ['common', 'organizations', 'consumers', '9188040d-6c67-4c5b-b112-36a304b66dad'])
      t.match(await make(at(any)), { status: 400, code: 'invalid_request' }, any)
    const google = { preset: 'google', issuer: 'https://accounts.google.com' }
    for (const preset of ['google', 'generic', undefined])
      t.match(await make({ ...google, preset }), { status: 400, detail: /hostedDomain/ })
    t.match(await make({ ...google, hostedDomain: 'acme.example' }), {
      status: 201,
      oidc: { hostedDomain: 'acme.example', correlationClaim: 'sub' },
    })
    t.match(await make({ preset: 'okta', hostedDomain: 'acme.example' }), { status: 400 })
    for (const preset of ['okta', 'keycloak', 'auth0', 'generic'])
      t.match(await make({ preset }), { status: 201, oidc: { preset, correlationClaim: 'sub' } })
  },
})

t.test('a sign-in comes from the directory that the preset says, or from none', async (t) => {
  const provider = await startHostile(`/${TENANT}/v2.0`)
  t.teardown(() => provider.close())
  const usher = await listen(t, new URL(provider.issuer).host)
  const organization = await makeOrganization(usher.admin)
  const to = (more: object) =>
    makeConnection(usher.admin, organization, {
      oidc: { issuer: provider.issuer, clientId: 'usher', ...more },
    })
  const entra = await to({ preset: 'entra' })
  const google = await to({ preset: 'google', hostedDomain: 'acme.example' })
  const signIn = (id: string, claims: object) => {
    provider.lie({ claims: (good) => ({ ...good, ...claims }) })
    return createBrowser().open(`${usher.url}/oidc/${id}/start`)
  }
  const overage = {
    _claim_names: { groups: 'src1' },
    _claim_sources: { src1: { endpoint: provider.issuer } },
  }
  t.match(await signIn(entra.id, { tid: TENANT, oid: 'o', ...overage }), { status: 200, text: /Ada/ })
  t.same([...new Set(provider.requests)].sort(), [
    '/.well-known/openid-configuration',
    '/authorize',
    '/jwks',
    '/token',
  ])
  t.match(await signIn(google.id, { hd: 'acme.example' }), {
    status: 403,
    text: /login_taken|user_name_taken/,
  })
  const others: [string, object][] = [
    [entra.id, {}],
    [entra.id, { tid: TENANT.toUpperCase() }],
    [entra.id, { tid: [TENANT] }],
    [google.id, {}],
    [google.id, { hd: 'evil.example' }],
  ]
  for (const [id, claims] of others)
    t.match(await signIn(id, claims), { status: 403, text: /wrong_tenant/ }, JSON.stringify(claims))
})
