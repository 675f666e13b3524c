import t from 'tap'
import { ensureAdminKey } from '../../src/admin-key.ts'
import { adminAsk, type Body } from './api.ts'
import { holdOnEachLayout } from './layouts.ts'
import { patchUser, person, stateOf } from './people.ts'
import { ADMIN_KEY, PUBLIC_URL, type Usher } from './usher.ts'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const NOBODY = '0190aa3c-5d1c-7a39-9d3f-2f6a1c0b7e11'
const SECOND = 1000
const HOUR = 3600 * SECOND

let ahead = 0
const clock = () => new Date(Date.now() + ahead)

const oidc = { issuer: 'https://idp.example', clientId: 'client', clientSecret: 'a client’s secret' }

/** A connection with both halves, and somebody who was pushed and has signed in. */
async function arrival(usher: Usher) {
  const pusher = await usher.makePusher({ oidc, scim: {} })
  const { organization, connection, scim } = pusher
  const { id } = (await scim('POST', '/Users', person('ada@acme.example', { externalId: 'a' }))).body
  const { cookie } = await usher.signIn(connection, { sub: 'a' })
  return { ...pusher, id, cookie, path: `${organization.path}/users/${id}` }
}

const sessionAt = (usher: Usher, cookie: string, url = '/session') =>
  usher.call({ method: 'GET', url, headers: { cookie: `other=1; ${cookie}` } })

