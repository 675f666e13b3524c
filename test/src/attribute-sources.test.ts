import fc from 'fast-check'
import t from 'tap'
import { checkInvariants, type Source } from '../../db/index.ts'
import { reviewAttributes } from '../../src/provisioning/overrides.ts'
import {
  afterAdministrator,
  afterPush,
  afterSignIn,
  heardBy,
  type Spoken,
} from '../../src/provisioning/sources.ts'
import { attributesOnce } from '../../src/worker.ts'
import { type Answer, adminAsk } from './api.ts'
import { DAY, HOUR, stoppedClock } from './clock.ts'
import { holdOnEachLayout } from './layouts.ts'
import { patchOp, patchUser, person } from './people.ts'
import { ADMIN_KEY, type Usher } from './usher.ts'

const clock = stoppedClock()
const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'
const DEPARTMENT = `${ENTERPRISE}:department`
const OIDC = { issuer: 'https://idp.example', clientId: 'c', correlationClaim: 'sub' }

const inHours = (hours: number) => new Date(clock.now().getTime() + hours * HOUR).toISOString()

async function scene(usher: Usher) {
  const { organization, connection, scim } = await usher.makePusher({
    oidc: { ...OIDC, claims: { department: 'unit' } },
    scim: {},
  })
  const { path, id: organizationId } = organization
  const rule = async (patch: object) => {
    const answer = await usher.admin('PATCH', `${path}/policy`, patch)
    if (answer.status !== 200) throw new Error(answer.text)
  }
  const push = async (name: string, more: object = {}) => {
    const { status, body, text } = await scim('POST', '/Users', person(name, { externalId: name, ...more }))
    if (status !== 201) throw new Error(text)
    return body.id
  }
  const put = (id: string, name: string, body: object) =>
    usher.admin('PUT', `${path}/users/${id}/attributes/${name}`, body)
  const end = (id: string, name: string) => usher.admin('DELETE', `${path}/users/${id}/attributes/${name}`)
  const list = (id: string) => usher.admin('GET', `${path}/users/${id}/attributes`)
  const one = async (id: string, name: string) =>
    (await list(id)).body.items.find((item) => item.name === name)
  const seen = async (id: string) => (await scim('GET', `/Users/${id}`)).body
  const round = (stop = new AbortController().signal) =>
    reviewAttributes({ db: usher.db, organizationId, now: clock.now(), actor: 'system', requestId: '' }, stop)
  const events = (id: string) =>
    usher.rows<{ type: string; changed: string[]; actor: string; rule: string | null; data: object }>(
      `select type, changed, actor, rule, data from events where organization_id = $1 and subject_id = $2
       and type not in ('user.created', 'user.provisioned') order by id`,
      [organizationId, id],
    )
  const sources = async (id: string) =>
    (
      await usher.rows<{ sources: object | null }>(
        'select sources from users where organization_id = $1 and id = $2',
        [organizationId, id],
      )
    )[0]?.sources
  return {
    ...{
      organization,
      connection,
      scim,
      path,
      rule,
      push,
      put,
      end,
      list,
      one,
      seen,
      round,
      events,
      sources,
    },
  }
}

const outcome = ({ status, body }: Answer) => [status, body.code]

