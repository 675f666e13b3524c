import { randomBytes } from 'node:crypto'
import t, { type Test } from 'tap'
import { checkInvariants, transact } from '../../db/index.ts'
import { buildApp } from '../../src/app.ts'
import { readConfig } from '../../src/config.ts'
import { seeOffIn } from '../../src/provisioning/departures.ts'
import { retryHeld } from '../../src/provisioning/retry.ts'
import { switchUser } from '../../src/provisioning/signals.ts'
import { type Ask, answerOf, scimAsk } from './api.ts'
import { DAY, HOUR, stoppedClock } from './clock.ts'
import { holdOnEachLayout } from './layouts.ts'
import { patchOp, patchUser, person } from './people.ts'
import { PUBLIC_URL, type Usher } from './usher.ts'

const clock = stoppedClock()
const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'
const OIDC = { issuer: 'https://idp.example', clientId: 'c', correlationClaim: 'oid' }
const SALES = { [ENTERPRISE]: { department: 'Sales' } }
const RESEARCH = { [ENTERPRISE]: { department: 'Research' } }

const signalOf = () => new AbortController().signal
const log = { warn: (what: object) => console.error(what) }

async function scene(usher: Usher) {
  const { organization, scim, connection, token } = await usher.makePusher({ oidc: OIDC, scim: {} })
  const { path, id: organizationId } = organization
  const rule = async (patch: object) => {
    const answer = await usher.admin('PATCH', `${path}/policy`, patch)
    if (answer.status !== 200) throw new Error(answer.text)
  }
  const { id: research } = (await usher.admin('POST', `${path}/teams`, { name: 'Research' })).body
  /** Whose department is nobody's is held. */
  const strict = (departments: object = { research }) =>
    rule({ homes: { by: 'department', teams: departments, otherwise: 'hold' } })
  const push = async (name: string, more: object = {}) => {
    const { status, body, text } = await scim('POST', '/Users', person(name, { externalId: name, ...more }))
    if (status !== 201) throw new Error(text)
    if (body.active !== true) throw new Error('is answered as somebody inactive')
    return body.id
  }
  const ask = (id: string, what = '', method: 'GET' | 'POST' | 'DELETE' = 'GET') =>
    usher.admin(method, `${path}/users/${id}${what}`)
  const standing = async (id: string) => {
    const { status, reason, workspace } = (await ask(id)).body as {
      status?: string
      reason?: { code: string }
      workspace?: { home: { id: string } }
    }
    return [status, reason?.code, workspace?.home.id]
  }
  /** The events, without the requests that changed nothing, which are noted late. */
  const told = async (id: string) =>
    (await ask(id, '/timeline?limit=100')).body.items
      .map(({ type }) => String(type))
      .filter((type) => !type.startsWith('request.'))
      .reverse()
  const named = async (filter: string) =>
    (await usher.admin('GET', `${path}/users?filter=${encodeURIComponent(filter)}`)).body.items.map(
      ({ userName }) => userName,
    )
  const retry = (stop = signalOf()) => retryHeld({ db: usher.db, clock: clock.now, log }, stop)
  const scope = { db: usher.db, organizationId, now: clock.now(), actor: 'system', requestId: '' }
  return {
    ...{
      organization,
      scim,
      connection,
      token,
      path,
      research,
      rule,
      strict,
      push,
      ask,
      standing,
      told,
      named,
    },
    ...{ retry, scope },
  }
}

/** As the identity providers say that somebody goes, or comes back. */
const patchActive = (scim: Ask, id: string, value: boolean) =>
  scim('PATCH', `/Users/${id}`, patchOp({ Operations: [{ op: 'replace', path: 'active', value }] }))

/** SCIM of a second process on the same database, which remembers policies of its own. */
async function anotherProcess(t: Test, { db }: Usher, token: string): Promise<Ask> {
  const config = readConfig({
    USHER_PUBLIC_URL: PUBLIC_URL,
    USHER_SECRET_KEY: randomBytes(32).toString('base64'),
    LOG_LEVEL: 'silent',
  })
  const app = await buildApp({ config, db, clock: clock.now })
  t.teardown(() => app.close())
  return scimAsk(async ({ method, url, headers = {}, body }) => {
    const payload = body === undefined ? {} : { payload: JSON.stringify(body) }
    const answer = await app.inject({ method, url, headers, ...payload })
    return answerOf(answer.statusCode, answer.headers, answer.body)
  }, token)
}

const sound = async (t: Test, usher: Usher) => t.same(await checkInvariants(usher.db), [])

