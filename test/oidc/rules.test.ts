import { randomUUID } from 'node:crypto'
import t from 'tap'
import { mergeClaims, needsUserinfo } from '../../oidc/claims.ts'
import { fromFailure, OidcError } from '../../oidc/errors.ts'
import { checkIssuer } from '../../oidc/issuer.ts'
import { checkReturnTo } from '../../oidc/return-to.ts'
import { elsewhere } from './lies/places.ts'

const HOME = 'https://usher.example'

function refusalOf(check: () => unknown) {
  try {
    check()
  } catch (error) {
    if (error instanceof OidcError) return error.refusal
    throw error
  }
  return null
}

t.test('a page to return to is a path of this service', async (t) => {
  const good: [string | undefined, string][] = [
    [undefined, '/'],
    ['/', '/'],
    ['/a/b?c=d&e=%2F#f', '/a/b?c=d&e=%2F#f'],
    ['/a/../b', '/b'],
    ['/users/@ada', '/users/@ada'],
    ['/?next=https://elsewhere.example', '/?next=https://elsewhere.example'],
    ['/50%', '/50%'],
    [`${HOME}/a`, '/a'],
    [HOME, '/'],
  ]
  for (const [given, path] of good) t.equal(checkReturnTo(given, HOME), path)
})

t.test('a page to return to that leads elsewhere is refused', async (t) => {
  for (const given of elsewhere(HOME)) {
    t.match(
      refusalOf(() => checkReturnTo(given, HOME)),
      { code: 'invalid_return_to', status: 400 },
      given,
    )
  }
})

t.test('an issuer names one provider and nothing else', async (t) => {
  for (const good of [
    'https://idp.example',
    'https://idp.example/tenant/',
    'https://login.microsoftonline.com/3f0a/v2.0',
  ]) {
    t.equal(checkIssuer(good).href.startsWith(good), true)
  }
  for (const bad of [
    ...['https://idp.example/.well-known/openid-configuration', 'https://idp.example/a/.well-known/'],
    ...['https://idp.example?a', 'https://idp.example/#a', 'https://u:p@idp.example', 'idp.example'],
    ...['common', 'organizations', 'consumers', '9188040d-6c67-4c5b-b112-36a304b66dad'].map(
      (one) => `https://login.microsoftonline.com/${one}/v2.0`,
    ),
  ]) {
    t.match(
      refusalOf(() => checkIssuer(bad)),
      { code: 'provider_metadata', status: 502 },
      bad,
    )
  }
})

t.test('an e-mail address is one plain address or none', async (t) => {
  t.equal(mergeClaims({ email: 'Ada+x@acme.example' }, {}).email, 'Ada+x@acme.example')
  for (const email of [
    ...[['a@b.example'], 'a@b.example, c@d.example', 'Ada <a@b.example>', 'a@b.example\0', 'a@b@c.example'],
    ...['a', '@b.example', 'a@', '', ' a@b.example', 42, null, { a: 1 }, `${'a'.repeat(250)}@b.example`],
  ]) {
    t.same(mergeClaims({ email, email_verified: true }, {}), {}, String(email))
  }
})

t.test('an address is verified by a boolean of whoever names it', async (t) => {
  const email = 'a@b.example'
  const verified = (token: object, userinfo = {}) => mergeClaims({ ...token }, userinfo).email_verified
  t.equal(verified({ email, email_verified: true }), true)
  for (const claim of ['true', 1, 0, [true], {}, null, undefined, false]) {
    t.equal(verified({ email, email_verified: claim }), false)
  }
  t.equal(verified({ email }, { email, email_verified: true }), true)
  t.equal(verified({ email }, { email: 'c@d.example', email_verified: true }), false)
  t.equal(verified({ email_verified: true }, { email }), false)
  t.equal(verified({}, { email, email_verified: true }), true)
  t.equal(verified({ email_verified: true }), undefined)
})

t.test('claims of the wrong shape are as good as not said', async (t) => {
  const given = JSON.parse(`{
    "name": ["Ada"], "preferred_username": "a\\u0000da", "given_name": 7, "locale": "",
    "__proto__": {"admin": true}, "constructor": "x", "groups": ["a", "b"], "tid": "t-1",
    "address": {"formatted": "Street\\nTown"}, "odd": {"a": ["\\ud800"]}, "nested": {"__proto__": {"a": 1}}
  }`)
  const claims = mergeClaims(given, {})
  t.strictSame(claims, { groups: ['a', 'b'], tid: 't-1', address: { formatted: 'Street\nTown' } })
  t.equal(Reflect.get(claims, 'admin'), undefined)
  t.equal(Reflect.get({}, 'admin'), undefined)
})

t.test('userinfo completes the id_token and contradicts it in nothing', async (t) => {
  const token = { sub: 'ada', iss: 'i', name: 'Ada' }
  const userinfo = { sub: 'ada', iss: 'j', name: 'Bob', locale: 'en', sid: 's', acr: 'x', auth_time: 1 }
  t.strictSame(mergeClaims(token, userinfo), { sub: 'ada', iss: 'i', name: 'Ada', locale: 'en' })
  t.equal(needsUserinfo({ email: 'a@b.example', name: 'Ada' }), false)
  t.equal(needsUserinfo({ email: 'a@b.example', preferred_username: 'ada' }), false)
  t.equal(needsUserinfo({ email: 'a@b.example' }), true)
  t.equal(needsUserinfo({ name: 'Ada' }), true)
  const known = { email: 'a@b.example', name: 'Ada' }
  t.equal(needsUserinfo({ ...known, groups: [] }, [['groups', 'roles']]), false)
  t.equal(needsUserinfo({ ...known, groups: [] }, [['groups'], ['dept']]), true)
  t.equal(needsUserinfo(known, [['constructor']]), true)
})

t.test('failures are told by their codes, and quote nothing', async (t) => {
  const secret = randomUUID()
  const failure = (code: string, more = {}) => Object.assign(new Error(secret), { code, ...more })
  const cases = [
    [failure('OAUTH_TIMEOUT'), 504, 'provider_timeout'],
    [failure('outbound_timeout'), 504, 'provider_timeout'],
    [new DOMException(secret, 'TimeoutError'), 504, 'provider_timeout'],
    [new TypeError(secret, { cause: failure('ECONNREFUSED') }), 502, 'provider_unreachable'],
    [failure('OAUTH_RESPONSE_BODY_ERROR', { error: 'invalid_grant' }), 400, 'invalid_grant'],
    [failure('OAUTH_RESPONSE_BODY_ERROR', { error: 'invalid_client' }), 502, 'client_rejected'],
    [failure('OAUTH_INVALID_RESPONSE', { cause: { body: secret } }), 400, 'invalid_id_token'],
    [secret, 502, 'provider_unreachable'],
  ] as const
  for (const [error, status, code] of cases) {
    const told = fromFailure(error, 'token')
    t.match(told, { refusal: { status, code } })
    t.notOk(JSON.stringify(told).includes(secret))
  }
  const own = new OidcError({ code: 'x', message: 'y', status: 403 })
  t.equal(fromFailure(new Error('wrapped', { cause: own }), 'token'), own)
})
