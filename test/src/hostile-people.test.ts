import t from 'tap'
import { createBrowser } from '../oidc/browser.ts'
import type { Json, Lies } from '../oidc/hostile.ts'
import { type Body, type Connection, makeConnection, makeCredential, makeOrganization } from './api.ts'
import { checkRefused, deceived, type Refused } from './deceived.ts'
import { person } from './people.ts'

const scene = await deceived(t)
const { provider, usher } = scene

/** Whom the provider says it is; `undefined` takes a claim away. */
const saying = (claims: Json, more: Lies = {}): Lies => ({
  ...more,
  claims: ({ email, name, ...good }) => ({ ...good, name: 'Ada', ...claims }),
  userinfo: ({ sub }) => ({ sub: claims.sub ?? sub }),
})

/** Who one has become by these claims, as the product is told. */
async function become(connection: Connection, claims: Json, lies: Lies = {}): Promise<Body & { user: Body }> {
  provider.lie(saying(claims, lies))
  const browser = createBrowser()
  const page = await scene.enter(connection, browser)
  if (page.status !== 200) throw new Error(`${page.status} ${/<code>\w+/.exec(page.text)?.[0]}`)
  return JSON.parse((await browser.visit(`${usher.url}/session`)).text)
}

const organizationOf = ({ organizationId: id }: Connection) => ({
  id,
  slug: '',
  path: `/organizations/${id}`,
})

/** A connection with both halves, and somebody who was pushed by it. */
async function pushed(userName: string, more: object = {}) {
  const connection = await scene.connect({}, { scim: {} })
  const { token } = await makeCredential(usher.admin, connection)
  const scim = usher.scim(token)
  const { id } = (await scim('POST', '/Users', person(userName, more))).body
  return { connection, scim, id }
}

async function refusedAs(
  t: Parameters<typeof checkRefused>[0],
  connection: Connection,
  refused: Refused & { claims: Json },
) {
  provider.lie(saying(refused.claims))
  await checkRefused(t, scene, { connection, refused, act: (browser) => scene.enter(connection, browser) })
}

const email = 'boss@acme.example'

for (const verified of ['true', 'True', 1, 0, [true], ['true'], { a: true }, null, undefined, false])
  t.test(`an address is nobody's where email_verified is ${JSON.stringify(verified)}`, async (t) => {
    const { connection, id } = await pushed(email)
    const { user } = await become(connection, { sub: 'mallory', email, email_verified: verified })
    t.not(user.id, id)
    t.equal(user.userName, 'mallory')
  })

for (const address of [[email], `${email}, x@evil.example`, `Boss <${email}>`, `${email}\0`, { a: email }])
  t.test(`an address is none that is ${JSON.stringify(address)}`, async (t) => {
    const { connection, id } = await pushed(email)
    const { user } = await become(connection, { sub: 'mallory', email: address, email_verified: true })
    t.not(user.id, id)
    t.equal(user.userName, 'mallory')
  })

t.test('an address that userinfo verifies is no other than its own', async (t) => {
  const { connection, id } = await pushed(email)
  const { user } = await become(
    connection,
    { sub: 'mallory', email, name: undefined },
    { userinfo: () => ({ sub: 'mallory', email: 'mallory@evil.example', email_verified: true }) },
  )
  t.not(user.id, id)
  t.equal(user.userName, 'mallory')
})

t.test('an address identifies nobody across organizations', async (t) => {
  const claims = { email, email_verified: true, preferred_username: email }
  const one = await become(await scene.connect(), { sub: 'ada', ...claims })
  const two = await become(await scene.connect(), { sub: 'ada', ...claims })
  t.not(one.user.id, two.user.id)
  t.not(one.organization, two.organization)
})

const NAMESAKES: Record<string, [Json, Json]> = {
  'of the same verified address': [
    { email, email_verified: true },
    { email, email_verified: true },
  ],
  'of the same userName': [{ preferred_username: 'boss' }, { preferred_username: 'boss' }],
  'of the same userName in another case': [{ preferred_username: 'boss' }, { preferred_username: 'BOSS' }],
  'whose sub is the userName of another': [{ preferred_username: 'boss' }, { sub: 'boss' }],
  'whose verified address is the userName of another': [
    { preferred_username: email },
    { email, email_verified: true },
  ],
}

for (const [name, [first, second]] of Object.entries(NAMESAKES))
  t.test(`refused: somebody new ${name}`, async (t) => {
    const connection = await scene.connect()
    await become(connection, { sub: 'one', ...first })
    await refusedAs(t, connection, {
      status: 403,
      code: 'user_name_taken',
      claims: { sub: 'two', ...second },
    })
  })

