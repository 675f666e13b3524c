import t from 'tap'
import { takeLease } from '../../db/index.ts'
import { domainOf } from '../../src/domains/name.ts'
import { NoAnswer } from '../../src/domains/records.ts'
import { startWorker, workOnce } from '../../src/worker.ts'
import type { Body, Organization } from './api.ts'
import { holdOnEachLayout, type Rules } from './layouts.ts'
import { startUsher, type Usher } from './usher.ts'

/** The zones of these tests: texts by name; a name that nobody answers for has none. */
const zones = new Map<string, string[] | 'no answer'>()
const asked: string[] = []

async function resolveTxt(name: string): Promise<string[]> {
  asked.push(name)
  const found = zones.get(name) ?? []
  if (found === 'no answer') throw new NoAnswer(name)
  return found
}

let made = 0
const newDomain = () => `company-${++made}.example`

async function claim(usher: Usher, { path }: Organization, domain: string) {
  const answer = await usher.admin('POST', `${path}/domains`, { domain })
  const { record } = answer.body as Body & { record: { name: string; value: string } }
  return { answer, ...record }
}

const verify = (usher: Usher, { path }: Organization, domain: string) =>
  usher.admin('POST', `${path}/domains/${domain}/verify`)

/** An organization that has a domain verified. */
async function owner(usher: Usher) {
  const organization = await usher.makeOrganization()
  const domain = newDomain()
  const { name, value } = await claim(usher, organization, domain)
  zones.set(name, ['v=spf1 -all', value])
  const { status } = await verify(usher, organization, domain)
  if (status !== 200) throw new Error(`not verified: ${status}`)
  return { organization, domain, name, value }
}

const statusOf = async (usher: Usher, { path }: Organization, domain: string) =>
  (await usher.admin('GET', `${path}/domains`)).body.items.find((one) => one.domain === domain)?.status

const happened = async (usher: Usher, { id }: Organization) =>
  (
    await usher.rows<{ type: string; data: object }>(
      "select type, data from events where organization_id = $1 and type like 'domain.%' order by id",
      [id],
    )
  ).map(({ type, data }) => ({ type, ...data }))