/** How often somebody is told to have got a place, or to be held. */
const times = (types: readonly string[], type: string) => types.filter((one) => one === type).length

holdOnEachLayout(
  t,
  {
    'who has no home yet is held, for one reason, and to SCIM as anybody else': async (t, usher) => {
      const { push, strict, standing, ask, named, scim, path, research } = await scene(usher)
      await strict()
      const [ada, bob] = [await push('ada', SALES), await push('bob')]
      const carl = await push('carl', RESEARCH)
      t.same(await standing(ada), ['held', 'home_unknown', undefined])
      t.same(await standing(carl), ['ready', undefined, research])
      t.match((await ask(ada, '/explain')).body, {
        status: 'held',
        reason: { code: 'home_unknown', sentence: /team/, nextStep: /homes\.teams/ },
        decisions: [
          {
            ...{ outcome: 'user.held', policyVersion: 2, rule: 'no home for the department' },
            inputs: { via: 'scim', code: 'home_unknown' },
          },
          { outcome: 'user.created' },
        ],
      })
      t.match((await ask(bob, '/explain')).body, { decisions: [{ rule: 'no department is known' }, {}] })
      t.same(await named('status eq "held" and reason eq "home_unknown"'), ['ada', 'bob'])
      t.match((await scim('GET', `/Users/${ada}`)).body, { active: true })
      t.equal((await scim('GET', '/Users?filter=active%20eq%20true')).body.totalResults, 3)
      clock.pass(2 * HOUR)
      t.match((await usher.admin('GET', `${path}/reports/held`)).body, {
        result: { people: 2, reasons: [{ reason: 'home_unknown', people: 2, age: { hour: 0, day: 2 } }] },
      })
      await sound(t, usher)
    },

    'a held person is suspended, returns, is deleted and restored as any other': async (t, usher) => {
      const { push, strict, standing, scim, ask, told, rule } = await scene(usher)
      await strict()
      const ada = await push('ada', SALES)
      const switched = async (active: boolean) => (await patchActive(scim, ada, active)).body.active
      t.equal(await switched(false), false)
      t.same(await standing(ada), ['suspended', 'suspended_by_scim', undefined])
      await sound(t, usher)
      t.equal(await switched(true), true)
      t.same(await standing(ada), ['held', 'home_unknown', undefined])
      await ask(ada, '/suspend', 'POST')
      t.same(await standing(ada), ['suspended', 'suspended_by_administrator', undefined])
      t.match(await ask(ada, '/reactivate', 'POST'), { body: { status: 'held' } })
      await sound(t, usher)
      t.equal((await scim('DELETE', `/Users/${ada}`)).status, 204)
      t.same(await standing(ada), ['leaving', 'leaving', undefined])
      await sound(t, usher)
      t.match(await ask(ada, '/restore', 'POST'), { body: { status: 'held' } })
      await scim('DELETE', `/Users/${ada}`)
      t.equal(await push('ada', SALES), ada)
      t.same(await standing(ada), ['held', 'home_unknown', undefined])
      await switched(false)
      await rule({ homes: null })
      t.equal(await switched(true), true)
      t.match(await standing(ada), ['ready', undefined, /./])
      t.equal(times(await told(ada), 'user.provisioned'), 1)
      await sound(t, usher)
    },

    'signals suspend a held person, and let them in again': async (t, usher) => {
      const { push, strict, standing, scope } = await scene(usher)
      await strict()
      const ada = await push('ada', SALES)
      const signal = (active: boolean) =>
        transact(usher.db, (db) =>
          switchUser({ ...scope, db }, { userId: ada, active, data: { via: 'signal' } }),
        )
      t.equal(await signal(false), true)
      t.same(await standing(ada), ['suspended', 'suspended_by_scim', undefined])
      t.equal(await signal(false), false, 'once')
      t.equal(await signal(true), true)
      t.same(await standing(ada), ['held', 'home_unknown', undefined])
      await sound(t, usher)
    },

    'what SCIM says of a held person is tried at once, be it nothing new': async (t, usher) => {
      const { push, strict, standing, scim, told, research } = await scene(usher)
      await strict()
      const [ada, bob, carl] = [await push('ada', SALES), await push('bob', SALES), await push('carl', SALES)]
      const before = (await scim('GET', `/Users/${ada}`)).body.meta.version
      await patchUser(scim, ada, { displayName: 'ada A' })
      t.equal((await scim('GET', `/Users/${ada}`)).body.meta.version, before, 'still the same')
      await patchUser(scim, ada, { displayName: 'Ada' })
      t.same(await standing(ada), ['held', 'home_unknown', undefined])
      t.equal(times(await told(ada), 'user.held'), 1)
      t.match(await patchUser(scim, ada, RESEARCH), { status: 200, body: { active: true } })
      t.same(await standing(ada), ['ready', undefined, research])
      t.same(await told(ada), [
        'user.created',
        'user.held',
        'user.changed',
        'user.changed',
        'user.provisioned',
      ])
      await strict({ sales: research })
      t.equal(
        (await scim('PUT', `/Users/${bob}`, person('bob', { externalId: 'bob', ...SALES }))).status,
        200,
      )
      t.same(await standing(bob), ['ready', undefined, research])
      t.same(await told(bob), ['user.created', 'user.held', 'user.provisioned'])
      t.equal((await patchActive(scim, carl, true)).status, 200)
      t.same(await standing(carl), ['ready', undefined, research])
      await sound(t, usher)
    },

    'what an administrator says of a held person is tried within seconds': async (t, usher) => {
      const { push, strict, standing, path, retry, research } = await scene(usher)
      await strict()
      const ada = await push('ada', SALES)
      const until = new Date(clock.now().getTime() + DAY).toISOString()
      const at = `${path}/users/${ada}/attributes/${encodeURIComponent(`${ENTERPRISE}:department`)}`
      t.match(await usher.admin('PUT', at, { value: 'Research', until }), { status: 200 })
      t.same(await standing(ada), ['held', 'home_unknown', undefined])
      await retry()
      t.same(await standing(ada), ['ready', undefined, research])
      await sound(t, usher)
    },

    'a sign-in of whoever is held begins no session, and places them once it can': async (t, usher) => {
      const { organization, connection, strict, standing, named, told, push } = await scene(usher)
      await strict()
      const bob = await push('bob', SALES)
      const enter = (oid: string) => usher.signIn(connection, { sub: `s-${oid}`, oid, name: oid })
      for (const oid of ['ada', 'ada', 'bob']) t.match(await enter(oid), { code: 'home_unknown', cookie: '' })
      t.same(await named('status eq "held"'), ['bob', 's-ada'])
      const [ada] = await usher.rows<{ id: string }>(
        `select u.id from users u join identities i on i.organization_id = $1 and i.user_id = u.id
         where u.organization_id = $1 and i.subject = 's-ada'`,
        [organization.id],
      )
      const id = ada?.id ?? ''
      t.same(await told(id), ['user.created', 'user.held', 'sign-in.refused', 'sign-in.refused'])
      t.same(await told(bob), ['user.created', 'user.held', 'user.linked', 'sign-in.refused'])
      t.same(await usher.rows('select from sessions where organization_id = $1', [organization.id]), [])
      await sound(t, usher)
      await strict({})
      t.match(await enter('ada'), { code: 'home_unknown' }, 'another policy, and the same reason')
      await usher.admin('PATCH', `${organization.path}/policy`, { homes: null })
      t.notOk((await enter('ada')).code)
      t.notOk((await enter('bob')).code)
      t.match([await standing(id), await standing(bob)], [['ready'], ['ready']])
      t.same((await told(id)).slice(-2), ['user.provisioned', 'session.begun'])
      await sound(t, usher)
    },

    'another policy is tried on everybody who is held, by any number of processes': async (t, usher) => {
      const { push, strict, organization, retry, standing, told, research } = await scene(usher)
      await strict()
      const names = Array.from({ length: 120 }, (_, i) => `p${i}`)
      const ids = await Promise.all(names.map((name, i) => push(name, i % 4 === 3 ? {} : SALES)))
      const placed = async () => {
        const [row] = await usher.rows<{ n: number }>(
          "select count(*)::int as n from users where organization_id = $1 and status = 'ready'",
          [organization.id],
        )
        return row?.n
      }
      await retry()
      t.equal(await placed(), 0, 'by the same policy nobody is tried')
      await strict({ sales: research })
      await retry(AbortSignal.abort())
      t.equal(await placed(), 0)
      await Promise.all([retry(), retry(), retry()])
      t.equal(await placed(), 90)
      const [first = '', , , last = ''] = ids
      t.same(await standing(first), ['ready', undefined, research])
      t.same(await told(first), ['user.created', 'user.held', 'user.provisioned'])
      t.same(await standing(last), ['held', 'home_unknown', undefined])
      t.same(await told(last), ['user.created', 'user.held'])
      const twice = await usher.rows(
        `select subject_id from events where organization_id = $1 and type = 'user.provisioned'
         group by 1 having count(*) > 1`,
        [organization.id],
      )
      t.same(twice, [])
      await sound(t, usher)
    },

    'nobody is placed by what another process remembers of a workspace that was archived': async (
      t,
      usher,
    ) => {
      const { push, rule, ask, standing, scim, scope, retry, connection, token, path, told } =
        await scene(usher)
      const other = await anotherProcess(t, usher, token)
      const owner = await push('owner')
      const { id: shared } = (await ask(owner)).body.workspace as { id: string }
      await rule({ workspace: { give: 'none' } })
      const { id: eve } = (await scim('POST', '/Users', person('eve', { active: false }))).body
      const dan = await push('dan')
      await usher.signIn(connection, { sub: 'dan', oid: 'dan' })
      await rule({ workspace: { give: 'join', join: shared, role: 'member' } })
      const pushed = async (name: string) =>
        (await other('POST', '/Users', person(name, { externalId: name }))).body.id
      // From here on it remembers that the workspace is there.
      const first = await pushed('first')
      t.match(await standing(first), ['ready'])
      await usher.signIn(connection, { sub: 'x', oid: 'first' })
      await scim('DELETE', `/Users/${owner}`)
      clock.pass(31 * DAY)
      await seeOffIn({ ...scope, now: clock.now() }, signalOf())
      t.match(await ask(owner), { body: { status: 'archived' } })
      const second = await pushed('second')
      t.same(await standing(second), ['held', 'workspace_unavailable', undefined])
      t.match(await usher.signIn(connection, { sub: 'new', oid: 'new' }), { code: 'workspace_unavailable' })
      t.notOk((await usher.signIn(connection, { sub: 'dan', oid: 'dan' })).code, 'who is ready stays so')
      await patchUser(other, eve, { active: true })
      t.same(await standing(eve), ['held', 'workspace_unavailable', undefined])
      t.same(
        await usher.rows(
          `select from memberships where organization_id = $1 and workspace_id = $2 and user_id = any($3::uuid[])`,
          [scope.organizationId, shared, [second, eve, dan]],
        ),
        [],
      )
      const { items } = (await usher.admin('GET', `${path}/policies?limit=2`)).body
      t.same(items[0]?.document, items[1]?.document, 'a version of its own')
      await sound(t, usher)
      t.equal((await ask(owner, '/restore', 'POST')).status, 200)
      await retry()
      t.match([await standing(second), await standing(eve)], [['ready'], ['ready']])
      t.same(await told(second), ['user.created', 'user.held', 'user.provisioned'])
      t.notOk((await usher.signIn(connection, { sub: 'dan', oid: 'dan' })).code)
      t.equal(times(await told(dan), 'user.provisioned'), 2, 'none at first, and then the place')
      await sound(t, usher)
    },

    'holding is foretold, of one and of everybody': async (t, usher) => {
      const { push, strict, path, connection, rule } = await scene(usher)
      const simulate = async (body: object) =>
        (await usher.admin('POST', `${path}/policies/simulate`, body)).body as Record<string, object>
      await strict()
      await push('ada', SALES)
      const homes = (more: object) => ({ policy: { homes: more } })
      t.match(await simulate(homes({ otherwise: 'organization' })), {
        people: {
          ...{ people: 1, different: 1, getting: 1 },
          items: [
            { effect: 'gets', before: { give: 'hold', reason: 'home_unknown' }, after: { give: 'create' } },
          ],
        },
      })
      t.match(await simulate({ policy: { workspace: { give: 'none' } } }), {
        people: { different: 1, getting: 0, items: [{ effect: 'released' }] },
      })
      t.match(await simulate({ connection: connection.id, signIn: { sub: 'new', oid: 'new' } }), {
        outcome: { outcome: 'create', held: { code: 'home_unknown', nextStep: /homes/ } },
      })
      t.match(await simulate({ connection: connection.id, signIn: { sub: 'ada', oid: 'ada' } }), {
        outcome: { outcome: 'link', held: { code: 'home_unknown' } },
      })
      await rule({ homes: null })
      await push('bob', SALES)
      t.match(await simulate(homes({ by: 'department', otherwise: 'hold' })), {
        people: { people: 2, different: 2, getting: 0, items: [{ effect: 'keeps' }, { effect: 'keeps' }] },
      })
    },
  },
  { clock: clock.now },
)
