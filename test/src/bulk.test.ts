import t from 'tap'
import { checkInvariants } from '../../db/index.ts'
import type { Answer, Ask, Body, Organization } from './api.ts'
import { holdOnEachLayout } from './layouts.ts'
import { patchOp, person, stateOf } from './people.ts'
import type { Usher } from './usher.ts'

const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'

type Operation = Readonly<Record<string, unknown>>
type Answered = Readonly<Partial<Record<'method' | 'bulkId' | 'location' | 'version' | 'status', string>>>

const bulk = (scim: Ask, Operations: readonly Operation[], query = ''): Promise<Answer> =>
  scim('POST', `/Bulk${query}`, { Operations })

const answersOf = ({ body }: Answer) => body.Operations as readonly Answered[]
const statuses = (answer: Answer) =>
  answersOf(answer)
    .map(({ status }) => status)
    .join(' ')
const idsOf = (answer: Answer) => answersOf(answer).map(({ location }) => location?.split('/').at(-1) ?? '')

const user = (bulkId: string, more: object = {}): Operation => ({
  method: 'POST',
  path: '/Users',
  bulkId,
  data: person(bulkId, more),
})
const group = (bulkId: string, members: readonly string[], more: object = {}): Operation => ({
  method: 'POST',
  path: '/Groups',
  bulkId,
  data: { displayName: bulkId, members: members.map((value) => ({ value })), ...more },
})
const patch = (path: string, ...Operations: Operation[]): Operation => ({
  method: 'PATCH',
  path,
  data: patchOp({ Operations }),
})
const managedBy = (value: string) => ({ [ENTERPRISE]: { manager: { value } } })
const member = (op: 'add' | 'remove', value: string) => ({ op, path: 'members', value: [{ value }] })
const memberIds = (body: Body) => (body.members as { value: string }[]).map(({ value }) => value).sort()

/** How many events of each type an organization has; of refusals, which leave one by design, none are counted. */
async function eventsIn(usher: Usher, { id }: Organization): Promise<Record<string, number>> {
  const text =
    'select type, count(*)::integer as n from events where organization_id = $1 and type <> $2 group by type'
  const rows = await usher.rows<{ type: string; n: number }>(text, [id, 'push.refused'])
  return Object.fromEntries(rows.map(({ type, n }) => [type, n]))
}

const everythingOf = async (usher: Usher, organization: Organization) => [
  await stateOf(usher, organization),
  await eventsIn(usher, organization),
]