t.test('refused: somebody new of the userName of a person who was pushed and has signed in', async (t) => {
  const { connection, id } = await pushed('boss')
  t.equal((await become(connection, { sub: 'one', preferred_username: 'boss' })).user.id, id)
  const claims = { sub: 'two', preferred_username: 'boss' }
  await refusedAs(t, connection, { status: 403, code: 'user_name_taken', claims })
})

t.test('whoever signs in is known by their sub, byte for byte', async (t) => {
  const connection = await scene.connect()
  const subs = ['ada', 'Ada', 'ada ', 'adа', 'caf\u00e9', 'cafe\u0301', '1', '01', '１']
  const ids = new Set<string>()
  for (const [at, sub] of subs.entries())
    ids.add((await become(connection, { sub, preferred_username: `name-${at}` })).user.id)
  t.equal(ids.size, subs.length)
  for (const sub of subs)
    t.ok(ids.has((await become(connection, { sub, preferred_username: 'another by now' })).user.id), sub)
})

t.test('the sub of one connection is nobody on another', async (t) => {
  const connection = await scene.connect()
  const organization = organizationOf(connection)
  const other = await scene.connect({}, { organization })
  const one = await become(connection, { sub: 'ada', preferred_username: 'one' })
  await refusedAs(t, other, {
    status: 403,
    code: 'user_name_taken',
    claims: { sub: 'ada', preferred_username: 'one' },
  })
  t.not((await become(other, { sub: 'ada', preferred_username: 'two' })).user.id, one.user.id)
})

t.test('what looks like an id of ours is none', async (t) => {
  const { connection, id } = await pushed('boss', { externalId: '1' })
  const { user } = await become(connection, { sub: id })
  t.not(user.id, id)
})

t.test('groups, roles and owners that a token names give nothing', async (t) => {
  const connection = await scene.connect()
  const policy = `insert into policies (organization_id, version, document, actor, created_at)
    select organization_id, 2, document || '{"workspace": {"name": "Desk", "role": "viewer"}}', 'test', now()
    from policies where organization_id = $1`
  await usher.rows(policy, [connection.organizationId])
  const names = ['owner', 'Administrators', '*', 'admin', '']
  const { role, user } = await become(connection, {
    sub: 'mallory',
    groups: names,
    roles: names,
    role: 'owner',
    workspace: { role: 'owner' },
    organization: 'another',
    is_admin: true,
  })
  t.equal(role, 'viewer')
  const roles = await usher.rows('select role from memberships where user_id = $1', [user.id])
  t.same(roles, [{ role: 'viewer' }])
  t.same(await usher.rows('select from groups where organization_id = $1', [connection.organizationId]), [])
})

t.test('groups that are elsewhere are not fetched', async (t) => {
  await become(await scene.connect(), {
    sub: 'ada',
    _claim_names: { groups: 'src1', email: 'src1' },
    _claim_sources: { src1: { endpoint: `${provider.issuer}/evil-groups`, access_token: 'x' } },
  })
  t.notOk(provider.requests.some((path) => path.startsWith('/evil')))
})

const MARKUP = [
  '<img src=x onerror=alert(1)>',
  '"><svg onload=alert(1)>',
  '</title><script>alert(1)</script>',
]

