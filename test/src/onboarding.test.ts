import pg from 'pg'
import t, { type Test } from 'tap'
import { makeDatabase } from '../database.ts'
import type { Asked } from './api.ts'
import { adminAsk } from './api.ts'
import { holdOnEachLayout } from './layouts.ts'
import { patchUser, person } from './people.ts'
import { ADMIN_KEY, PUBLIC_URL, startUsher, type Usher } from './usher.ts'

const OIDC = { issuer: 'https://idp.example', clientId: 'c' }
const STEPS = [
  { key: 'sign-in', title: 'Sign in', event: 'session.begun' },
  { key: 'switch', title: 'Go elsewhere', event: 'session.switched' },
  {
    key: 'read',
    title: 'Read <this>',
    text: 'It is "short".',
    link: 'https://product.example/?a=1&b=2',
    translations: { de: { title: 'Das lesen' } },
  },
]

/** An organization, and one of its people at their browser. */
async function scene(usher: Usher, checklist?: object) {
  const { organization, connection, scim } = await usher.makePusher({ oidc: OIDC, scim: {} })
  const path = `${organization.path}/checklist`
  if (checklist) await usher.admin('PUT', path, checklist)
  const enter = async (sub: string) => {
    const { cookie } = await usher.signIn(connection, { sub, name: sub })
    const ask = (method: Asked['method'], url: string, more: Partial<Asked> = {}) =>
      usher.call({ method, url, headers: { cookie, origin: PUBLIC_URL }, ...more })
    const form = (fields: Record<string, string>, headers: Record<string, string> = { origin: PUBLIC_URL }) =>
      ask('POST', '/checklist', {
        headers: { cookie, 'content-type': 'application/x-www-form-urlencoded', ...headers },
        body: String(new URLSearchParams(fields)),
      })
    return { cookie, ask, form }
  }
  return { organization, connection, scim, path, enter }
}

/** What is asked of the database while `work` runs. */
async function statementsOf(work: () => Promise<unknown>): Promise<string[]> {
  const texts: string[] = []
  const { query } = pg.Client.prototype
  pg.Client.prototype.query = function spy(this: pg.Client, ...given: [unknown, unknown?]) {
    const [first] = given
    texts.push(typeof first === 'string' ? first : String(Reflect.get(Object(first), 'text')))
    return Reflect.apply(query, this, given)
  } as typeof query
  try {
    await work()
  } finally {
    pg.Client.prototype.query = query
  }
  return texts
}

/** What provisioning is for, from the push to the end. */
async function mainFlows(t: Test, usher: Usher, of: Awaited<ReturnType<typeof scene>>): Promise<void> {
  const { id } = (await of.scim('POST', '/Users', person('ada', { externalId: 'ada' }))).body
  t.match(await of.scim('GET', '/Users?filter=userName eq "ada"'), { body: { totalResults: 1 } })
  const ada = await of.enter('ada')
  t.match(await ada.ask('GET', '/'), { status: 200, text: /My workspace/ })
  t.match(await ada.ask('GET', '/session'), { status: 200, body: { role: 'owner' } })
  t.equal((await ada.ask('GET', '/session/verify')).status, 200)
  const [own] = (await ada.ask('GET', '/v1/me/workspaces')).body.items
  t.match(own, { role: 'owner' })
  const newcomer = await of.enter('newcomer')
  t.match(await newcomer.ask('GET', '/'), { status: 200, text: /My workspace/ })
  t.equal((await patchUser(of.scim, id, { active: false })).status, 200)
  t.equal((await ada.ask('GET', '/session')).status, 401)
  t.match(await usher.admin('GET', `${of.organization.path}/users/${id}/timeline`), { status: 200 })
  t.equal((await patchUser(of.scim, id, { active: true })).status, 200)
  t.equal((await of.scim('DELETE', `/Users/${id}`)).status, 204)
}