const rules: Rules = {
  'a domain is claimed, then verified by its record': async (t, usher) => {
    const acme = await usher.makeOrganization()
    const domain = newDomain()
    const { answer, name, value } = await claim(usher, acme, domain.toUpperCase())
    t.match(answer, { status: 201, body: { domain, status: 'pending' } })
    t.equal(name, `_usher-challenge.${domain}`)
    t.match(value, /^usher-verification=[\w-]{43}$/)
    t.match(await verify(usher, acme, domain), {
      status: 409,
      body: { code: 'conflict', detail: /no TXT record/ },
    })
    zones.set(name, [`${value}x`, value.toUpperCase()])
    t.match(await verify(usher, acme, domain), { status: 409 }, 'exactly that text')
    zones.set(name, ['other', value])
    t.match(await verify(usher, acme, domain), {
      status: 200,
      body: { status: 'verified', verifiedAt: /Z$/ },
    })
    t.match(await verify(usher, acme, domain), { status: 200 }, 'as often as one likes')
    t.same(await happened(usher, acme), [
      { type: 'domain.claimed', domain },
      { type: 'domain.verified', domain, takenOver: false },
    ])
  },
  'while nobody answers nothing is verified, and nothing lost': async (t, usher) => {
    const { organization, domain, name } = await owner(usher)
    zones.set(name, 'no answer')
    t.match(await verify(usher, organization, domain), { status: 502, body: { code: 'bad_gateway' } })
    t.equal(await statusOf(usher, organization, domain), 'verified')
  },
  'what is no domain, or everybody’s, cannot be claimed': async (t, usher) => {
    const acme = await usher.makeOrganization()
    for (const domain of [
      'acme',
      '127.0.0.1',
      'a_b.example',
      'acme.example/x',
      'a@acme.example',
      '*.example',
    ])
      t.match(
        (await claim(usher, acme, domain)).answer,
        { status: 400, body: { code: 'invalid_request' } },
        domain,
      )
    for (const domain of ['gmail.com', 'GMX.de', 'outlook.com.', 'ｙａｈｏｏ.com'])
      t.match((await claim(usher, acme, domain)).answer, { status: 400, body: { detail: /anybody/ } }, domain)
    t.same((await usher.admin('GET', `${acme.path}/domains`)).body.items, [])
  },
  'a domain is the same in every spelling of it': async (t, usher) => {
    const acme = await usher.makeOrganization()
    const number = ++made
    t.equal((await claim(usher, acme, `Müller-${number}.example.`)).answer.status, 201)
    const domain = domainOf(`müller-${number}.example`) ?? ''
    t.match(domain, /^xn--/)
    for (const spelling of [
      `MÜLLER-${number}.example`,
      domain,
      domain.toUpperCase(),
      `mu\u0308ller-${number}.example`,
    ])
      t.equal((await claim(usher, acme, spelling)).answer.status, 409, spelling)
    t.equal((await claim(usher, acme, `muller-${number}.example`)).answer.status, 201, 'another')
    const path = `${acme.path}/domains/${encodeURIComponent(`Müller-${number}.example`)}`
    t.equal((await usher.admin('DELETE', path)).status, 204)
    t.equal((await usher.admin('DELETE', path)).status, 404)
  },
  'whoever has it keeps it while their record is there': async (t, usher) => {
    const { organization, domain, name, value } = await owner(usher)
    const other = await usher.makeOrganization()
    const theirs = await claim(usher, other, domain)
    t.equal(theirs.answer.status, 201, 'anybody may claim it')
    zones.set(name, [value, theirs.value])
    t.match(await verify(usher, other, domain), { status: 409, body: { detail: /Another organization/ } })
    t.equal(await statusOf(usher, organization, domain), 'verified')
    t.equal(await statusOf(usher, other, domain), 'pending')
    zones.set(name, [value])
    t.match(await verify(usher, other, domain), { status: 409, body: { detail: /no TXT record/ } })
  },
  'once it is gone the domain is another’s, and both have the event': async (t, usher) => {
    const { organization, domain, name, value } = await owner(usher)
    const other = await usher.makeOrganization()
    const theirs = await claim(usher, other, domain)
    zones.set(name, [theirs.value])
    t.match(await verify(usher, other, domain), { status: 200, body: { status: 'verified' } })
    t.equal(await statusOf(usher, organization, domain), 'pending')
    t.match((await happened(usher, organization)).at(-1), { type: 'domain.lost', domain, why: 'taken-over' })
    const shown = (await usher.admin('GET', `${organization.path}/domains`)).body.items
    t.match(shown, [{ status: 'pending', lost: { at: /Z$/, why: 'taken-over' } }])
    t.match((await happened(usher, other)).at(-1), { type: 'domain.verified', domain, takenOver: true })
    t.notMatch(
      JSON.stringify(await happened(usher, organization)),
      other.id,
      'and none says who the other is',
    )
    zones.set(name, [value, theirs.value])
    t.match(await verify(usher, organization, domain), { status: 409 }, 'nor is it taken back')
  },
  'of those who verify at once one has it': async (t, usher) => {
    const domain = newDomain()
    const rivals = await Promise.all(Array.from({ length: 5 }, () => usher.makeOrganization()))
    const claims = await Promise.all(rivals.map((rival) => claim(usher, rival, domain)))
    zones.set(
      `_usher-challenge.${domain}`,
      claims.map(({ value }) => value),
    )
    const answers = await Promise.all(rivals.map((rival) => verify(usher, rival, domain)))
    t.same(answers.map(({ status }) => status).sort(), [200, 409, 409, 409, 409])
    t.match(
      await usher.rows(
        'select count(*)::integer from domains where domain = $1 and verified_at is not null',
        [domain],
      ),
      [{ count: 1 }],
    )
  },
  'another organization sees and changes nothing of it': async (t, usher) => {
    const { domain } = await owner(usher)
    const other = await usher.makeOrganization()
    t.same((await usher.admin('GET', `${other.path}/domains`)).body.items, [])
    t.equal((await verify(usher, other, domain)).status, 404)
    t.equal((await usher.admin('DELETE', `${other.path}/domains/${domain}`)).status, 404)
  },
}
holdOnEachLayout(t, rules, { resolveTxt })

const HOUR = 60 * 60_000

