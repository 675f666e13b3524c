import t, { type Test } from 'tap'
import { checkInvariants } from '../../db/index.ts'
import { oidcStore } from '../../src/gateway/oidc-store.ts'
import { signIns } from '../../src/gateway/public-sign-in.ts'
import { refusalLog } from '../../src/gateway/refusals.ts'
import { runCaptures } from '../../src/provisioning/capture.ts'
import { rememberedPolicies } from '../../src/provisioning/policy.ts'
import { userNameKey } from '../../src/translate/user-name.ts'
import type { Body } from './api.ts'
import { holdOnEachLayout, type Rules } from './layouts.ts'
import type { Usher } from './usher.ts'

const ISSUER = 'https://accounts.example'
const OIDC = { issuer: ISSUER, clientId: 'usher', clientSecret: 's3cret' }

interface Claims {
  readonly sub: string
  readonly email?: string
  readonly email_verified?: boolean
  readonly name?: string
  readonly [claim: string]: unknown
}

/** The public connection, and what follows the callback of a verified sign-in by it. */
async function scene(usher: Usher) {
  const { status, body, text } = await usher.admin('PUT', '/public-connection', {
    name: 'Accounts',
    oidc: OIDC,
  })
  if (status !== 200) throw new Error(text)
  const { id } = body.connection as Body
  const host = { db: usher.db, clock: () => new Date(), secrets: usher.secrets }
  const { store } = oidcStore(host, refusalLog())
  const signIn = signIns(host, rememberedPolicies())
  const enter = async (claims: Claims) => {
    const connection = await store.connection(id)
    if (!connection) throw new Error('there is no public connection')
    const { sub: subject } = claims
    const person = {
      connection,
      issuer: connection.issuer,
      subject,
      claims,
      idToken: 'x',
      issuedAt: new Date(),
    }
    const result = await signIn(person, { requestId: 'test' })
    if ('refusal' in result) return { refusal: result.refusal }
    return 'gone' in result ? { gone: true } : { cookie: `__Host-usher_session=${result.session.token}` }
  }
  const sessionOf = async (cookie = '') => usher.call({ method: 'GET', url: '/session', headers: { cookie } })
  return { id, environmentId: String(body.organizationId), store, enter, sessionOf }
}

let people = 0
const somebody = (): Claims => ({ sub: `person-${++people}`, name: 'Ada' })

/** An organization with a domain of its own, where people can sign in. */
async function owner(
  usher: Usher,
  domain: string,
  oidc: Record<string, unknown> | null = { issuer: 'https://idp.example', clientId: 'c' },
) {
  const organization = await usher.makeOrganization()
  await usher.makeConnection(organization, oidc ? { oidc } : { scim: {} })
  await usher.rows(
    `insert into domains (organization_id, domain, challenge, created_at, verified_at, checked_at)
     values ($1, $2, 'x', now(), now(), now())`,
    [organization.id, domain],
  )
  return organization
}

const loginsOf = (usher: Usher, sub: string) =>
  usher.rows<{ organization_id: string; slug: string }>(
    `select p.organization_id, o.slug from public_identities p join organizations o on o.id = p.organization_id
     where p.subject = $1`,
    [sub],
  )

const organizations = async (usher: Usher) =>
  Number(
    (await usher.rows<{ n: string }>("select count(*) as n from organizations where kind = 'personal'"))[0]
      ?.n,
  )

const whole = async (t: Test, usher: Usher) => t.same(await checkInvariants(usher.db), [])