holdOnEachLayout(t, {
  'a new organization has no checklist, and nothing looks for one': async (t, usher) => {
    const of = await scene(usher)
    const asked = await statementsOf(async () => {
      await mainFlows(t, usher, of)
      const { ask } = await of.enter('bob')
      t.notMatch((await ask('GET', '/')).text, /class="checklist"/)
      t.match(await ask('GET', '/v1/me/checklist'), { status: 404, body: { code: 'not_found' } })
      t.equal((await ask('PUT', '/v1/me/checklist/steps/sign-in')).status, 404)
      t.equal((await ask('POST', '/v1/me/checklist/dismiss')).status, 404)
    })
    t.ok(asked.length > 10)
    t.same(
      asked.filter((text) => /onboarding/i.test(text)),
      [],
    )
  },

  'an administrator turns it on, and off again, with what people did kept': async (t, usher) => {
    const of = await scene(usher)
    t.match(await usher.admin('GET', of.path), { status: 200, body: { enabled: false, version: 0 } })
    const on = await usher.admin('PUT', of.path, { enabled: true })
    t.match(on, { status: 200, headers: { etag: '"1"' }, body: { enabled: true, version: 1 } })
    const { ask } = await of.enter('ada')
    t.match(await ask('GET', '/v1/me/checklist'), {
      status: 200,
      body: {
        dismissed: false,
        complete: false,
        steps: [
          { key: 'sign-in', by: 'event', done: true },
          { key: 'workspace', by: 'event', done: true },
          { key: 'look-around', by: 'person', done: false },
        ],
      },
    })
    t.match(await ask('PUT', '/v1/me/checklist/steps/look-around'), { status: 200, body: { complete: true } })
    await usher.admin('PUT', of.path, { enabled: false })
    t.equal((await ask('GET', '/v1/me/checklist')).status, 404)
    await usher.admin('PUT', of.path, { enabled: true })
    t.match(await ask('GET', '/v1/me/checklist'), { status: 200, body: { complete: true } })
    const events = await usher.rows(
      "select data from events where organization_id = $1 and type = 'checklist.changed' order by id",
      [of.organization.id],
    )
    t.match(events, [
      { data: { enabled: true, version: 1 } },
      { data: { enabled: false, version: 2 } },
      { data: { enabled: true, version: 3 } },
    ])
    const stale = adminAsk(usher.call, ADMIN_KEY, { 'if-match': '"1"' })
    t.equal((await stale('PUT', of.path, { enabled: true })).status, 412)
  },

  'what is no checklist changes nothing': async (t, usher) => {
    const of = await scene(usher, { enabled: true, steps: STEPS })
    const step = { key: 'a', title: 'A' }
    for (const wrong of [
      {},
      { enabled: 'yes' },
      { enabled: true, steps: [{ key: 'a' }] },
      { enabled: true, steps: [{ ...step, key: 'A b' }] },
      { enabled: true, steps: [step, step] },
      { enabled: true, steps: [{ ...step, link: 'javascript:alert(1)' }] },
      { enabled: true, steps: [{ ...step, link: '//evil.example' }] },
      { enabled: true, steps: [{ ...step, link: '/\\evil.example' }] },
      { enabled: true, steps: [{ ...step, link: 'http://plain.example' }] },
      { enabled: true, steps: [{ ...step, event: 'user.suspended' }] },
      { enabled: true, steps: Array.from({ length: 21 }, (_, n) => ({ ...step, key: `s${n}` })) },
      { enabled: true, steps: [{ ...step, translations: { __proto__x: { title: 'x' } } }] },
    ])
      t.match(
        await usher.admin('PUT', of.path, wrong),
        { status: 400, body: { code: 'invalid_request' } },
        JSON.stringify(wrong).slice(0, 80),
      )
    t.match(await usher.admin('GET', of.path), { body: { enabled: true, version: 1, steps: STEPS } })
  },

  'steps are done by what happens or by their person, once each': async (t, usher) => {
    const of = await scene(usher, { enabled: true, steps: STEPS })
    const [ada, bob] = [await of.enter('ada'), await of.enter('bob')]
    const done = async (who: typeof ada) =>
      (
        (await who.ask('GET', '/v1/me/checklist')).body.steps as unknown as { key: string; done: boolean }[]
      ).flatMap((step) => (step.done ? [step.key] : []))
    t.same(await done(ada), ['sign-in'])
    t.match(await ada.ask('PUT', '/v1/me/checklist/steps/switch'), {
      status: 409,
      body: { code: 'conflict' },
    })
    t.equal((await ada.ask('PUT', '/v1/me/checklist/steps/nothing')).status, 404)
    for (const _ of [1, 2]) t.equal((await ada.ask('PUT', '/v1/me/checklist/steps/read')).status, 200)
    t.same(await done(ada), ['sign-in', 'read'])
    t.same(await done(bob), ['sign-in'], 'nobody else is further for it')
    const mine = (await ada.ask('GET', '/session')).body.user as { id: string }
    const events = await usher.rows(
      "select type, actor from events where subject_id = $1 and type like 'checklist.%'",
      [mine.id],
    )
    t.same(events, [{ type: 'checklist.step-done', actor: `user:${mine.id}` }])
  },

  'it is put away and brought back, by the product and without any script': async (t, usher) => {
    const of = await scene(usher, { enabled: true, steps: STEPS })
    const { ask, form } = await of.enter('ada')
    const page = async () => (await ask('GET', '/')).text
    const before = await page()
    t.match(before, 'Getting started')
    t.match(before, 'Read &lt;this&gt;</a>')
    t.match(before, 'href="https://product.example/?a=1&amp;b=2"')
    t.match(before, /name="do" value="finish" aria-label="Mark as done: Read &lt;this&gt;"/)
    t.match(await form({ do: 'finish', step: 'read' }), { status: 303, headers: { location: '/' } })
    t.notMatch(await page(), 'value="finish"')
    t.match(await form({ do: 'dismiss' }), { status: 303, headers: { location: '/' } })
    t.notMatch(await page(), 'Getting started')
    t.match(await page(), 'value="resume"')
    t.match(await ask('GET', '/v1/me/checklist'), { body: { dismissed: true } })
    t.match(await ask('POST', '/v1/me/checklist/resume'), { status: 200, body: { dismissed: false } })
    t.match(await ask('POST', '/v1/me/checklist/dismiss'), { status: 200, body: { dismissed: true } })
    t.equal((await form({ do: 'resume' })).status, 303)
    t.match(await page(), 'Getting started')
    const german = await ask('GET', '/?lang=de')
    t.match(german.text, 'Erste Schritte')
    t.match(german.text, 'Das lesen')
    t.match(german.text, 'Go elsewhere', 'where there is no translation')
    t.match(await form({ do: 'other' }), { status: 400, headers: { 'content-type': /html/ } })
    t.match(await form({ do: 'finish' }), { status: 400 })
    t.match(await form({ do: 'finish', step: 'x' }), { status: 404 })
    t.equal((await form({ do: 'dismiss' }, { 'sec-fetch-site': 'cross-site' })).status, 403)
    t.equal((await form({ do: 'dismiss' }, {})).status, 403)
    t.match(await ask('GET', '/v1/me/checklist'), { body: { dismissed: false } })
  },

  'nobody is shown the checklist of another organization': async (t, usher) => {
    await scene(usher, { enabled: true, steps: STEPS })
    const { ask } = await (await scene(usher)).enter('ada')
    t.equal((await ask('GET', '/v1/me/checklist')).status, 404)
    t.equal((await usher.call({ method: 'GET', url: '/v1/me/checklist' })).status, 401)
  },
})

