import fc from 'fast-check'
import t, { type Test } from 'tap'
import {
  groupType,
  type Json,
  readSchema,
  type Schema,
  ScimError,
  type ScimOptions,
  userType,
  withExtensions,
} from '../../scim/index.ts'
import { type Ask, holdExtended } from './extended.ts'
import { asking, memoryHost } from './memory-host.ts'
import { randomSchema } from './random-schema.ts'

function schemaOf(document: object): Schema {
  const reading = readSchema(document as Json, { standard: [userType.schema], others: [] })
  if ('problems' in reading) throw new Error(JSON.stringify(reading.problems))
  return reading.schema
}

/** A host of which one credential has extensions of its own. */
async function start(t: Test, ...schemas: Schema[]) {
  const resourceTypes = { User: withExtensions(userType, schemas), Group: withExtensions(groupType, schemas) }
  const authenticate: ScimOptions['authenticate'] = ({ headers: { authorization = '' } }) => {
    const profile = /^Bearer (lenient|strict)$/.exec(authorization)?.[1] as 'lenient' | 'strict' | undefined
    if (!profile) throw new ScimError('unauthorized')
    return { profile, requestId: 'r', id: profile, ...(profile === 'lenient' && { resourceTypes }) }
  }
  const app = await memoryHost(t, { authenticate, sort: true })
  const as = (profile: 'lenient' | 'strict'): Ask => {
    const ask = asking(app, profile)
    return async (method, url, body) => {
      const { statusCode: status, body: text } = await ask({ method, url, ...(body && { body }) })
      return { status, body: text === '' ? {} : JSON.parse(text) }
    }
  }
  return { app, ask: as('lenient'), other: as('strict') }
}

t.test('whatever the schema, what fits it comes, is found, is told and changes', async (t) => {
  await fc.assert(
    fc.asyncProperty(randomSchema, async (random) => {
      const schema = schemaOf(random.schema)
      await t.test('a schema', async (t) => {
        const { ask } = await start(t, schema)
        await holdExtended(t, ask, random, schema.attributes)
      })
      return t.passing()
    }),
    { numRuns: 60 },
  )
})

const URN = 'urn:acme:scim:schemas:extension:payroll:1.0:User'
const payroll = schemaOf({
  id: URN,
  name: 'Payroll',
  attributes: [
    { name: 'badge', required: true, mutability: 'immutable', caseExact: true, returned: 'always' },
    { name: 'grade', canonicalValues: ['Junior', 'Senior'] },
    { name: 'salary', type: 'decimal', returned: 'request' },
    { name: 'pin', returned: 'never' },
    { name: 'computed', mutability: 'readOnly' },
    {
      name: 'desk',
      type: 'complex',
      subAttributes: [
        { name: 'room', required: true, returned: 'always' },
        { name: 'floor', type: 'integer', mutability: 'immutable' },
        { name: 'code', returned: 'request' },
      ],
    },
    {
      name: 'buddies',
      type: 'complex',
      multiValued: true,
      subAttributes: [
        { name: 'value' },
        { name: '$ref', type: 'reference', referenceTypes: ['User'], mutability: 'readOnly' },
      ],
    },
  ],
})

const full = {
  badge: 'b1',
  grade: 'senior',
  salary: 1.5,
  pin: '1234',
  computed: 'x',
  desk: { room: 'R', floor: 3, code: 'c' },
  buddies: [{ value: 'u1', $ref: 'x' }],
}

