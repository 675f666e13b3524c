import t from 'tap'
import type { Connection } from './api.ts'
import { holdOnEachLayout } from './layouts.ts'
import { person, stateOf } from './people.ts'
import { startUsher, type Usher } from './usher.ts'

const issuer = 'https://idp.example'
const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
const tokenOf = (claims: object) => `${encode({ alg: 'RS256', kid: 'x' })}.${encode(claims)}.made-up`

const previewing = ({ admin }: Usher, { path }: Connection) => {
  return async (claims: object) => (await admin('POST', `${path}/claims-preview`, { claims })).body
}

holdOnEachLayout(t, {
  'a preview says what the sign-in then does, and writes nothing': async (t, usher) => {
    const { organization, connection, scim } = await usher.makePusher({
      oidc: { issuer, clientId: 'c', claims: { department: 'dept', groups: 'groups' } },
      scim: {},
    })
    const preview = previewing(usher, connection)
    const { id: pushed } = (await scim('POST', '/Users', person('pushed', { externalId: 'p' }))).body
    await scim('POST', '/Users', person('out', { externalId: 'o', active: false }))
    await usher.signIn(connection, { sub: 'known', preferred_username: 'known', name: 'Known' })
    const before = await stateOf(usher, organization, ['events', 'sessions', 'connections'])
    const workspace = { name: 'My workspace', role: 'owner', home: { id: /-/, name: /./ } }
    const cases: [string, object, object][] = [
      [
        'known',
        { preferred_username: 'known', name: 'Known' },
        { outcome: 'recognize', workspace, changed: [] },
      ],
      ['known', { name: 'Other' }, { outcome: 'recognize', changed: ['displayName', 'name'] }],
      [
        'p',
        { name: 'Pushed' },
        { outcome: 'link', user: { id: pushed, userName: 'pushed' }, workspace, changed: [] },
      ],
      [
        'x',
        { preferred_username: 'PUSHED' },
        { outcome: 'link', rule: 'userName on bound connection', user: { id: pushed } },
      ],
      [
        'x',
        { preferred_username: 'known' },
        { outcome: 'refuse', code: 'user_name_taken', reason: /userName/, user: { userName: 'known' } },
      ],
      [
        'o',
        {},
        { outcome: 'refuse', code: 'suspended', rule: 'person suspended', reason: /suspended/, changed: [] },
      ],
      [
        'new',
        { dept: 'Engines', groups: ['a'] },
        { outcome: 'create', rule: 'just-in-time on', policyVersion: 1, workspace },
      ],
    ]
    for (const [sub, claims, outcome] of cases) {
      const seen = await preview({ sub, ...claims })
      t.match(seen, { verified: false, misfits: [], outcome }, sub)
    }
    t.same(await stateOf(usher, organization, ['events', 'sessions', 'connections']), before)
    t.match(await usher.signIn(connection, { sub: 'o' }), { code: 'suspended' })
    t.match(await usher.signIn(connection, { sub: 'x', preferred_username: 'known' }), {
      code: 'user_name_taken',
    })
    await usher.signIn(connection, { sub: 'new' })
    t.match(await preview({ sub: 'new' }), {
      outcome: { outcome: 'recognize', workspace: { id: /-/, ...workspace } },
    })
  },

  'a token is read, whoever made it, and what a real one would be refused for is named': async (t, usher) => {
    const organization = await usher.makeOrganization()
    const tenant = '0f2a9c1e-7d52-4c1b-9a55-2f30c7b0e1aa'
    const entra = `https://login.microsoftonline.com/${tenant}/v2.0`
    const connection = await usher.makeConnection(organization, {
      oidc: { preset: 'entra', issuer: entra, clientId: 'c' },
    })
    const pasting = (body: object) => usher.admin('POST', `${connection.path}/claims-preview`, body)
    const claims = {
      iss: entra,
      aud: ['c', 'd'],
      tid: tenant,
      sub: 's',
      oid: 'o-1',
      email: 'ada@acme.example',
      xms_edov: true,
    }
    t.match(await pasting({ token: tokenOf({ ...claims, exp: 1, nonce: 'n' }) }), {
      status: 200,
      body: {
        verified: false,
        misfits: [],
        claims: { sub: 's', xms_edov: true },
        person: {
          userName: 'ada@acme.example',
          externalId: 'o-1',
          email: { verified: true, verifiedBy: 'xms_edov' },
        },
      },
    })
    t.match((await pasting({ claims: { ...claims, xms_edov: 'true' } })).body, {
      person: { userName: 's', email: { value: 'ada@acme.example', verified: false } },
    })
    const foreign = { ...claims, iss: `${entra}/`, aud: 'other', tid: 'x' }
    t.same((await pasting({ claims: foreign })).body.misfits, ['iss', 'aud', 'tid'])
    const wrong: [object, RegExp][] = [
      [{ token: 'opaque' }, /not a JWT/],
      [{ token: 'a.b.c.d.e' }, /not a JWT/],
      [{ token: tokenOf([] as object) }, /not a JWT/],
      [{ token: tokenOf({}) }, /no sub/],
      [{ claims: { sub: 7 } }, /no sub/],
      [{ claims: { sub: 'x'.repeat(256) } }, /no sub/],
      [{ claims: [] }, /must be object/],
      [{ token: tokenOf(claims), claims }, /more than 1/],
      [{ token: 'x'.repeat(100_001) }, /more than 100000/],
      [{}, /fewer than 1/],
    ]
    for (const [body, detail] of wrong)
      t.match(await pasting(body), { status: 400, body: { code: 'invalid_request', detail } }, String(detail))
    const elsewhere = await usher.makeOrganization()
    const path = `${elsewhere.path}/connections/${connection.id}/claims-preview`
    t.match(await usher.admin('POST', path, { claims }), { status: 404 })
    const scimOnly = await usher.makeConnection(organization)
    t.match(await usher.admin('POST', `${scimOnly.path}/claims-preview`, { claims }), { status: 409 })
  },

  'what every object has, or the database cannot keep, is nobody’s': async (t, usher) => {
    const connection = await usher.makeConnection(await usher.makeOrganization(), {
      oidc: { issuer, clientId: 'c', claims: { department: 'dept', roles: '/a/roles' } },
    })
    const raw = `{"sub": "s", "__proto__": {"dept": "Evil"}, "a": {"roles": ["r"], "constructor": {"dept": "Evil"}}, "dept": "x\\u0000"}`
    const token = `${encode({ alg: 'none' })}.${Buffer.from(raw).toString('base64url')}.`
    const { body } = await usher.admin('POST', `${connection.path}/claims-preview`, { token })
    t.same(body.claims, { sub: 's' })
    t.match(body, { person: { userName: 's', attributes: {} }, outcome: { outcome: 'create' } })
    t.equal(Reflect.get({}, 'dept'), undefined)
  },
})

t.test('what is pasted is logged nowhere', async (t) => {
  const usher = await startUsher(t, { logLevel: 'trace' })
  const connection = await usher.makeConnection(await usher.makeOrganization(), {
    oidc: { issuer, clientId: 'c' },
  })
  const lines: string[] = []
  const { write } = process.stderr
  process.stderr.write = (line: unknown) => lines.push(String(line)) > 0
  const token = tokenOf({ sub: 'a-secret-subject' })
  for (const body of [{ token }, { token: `x${token}` }, { token, claims: {} }, `{"token": "${token}`])
    await usher.admin('POST', `${connection.path}/claims-preview`, body)
  process.stderr.write = write
  const told = lines.join('')
  t.notOk(
    told.includes('made-up') ||
      told.includes('a-secret-subject') ||
      told.includes(encode({ sub: 'a-secret-subject' })),
  )
})