const rules: Rules = {
  'somebody new gets an organization of their own, and comes back to it': async (t, usher) => {
    const { enter, sessionOf } = await scene(usher)
    const ada = somebody()
    const first = await sessionOf((await enter(ada)).cookie)
    t.match(first.body, { workspace: { name: 'My workspace' }, role: 'owner', organization: { name: 'Ada' } })
    const again = await sessionOf((await enter(ada)).cookie)
    t.same(again.body.organization, first.body.organization)
    t.same(again.body.user, first.body.user)
    const [login] = await loginsOf(usher, ada.sub)
    t.match(await usher.admin('GET', `/organizations/${login?.organization_id}`), {
      body: { kind: 'personal', slug: /^p-[\da-f]{32}$/ },
    })
    const other = await sessionOf((await enter(somebody())).cookie)
    t.not(other.body.organization, first.body.organization, 'the same name is another person')
    await whole(t, usher)
  },
  'fifty who come at once with one login are one person, forty times': async (t, usher) => {
    const { enter, sessionOf } = await scene(usher)
    const before = await organizations(usher)
    for (let round = 0; round < 40; round++) {
      const ada = somebody()
      const entered = await Promise.all(Array.from({ length: 50 }, () => enter(ada)))
      const cookies = new Set(entered.map(({ cookie }) => cookie))
      if (cookies.size !== 50 || cookies.has(undefined)) t.fail('somebody was not signed in')
      const { body } = await sessionOf(entered[7]?.cookie)
      if ((body.organization as { name: string }).name !== 'Ada') t.fail('the session leads elsewhere')
    }
    t.equal(await organizations(usher), before + 40)
    await whole(t, usher)
  },
  'whose verified address is of an organization is sent there, and nothing is made': async (t, usher) => {
    const { enter } = await scene(usher)
    const domain = `managed-${people}.example`
    const { slug } = await owner(usher, domain)
    const ada = { ...somebody(), email: `ada@${domain}` }
    const before = await organizations(usher)
    t.match(await enter({ ...ada, email_verified: true }), {
      refusal: { code: 'domain_managed', status: 403, elsewhere: `/login/${slug}` },
    })
    t.equal(await organizations(usher), before)
    t.same(await loginsOf(usher, ada.sub), [])
    t.match(await enter(ada), { cookie: /./ }, 'an address that nobody has verified says nothing')
    const silent = `silent-${people}.example`
    await owner(usher, silent, null)
    const bob = { ...somebody(), email: `bob@${silent}`, email_verified: true }
    t.match(await enter(bob), { cookie: /./ }, 'nor does an organization where nobody can sign in')
  },
  'its sign-in is at /login/public, and at /login where no domain fits': async (t, usher) => {
    const { store, enter, id } = await scene(usher)
    const idsOf = async (found: Promise<readonly { id: string }[] | null>) =>
      (await found)?.map((one) => one.id)
    t.same(await idsOf(store.connectionsOf('public')), [id])
    t.same(await idsOf(store.connectionsFor('ada@nobody.example')), [id])
    const { id: own } = await owner(usher, 'fits.example')
    const [connection] = await usher.rows<{ id: string }>(
      'select id from connections where organization_id = $1',
      [own],
    )
    t.same(await idsOf(store.connectionsFor('ada@fits.example')), [connection?.id])
    const ada = somebody()
    await enter(ada)
    const [login] = await loginsOf(usher, ada.sub)
    t.same(await idsOf(store.connectionsOf(login?.slug ?? '')), [id], 'and at the address of their own')
  },
  'turned off it lets nobody in, ends every session, and comes back under its id': async (t, usher) => {
    const { enter, sessionOf, store, id } = await scene(usher)
    const ada = somebody()
    const { cookie } = await enter(ada)
    t.match(await sessionOf(cookie), { status: 200 })
    t.match(await usher.admin('DELETE', '/public-connection'), { status: 204 })
    t.match(await usher.admin('DELETE', '/public-connection'), { status: 204 }, 'as often as one likes')
    t.match(await usher.admin('GET', '/public-connection'), { status: 404 })
    t.match(await sessionOf(cookie), { status: 401 })
    t.equal(await store.connection(id), null)
    t.match(await usher.admin('PUT', '/public-connection', { oidc: OIDC }), {
      status: 200,
      body: { connection: { id } },
    })
    t.match(await sessionOf(cookie), { status: 401 }, 'what has ended stays so')
    t.match(await sessionOf((await enter(ada)).cookie), { status: 200 })
  },
  'a sign-in that was on its way when it was turned off begins nothing': async (t, usher) => {
    const { id, store } = await scene(usher)
    const host = { db: usher.db, clock: () => new Date(), secrets: usher.secrets }
    const connection = await store.connection(id)
    await usher.admin('DELETE', '/public-connection')
    const ada = somebody()
    const person = { issuer: ISSUER, subject: ada.sub, claims: ada, idToken: 'x', issuedAt: new Date() }
    if (!connection) throw new Error('there is no public connection')
    const entered = await signIns(host, rememberedPolicies())(
      { ...person, connection },
      { requestId: 'test' },
    )
    t.same(entered, { gone: true })
    const sessions =
      'select 1 from sessions s join public_identities p using (organization_id) where p.subject = $1'
    t.same(await usher.rows(sessions, [ada.sub]), [])
  },
  'a client of another id, or a secret, changes nothing for people; another issuer knows none': async (
    t,
    usher,
  ) => {
    const { enter, sessionOf } = await scene(usher)
    const ada = somebody()
    const { cookie } = await enter(ada)
    const before = await sessionOf(cookie)
    await usher.admin('PUT', '/public-connection', { oidc: { ...OIDC, clientId: 'other' } })
    t.match(await sessionOf(cookie), { status: 200 })
    t.same((await sessionOf((await enter(ada)).cookie)).body.user, before.body.user)
    await usher.admin('PUT', '/public-connection', { oidc: { ...OIDC, issuer: 'https://elsewhere.example' } })
    t.match(await sessionOf(cookie), { status: 401 })
    t.not((await sessionOf((await enter(ada)).cookie)).body.user, before.body.user)
    await whole(t, usher)
  },
  'the provider signs a person out of their own organization': async (t, usher) => {
    const { enter, sessionOf, store, id } = await scene(usher)
    const [ada, bob] = [somebody(), somebody()]
    const [hers, his] = [(await enter(ada)).cookie, (await enter(bob)).cookie]
    const connection = await store.connection(id)
    if (!connection) throw new Error('there is no public connection')
    const told = { way: 'back-channel', connection, subject: ada.sub, issuedAt: new Date() } as const
    await store.signOut(told, { requestId: 'test' })
    t.match(await sessionOf(hers), { status: 401 })
    t.match(await sessionOf(his), { status: 200 })
  },
  'it is set at its own address only, and its slug is nobody else’s': async (t, usher) => {
    const { environmentId, id, enter } = await scene(usher)
    const path = `/organizations/${environmentId}`
    t.match(await usher.admin('POST', `${path}/connections`, { name: 'x', scim: {} }), { status: 409 })
    t.match(await usher.admin('PATCH', `${path}/connections/${id}`, { name: 'x' }), { status: 409 })
    t.match(await usher.admin('DELETE', `${path}/connections/${id}`), { status: 409 })
    t.match(await usher.admin('POST', `${path}/domains`, { domain: 'x.example' }), { status: 409 })
    t.match(await usher.admin('POST', '/organizations', { slug: 'public', name: 'x' }), { status: 409 })
    const ada = somebody()
    await enter(ada)
    const [login] = await loginsOf(usher, ada.sub)
    const own = `/organizations/${login?.organization_id}`
    t.match(await usher.admin('POST', `${own}/domains`, { domain: 'x.example' }), { status: 409 })
    t.match(await usher.admin('PUT', '/public-connection', { name: 'x' }), { status: 400 })
    const google = { ...OIDC, issuer: 'https://accounts.google.com' }
    const preset = { ...google, preset: 'google' }
    for (const oidc of [google, preset])
      t.match(await usher.admin('PUT', '/public-connection', { oidc }), { status: 200 }, 'everybody may come')
    const answer = await usher.admin('GET', '/public-connection')
    t.match(answer, {
      status: 200,
      body: { connection: { id }, loginUrl: 'https://usher.example/login/public' },
    })
    t.notMatch(answer.text, /s3cret/)
  },
}