holdOnEachLayout(
  t,
  {
    'an organization is made, read and listed': async (t, usher) => {
      const slug = 'acme-1'
      const made = await usher.admin('POST', '/organizations', { slug, name: 'Acme Ltd' })
      t.match(made, {
        status: 201,
        headers: { 'content-type': /^application\/json/, 'cache-control': 'no-store' },
      })
      const { id } = made.body
      t.match(id, UUID)
      t.same(made.body, { id, slug, name: 'Acme Ltd', status: 'active' })
      t.match(await usher.admin('GET', `/organizations/${id}`), { status: 200, body: made.body })
      await usher.makeOrganization()
      const first = await usher.admin('GET', '/organizations?limit=1')
      t.match(first.body, { items: [made.body], next: /./ })
      t.notOk((await usher.admin('GET', `/organizations?cursor=${first.body.next}`)).text.includes(id))
      const again = await usher.admin('POST', '/organizations', { slug, name: 'Other' })
      t.match(again, {
        status: 409,
        body: { code: 'conflict', status: 409, title: 'Conflict', detail: /acme-1/ },
      })
    },

    'a connection has the halves it was made with, and keeps its secret': async (t, usher) => {
      const organization = await usher.makeOrganization()
      const path = `${organization.path}/connections`
      const both = await usher.admin('POST', path, {
        name: 'Both',
        oidc: { ...oidc, correlationClaim: 'oid', scopes: ['email'] },
        scim: { profile: 'strict' },
      })
      const { id } = both.body
      const at = `${PUBLIC_URL}/oidc/${id}`
      t.match(both.status, 201)
      t.same(both.body, {
        id,
        name: 'Both',
        status: 'active',
        oidc: {
          issuer: oidc.issuer,
          clientId: 'client',
          correlationClaim: 'oid',
          scopes: ['openid', 'email'],
          loginUrl: `${at}/start`,
          redirectUri: `${at}/callback`,
          initiateLoginUri: `${at}/initiate`,
          backchannelLogoutUri: `${at}/backchannel-logout`,
          frontchannelLogoutUri: `${at}/frontchannel-logout`,
          signalsUri: `${at}/signals`,
        },
        scim: { profile: 'strict', baseUrl: `${PUBLIC_URL}/scim/v2` },
      })
      const scim = await usher.admin('POST', path, { name: 'Pushes', scim: {} })
      t.match(scim.body, { scim: { profile: 'lenient' } })
      t.notOk('oidc' in scim.body)
      const signIns = await usher.admin('POST', path, { name: 'Sign-ins', oidc })
      t.match(signIns.body, { oidc: { correlationClaim: 'sub', scopes: ['openid', 'profile', 'email'] } })
      t.notOk('scim' in signIns.body)
      t.match(await usher.admin('POST', path, { name: 'Both', scim: {} }), {
        status: 409,
        body: { code: 'conflict' },
      })
      t.match(await usher.admin('POST', `${path}/${signIns.body.id}/scim-credentials`), {
        status: 409,
        body: { detail: /no SCIM half/ },
      })

      const list = await usher.admin('GET', path)
      t.same(list.body.items, [both.body, scim.body, signIns.body])
      t.same((await usher.admin('GET', `${path}/${id}`)).body, both.body)
      for (const { text } of [both, list]) t.notOk(text.includes(oidc.clientSecret) || text.includes('ecret'))
      const rows = await usher.rows<{ client_secret: string }>(
        'select client_secret from connections where id = $1',
        [id],
      )
      t.match(rows, [{ client_secret: /^ey[\w-]+\.\.[\w-]+\.[\w-]+\.[\w-]+$/ }], 'sealed')
      const events = await usher.rows(
        "select * from events where type = 'connection.created' and organization_id = $1",
        [organization.id],
      )
      t.equal(events.length, 3)
      t.notOk(JSON.stringify(events).includes('ecret'))
    },

    'a SCIM credential shows its token once, and is refused when revoked or expired': async (t, usher) => {
      const { connection } = await usher.makePusher()
      const path = `${connection.path}/scim-credentials`
      const expiresAt = new Date(clock().getTime() + HOUR).toISOString()
      const short = await usher.admin('POST', path, { expiresAt })
      t.match(short, {
        status: 201,
        body: { id: UUID, token: new RegExp(`^${connection.organizationId}\\.[\\w-]{43}$`), expiresAt },
      })
      const long = await usher.admin('POST', path)
      t.same(Object.keys(long.body), ['id', 'token'])
      const asks = [usher.scim(short.body.token), usher.scim(long.body.token)] as const
      for (const ask of asks) t.match(await ask('GET', '/Users'), { status: 200 })

      const list = await usher.admin('GET', path)
      t.equal(list.body.items.length, 3)
      t.match(list.body.items[1], { id: short.body.id, createdAt: /Z$/, expiresAt, lastUsedAt: /Z$/ })
      t.notOk(list.text.includes('token'))
      t.match(await usher.admin('DELETE', `${path}/${long.body.id}`), { status: 204, text: '' })
      t.match(await usher.admin('DELETE', `${path}/${long.body.id}`), { status: 404 }, 'a second time')
      t.match((await usher.admin('GET', path)).body.items[2], { id: long.body.id, revokedAt: /Z$/ })
      ahead += 1.1 * SECOND
      t.match(
        await asks[1]('GET', '/Users'),
        { status: 401, headers: { 'www-authenticate': /^Bearer/ } },
        'revoked',
      )
      t.match(await asks[0]('GET', '/Users'), { status: 200 })
      ahead += HOUR
      t.match(await asks[0]('GET', '/Users'), { status: 401 }, 'expired')
      const past = await usher.admin('POST', path, { expiresAt: '2020-01-01T00:00:00Z' })
      t.match(past, { status: 400, body: { code: 'invalid_request', detail: /future/ } })
    },

    'a person is shown with their place, their reason and nothing else': async (t, usher) => {
      const { organization, connection, scim, id, path } = await arrival(usher)
      const shown = (await usher.admin('GET', path)).body
      const { workspace, createdAt, ...plain } = shown
      const { name: home } = (await usher.admin('GET', organization.path)).body
      t.match(workspace, { id: UUID, name: 'My workspace', role: 'owner', home: { id: UUID, name: home } })
      t.match(createdAt, /^\d{4}-.*Z$/)
      t.same(plain, {
        id,
        userName: 'ada@acme.example',
        externalId: 'a',
        displayName: 'ada A',
        status: 'ready',
        managedBy: 'scim',
        connectionId: connection.id,
      })
      const { cookie } = await usher.signIn(connection, { sub: 'a' })
      await scim('DELETE', `/Users/${id}`)
      t.match(await sessionAt(usher, cookie), { status: 401 }, 'who is deleted is out at once')
      t.match(await usher.signIn(connection, { sub: 'a' }), { code: 'deprovisioned' })
      t.match(
        await usher.admin('GET', path),
        {
          status: 200,
          body: {
            status: 'leaving',
            reason: { code: 'leaving', sentence: /deleted/, nextStep: /^Restore/ },
            workspace,
          },
        },
        'while it can be restored',
      )
    },

    'people are paged and filtered': async (t, usher) => {
      const { organization, scim } = await usher.makePusher()
      const names = ['ada', 'bob', 'carl', 'dora', 'eve']
      for (const name of names)
        await scim('POST', '/Users', person(name, { externalId: `x-${name}`, active: name !== 'dora' }))
      const list = async (query = '') => (await usher.admin('GET', `${organization.path}/users${query}`)).body
      const namesOf = ({ items }: Body) => items.map(({ userName }) => userName)
      t.same(namesOf(await list()), names)
      const walked: unknown[] = []
      let next: string | undefined = ''
      while (next !== undefined) {
        const page: Body = await list(`?limit=2${next && `&cursor=${next}`}`)
        walked.push(namesOf(page))
        next = page.next
      }
      t.same(walked, [['ada', 'bob'], ['carl', 'dora'], ['eve']])
      const found: Record<string, string[]> = {
        'status eq "ready"': ['ada', 'bob', 'carl', 'eve'],
        'status eq "suspended"': ['dora'],
        'status eq "leaving"': [],
        'userName eq "ADA"': ['ada'],
        'externalId eq "x-bob"': ['bob'],
        'emails eq "carl@acme.example"': ['carl'],
        'active eq false': ['dora'],
        'status eq "ready" and userName sw "e"': ['eve'],
        'status eq "anything"': [],
        'reason pr': ['dora'],
        'reason eq "suspended_by_scim"': ['dora'],
        'reason eq "archived"': [],
      }
      for (const [filter, expected] of Object.entries(found))
        t.same(namesOf(await list(`?filter=${encodeURIComponent(filter)}`)), expected, filter)
      const half = await list('?limit=1&filter=active eq true')
      t.same(
        namesOf(await list(`?limit=1&filter=active eq true&cursor=${half.next}`)),
        ['bob'],
        'a filter and a cursor',
      )
    },

    'the time line tells what happened, by whom and by which rule': async (t, usher) => {
      const { connection, scim, id, path } = await arrival(usher)
      await patchUser(scim, id, { title: 'Countess' })
      await patchUser(scim, id, { active: false })
      await patchUser(scim, id, { active: true })
      const { items } = (await usher.admin('GET', `${path}/timeline`)).body
      t.same(
        items.map(({ type }) => type),
        [
          'user.reactivated',
          'user.suspended',
          'user.changed',
          'session.begun',
          'user.linked',
          'user.provisioned',
          'user.created',
        ],
      )
      const [, , changed, begun, linked, provisioned, created] = items
      const actor = `scim:${connection.id}`
      t.match(created, {
        id: UUID,
        at: /Z$/,
        actor,
        summary: 'Created by SCIM push',
        policyVersion: 1,
        rule: 'nobody known',
        requestId: UUID,
      })
      t.match(provisioned, {
        actor,
        summary: /workspace “My workspace” as owner, at home in “Company/,
        policyVersion: 1,
        rule: /./,
      })
      t.match(linked, { actor: `sign-in:${connection.id}`, rule: 'externalId is correlation value' })
      t.match(begun, { summary: 'Signed in' })
      t.match(changed, { summary: 'Changed by SCIM push: title' })
      t.notOk(
        'rule' in (changed ?? {}) || JSON.stringify(items).includes('Countess'),
        'names of what changed, and no values',
      )
      const walked: unknown[] = []
      let page = (await usher.admin('GET', `${path}/timeline?limit=3`)).body
      walked.push(...page.items)
      while (page.next) {
        page = (await usher.admin('GET', `${path}/timeline?limit=3&cursor=${page.next}`)).body
        walked.push(...page.items)
      }
      t.same(walked, items)
    },

    'a person is explained by the decisions that were made': async (t, usher) => {
      const { connection, scim, id, path } = await arrival(usher)
      const explained = await usher.admin('GET', `${path}/explain`)
      t.match(explained, { status: 200, body: { status: 'ready' } })
      t.notOk('reason' in explained.body)
      const decisions = explained.body.decisions as object[]
      t.same(
        decisions.map((decision) => Object.keys(decision).sort()),
        Array(3).fill(['at', 'inputs', 'outcome', 'policyVersion', 'rule']),
      )
      t.match(decisions, [
        { outcome: 'user.linked', rule: 'externalId is correlation value', inputs: { via: 'sign-in' } },
        {
          outcome: 'user.provisioned',
          policyVersion: 1,
          inputs: { role: 'owner', workspace: { name: 'My workspace' }, home: { id: UUID } },
        },
        {
          outcome: 'user.created',
          policyVersion: 1,
          rule: 'nobody known',
          inputs: { via: 'scim', connectionId: connection.id, active: true },
        },
      ])
      await patchUser(scim, id, { active: false })
      t.match(await usher.signIn(connection, { sub: 'a' }), { code: 'suspended' })
      t.match(await usher.admin('GET', `${path}/explain`), { body: { status: 'suspended' } })
    },

    'a session says who, where and as what, until an administrator ends it': async (t, usher) => {
      const { organization, connection, id, path, cookie } = await arrival(usher)
      const { workspace } = (await usher.admin('GET', path)).body as Body & { workspace: Body }
      const { id: workspaceId, name, home } = workspace
      const session = await sessionAt(usher, cookie)
      t.match(session, { status: 200, headers: { 'cache-control': 'no-store' } })
      t.match(session.body, {
        user: { id, userName: 'ada@acme.example', displayName: 'ada A' },
        organization: { id: organization.id, slug: organization.slug },
        workspace: { id: workspaceId, name, home },
        role: 'owner',
      })
      const headers = {
        'x-usher-user': id,
        'x-usher-organization': organization.id,
        'x-usher-workspace': workspaceId,
        'x-usher-role': 'owner',
      }
      t.match(await sessionAt(usher, cookie, '/session/verify'), { status: 200, text: '', headers })
      t.match((await sessionAt(usher, cookie, '/')).text, /Welcome, <strong>ada A<\/strong>/)

      await usher.signIn(connection, { sub: 'a' })
      const alive = await usher.admin('GET', `${path}/sessions`)
      t.match(alive.body.items, [
        { id: UUID, createdAt: /Z$/, expiresAt: /Z$/, connectionId: connection.id },
        {},
      ])
      t.match(await usher.admin('DELETE', `${path}/sessions`), { status: 204, text: '' })
      t.same((await usher.admin('GET', `${path}/sessions`)).body.items, [])
      for (const url of ['/session', '/session/verify'])
        t.match(await sessionAt(usher, cookie, url), { status: 401, body: { code: 'unauthorized' } }, url)
      t.match((await sessionAt(usher, cookie, '/')).text, /Nobody is signed in/)
      const [last] = (await usher.admin('GET', `${path}/timeline`)).body.items
      t.match(last, {
        type: 'sessions.ended',
        actor: /^admin:/,
        summary: 'Every session ended by an administrator',
      })
      for (const wrong of ['', 'x', `${organization.id}.x`, `${NOBODY}.${cookie.split('.')[1]}`])
        t.match(await sessionAt(usher, `__Host-usher_session=${wrong}`), { status: 401 }, wrong)
    },

    'a disabled connection takes no push and lets nobody in, and its sessions have ended': async (
      t,
      usher,
    ) => {
      const { connection, scim, cookie } = await arrival(usher)
      t.match(await usher.admin('PATCH', connection.path, { status: 'disabled' }), {
        status: 200,
        body: { status: 'disabled' },
      })
      t.match(await sessionAt(usher, cookie), { status: 401 }, 'at once')
      ahead += 1.1 * SECOND
      t.match(await scim('GET', '/Users'), { status: 401, headers: { 'www-authenticate': /^Bearer/ } })
      const start = () => usher.call({ method: 'GET', url: `/oidc/${connection.id}/start` })
      t.match(await start(), { status: 404 })
      t.match(await usher.admin('PATCH', connection.path, { status: 'active' }), {
        body: { status: 'active' },
      })
      await usher.admin('PATCH', connection.path, { status: 'active' })
      t.match(await scim('GET', '/Users'), { status: 200 })
      t.match(await sessionAt(usher, cookie), { status: 401 }, 'for good')
      const again = await usher.signIn(connection, { sub: 'a' })
      t.match(await sessionAt(usher, again.cookie), { status: 200 })
      const events = await usher.rows('select type from events where subject_id = $1 order by id', [
        connection.id,
      ])
      t.same(
        events.map(({ type }) => type),
        ['connection.created', 'scim-credential.created', 'connection.disabled', 'connection.enabled'],
      )
    },

    'nobody comes in to an organization that is suspended': async (t, usher) => {
      const { organization, scim, cookie } = await arrival(usher)
      const suspend = (status: string) =>
        usher.rows('update organizations set status = $2 where id = $1', [organization.id, status])
      const login = () => usher.call({ method: 'GET', url: `/login/${organization.slug}` })
      await suspend('suspended')
      ahead += 1.1 * SECOND
      t.match(await sessionAt(usher, cookie), { status: 401 })
      t.match(await scim('GET', '/Users'), { status: 401 })
      t.match(await login(), { status: 404 })
      t.match(await usher.admin('GET', organization.path), { status: 200, body: { status: 'suspended' } })
      await suspend('active')
      t.match(await sessionAt(usher, cookie), { status: 200 })
      t.match(await scim('GET', '/Users'), { status: 200 })
    },

    'what is not valid is said place by place, and changes nothing': async (t, usher) => {
      const { organization, connection, scim } = await usher.makePusher()
      const { id } = (await scim('POST', '/Users', person('ada'))).body
      const count = async () =>
        (
          await usher.rows(
            'select (select count(*) from organizations), (select count(*) from connections), (select count(*) from scim_credentials)',
          )
        )[0]
      const [before, state] = [await count(), await stateOf(usher, organization)]
      const { path } = organization
      const credentials = `${connection.path}/scim-credentials`
      const cases: [string, string, unknown, ...object[]][] = [
        ['POST', '/organizations', {}, { path: 'body/slug', message: 'is missing' }],
        ['POST', '/organizations', { slug: 'A b', name: 'x' }, { path: 'body/slug', message: /pattern/ }],
        ['POST', '/organizations', { slug: 'ab', name: '', more: 1 }, { path: /^body\// }],
        ['POST', '/organizations', { slug: 5, name: 'x' }, { path: 'body/slug', message: 'must be string' }],
        ['GET', '/organizations?limit=0', undefined, { path: 'query/limit' }],
        ['GET', '/organizations?limit=many', undefined, { path: 'query/limit', message: 'must be integer' }],
        ['GET', '/organizations?page=2', undefined, { path: 'query/page', message: 'is not known' }],
        ['POST', `${path}/connections`, { name: 'x' }, { path: 'body/oidc' }],
        [
          'POST',
          `${path}/connections`,
          { name: 'x', oidc: { clientId: 'c' } },
          { path: 'body/oidc/issuer', message: 'is missing' },
        ],
        [
          'POST',
          `${path}/connections`,
          { name: 'x', oidc: { issuer: 'ftp://x', clientId: 'c' } },
          { path: 'body/oidc/issuer' },
        ],
        [
          'POST',
          `${path}/connections`,
          { name: 'x', scim: { profile: 'loose' } },
          { path: 'body/scim/profile', message: /lenient/ },
        ],
        [
          'PATCH',
          connection.path,
          { status: 'off' },
          { path: 'body/status', message: 'must be one of ["active","disabled"]' },
        ],
        ['PATCH', connection.path, undefined, { path: 'body', message: 'must be object' }],
        ['POST', credentials, { expiresAt: 'soon' }, { path: 'body/expiresAt' }],
        ['GET', `${path}/users?limit=201`, undefined, { path: 'query/limit' }],
        ['GET', `${path}/users?filter=`, undefined, { path: 'query/filter' }],
        ['GET', `${path}/users?cursor=nonsense`, undefined],
        ['POST', '/organizations', '{"slug":'],
        ['POST', '/organizations', '{"slug":"a","slug":"b","name":"x"}'],
      ]
      for (const [method, url, body, ...errors] of cases) {
        const answer = await usher.admin(method as 'GET', url, body) // the table holds methods
        const what = `${method} ${url} ${JSON.stringify(body)}`
        t.match(answer, { status: 400, headers: { 'content-type': /^application\/problem\+json/ } }, what)
        t.match(
          answer.body,
          { status: 400, title: 'Bad Request', code: 'invalid_request', detail: /./ },
          what,
        )
        if (errors.length > 0) t.match(answer.body.errors, errors, what)
      }
      for (const filter of ['nothing eq "x"', 'userName', 'status eq', 'password pr', 'displayName[x eq 1]'])
        t.match(
          await usher.admin('GET', `${path}/users?filter=${encodeURIComponent(filter)}`),
          { status: 400, body: { code: 'invalid_filter' } },
          filter,
        )
      const typed = usher.call({
        method: 'POST',
        url: '/admin/v1/organizations',
        headers: { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'text/plain' },
        body: 'x',
      })
      t.match(await typed, { status: 415, body: { code: 'unsupported_media_type' } })
      const long = await usher.admin('POST', '/organizations', { slug: 'a', name: 'x'.repeat(1024 * 1024) })
      t.match(await usher.admin('GET', '/organizations/%ff'), {
        status: 400,
        body: { code: 'invalid_request' },
      })
      t.match(long, { status: 413, body: { code: 'payload_too_large' } })
      t.match(await usher.admin('GET', `/organizations/${organization.id}/users/${id}/nothing`), {
        status: 404,
        body: { code: 'not_found' },
      })
      t.same([await count(), await stateOf(usher, organization)], [before, state])
    },

    'what is not there, or another organization’s, is 404': async (t, usher) => {
      const [ours, theirs] = [await arrival(usher), await arrival(usher)]
      const [credential] = (await usher.admin('GET', `${theirs.connection.path}/scim-credentials`)).body.items
      const { path } = ours.organization
      const below = ['', '/connections', '/users', `/users/${theirs.id}`, `/users/${theirs.id}/timeline`]
      const urls = [
        ...[NOBODY, 'x', '1', "'", NOBODY.toUpperCase()].flatMap((id) =>
          below.map((more) => `/organizations/${id}${more}`),
        ),
        ...[theirs.connection.id, NOBODY, 'x'].flatMap((id) => [
          `${path}/connections/${id}`,
          `${path}/connections/${id}/scim-credentials`,
        ]),
        ...[theirs.id, NOBODY, 'x'].flatMap((id) =>
          ['', '/timeline', '/explain', '/sessions', '/attributes'].map(
            (more) => `${path}/users/${id}${more}`,
          ),
        ),
      ]
      for (const url of urls)
        t.match(
          await usher.admin('GET', url),
          { status: 404, body: { code: 'not_found', detail: /^There is/ } },
          url,
        )
      t.match(await usher.admin('DELETE', `${path}/users/${theirs.id}/sessions`), { status: 404 })
      t.match(
        await usher.admin('PATCH', `${path}/connections/${theirs.connection.id}`, { status: 'disabled' }),
        { status: 404 },
      )
      t.match(await usher.admin('POST', `${path}/connections/${theirs.connection.id}/scim-credentials`), {
        status: 404,
      })
      t.match(await usher.admin('DELETE', `${ours.connection.path}/scim-credentials/${credential?.id}`), {
        status: 404,
      })
      t.match(await sessionAt(usher, theirs.cookie), { status: 200 })
      t.match(await theirs.scim('GET', '/Users'), { status: 200 })
    },

    'only the key of the environment opens the door, and a configured one takes its place': async (
      t,
      usher,
    ) => {
      const { organization, token } = await usher.makePusher()
      const urls = [
        '/organizations',
        organization.path,
        `${organization.path}/users`,
        `/organizations/${NOBODY}/users`,
      ]
      const denied = {
        status: 401,
        headers: { 'content-type': /^application\/problem\+json/, 'www-authenticate': 'Bearer' },
      }
      for (const key of ['', 'x', token, ADMIN_KEY.slice(1), `${ADMIN_KEY} `.repeat(2)]) {
        for (const url of urls) {
          const answer = await adminAsk(usher.call, key)('GET', url)
          t.match(
            answer,
            { ...denied, body: { code: 'unauthorized', status: 401, title: 'Unauthorized' } },
            `${key} ${url}`,
          )
        }
      }
      t.match(
        await usher.call({ method: 'POST', url: '/admin/v1/organizations', body: '{' }),
        denied,
        'before the body is read',
      )
      t.equal(await ensureAdminKey(usher.db, undefined, clock()), undefined, 'a key that is there is kept')
      t.match(await usher.admin('GET', '/organizations'), { status: 200 })
      const configured = 'a-key-that-was-configured-afterwards'
      t.equal(await ensureAdminKey(usher.db, configured, clock()), undefined, 'and is not shown')
      t.match(await usher.admin('GET', '/organizations'), { status: 401 })
      t.match(await adminAsk(usher.call, configured)('GET', '/organizations'), { status: 200 })
      await ensureAdminKey(usher.db, ADMIN_KEY, clock())
      t.match(await usher.admin('GET', '/organizations'), { status: 200 })
      const keys = await usher.rows('select * from admin_keys')
      t.equal(keys.length, 1)
      t.notOk(JSON.stringify(keys).includes(ADMIN_KEY))
    },
  },
  { clock },
)