holdOnEachLayout(
  t,
  {
    'an administrator is heard before SCIM until the end, and what SCIM says meanwhile is kept': async (
      t,
      usher,
    ) => {
      const { scim, push, put, one, seen, round, events, sources } = await scene(usher)
      const ada = await push('ada', { title: 'Engineer' })
      t.equal(await sources(ada), null)
      t.match(await put(ada, 'title', { value: 'Head' }), {
        status: 409,
        body: { code: 'outranked', detail: /^SCIM .*until/, errors: [{ path: 'body/until' }] },
      })
      const until = inHours(24)
      const said = await put(ada, 'Title', { value: 'Head', until })
      t.match(said, { status: 200, headers: { etag: '"2"' } })
      const beneath = [{ source: 'scim', value: 'Engineer' }]
      const whole = { name: 'title', source: 'administrator', value: 'Head', until, by: /^admin:/, beneath }
      t.match(said.body, whole)
      t.match(await one(ada, 'title'), whole)
      t.match(await put(ada, 'title', { value: 'Head', until }), { headers: { etag: '"2"' } }, 'said again')
      t.match(await seen(ada), { title: 'Head', meta: { version: 'W/"2"' } })
      t.equal(
        (await scim('GET', `/Users?filter=${encodeURIComponent('title eq "head"')}`)).body.totalResults,
        1,
      )
      const patched = await patchUser(scim, ada, { title: 'Architect' })
      t.match(patched, { status: 200, body: { title: 'Head', meta: { version: 'W/"3"' } } })
      t.match(await patchUser(scim, ada, { title: 'Architect' }), { body: { meta: { version: 'W/"3"' } } })
      const put2 = await scim(
        'PUT',
        `/Users/${ada}`,
        person('ada', { externalId: 'ada', title: 'Fellow', nickName: 'A' }),
      )
      t.match(put2, { status: 200, body: { title: 'Head', nickName: 'A' } })
      clock.pass(24 * HOUR - 1)
      await round()
      t.match(await seen(ada), { title: 'Head' }, 'not before its end')
      clock.pass(1)
      await Promise.all([round(), round()])
      t.match(await seen(ada), { title: 'Fellow', nickName: 'A' })
      t.equal(await sources(ada), null)
      t.match(await events(ada), [
        { type: 'user.changed', changed: ['title'], actor: /^admin:/, data: { via: 'administrator', until } },
        { type: 'user.changed', changed: [], actor: /^scim:/, data: { via: 'scim', beneath: ['title'] } },
        { type: 'user.changed', changed: ['nickName'], data: { via: 'scim', beneath: ['title'] } },
        {
          type: 'user.changed',
          changed: ['title'],
          actor: 'system',
          rule: 'override ended',
          data: { via: 'rule' },
        },
      ])
      t.same(await checkInvariants(usher.db), [])
    },
    'what SCIM is silent about an administrator may say, and is outranked once SCIM speaks': async (
      t,
      usher,
    ) => {
      const { scim, push, put, end, one, sources } = await scene(usher)
      const ada = await push('ada')
      t.match(await put(ada, 'title', { value: 'Head' }), { status: 200, body: { source: 'administrator' } })
      t.match(await patchUser(scim, ada, { nickName: 'A' }), { body: { title: 'Head', nickName: 'A' } })
      t.match(await patchUser(scim, ada, { title: 'Engineer' }), { body: { title: 'Engineer' } })
      t.match(await one(ada, 'title'), {
        source: 'scim',
        beneath: [{ source: 'administrator', value: 'Head' }],
      })
      const removal = patchOp({ Operations: [{ op: 'remove', path: 'title' }] })
      t.match(await scim('PATCH', `/Users/${ada}`, removal), { status: 200, body: { title: 'Head' } })
      t.equal((await end(ada, 'title')).status, 204)
      t.same(outcome(await end(ada, 'title')), [404, 'not_found'])
      t.same([await one(ada, 'title'), await sources(ada)], [undefined, null])
      t.same(await checkInvariants(usher.db), [])
    },
    'an override of an extension’s attribute is ended by hand, and If-Match is heeded': async (t, usher) => {
      const { push, put, end, list, seen, path, scim, events } = await scene(usher)
      const boss = await push('boss')
      const ada = await push('ada', { [ENTERPRISE]: { department: 'Sales', costCenter: '7' } })
      const until = inHours(1)
      t.match(await put(ada, DEPARTMENT, { value: 'Research', until }), { body: { name: DEPARTMENT } })
      t.match(await put(ada, `${ENTERPRISE}:manager`, { value: { value: boss }, until }), { status: 200 })
      t.match(await seen(ada), {
        [ENTERPRISE]: {
          department: 'Research',
          costCenter: '7',
          manager: { value: boss, displayName: 'boss B' },
        },
      })
      const filter = encodeURIComponent(`${ENTERPRISE}:manager.value eq "${boss}"`)
      t.equal((await scim('GET', `/Users?filter=${filter}`)).body.totalResults, 1)
      const etag = String((await list(ada)).headers.etag)
      const under = (tag: string) => adminAsk(usher.call, ADMIN_KEY, { 'if-match': tag })
      const at = `${path}/users/${ada}/attributes/${DEPARTMENT}`
      t.equal((await under('"1"')('PUT', at, { value: 'x', until })).status, 412)
      t.equal((await under('"1"')('DELETE', at)).status, 412)
      t.equal((await under(etag)('DELETE', at)).status, 204)
      t.equal((await end(ada, `${ENTERPRISE}:manager`)).status, 204)
      t.same((await seen(ada))[ENTERPRISE], { department: 'Sales', costCenter: '7' })
      t.match((await events(ada)).at(-1), { changed: [`${ENTERPRISE}:manager`], data: { ended: true } })
      t.same(await checkInvariants(usher.db), [])
    },
    'what is no value, no attribute or no time is refused, and changes nothing': async (t, usher) => {
      const { push, put, list, path, scim } = await scene(usher)
      const ada = await push('ada', { title: 'Engineer' })
      await usher.admin('PUT', `${path}/roles/listed`, {})
      const before = await list(ada)
      const until = inHours(1)
      const wrong: [string, object][] = [
        ['title', { value: 7, until }],
        ['title', { value: null, until }],
        ['title', { until }],
        ['title', { value: 'x', until: inHours(0) }],
        ['title', { value: 'x', until: inHours(367 * 24) }],
        ['title', { value: 'x', until: 'soon' }],
        ['title', { value: 'x', until, more: 1 }],
        ['name', { value: { unknown: 'x' }, until }],
        ['emails', { value: [], until }],
        [
          'emails',
          {
            value: [
              { value: 'a', primary: true },
              { value: 'b', primary: true },
            ],
            until,
          },
        ],
        [`${ENTERPRISE}:manager`, { value: { value: 'nobody' }, until }],
        ['roles', { value: [{ value: 'unlisted' }], until }],
      ]
      for (const [name, body] of wrong) {
        const answer = await put(ada, name, body)
        t.match(
          answer,
          { status: 400, body: { code: 'invalid_request', errors: [{}] } },
          JSON.stringify(body),
        )
      }
      for (const name of [
        'userName',
        'externalId',
        'active',
        'id',
        'password',
        'groups',
        'meta',
        'x',
        'urn:x:y',
      ])
        t.same(outcome(await put(ada, name, { value: 'x', until })), [404, 'not_found'], name)
      for (const [name, message] of [
        ['userName', 'is no attribute that several sources speak of'],
        ['nothing', 'is no attribute that several sources speak of'],
        ['Title', 'is written "title"'],
      ] as const) {
        const errors = [{ path: `body/attributes/${name}`, message }]
        const policy = { attributes: { [name]: 'administrator' } }
        t.match(await usher.admin('PATCH', `${path}/policy`, policy), { status: 400, body: { errors } })
      }
      const policy = { attributes: { title: 'nobody' } }
      t.equal((await usher.admin('PATCH', `${path}/policy`, policy)).status, 400)
      t.same((await list(ada)).body, before.body)
      await scim('DELETE', `/Users/${ada}`)
      t.same(outcome(await put(ada, 'title', { value: 'x', until })), [409, 'conflict'])
    },
    'an organization’s own extension is spoken of by its schema': async (t, usher) => {
      const { push, put, path, rule, seen } = await scene(usher)
      const urn = 'urn:acme:Badge'
      const attribute = (name: string, more: object) => ({ name, type: 'string', ...more })
      const schema = {
        id: urn,
        name: 'Badge',
        attributes: [
          attribute('number', { type: 'integer', required: true }),
          attribute('colour', {}),
          attribute('secret', { returned: 'never' }),
        ],
      }
      const stored = await usher.admin('PUT', `${path}/schemas/${urn}`, { resourceType: 'User', schema })
      t.ok(stored.status < 300, stored.text)
      const ada = await push('ada', { [urn]: { number: 7, secret: 's' } })
      t.match(await put(ada, `${urn}:colour`, { value: 'red' }), { status: 200 })
      t.equal((await put(ada, `${urn}:number`, { value: 'x', until: inHours(1) })).status, 400)
      t.equal((await put(ada, `${urn}:secret`, { value: 'x', until: inHours(1) })).status, 404)
      t.match(await seen(ada), { [urn]: { number: 7, colour: 'red' } })
      const { items } = (await usher.admin('GET', `${path}/users/${ada}/attributes`)).body
      t.notOk(
        items.some(({ name }) => String(name).includes('secret')),
        'what is never returned is not listed',
      )
      await rule({ attributes: { [`${urn}:colour`]: 'administrator' } })
    },
    'an administrator first by the policy needs no end, and another policy is heeded for who was there':
      async (t, usher) => {
        const { push, put, rule, seen, one, round, scim, events } = await scene(usher)
        await rule({ attributes: { title: 'administrator' } })
        const ada = await push('ada', { title: 'Engineer' })
        t.match(await put(ada, 'title', { value: 'Head' }), { status: 200, body: { value: 'Head' } })
        t.match(await patchUser(scim, ada, { title: 'Fellow' }), { body: { title: 'Head' } })
        await rule({ attributes: { title: null } })
        await round()
        t.match(await seen(ada), { title: 'Fellow' })
        t.match(await one(ada, 'title'), {
          source: 'scim',
          beneath: [{ source: 'administrator', value: 'Head' }],
        })
        await rule({ attributes: { title: 'administrator' } })
        await round()
        await round()
        t.match(await seen(ada), { title: 'Head' })
        const ruled = (await events(ada)).filter(({ rule }) => rule === 'source of truth')
        t.match(ruled, [{ changed: ['title'] }, { changed: ['title'] }])
        t.equal(ruled.length, 2)
        t.same(await checkInvariants(usher.db), [])
      },
    'sign-ins are heard first where the policy says so, and only there': async (t, usher) => {
      const { connection, push, rule, seen, one, scim, sources } = await scene(usher)
      await rule({ attributes: { [DEPARTMENT]: 'sign-in' } })
      const ada = await push('ada', { title: 'Engineer', [ENTERPRISE]: { department: 'Sales' } })
      const claims = { sub: 'ada', name: 'Another', unit: 'Research' }
      t.match(await usher.signIn(connection, claims), { cookie: /session/ })
      t.match(await seen(ada), {
        title: 'Engineer',
        displayName: 'ada A',
        [ENTERPRISE]: { department: 'Research' },
      })
      t.match(await one(ada, DEPARTMENT), {
        source: 'sign-in',
        beneath: [{ source: 'scim', value: 'Sales' }],
      })
      t.match(await patchUser(scim, ada, { [ENTERPRISE]: { department: 'Support' } }), {
        body: { [ENTERPRISE]: { department: 'Research' } },
      })
      await usher.signIn(connection, { sub: 'ada' })
      t.match(await seen(ada), { [ENTERPRISE]: { department: 'Research' } }, 'silence keeps what was')
      await usher.signIn(connection, { sub: 'ada', unit: 'Labs' })
      t.match(await one(ada, DEPARTMENT), { value: 'Labs', beneath: [{ source: 'scim', value: 'Support' }] })
      t.same(Object.keys((await sources(ada)) ?? {}), [DEPARTMENT])
      t.same(await checkInvariants(usher.db), [])
    },
    'a sign-in is heard by the policy in force, whatever a process remembers': async (t, usher) => {
      const { connection, push, rule, seen } = await scene(usher)
      const ada = await push('ada', { [ENTERPRISE]: { department: 'Sales' } })
      await usher.signIn(connection, { sub: 'ada', unit: 'Research' })
      t.match(await seen(ada), { [ENTERPRISE]: { department: 'Sales' } })
      // Not by the process that signs people in.
      await rule({ attributes: { [DEPARTMENT]: 'sign-in' } })
      await usher.signIn(connection, { sub: 'ada', unit: 'Research' })
      t.match(await seen(ada), { [ENTERPRISE]: { department: 'Research' } })
      await rule({ attributes: { [DEPARTMENT]: null } })
      await usher.signIn(connection, { sub: 'ada', unit: 'Labs' })
      t.match(await seen(ada), { [ENTERPRISE]: { department: /^(?!Labs)/ } })
      t.same(await checkInvariants(usher.db), [])
    },
    'a person made by a sign-in is overridden too, and adoption keeps what is in force': async (t, usher) => {
      const { connection, put, rule, seen, one, push, path } = await scene(usher)
      await rule({ attributes: { nickName: 'sign-in' } })
      const claims = {
        sub: 'ada',
        preferred_username: 'ada',
        name: 'Ada',
        nickname: 'Boss',
        unit: 'Research',
      }
      await usher.signIn(connection, claims)
      const [{ id: ada = '' } = {}] = (await usher.admin('GET', `${path}/users`)).body.items
      t.same(outcome(await put(ada, 'displayName', { value: 'A.' })), [409, 'outranked'])
      t.equal((await put(ada, 'displayName', { value: 'A.', until: inHours(1) })).status, 200)
      await usher.signIn(connection, { ...claims, name: 'Ada L' })
      t.match(await one(ada, 'displayName'), {
        value: 'A.',
        beneath: [{ source: 'sign-in', value: 'Ada L' }],
      })
      t.equal(await push('ada', { displayName: 'Lady Ada', nickName: 'A' }), ada, 'adopted')
      t.match(await one(ada, 'displayName'), {
        value: 'A.',
        source: 'administrator',
        beneath: [{ source: 'scim', value: 'Lady Ada' }],
      })
      t.match(await one(ada, 'nickName'), { value: 'Boss', source: 'sign-in', beneath: [{ source: 'scim' }] })
      t.equal((await seen(ada))[ENTERPRISE], undefined, 'what SCIM is silent about goes, as ever')
      t.same(await checkInvariants(usher.db), [])
    },
    'who returns within the time keeps it, who returns later does not': async (t, usher) => {
      const { scim, push, put, seen, round, path } = await scene(usher)
      const [ada, bob] = [await push('ada', { title: 'Engineer' }), await push('bob', { title: 'Engineer' })]
      for (const id of [ada, bob]) await put(id, 'title', { value: 'Head', until: inHours(48) })
      for (const id of [ada, bob]) await scim('DELETE', `/Users/${id}`)
      clock.pass(DAY)
      t.equal(await push('ada', { title: 'Fellow' }), ada)
      t.match(await seen(ada), { title: 'Head' })
      clock.pass(DAY)
      await round()
      t.match(await seen(ada), { title: 'Fellow' })
      t.equal((await usher.admin('POST', `${path}/users/${bob}/restore`)).status, 200)
      t.match(await seen(bob), { title: 'Engineer' })
      t.same(await checkInvariants(usher.db), [])
    },
    'places go by what is heard, and simulations by what would be': async (t, usher) => {
      const { scim, push, put, rule, path, connection } = await scene(usher)
      await rule({ guests: { userTypes: ['Guest'] }, attributes: { userType: 'administrator' } })
      const ada = await push('ada', { active: false, userType: 'Member' })
      await put(ada, 'userType', { value: 'Guest' })
      const simulate = async (body: object) =>
        (await usher.admin('POST', `${path}/policies/simulate`, body)).body
      t.match(await simulate({ policy: { attributes: { userType: 'scim' } } }), {
        people: { different: 1, items: [{ before: { give: 'none' }, after: { give: 'create' } }] },
      })
      t.equal((await patchUser(scim, ada, { active: true })).status, 200)
      t.notMatch(await usher.admin('GET', `${path}/users/${ada}`), { body: { workspace: {} } })
      await scim('DELETE', `/Users/${ada}`)
      const again = person('ada', { externalId: 'ada', userType: 'Member' })
      const foretold = await simulate({ connection: connection.id, push: again })
      t.match(foretold, { outcome: { outcome: 'restore' } })
      t.notMatch(foretold, { outcome: { workspace: {} } })
      t.equal(await push('ada', { userType: 'Member' }), ada)
      t.notMatch(await usher.admin('GET', `${path}/users/${ada}`), { body: { workspace: {} } })
    },
    'a PATCH and an override at once lose nothing': async (t, usher) => {
      const { scim, push, put, one, events } = await scene(usher)
      const ada = await push('ada', { title: 'v' })
      for (const n of [1, 2, 3, 4, 5]) {
        const answers = await Promise.all([
          patchUser(scim, ada, { title: `scim ${n}` }),
          put(ada, 'title', { value: `override ${n}`, until: inHours(n) }),
          patchUser(scim, ada, { nickName: `nick ${n}` }),
        ])
        t.same(
          answers.map(({ status }) => status),
          [200, 200, 200],
        )
        t.match(await one(ada, 'title'), {
          value: `override ${n}`,
          beneath: [{ source: 'scim', value: `scim ${n}` }],
        })
        t.match(await one(ada, 'nickName'), { value: `nick ${n}`, source: 'scim' })
      }
      t.equal((await events(ada)).length, 15)
      t.same(await checkInvariants(usher.db), [])
    },
    'another organization’s people are not there': async (t, usher) => {
      const [ours, theirs] = [await scene(usher), await scene(usher)]
      const ada = await theirs.push('ada')
      t.equal((await theirs.put(ada, 'title', { value: 'Head' })).status, 200)
      t.equal((await ours.list(ada)).status, 404)
      t.equal((await ours.put(ada, 'title', { value: 'x' })).status, 404)
      t.equal((await ours.end(ada, 'title')).status, 404)
      t.match(await theirs.one(ada, 'title'), { value: 'Head' })
    },
    'the worker ends what is over in every organization': async (t, usher) => {
      const scenes = [await scene(usher), await scene(usher)]
      const people: (() => Promise<unknown>)[] = []
      for (const { push, put, seen } of scenes)
        for (let n = 0; n < 3; n++) {
          const id = await push(`p${n}`, { title: 'Engineer' })
          await put(id, 'title', { value: 'Head', until: inHours(1) })
          people.push(async () => (await seen(id)).title)
        }
      clock.pass(HOUR)
      const log = { warn: () => t.fail('nothing goes wrong') }
      const host = { db: usher.db, clock: clock.now, resolveTxt: async () => [], log }
      const { signal } = new AbortController()
      await Promise.all(['a', 'b'].map((holder) => attributesOnce(host, holder, signal)))
      t.same(await Promise.all(people.map((ask) => ask())), Array(6).fill('Engineer'))
      t.same(await usher.rows('select from attribute_ends where at <= $1', [clock.now()]), [])
    },
    'erasing clears it': async (t, usher) => {
      const { scim, push, put, path, sources, organization } = await scene(usher)
      const ada = await push('ada', { title: 'Engineer' })
      await put(ada, 'title', { value: 'Head', until: inHours(48) })
      await scim('DELETE', `/Users/${ada}`)
      t.equal((await usher.admin('POST', `${path}/users/${ada}/erase`)).status, 200)
      t.equal(await sources(ada), null)
      t.same(await usher.rows('select from attribute_ends where organization_id = $1', [organization.id]), [])
      t.same(await checkInvariants(usher.db), [])
    },
  },
  { clock: clock.now },
)