t.test('with the schema dropped everybody comes to their place', async (t) => {
  const usher = await startUsher(t)
  const of = await scene(usher, { enabled: true })
  await usher.rows('drop schema onboarding cascade')
  await mainFlows(t, usher, of)
  const { ask } = await of.enter('bob')
  const page = await ask('GET', '/')
  t.match(page, { status: 200, text: /My workspace/ })
  t.notMatch(page.text, /class="checklist"/)
  t.match(await ask('GET', '/v1/me/checklist'), { status: 503, body: { code: 'unavailable' } })
  t.match(await usher.makePusher(), { token: /./ }, 'other organizations come to be')
  const { id } = (await of.scim('POST', '/Users', person('eve', { externalId: 'eve' }))).body
  const eve = `${of.organization.path}/users/${id}`
  const told = await usher.admin('GET', `${eve}/export`)
  t.match(told, { status: 200, body: { user: { userName: 'eve' }, finishedSteps: undefined } })
  await of.scim('DELETE', `/Users/${id}`)
  t.match(await usher.admin('POST', `${eve}/erase`), { status: 200, body: { status: 'erased' } })
})

t.test('nothing outside of the schema depends on anything in it', async (t) => {
  const { config } = await makeDatabase(t)
  const client = new pg.Client(config)
  await client.connect()
  t.teardown(() => client.end())
  const { rows } = await client.query(
    `select d.classid::regclass as kind, d.objid from pg_depend d
     join pg_class c on c.oid = d.refobjid and c.relnamespace = 'onboarding'::regnamespace
     left join pg_class own on own.oid = d.objid and d.classid = 'pg_class'::regclass
     left join pg_constraint k on k.oid = d.objid and d.classid = 'pg_constraint'::regclass
     where coalesce(own.relnamespace, k.connamespace) <> 'onboarding'::regnamespace
       and own.relkind is distinct from 't'`,
  )
  t.same(rows, [], 'nothing outside depends on it')
})

t.test('a checklist that does not come keeps no page waiting, and holds up no sign-in', async (t) => {
  let now = new Date()
  const usher = await startUsher(t, { clock: () => now })
  const of = await scene(usher, { enabled: true })
  const { ask } = await of.enter('carol')
  const { config } = usher.db.sequelize
  const client = new pg.Client({
    host: config.host ?? '',
    port: Number(config.port),
    user: config.username ?? '',
    password: config.password ?? '',
    database: config.database ?? '',
  })
  await client.connect()
  await client.query('begin')
  await client.query('lock table onboarding.checklists in access exclusive mode')
  const answers = await Promise.all(Array.from({ length: 30 }, () => ask('GET', '/')))
  for (const answer of answers) {
    t.equal(answer.status, 200)
    t.notMatch(answer.text, /class="checklist"/)
  }
  await mainFlows(t, usher, of)
  const texts = await statementsOf(() => ask('GET', '/'))
  t.same(
    texts.filter((text) => /onboarding/.test(text)),
    [],
    'for a while nobody asks again',
  )
  await client.query('commit')
  await client.end()
  now = new Date(now.getTime() + 11_000)
  t.match((await ask('GET', '/')).text, /class="checklist"/)
})