/** A service whose time the test moves, and its worker. */
async function scene(t: Parameters<typeof startUsher>[0]) {
  let now = Date.UTC(2026, 0, 1)
  const clock = () => new Date(now)
  const usher = await startUsher(t, { clock, resolveTxt })
  const host = { db: usher.db, clock, resolveTxt, log: { warn: () => {} } }
  /** The next round, that many hours later. */
  const after = async (hours: number) => {
    now += hours * HOUR
    asked.length = 0
    await workOnce(host, 'worker', new AbortController().signal)
    return [...asked]
  }
  return { usher, host, after, clock }
}

t.test('verified domains are looked at daily', async (t) => {
  const { usher, after } = await scene(t)
  const { domain, name } = await owner(usher)
  await claim(usher, await usher.makeOrganization(), newDomain())
  t.same(await after(1), [])
  t.same(await after(24), [name], 'and mere claims are not')
  t.same(await after(1), [])
  t.same(await after(24), [name])
  t.match(await usher.rows('select verified_at, missing_since from domains where domain = $1', [domain]), [
    { verified_at: new Date(Date.UTC(2026, 0, 1)), missing_since: null },
  ])
})

t.test('a domain without its record is lost after seven days, and not before', async (t) => {
  const { usher, after } = await scene(t)
  const { organization, domain, name, value } = await owner(usher)
  zones.set(name, [])
  for (let day = 0; day <= 6; day++) {
    await after(25)
    t.equal(await statusOf(usher, organization, domain), 'verified', `day ${day}`)
  }
  t.match((await happened(usher, organization)).slice(2), [{ type: 'domain.missing', domain }], 'told once')
  await after(25)
  t.equal(await statusOf(usher, organization, domain), 'pending')
  t.match((await happened(usher, organization)).slice(3), [{ type: 'domain.lost', why: 'record-missing' }])
  const shown = async () => (await usher.admin('GET', `${organization.path}/domains`)).body.items
  t.match(await shown(), [{ status: 'pending', lost: { at: /Z$/, why: 'record-missing' } }])
  t.same(await after(48), [], 'nobody looks for it any more')
  zones.set(name, [value])
  t.match(await verify(usher, organization, domain), { status: 200 }, 'the same record wins it back')
  t.match(await shown(), [{ status: 'verified', lost: undefined }])
})

t.test('a record that comes back in time, and name servers that are away, cost nothing', async (t) => {
  const { usher, after } = await scene(t)
  const { organization, domain, name, value } = await owner(usher)
  zones.set(name, [])
  await after(25)
  t.match((await usher.admin('GET', `${organization.path}/domains`)).body.items, [{ missingSince: /Z$/ }])
  zones.set(name, [value])
  await after(25)
  t.notOk('missingSince' in ((await usher.admin('GET', `${organization.path}/domains`)).body.items[0] ?? {}))
  zones.set(name, 'no answer')
  for (let day = 0; day < 20; day++) await after(25)
  t.equal(await statusOf(usher, organization, domain), 'verified')
})

t.test('of several processes one works', async (t) => {
  const { usher, host, after, clock } = await scene(t)
  await owner(usher)
  await after(1)
  const lease = { name: 'other', now: clock(), until: new Date(clock().getTime() + HOUR) }
  const took = await Promise.all(['a', 'b', 'c'].map((holder) => takeLease(usher.db, { ...lease, holder })))
  t.equal(took.filter(Boolean).length, 1)
  asked.length = 0
  await Promise.all(['a', 'b'].map((holder) => workOnce(host, holder, new AbortController().signal)))
  t.same(asked, [], 'the lease of the round before still holds')
  t.equal((await after(25)).length, 1)
})

t.test('a worker stops when it is told to, and outlives a database that is away', async (t) => {
  const { usher, host } = await scene(t)
  const warned: string[] = []
  const log = { warn: (_what: object, message: string) => void warned.push(message) }
  await startWorker({ ...host, log })()
  t.same(warned, [])
  const broken = {
    ...usher.db,
    sequelize: { connectionManager: { pool: { acquire: () => Promise.reject(new Error('away')) } } },
  }
  await startWorker({ ...host, log, db: broken as unknown as Usher['db'] })() // only what a query asks of it
  t.same([...new Set(warned)], ['a round of the worker failed'])
})