const value = fc.constantFrom('a', 'b', 'c')
const maybe = fc.option(value, { nil: undefined })
const doing = fc.oneof(
  maybe.map((scim) => ({ scim })),
  value.map((signIn) => ({ signIn })),
  fc.record({ said: value, until: fc.option(fc.integer({ min: 1, max: 9 }), { nil: undefined }) }),
  fc.constant({ unsaid: true }),
  fc.integer({ min: 1, max: 9 }).map((now) => ({ now })),
  fc
    .constantFrom<Source | undefined>('scim', 'sign-in', 'administrator', undefined)
    .map((first) => ({ first })),
)
const at = (day: number) => new Date(Date.UTC(2026, 0, day))

t.test('whatever is said in whatever order, who is heard follows from what each has said last', async () => {
  fc.assert(
    fc.property(fc.constantFrom('title', DEPARTMENT), fc.array(doing, { maxLength: 12 }), (name, steps) => {
      const document = (of: string | undefined) =>
        of === undefined ? {} : name === 'title' ? { title: of } : { [ENTERPRISE]: { department: of } }
      let first: Source | undefined
      let now = at(1)
      let record: Spoken = { attributes: {}, sources: null, managed: true }
      const said: { [source in Source]?: string } = {}
      let until: Date | undefined
      for (const step of steps) {
        const rules = { attributes: first ? { [name]: first } : {} }
        if ('scim' in step) record = { ...record, ...afterPush(rules, record, document(step.scim)) }
        if ('scim' in step) said.scim = step.scim as string
        if ('signIn' in step && first === 'sign-in') said['sign-in'] = step.signIn
        if ('signIn' in step) record = { ...record, ...afterSignIn(rules, record, document(step.signIn)) }
        if ('said' in step) {
          until = step.until === undefined ? undefined : at(now.getUTCDate() + step.until)
          said.administrator = step.said
          const word = { value: step.said, ...(until && { until: until.toISOString() }) }
          record = { ...record, ...afterAdministrator(rules, record, { name, word }) }
        }
        if ('unsaid' in step) record = { ...record, ...afterAdministrator(rules, record, { name }) }
        if ('now' in step) now = at(now.getUTCDate() + step.now)
        if ('first' in step) first = step.first
        if ('unsaid' in step || (until && until <= now)) {
          delete said.administrator
          until = undefined
        }
        record = { ...record, ...heardBy({ attributes: first ? { [name]: first } : {} }, record, now) }
        const order: Source[] = ['scim', 'sign-in', 'administrator']
        if (first) order.unshift(first)
        if (until) order.unshift('administrator')
        const expected = order.map((source) => said[source]).find((one) => one !== undefined)
        const found = { attributes: record.attributes, usual: record.sources === null }
        const others = [said['sign-in'], said.administrator].some((one) => one !== undefined)
        const wanted = { attributes: document(expected), usual: !others }
        if (JSON.stringify(found) !== JSON.stringify(wanted))
          throw new Error(JSON.stringify({ found, wanted }))
      }
    }),
    { numRuns: 500 },
  )
})