t.test('characteristics of custom attributes are those of the schema', async (t) => {
  const { ask } = await start(t, payroll)
  const make = async (own: object) => ask('POST', '/Users', { userName: String(Math.random()), [URN]: own })
  const { status, body } = await make(full)
  const $ref = 'https://usher.example/scim/v2/Users/u1'
  const shown = {
    badge: 'b1',
    grade: 'Senior',
    desk: { room: 'R', floor: 3 },
    buddies: [{ value: 'u1', $ref }],
  }
  t.same([status, body[URN]], [201, { ...shown, salary: 1.5, desk: full.desk }])
  const read = async (query: string) => (await ask('GET', `/Users/${body.id}?${query}`)).body[URN]
  const asked: [query: string, expected: object | undefined][] = [
    ['attributes=userName', { badge: 'b1' }],
    [`attributes=${URN}`, shown],
    [`attributes=${URN}:salary`, { badge: 'b1', salary: 1.5 }],
    [`attributes=${URN}:pin,${URN}:grade`, { badge: 'b1', grade: 'Senior' }],
    [`attributes=${URN}:desk.code`, { badge: 'b1', desk: { room: 'R', code: 'c' } }],
    [`attributes=${URN}:desk`, { badge: 'b1', desk: shown.desk }],
    [`excludedAttributes=${URN}`, { badge: 'b1' }],
    [
      `excludedAttributes=${URN}:badge,${URN}:desk.room,${URN}:desk.floor,${URN}:buddies`,
      { badge: 'b1', grade: 'Senior', desk: { room: 'R' } },
    ],
    ['attributes=grade', { badge: 'b1', grade: 'Senior' }],
  ]
  for (const [query, expected] of asked) t.same(await read(query), expected, query)

  const patch = (Operations: object[]) => ask('PATCH', `/Users/${body.id}`, { Operations })
  const refused: [answer: ReturnType<Ask>, scimType: string][] = [
    [make({ grade: 'Senior' }), 'invalidValue'],
    [make({ badge: 'b', desk: { floor: 1 } }), 'invalidValue'],
    [make({ badge: 'b', salary: 'much' }), 'invalidValue'],
    [make({ badge: 'b', desk: 'x' }), 'invalidValue'],
    [patch([{ op: 'replace', path: `${URN}:badge`, value: 'b2' }]), 'mutability'],
    [patch([{ op: 'remove', path: `${URN}:badge` }]), 'mutability'],
    [patch([{ op: 'remove', path: URN }]), 'mutability'],
    [patch([{ op: 'replace', path: `${URN}:desk.floor`, value: 4 }]), 'mutability'],
    [patch([{ op: 'remove', path: `${URN}:desk.room` }]), 'mutability'],
    [patch([{ op: 'replace', path: `${URN}:computed`, value: 'y' }]), 'mutability'],
    [patch([{ op: 'replace', path: `${URN}:nothing`, value: 'y' }]), 'invalidPath'],
    [ask('PUT', `/Users/${body.id}`, { userName: 'x', [URN]: { badge: 'b2' } }), 'mutability'],
    [ask('GET', `/Users?filter=${encodeURIComponent(`${URN}:pin eq "1234"`)}`), 'invalidFilter'],
    [ask('GET', `/Users?filter=${encodeURIComponent(`${URN}:nothing pr`)}`), 'invalidFilter'],
    [ask('GET', `/Users?sortBy=${encodeURIComponent(`${URN}:pin`)}`), 'invalidPath'],
  ]
  for (const [index, [answer, scimType]] of refused.entries())
    t.match(await answer, { status: 400, body: { scimType } }, `${index} ${scimType}`)
  t.same(await read(''), shown, 'nothing has changed')

  const put = async (own?: object) => {
    const answer = await ask('PUT', `/Users/${body.id}`, { userName: 'x', ...(own && { [URN]: own }) })
    t.equal(answer.status, 200)
    return answer.body[URN]
  }
  const moved = { badge: 'b1', grade: 'Other', desk: { room: 'S', floor: 3 } }
  t.same(await put({ ...moved, desk: { room: 'S' } }), moved, 'canonical values are a suggestion')
  t.same(await put({ badge: 'b1', grade: 'senior' }), { badge: 'b1', grade: 'Senior' })
  t.same(await put(), { badge: 'b1' })
})

t.test('what is returned on request is told to who wrote it', async (t) => {
  const { ask } = await start(t, payroll)
  const own = { badge: 'b1', salary: 1.5, desk: { room: 'R', code: 'c' } }
  const { body } = await ask('POST', '/Users', { userName: 'ada', [URN]: own })
  t.same(body[URN], own, 'POST')
  const at = `/Users/${body.id}`
  const patch = async (operation: object, query = '') =>
    (await ask('PATCH', `${at}${query}`, { Operations: [operation] })).body[URN]
  const without = { badge: 'b1', desk: { room: 'R' } }
  t.same(await patch({ op: 'replace', path: 'title', value: 'Dr.' }), without, 'something else')
  const salary = { op: 'replace', path: `${URN}:salary`, value: 2 }
  t.same(await patch(salary), { ...without, salary: 2 }, 'PATCH')
  t.same(await patch(salary, '?attributes=userName'), { badge: 'b1' }, 'what is asked for goes first')
  t.same(await patch(salary, `?excludedAttributes=${URN}:salary`), without)
  const code = { op: 'replace', path: `${URN}:desk.code`, value: 'd' }
  t.same(await patch(code), { badge: 'b1', desk: { room: 'R', code: 'd' } }, 'a sub-attribute')
  t.same(await patch({ op: 'add', value: { [URN]: { salary: 3 } } }), { ...without, salary: 3 }, 'no path')
  const put = async (own: object) => (await ask('PUT', at, { userName: 'ada', [URN]: own })).body[URN]
  t.same(await put({ badge: 'b1', salary: 4 }), { badge: 'b1', salary: 4 }, 'PUT')
  t.same(await put({ badge: 'b1', desk: { room: 'R', code: 'e' } }), {
    badge: 'b1',
    desk: { room: 'R', code: 'e' },
  })
  t.same((await ask('GET', at)).body[URN], without, 'but not to who reads it')
})

t.test('discovery shows the extensions of whoever asks', async (t) => {
  const { app, ask, other } = await start(t, payroll)
  const shown = async (asked: Ask) => {
    const types = (await asked('GET', '/ResourceTypes')).body.Resources as { schemaExtensions: object[] }[]
    const schemas = (await asked('GET', '/Schemas')).body.Resources as { id: string }[]
    return [types[0]?.schemaExtensions.length, types[1]?.schemaExtensions.length, schemas.length]
  }
  t.same(await shown(ask), [2, 1, 7])
  t.same(await shown(other), [1, 0, 6])
  const open = await app.inject({ url: '/scim/v2/Schemas' })
  t.match(open.json(), { totalResults: 6 })
  const wrong = await app.inject({ url: '/scim/v2/Schemas', headers: { authorization: 'Bearer x' } })
  t.equal(wrong.statusCode, 401)
  const document = await ask('GET', `/Schemas/${URN.toUpperCase()}`)
  t.match(document, {
    status: 200,
    body: { id: URN, attributes: [{ name: 'badge', mutability: 'immutable' }] },
  })
  t.equal((await other('GET', `/Schemas/${URN}`)).status, 404)
  t.match(await other('POST', '/Users', { schemas: [userType.schema.id, URN], userName: 'x' }), {
    status: 400,
  })
})
