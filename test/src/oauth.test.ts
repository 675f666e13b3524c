import { type JWK, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose'
import t from 'tap'
import type { Answer, Body } from './api.ts'
import { makeKey, serveKeys, type TestKey } from './keys.ts'
import { holdOnEachLayout } from './layouts.ts'
import { PUBLIC_URL, type Pusher, startUsher, type Usher } from './usher.ts'

const SECOND = 1000
const HOUR = 3600 * SECOND
const JWT_BEARER = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
const TOKEN_URL = `${PUBLIC_URL}/oauth2/token`
const NOBODY = '0190aa3c-5d1c-7a39-9d3f-2f6a1c0b7e11'

let ahead = 0
const clock = () => new Date(Date.now() + ahead)
const seconds = () => Math.floor(clock().getTime() / SECOND)

type Form = Record<string, string | undefined>

/** Asks the token endpoint; a member that is undefined is left out. */
function askToken(usher: Usher, form: Form | string, headers: Record<string, string> = {}): Promise<Answer> {
  const given =
    typeof form === 'string' ? form : Object.entries(form).filter(([, value]) => value !== undefined)
  const body = String(new URLSearchParams(given as string)) // what is left of the entries is text
  const typed = { 'content-type': 'application/x-www-form-urlencoded', ...headers }
  return usher.call({ method: 'POST', url: '/oauth2/token', headers: typed, body })
}

const basic = (id: string, secret: string) => ({
  authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`,
})

const clientsOf = ({ connection }: Pusher) => `${connection.path}/scim-clients`

async function makeClient(usher: Usher, pusher: Pusher, assertion?: object): Promise<Body & Client> {
  const made = await usher.admin('POST', clientsOf(pusher), assertion && { assertion })
  if (made.status !== 201) throw new Error(made.text)
  return made.body as Body & Client // as the contract has it
}

interface Client {
  readonly clientId: string
  readonly clientSecret: string
}

/** The form of a client that shows an assertion. */
const shows = (client_assertion: string, client_id?: string): Form => ({
  grant_type: 'client_credentials',
  client_id,
  client_assertion_type: JWT_BEARER,
  client_assertion,
})

/** What a client signs for itself, by the rules of RFC 7523. */
let signed = 0
const ownClaims = (clientId: string): JWTPayload => ({
  iss: clientId,
  sub: clientId,
  aud: TOKEN_URL,
  iat: seconds(),
  exp: seconds() + 300,
  jti: `jti-${++signed}`,
})

const TENANT = 'https://login.microsoftonline.com/ce5f061f-abe6-4e40-9615-301f87bcb7f0/v2.0'
const SUBJECT = 'd2f8ee76-c549-45b8-a143-f5b640669704'
const AUDIENCE = 'api://b5ba7a93-4452-4522-aeb4-a2b5da870c16'

/** The claims of Entra's guide to workload identity federation: no `jti`, 65 minutes. */
const entraClaims = (): JWTPayload => ({
  aud: AUDIENCE,
  iss: TENANT,
  iat: seconds(),
  nbf: seconds(),
  exp: seconds() + 3900,
  appid: AUDIENCE.slice(6),
  sub: SUBJECT,
  ver: '2.0',
})

const refused = { status: 401, headers: { 'cache-control': 'no-store' }, body: { error: 'invalid_client' } }

/** Everything that a token request might write. */
async function written(usher: Usher, { organization }: Pusher): Promise<unknown> {
  const tables = ['scim_credentials', 'scim_assertions', 'scim_clients']
  const rows = tables.map((name) => `select '${name}', x::text from ${name} x where organization_id = $1`)
  return usher.rows(`${rows.join(' union all ')} order by 1, 2`, [organization.id])
}

const reasonsOf = async (usher: Usher, { connection }: Pusher): Promise<unknown[]> =>
  (
    await usher.rows(
      `select data->>'code' as code from events where subject_id = $1 and type = 'scim-client.refused' order by id`,
      [connection.id],
    )
  ).map(({ code }) => code)

holdOnEachLayout(
  t,
  {
    'a secret gets an access token that works for an hour': async (t, usher) => {
      const pusher = await usher.makePusher()
      const { id, clientId, clientSecret, ...shown } = await makeClient(usher, pusher)
      t.equal(clientId, `${pusher.organization.id}.${id}`)
      t.match(shown, { tokenUrl: TOKEN_URL, baseUrl: `${PUBLIC_URL}/scim/v2`, createdAt: /Z$/ })
      t.notOk('assertion' in shown)
      const form = { grant_type: 'client_credentials' }
      const encoded = clientId.replaceAll('.', '%2E').replaceAll('-', '%2D')
      const answers = [
        await askToken(usher, { ...form, client_id: clientId, client_secret: clientSecret, scope: '' }),
        await askToken(usher, { ...form, scope: 'scim' }, basic(clientId, clientSecret)),
        await askToken(usher, { ...form, client_id: clientId }, basic(encoded, clientSecret)),
        await askToken(usher, { ...form, scope: 'scim.readwrite more' }, basic(clientId, clientSecret)),
      ]
      const tokens = answers.map(({ body }) => String(body.access_token))
      for (const answer of answers) {
        t.match(answer, { status: 200, headers: { 'cache-control': 'no-store', pragma: 'no-cache' } })
        const { access_token, ...rest } = answer.body
        t.match(access_token, new RegExp(`^${pusher.organization.id}\\.[\\w-]{43}$`))
        t.same(rest, { token_type: 'Bearer', expires_in: 3600, scope: 'scim' })
      }
      for (const token of tokens) t.match(await usher.scim(token)('GET', '/Users'), { status: 200 })
      const made = await usher.scim(tokens[0] ?? '')('POST', '/Users', { userName: 'ada' })
      t.match(made.status, 201)
      const actors = await usher.rows(
        "select actor from events where type = 'user.created' and subject_id = $1",
        [made.body.id],
      )
      t.same(actors, [{ actor: `scim:${pusher.connection.id}` }])

      const stored = JSON.stringify(await written(usher, pusher))
      for (const secret of [clientSecret, ...tokens.map((token) => token.split('.')[1] ?? '')])
        t.notOk(stored.includes(secret), 'stored by its hash')
      const list = await usher.admin('GET', clientsOf(pusher))
      t.match(list.body.items, [{ id, clientId, lastUsedAt: /Z$/ }])
      t.notOk(list.text.includes('ecret'))
      const credentials = await usher.admin('GET', `${pusher.connection.path}/scim-credentials`)
      t.equal(credentials.body.items.length, 1, 'access tokens are not among the credentials')

      ahead += HOUR + SECOND
      for (const token of tokens)
        t.match(await usher.scim(token)('GET', '/Users'), {
          status: 401,
          headers: { 'www-authenticate': 'Bearer realm="scim", error="invalid_token"' },
        })
      await askToken(usher, form, basic(clientId, clientSecret))
      const rows = await usher.rows(
        'select id from scim_credentials where organization_id = $1 and client_id is not null',
        [pusher.organization.id],
      )
      t.equal(rows.length, 1, 'those that expired are cleared away')
    },

    'a client that signs for itself is believed once for each assertion': async (t, usher) => {
      const key = await makeKey('k1')
      const other = await makeKey('k2', 'ES256')
      const pusher = await usher.makePusher()
      const { clientId, clientSecret, assertion } = await makeClient(usher, pusher, {
        jwks: { keys: [key.publicKey, other.publicKey] },
      })
      t.equal(clientSecret, undefined)
      t.match(assertion, { jwks: { keys: [{ kid: 'k1' }, { kid: 'k2' }] } })
      const first = await key.sign(ownClaims(clientId))
      t.match(await askToken(usher, shows(first, clientId)), { status: 200, body: { scope: 'scim' } })
      t.match(await askToken(usher, shows(first, clientId)), {
        ...refused,
        body: { error_description: /used before/ },
      })
      const fine: Record<string, string> = {
        'without client_id': await key.sign(ownClaims(clientId)),
        'by another key': await other.sign(ownClaims(clientId)),
        'for the issuer': await key.sign({ ...ownClaims(clientId), aud: PUBLIC_URL }),
        'for both': await key.sign({ ...ownClaims(clientId), aud: [PUBLIC_URL, TOKEN_URL] }),
        'of the type that says so': await key.sign(ownClaims(clientId), { typ: 'client-authentication+jwt' }),
        'without a type': await key.sign(ownClaims(clientId), { typ: undefined }),
        'by a clock that is a little late': await key.sign({ ...ownClaims(clientId), exp: seconds() - 30 }),
        'by a clock that is a little early': await key.sign({ ...ownClaims(clientId), nbf: seconds() + 30 }),
      }
      for (const [what, given] of Object.entries(fine))
        t.match(await askToken(usher, shows(given)), { status: 200 }, what)

      const same = await key.sign(ownClaims(clientId))
      const race = await Promise.all(Array.from({ length: 8 }, () => askToken(usher, shows(same))))
      t.same(race.map(({ status }) => status).sort(), [200, ...Array(7).fill(401)])
      ahead += 20 * 60 * SECOND
      await askToken(usher, shows(await key.sign(ownClaims(clientId))))
      const kept = await usher.rows('select 1 from scim_assertions where organization_id = $1', [
        pusher.organization.id,
      ])
      t.equal(kept.length, 1, 'what has expired is forgotten')
    },

    'Entra signs for a client by workload identity federation': async (t, usher) => {
      const [old, next] = [await makeKey('e1'), await makeKey('e2')]
      const server = await serveKeys(t, [old.publicKey])
      const pusher = await usher.makePusher()
      const wish = { jwksUrl: server.url, issuer: TENANT, subject: SUBJECT, audience: `${AUDIENCE}/.default` }
      const { clientId, assertion } = await makeClient(usher, pusher, wish)
      t.same(assertion, { ...wish, audience: AUDIENCE }, 'the ending of a scope is left off')
      const ask = async (key: TestKey, claims: JWTPayload = entraClaims()) =>
        askToken(usher, { ...shows(await key.sign(claims), clientId), scope: 'scim' })
      t.match(await ask(old), { status: 200, body: { scope: 'scim', expires_in: 3600 } })
      t.match(
        await ask(old, { ...entraClaims(), aud: AUDIENCE.slice(6) }),
        { status: 200 },
        'as tokens of v2 have it',
      )
      t.match(await ask(old, { ...entraClaims(), aud: `${AUDIENCE}/.default` }), refused)
      const kept = await old.sign(entraClaims())
      for (let times = 0; times < 2; times++)
        t.match(
          await askToken(usher, shows(kept, clientId)),
          { status: 200 },
          'it has no jti and may come again',
        )
      t.equal(server.asked, 1, 'the keys are remembered')
      t.match(await ask(old, { ...entraClaims(), exp: seconds() + 24 * 3600 }), { status: 200 })

      server.keys = [next.publicKey]
      t.match(await ask(next), { status: 200 }, 'a key that is new is asked for')
      t.equal(server.asked, 2)
      t.match(await ask(old), refused, 'one that is gone is not believed')
      server.keys = null
      ahead += 2 * HOUR
      t.match(await ask(next), { status: 200 }, 'known keys stay while there are no others')
      for (let times = 0; times < 20; times++) await ask({ ...old, kid: 'made-up' })
      t.ok(server.asked < 15, 'whoever makes up keys does not have them fetched without end')

      const gone = await makeClient(usher, pusher, { ...wish, jwksUrl: 'https://127.0.0.2/keys' })
      t.match(await askToken(usher, shows(await next.sign(entraClaims()), gone.clientId)), {
        ...refused,
        body: { error_description: /cannot be fetched/ },
      })
    },

    'the token endpoint says what is wrong as RFC 6749 has it': async (t, usher) => {
      const pusher = await usher.makePusher()
      const { clientId, clientSecret } = await makeClient(usher, pusher)
      const signer = await makeClient(usher, pusher, { jwks: { keys: [(await makeKey('k')).publicKey] } })
      const good = { grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret }
      const before = await written(usher, pusher)
      const both = basic(clientId, clientSecret)
      const cases: [string, Form | string, Record<string, string>, string, number?][] = [
        ['nothing', {}, {}, 'invalid_request'],
        ['no grant', { ...good, grant_type: '' }, {}, 'invalid_request'],
        ['another grant', { ...good, grant_type: 'password' }, {}, 'unsupported_grant_type'],
        ['another scope', { ...good, scope: 'openid' }, {}, 'invalid_scope'],
        [
          'a grant twice',
          `grant_type=client_credentials&${new URLSearchParams(good)}`,
          {},
          'invalid_request',
        ],
        ['two proofs', good, both, 'invalid_request'],
        ['another client', { ...good, client_id: 'x', client_secret: '' }, both, 'invalid_request'],
        ['half an assertion', { ...good, client_assertion: 'x' }, {}, 'invalid_request'],
        ['another assertion', { ...shows('x'), client_assertion_type: 'saml' }, {}, 'invalid_request'],
        ['JSON', good, { 'content-type': 'application/json' }, 'invalid_request'],
        ['too much', { ...good, more: 'x'.repeat(40_000) }, {}, 'invalid_request'],
        ['no client', { grant_type: good.grant_type }, {}, 'invalid_client', 401],
        ['no secret', { ...good, client_secret: '' }, {}, 'invalid_client', 401],
        ['a wrong secret', { ...good, client_secret: `${clientSecret}x` }, {}, 'invalid_client', 401],
        [
          'an unknown client',
          { ...good, client_id: `${pusher.organization.id}.${NOBODY}` },
          {},
          'invalid_client',
          401,
        ],
        ['an unknown organization', { ...good, client_id: `${NOBODY}.${NOBODY}` }, {}, 'invalid_client', 401],
        ['no id of ours', { ...good, client_id: 'usher' }, {}, 'invalid_client', 401],
        ['a NUL', { ...good, client_id: `${clientId}\0` }, {}, 'invalid_client', 401],
        ['a wrong Basic', { grant_type: good.grant_type }, basic(clientId, 'x'), 'invalid_client', 401],
        [
          'no Basic',
          { grant_type: good.grant_type },
          { authorization: `Bearer ${clientSecret}` },
          'invalid_client',
          401,
        ],
        ['a broken Basic', { grant_type: good.grant_type }, basic('%zz', 'x'), 'invalid_client', 401],
        ['a secret for an assertion', { ...good, client_id: signer.clientId }, {}, 'invalid_client', 401],
        ['an assertion for a secret', shows('a.b.c', clientId), {}, 'invalid_client', 401],
      ]
      for (const [what, form, headers, error, status = 400] of cases) {
        const answer = await askToken(usher, form, headers)
        t.match(answer, { status, headers: { 'cache-control': 'no-store', pragma: 'no-cache' } }, what)
        t.match(answer.body, { error, error_description: /\.$/ }, what)
        t.same(Object.keys(answer.body), ['error', 'error_description'])
        if (status === 401) t.match(answer.headers, { 'www-authenticate': /^Basic / }, what)
      }
      t.same(await written(usher, pusher), before, 'nothing is written')
      t.same(await reasonsOf(usher, pusher), [
        'client_secret',
        'client_secret',
        'client_method',
        'client_method',
      ])
      t.match(await askToken(usher, good), { status: 200 })
      const config = await usher.call({ method: 'GET', url: '/scim/v2/ServiceProviderConfig' })
      t.match(config.body.authenticationSchemes, [
        { primary: true },
        { type: 'oauth2', description: TOKEN_URL },
      ])
      const url = '/.well-known/oauth-authorization-server'
      t.match(await usher.call({ method: 'GET', url }), {
        status: 200,
        body: {
          issuer: PUBLIC_URL,
          token_endpoint: TOKEN_URL,
          grant_types_supported: ['client_credentials'],
          token_endpoint_auth_methods_supported: [
            'client_secret_basic',
            'client_secret_post',
            'private_key_jwt',
          ],
        },
      })
    },

    'a client ends with its revocation, its connection and its organization': async (t, usher) => {
      const pusher = await usher.makePusher()
      const form = (client: Client): Form => ({
        grant_type: 'client_credentials',
        client_id: client.clientId,
        client_secret: client.clientSecret,
      })
      const [client, spare] = [await makeClient(usher, pusher), await makeClient(usher, pusher)]
      const { access_token } = (await askToken(usher, form(client))).body
      const push = () => usher.scim(String(access_token))('GET', '/Users')
      t.match(await push(), { status: 200 })
      const path = `${clientsOf(pusher)}/${client.id}`
      t.match(await usher.admin('DELETE', path), { status: 204, text: '' })
      t.match(await usher.admin('DELETE', path), { status: 404 }, 'a second time')
      t.match((await usher.admin('GET', clientsOf(pusher))).body.items, [{ revokedAt: /Z$/ }, {}])
      t.match(await askToken(usher, form(client)), refused)
      ahead += 1.1 * SECOND
      t.match(await push(), { status: 401 }, 'its tokens, too')

      await usher.admin('PATCH', pusher.connection.path, { status: 'disabled' })
      t.match(await askToken(usher, form(spare)), refused)
      await usher.admin('PATCH', pusher.connection.path, { status: 'active' })
      t.match(await askToken(usher, form(spare)), { status: 200 })
      const suspend = 'update organizations set status = $2 where id = $1'
      await usher.rows(suspend, [pusher.organization.id, 'suspended'])
      t.match(await askToken(usher, form(spare)), refused)
      await usher.rows(suspend, [pusher.organization.id, 'active'])

      const other = await usher.makePusher()
      t.match(await usher.admin('DELETE', `${clientsOf(other)}/${spare.id}`), { status: 404 })
      const signIns = await usher.makeConnection(pusher.organization, {
        oidc: { issuer: 'https://idp.example', clientId: 'c' },
      })
      t.match(await usher.admin('POST', `${signIns.path}/scim-clients`), { status: 409 })
      const types = await usher.rows('select type from events where subject_id = $1 order by id', [
        pusher.connection.id,
      ])
      t.same(
        types.map(({ type }) => type).filter((type) => type.startsWith('scim-client')),
        ['scim-client.created', 'scim-client.created', 'scim-client.revoked'],
      )
    },

    'a client is made with public keys that are fit to sign, and nothing else': async (t, usher) => {
      const pusher = await usher.makePusher()
      const { publicKey } = await makeKey('k')
      const weak = (await makeKey('weak', 'RS256', 1024).catch(() => undefined))?.publicKey
      const whole = { issuer: 'i', subject: 's', audience: 'a' }
      const jwks = { keys: [publicKey] }
      const cases: [string, object][] = [
        ['no keys', {}],
        ['both', { jwks, jwksUrl: 'https://keys.example' }],
        ['an issuer alone', { jwks, issuer: 'i' }],
        ['no subject', { jwks, issuer: 'i', audience: 'a' }],
        ['an address of another kind', { jwksUrl: 'file:///etc/passwd', ...whole }],
        ['an empty set', { jwks: { keys: [] } }],
        ['no set', { jwks: { keys: 'x' } }],
        ['a private key', { jwks: { keys: [{ ...publicKey, d: 'x' }] } }],
        ['a secret', { jwks: { keys: [{ kty: 'oct', k: 'c2VjcmV0' }] } }],
        ['a key to encrypt with', { jwks: { keys: [{ ...publicKey, use: 'enc' }] } }],
        ['no key', { jwks: { keys: [{ kty: 'RSA', n: '?', e: 'AQAB' }, null] } }],
        ...(weak ? [['a weak key', { jwks: { keys: [weak] } }] as [string, object]] : []),
      ]
      for (const [what, assertion] of cases)
        t.match(
          await usher.admin('POST', clientsOf(pusher), { assertion }),
          { status: 400, body: { code: 'invalid_request' } },
          what,
        )
      t.same((await usher.admin('GET', clientsOf(pusher))).body.items, [])
    },
  },
  { clock, outboundAllow: '127.0.0.1' },
)

type Forgery = (key: TestKey, claims: JWTPayload) => string | Promise<string>

const altered =
  (change: Record<string, unknown>): Forgery =>
  (key, claims) =>
    key.sign({ ...claims, ...change } as JWTPayload) // wrong on purpose
const headed =
  (header: Record<string, unknown>): Forgery =>
  (key, claims) =>
    key.sign(claims, header)

/** Signs with the public key as if it were a shared secret. */
const byPublicKey: Forgery = ({ publicKey }, claims) =>
  new SignJWT(claims)
    .setProtectedHeader({ alg: 'HS256', kid: 'k1' })
    .sign(Buffer.from(JSON.stringify(publicKey)))

async function byStranger(_key: TestKey, claims: JWTPayload, header: (key: JWK) => object = () => ({})) {
  const stranger = await makeKey('k1')
  return stranger.sign(claims, { ...header(stranger.publicKey) })
}

const tampered: Forgery = async (key, claims) => {
  const [head, , signature] = (await key.sign(claims)).split('.')
  return [head, Buffer.from(JSON.stringify({ ...claims, jti: 'x' })).toString('base64url'), signature].join(
    '.',
  )
}

const critical: Forgery = async (key, claims) => {
  const head = Buffer.from(JSON.stringify({ alg: 'RS256', kid: 'k1', crit: ['x'], x: 1 }))
  return (await key.sign(claims)).replace(/^[^.]*/, head.toString('base64url'))
}

const stripped: Forgery = async (key, claims) => (await key.sign(claims)).replace(/[^.]*$/, '')

/** Each with the reason in the event. */
const forgeries: [string, string, Forgery][] = [
  ['alg none', 'alg', (_key, claims) => new UnsecuredJWT(claims).encode()],
  ['alg HS256 with the public key', 'alg', byPublicKey],
  ['a stripped signature', 'signature', stripped],
  ['a changed body', 'signature', tampered],
  ['a stranger’s key', 'signature', byStranger],
  ['a key in the header', 'signature', (key, claims) => byStranger(key, claims, (jwk) => ({ jwk }))],
  [
    'an address of keys in the header',
    'signature',
    (key, claims) => byStranger(key, claims, () => ({ jku: 'https://evil.example' })),
  ],
  ['an unknown kid', 'kid', headed({ kid: 'other' })],
  ['an unknown crit', 'malformed', critical],
  ['another type', 'type', headed({ typ: 'logout+jwt' })],
  ['another issuer', 'iss', altered({ iss: 'https://evil.example' })],
  ['an issuer with a slash more', 'iss', (key, claims) => key.sign({ ...claims, iss: `${claims.iss}/` })],
  ['no issuer', 'iss', altered({ iss: undefined })],
  ['another subject', 'sub', altered({ sub: 'somebody' })],
  ['no subject', 'sub', altered({ sub: undefined })],
  ['a subject that is a list', 'sub', (key, claims) => altered({ sub: [claims.sub] })(key, claims)],
  ['another audience', 'aud', altered({ aud: 'https://other.example' })],
  ['no audience', 'aud', altered({ aud: undefined })],
  ['an audience beside ours', 'aud', altered({ aud: [TOKEN_URL, 'https://other.example'] })],
  ['an audience that begins as ours', 'aud', altered({ aud: `${TOKEN_URL}/x` })],
  ['no end', 'exp', altered({ exp: undefined })],
  ['an end in the past', 'exp', altered({ exp: seconds() - 120 })],
  ['an end that is text', 'exp', altered({ exp: '9999999999' })],
  ['an end in two hours', 'exp', altered({ exp: seconds() + 7200 })],
  ['a beginning in the future', 'nbf', altered({ nbf: seconds() + 600 })],
  ['issued in the future', 'iat', altered({ iat: seconds() + 600 })],
  ['issued ten years ago', 'exp', altered({ iat: seconds() - 10 * 365 * 86_400 })],
  ['no jti', 'jti', altered({ jti: undefined })],
  ['an empty jti', 'jti', altered({ jti: '' })],
  ['a jti that is a number', 'jti', altered({ jti: 1 })],
  ['an endless jti', 'jti', altered({ jti: 'x'.repeat(256) })],
  ['no JWT', 'malformed', () => 'x'],
  ['JSON', 'malformed', (_key, claims) => JSON.stringify(claims)],
  ['five parts', 'malformed', () => 'a.b.c.d.e'],
]

t.test('a hostile assertion is refused, leaves one event, and nothing of it comes to rest', async (t) => {
  const lines: string[] = []
  const { write } = process.stderr
  process.stderr.write = (chunk: unknown) => lines.push(String(chunk)) > 0
  t.teardown(() => {
    process.stderr.write = write
  })
  ahead = 0
  const usher = await startUsher(t, { logLevel: 'trace' })
  const key = await makeKey('k1')
  const shown: string[] = []
  for (const [what, reason, forge] of forgeries) {
    // An organization each, so that what is counted against one does not hide another.
    const pusher = await usher.makePusher()
    const { clientId } = await makeClient(usher, pusher, { jwks: { keys: [key.publicKey] } })
    const before = await written(usher, pusher)
    const assertion = await forge(key, ownClaims(clientId))
    const answer = await askToken(usher, shows(assertion, clientId))
    t.match(
      answer,
      { status: 401, body: { error: 'invalid_client', error_description: /^The assertion / } },
      what,
    )
    t.same(await reasonsOf(usher, pusher), [`assertion_${reason}`], what)
    t.same(await written(usher, pusher), before, `${what}: nothing is written`)
    shown.push(...assertion.split('.').filter((part) => part.length > 20))
  }
  usher.app.log.error({ err: new Error('something') }, 'the log is listened to')
  const [log, events] = [lines.join(''), JSON.stringify(await usher.rows('select data from events'))]
  t.match(log, 'the log is listened to')
  t.notOk(shown.some((part) => log.includes(part) || events.includes(part)))
})

t.test('failed attempts are limited, and keep nobody out who is valid', async (t) => {
  const usher = await startUsher(t)
  const pusher = await usher.makePusher()
  const client = await makeClient(usher, pusher)
  const form = { grant_type: 'client_credentials', client_id: client.clientId }
  const guess = () => askToken(usher, { ...form, client_secret: 'guess' })
  const answers = await Promise.all(Array.from({ length: 60 }, guess))
  t.same(new Set(answers.map(({ status }) => status)), new Set([401, 429]))
  t.match(await guess(), {
    status: 429,
    headers: { 'retry-after': /^[1-9]/, 'cache-control': 'no-store' },
    body: { error: 'temporarily_unavailable' },
  })
  t.match(await usher.scim(`${pusher.token}x`)('GET', '/Users'), {
    status: 429,
    headers: { 'retry-after': /^[1-9]/ },
    body: { status: '429' },
  })
  t.match(await askToken(usher, { ...form, client_secret: client.clientSecret }), { status: 200 })
  t.match(await pusher.scim('GET', '/Users'), { status: 200 }, 'from the same address')
  t.ok((await reasonsOf(usher, pusher)).length <= 11, 'the events of one minute are counted in one')
})