t.test('names with markup are text on every page', async (t) => {
  const connection = await scene.connect()
  for (const [at, name] of [
    ...MARKUP,
    'javascript:alert(1)',
    '{{7*7}}<%= 7*7 %>',
    "'; drop table users; --",
  ].entries()) {
    provider.lie(saying({ sub: `s${at}`, name, preferred_username: `${name} ${at}` }))
    const page = await scene.enter(connection)
    t.equal(page.status, 200)
    t.notMatch(page.text, /<img|<svg|<script|href="javascript|\b49\b/i, name)
    t.match(
      page.text,
      name.replace(/[&<>"']/g, (c) => `&${{ '<': 'lt', '>': 'gt', '"': 'quot' }[c] ?? '#39'};`),
    )
  }
})

t.test('claims by the names of what every object has do nothing', async (t) => {
  const connection = await scene.connect()
  const odd = JSON.parse(
    `{"__proto__": {"role": "owner", "email_verified": true}, "constructor": {"prototype": {"polluted": 1}},
      "address": {"__proto__": {"polluted": 1}}, "prototype": {"polluted": 1}}`,
  )
  const { user } = await become(connection, { sub: 'ada', ...odd })
  t.equal(user.userName, 'ada')
  t.equal(Reflect.get({}, 'polluted'), undefined)
  const [row] = await usher.rows('select attributes::text as text from users where id = $1', [user.id])
  t.notMatch(row?.text, /proto|constructor|polluted/)
})

t.test('refused: somebody new where nobody is let in who was not assigned', async (t) => {
  const { connection } = await pushed('boss')
  const policy = `insert into policies (organization_id, version, document, actor, created_at)
    select organization_id, 2, document || '{"justInTime": "off"}', 'test', now()
    from policies where organization_id = $1`
  await usher.rows(policy, [connection.organizationId])
  await refusedAs(t, connection, { status: 403, code: 'just_in_time_off', claims: { sub: 'new' } })
  t.ok(await become(connection, { sub: 'one', preferred_username: 'boss' }))
})

t.test('refused: whoever was suspended or deleted, whatever their token says', async (t) => {
  for (const [value, code] of [
    [{ active: false }, 'suspended'],
    [null, 'deprovisioned'],
  ] as const) {
    const { connection, scim, id } = await pushed('boss')
    await become(connection, { sub: 'one', preferred_username: 'boss' })
    if (value)
      await scim('PATCH', `/Users/${id}`, { schemas: [PATCH], Operations: [{ op: 'replace', value }] })
    else await scim('DELETE', `/Users/${id}`)
    await refusedAs(t, connection, { status: 403, code, claims: { sub: 'one', preferred_username: 'boss' } })
  }
})

t.test('refused: whoever was deleted before they ever signed in', async (t) => {
  const { connection, scim, id } = await pushed('boss', { externalId: 'one' })
  await scim('DELETE', `/Users/${id}`)
  const claims = { sub: 'one', preferred_username: 'boss' }
  await refusedAs(t, connection, { status: 403, code: 'deprovisioned', claims })
  t.ok(await become(connection, { sub: 'two', preferred_username: 'boss' }), 'the name is free again')
})

t.test('refused: by a policy that is no longer, nobody', async (t) => {
  const connection = await scene.connect()
  await become(connection, { sub: 'first' })
  const policy = (version: number, justInTime: string) =>
    usher.rows(
      `insert into policies (organization_id, version, document, actor, created_at)
       select organization_id, $2, document || jsonb_build_object('justInTime', $3::text), 'test', now()
       from policies where organization_id = $1 and version = $2 - 1`,
      [connection.organizationId, version, justInTime],
    )
  await policy(2, 'off')
  await refusedAs(t, connection, { status: 403, code: 'just_in_time_off', claims: { sub: 'second' } })
  await policy(3, 'on')
  t.ok(await become(connection, { sub: 'second' }))
})

const PATCH = 'urn:ietf:params:scim:api:messages:2.0:PatchOp'

t.test('refused: whoever is shut out while they sign in', async (t) => {
  const { connection, scim, id } = await pushed('boss')
  await become(connection, { sub: 'one', preferred_username: 'boss' })
  provider.lie({
    claims: ({ email, name, ...good }) => ({ ...good, sub: 'one' }),
    endpoints: {
      '/userinfo': async (response) => {
        const Operations = [{ op: 'replace', value: { active: false } }]
        await scim('PATCH', `/Users/${id}`, { schemas: [PATCH], Operations })
        await usher.rows('delete from sessions where user_id = $1', [id])
        response.writeHead(200, { 'content-type': 'application/json' }).end('{"sub":"one"}')
      },
    },
  })
  const browser = createBrowser()
  t.match(await scene.enter(connection, browser), { status: 403, text: /<code>suspended</ })
  t.equal(scene.sessionOf(browser), undefined)
  t.same(await usher.rows('select from sessions where user_id = $1', [id]), [])
})

t.test('refused: a connection that only pushes, an organization that is suspended', async (t) => {
  const organization = await makeOrganization(usher.admin)
  const pushing = await makeConnection(usher.admin, organization, { scim: {} })
  const refused = { status: 404, code: 'unknown_connection', unknown: true }
  await checkRefused(t, scene, {
    connection: pushing,
    refused,
    act: (browser) => scene.enter(pushing, browser),
  })
  const connection = await scene.connect()
  await usher.rows("update organizations set status = 'suspended' where id = $1", [connection.organizationId])
  await checkRefused(t, scene, { connection, refused, act: (browser) => scene.enter(connection, browser) })
})