const captures: Rules = {
  'people are brought into the organization of their domain, previewed, and wherever it was stopped': async (
    t,
    usher,
  ) => {
    const { enter, sessionOf } = await scene(usher)
    const domain = `captured-${people}.example`
    const known = Array.from({ length: 5 }, somebody).map((one) => ({
      ...one,
      email: `${one.sub}@${domain}`,
      email_verified: true,
    }))
    const cookies: (string | undefined)[] = []
    for (const one of known) cookies.push((await enter(one)).cookie)
    await enter({ ...somebody(), email: `unverified@${domain}` })
    const acme = await owner(usher, domain, { issuer: ISSUER, clientId: 'acme' })
    const path = `${acme.path}/domains/${domain}/capture`
    t.match(await usher.admin('GET', path), { status: 200, body: { waiting: 5, people: { length: 5 } } })
    t.match(await usher.admin('POST', path, {}), { status: 409 }, 'first the policy finds them again')
    await usher.admin('PATCH', `${acme.path}/policy`, { linking: { email: true } })
    t.match(await usher.admin('POST', path, {}), { status: 202, body: { waiting: 5, capture: { made: 0 } } })
    t.match(await usher.admin('POST', path, {}), { status: 202 }, 'it is one')
    t.equal((await usher.rows('select 1 from captures where organization_id = $1', [acme.id])).length, 1)
    for (let rounds = 0; rounds < 20; rounds++) {
      const stop = new AbortController()
      let asked = 0
      // As if it was killed after ever more steps.
      const clock = () => {
        if (++asked > rounds) stop.abort()
        return new Date()
      }
      await runCaptures({ db: usher.db, clock, userNameKey }, stop.signal)
    }
    const host = { db: usher.db, clock: () => new Date(), userNameKey }
    await Promise.all([1, 2, 3].map(() => runCaptures(host, new AbortController().signal)))
    t.match(await usher.admin('GET', path), {
      body: { waiting: 0, capture: { made: 5, alreadyThere: 0, finishedAt: /Z$/ } },
    })
    const { body } = await usher.admin('GET', `${acme.path}/users`)
    t.same(body.items.map((one) => one.userName).sort(), known.map(({ email }) => email).sort())
    for (const cookie of cookies) t.match(await sessionOf(cookie), { status: 401 })
    t.match(await enter(known[0] ?? somebody()), { refusal: { elsewhere: `/login/${acme.slug}` } })
    const [own] = await loginsOf(usher, known[0]?.sub ?? '')
    const kept = await usher.rows('select status from users where organization_id = $1', [
      own?.organization_id,
    ])
    t.same(kept, [{ status: 'archived' }], 'nothing is lost')
    const [connection] = await usher.rows<{ id: string }>(
      'select id from connections where organization_id = $1',
      [acme.id],
    )
    const at = {
      id: connection?.id ?? '',
      organizationId: acme.id,
      path: '',
      bound: false,
      correlationClaim: 'sub',
    }
    const { email } = known[0] ?? { email: '' }
    t.match(await usher.signIn(at, { iss: ISSUER, sub: 'at work', email, email_verified: true }), {
      cookie: /./,
    })
    t.equal((await usher.admin('GET', `${acme.path}/users`)).body.items.length, 5, 'they are who was brought')
    await whole(t, usher)
  },
}

holdOnEachLayout(t, { ...captures, ...rules })