holdOnEachLayout(t, {
  'a thousand people are made in one request, each once and wholly': async (t, usher) => {
    const { organization, scim } = await usher.makePusher()
    const people = Array.from({ length: 1000 }, (_, n) => user(`p${n}`, { externalId: `${n}` }))
    const answer = await bulk(scim, people)
    t.equal(answer.status, 200)
    t.ok(answersOf(answer).every(({ status }) => status === '201'))
    t.same(
      answersOf(answer).map(({ bulkId }) => bulkId),
      people.map(({ bulkId }) => bulkId),
    )
    t.match(await scim('GET', '/Users?count=0'), { body: { totalResults: 1000 } })
    t.match(await scim('GET', `/Users/${idsOf(answer)[999]}`), {
      body: { userName: 'p999', externalId: '999' },
    })
    const { 'user.created': created, 'user.provisioned': provisioned } = await eventsIn(usher, organization)
    t.same([created, provisioned], [1000, 1000])
    t.equal(
      statuses(await bulk(scim, people)),
      people.map(() => '409').join(' '),
      'and a second time nobody is',
    )
    t.same(await checkInvariants(usher.db), [])
  },

  'people, groups and what ties them are made in any order, circles among them': async (t, usher) => {
    const { organization, scim } = await usher.makePusher()
    const answer = await bulk(scim, [
      group('staff', ['bulkId:ada', 'bulkId:crew']),
      user('ada', managedBy('bulkId:bob')),
      user('bob', managedBy('bulkId:ada')),
      group('crew', ['bulkId:bob', 'bulkId:cyd']),
      user('cyd'),
      patch('/Groups/bulkId:staff', member('add', 'bulkId:cyd'), member('remove', 'bulkId:ada')),
    ])
    t.equal(statuses(answer), '201 201 201 201 201 200')
    const [staff = '', ada = '', bob = '', crew = '', cyd = ''] = idsOf(answer)
    const read = async (path: string) => (await scim('GET', path)).body
    t.match(await read(`/Users/${ada}`), { [ENTERPRISE]: { manager: { value: bob, displayName: 'bob B' } } })
    t.match(await read(`/Users/${bob}`), { [ENTERPRISE]: { manager: { value: ada, displayName: 'ada A' } } })
    t.same(memberIds(await read(`/Groups/${staff}`)), [crew, cyd].sort())
    t.same(memberIds(await read(`/Groups/${crew}`)), [bob, cyd].sort())
    t.match(answersOf(answer)[1]?.version, (await read(`/Users/${ada}`)).meta.version)
    t.match(await eventsIn(usher, organization), {
      'user.created': 3,
      'user.provisioned': 3,
      'group.created': 2,
      'group.changed': 1,
    })
    t.same(await checkInvariants(usher.db), [])
  },

  'an operation that fails leaves no trace of itself': async (t, usher) => {
    const { organization, scim } = await usher.makePusher()
    const before = await bulk(scim, [
      user('ada'),
      user('bob'),
      group('staff', ['bulkId:ada'], { externalId: 's' }),
    ])
    const [, bob = '', staff = ''] = idsOf(before)
    const everything = await everythingOf(usher, organization)
    const answer = await bulk(scim, [
      user('ADA'),
      user('cyd', { emails: [{ value: 7, type: {} }] }),
      // Two that refer to each other, the second of which is there already.
      user('dan', managedBy('bulkId:bob')),
      user('bob', managedBy('bulkId:dan')),
      user('eve', managedBy('bulkId:dan')),
      group('crew', ['bulkId:dan']),
      group('other', [bob], { externalId: 's' }),
      patch(
        `/Users/${bob}`,
        { op: 'replace', path: 'title', value: 'x' },
        { op: 'remove', path: 'userName' },
      ),
      patch(`/Users/${bob}`, { op: 'replace', path: 'userName', value: 'Ada' }),
      { ...patch(`/Groups/${staff}`, member('add', bob)), version: 'W/"7"' },
      { method: 'DELETE', path: `/Users/${bob}`, version: 'W/"7"' },
    ])
    t.equal(statuses(answer), '409 400 409 409 409 409 409 400 409 412 412')
    t.same(await everythingOf(usher, organization), everything)
  },

  'an atomic request is done wholly or not at all': async (t, usher) => {
    const { organization, scim } = await usher.makePusher()
    const [ada = '', staff = ''] = idsOf(await bulk(scim, [user('ada'), group('staff', ['bulkId:ada'])]))
    const everything = await everythingOf(usher, organization)
    const operations = [
      user('bob', managedBy('bulkId:cyd')),
      user('cyd', managedBy('bulkId:bob')),
      group('crew', ['bulkId:bob', ada]),
      patch(`/Groups/${staff}`, member('add', 'bulkId:cyd'), member('remove', ada)),
      patch(`/Users/${ada}`, { op: 'replace', path: 'active', value: false }),
    ]
    const failing: Record<string, Operation> = {
      'a name that is taken': user('ADA'),
      'a name that is taken in the request': user('Bob', { externalId: 'x' }),
      'a rename to a name that is taken': patch('/Users/bulkId:cyd', {
        op: 'replace',
        path: 'userName',
        value: 'ada',
      }),
      'somebody who is not there': { method: 'DELETE', path: `/Users/${staff}` },
      'a version that is not': { method: 'DELETE', path: `/Groups/${staff}`, version: 'W/"9"' },
    }
    for (const [what, operation] of Object.entries(failing)) {
      const last = { ...operation, ...(operation.bulkId ? { bulkId: 'last' } : {}) }
      const answer = await bulk(scim, [...operations, last, user('dan')], '?atomic=true')
      t.match(statuses(answer), /^409 409 409 409 409 (409|404|412) 409$/, what)
      const details = answersOf(answer).map(
        (one) => (one as { response?: { detail: string } }).response?.detail,
      )
      t.equal(details.filter((detail) => /^Undone/.test(detail ?? '')).length, 6, what)
      t.same(await everythingOf(usher, organization), everything, what)
    }
    const answer = await bulk(scim, operations, '?atomic=true')
    t.equal(statuses(answer), '201 201 201 200 200')
    const [bob = '', cyd = '', crew = ''] = idsOf(answer)
    const read = async (path: string) => (await scim('GET', path)).body
    t.same(memberIds(await read(`/Groups/${staff}`)), [cyd])
    t.same(memberIds(await read(`/Groups/${crew}`)), [bob, ada].sort())
    t.match(await read(`/Users/${ada}`), { active: false })
    t.same(await checkInvariants(usher.db), [])
  },

  'what is refused in a transaction leaves its event when all is undone': async (t, usher) => {
    const { organization, scim } = await usher.makePusher()
    const [ada = ''] = idsOf(await bulk(scim, [user('ada', { externalId: 'a' })]))
    const refusals = async () =>
      usher.rows(
        "select subject_id, data ->> 'code' as code from events where organization_id = $1 and type = 'push.refused' order by id",
        [organization.id],
      )
    await bulk(scim, [user('bob'), user('ADA', { externalId: 'x' })], '?atomic=true')
    t.match(await refusals(), [{ subject_id: ada, code: 'user_name_taken' }])
    await bulk(scim, [user('cyd', managedBy('bulkId:Ada')), user('Ada', managedBy('bulkId:cyd'))])
    t.match(await refusals(), [{}, { subject_id: ada, code: 'user_name_taken' }], 'of a circle, too')
    await bulk(scim, [user('dan'), { method: 'DELETE', path: '/Users/nobody' }], '?atomic=true')
    t.equal((await refusals()).length, 2, 'the client’s haste is none')
  },

  'somebody deleted is restored within a transaction too': async (t, usher) => {
    const { scim } = await usher.makePusher()
    const [ada = ''] = idsOf(await bulk(scim, [user('ada', { externalId: 'a' })]))
    const again = [{ method: 'DELETE', path: `/Users/${ada}` }, user('ada', { externalId: 'a' })]
    const answer = await bulk(scim, again, '?atomic=true')
    t.equal(statuses(answer), '204 201')
    t.same(idsOf(answer), [ada, ada])
  },

  'what another organization has is not there': async (t, usher) => {
    const { organization, scim } = await usher.makePusher()
    const other = await usher.makePusher()
    const [ada = '', staff = ''] = idsOf(await bulk(scim, [user('ada'), group('staff', ['bulkId:ada'])]))
    const everything = await everythingOf(usher, organization)
    const answer = await bulk(other.scim, [
      { method: 'PUT', path: `/Users/${ada}`, data: person('eve') },
      patch(`/Users/${ada}`, { op: 'replace', path: 'active', value: false }),
      { method: 'DELETE', path: `/Users/${ada}` },
      patch(`/Groups/${staff}`, { op: 'remove', path: 'members' }),
      { method: 'DELETE', path: `/Groups/${staff}` },
      group('mine', [ada, staff]),
    ])
    t.equal(statuses(answer), '404 404 404 404 404 201')
    t.match(await other.scim('GET', `/Groups/${idsOf(answer)[5]}`), { body: { members: [] } })
    t.same(await everythingOf(usher, organization), everything)
  },

  'changes of one group are made in the order of the request': async (t, usher) => {
    const { scim } = await usher.makePusher()
    const people = Array.from({ length: 10 }, (_, n) => user(`p${n}`))
    const made = await bulk(scim, [group('g', []), ...people])
    const [g = '', ...ids] = idsOf(made)
    const changes = ids.flatMap((id, n) => [
      patch(`/Groups/${g}`, member('add', id)),
      patch(`/Groups/${g}`, { op: 'replace', path: 'displayName', value: `name ${n}` }),
      ...(n % 2 === 0 ? [patch(`/Groups/${g}`, member('remove', id))] : []),
    ])
    const answer = await bulk(scim, changes)
    t.ok(
      answersOf(answer).every(
        ({ status }, n) => status === '200' && answersOf(answer)[n]?.version === `W/"${n + 2}"`,
      ),
    )
    const { body } = await scim('GET', `/Groups/${g}`)
    t.same(memberIds(body), ids.filter((_, n) => n % 2 === 1).sort())
    t.equal(body.displayName, 'name 9')
  },

  'the same people in several requests at once are made once': async (t, usher) => {
    const { organization, scim } = await usher.makePusher()
    const people = Array.from({ length: 150 }, (_, n) => user(`p${n}`, { externalId: `${n}` }))
    const queries = ['', '?atomic=true', '', '?atomic=true', '?atomic=false']
    const answers = await Promise.all(
      queries.map((query, n) => bulk(scim, n % 2 === 0 ? people : [...people].reverse(), query)),
    )
    const told = answers.flatMap(answersOf)
    t.ok(told.every(({ status }) => status === '201' || status === '409'))
    t.equal(told.filter(({ status }) => status === '201').length, 150)
    t.match(await eventsIn(usher, organization), { 'user.created': 150, 'user.provisioned': 150 })
    t.same(await checkInvariants(usher.db), [])
  },
})
