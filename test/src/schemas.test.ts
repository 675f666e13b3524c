import fc from 'fast-check'
import t from 'tap'
import { readSchema, userSchema } from '../../scim/index.ts'
import { holdExtended } from '../scim/extended.ts'
import { randomSchema } from '../scim/random-schema.ts'
import type { Body, Organization } from './api.ts'
import { holdOnEachLayout } from './layouts.ts'
import { patchOp, patchUser, person } from './people.ts'
import type { Usher } from './usher.ts'

const CORE = 'urn:ietf:params:scim:schemas:core:2.0:User'
const URN = 'urn:acme:scim:schemas:extension:payroll:1.0:User'
const CREW = 'urn:acme:scim:schemas:extension:crew:1.0:Group'

let ahead = 0
const clock = () => new Date(Date.now() + ahead)
/** What a credential brings along is remembered for a second. */
const later = () => {
  ahead += 1100
}

const payroll = (...attributes: object[]) => ({
  resourceType: 'User',
  schema: {
    id: URN,
    name: 'Payroll',
    attributes: [{ name: 'badge', caseExact: true }, { name: 'grade' }, ...attributes],
  },
})
const crew = { resourceType: 'Group', schema: { id: CREW, attributes: [{ name: 'size', type: 'integer' }] } }

async function start(usher: Usher) {
  const pusher = await usher.makePusher()
  const path = `${pusher.organization.path}/schemas`
  const put = (body: object, urn = URN) => usher.admin('PUT', `${path}/${urn}`, body)
  const found = async (type: string, filter: string) => {
    const { body } = await pusher.scim('GET', `/${type}?filter=${encodeURIComponent(filter)}`)
    return body.totalResults ?? body.scimType
  }
  return { ...pusher, path, put, found }
}

holdOnEachLayout(
  t,
  {
    'a schema comes, is replaced and goes': async (t, usher) => {
      const { path, put, organization } = await start(usher)
      t.match(await usher.admin('GET', path), { status: 200, body: { items: [] } })
      const made = await put(payroll())
      t.match(made, {
        status: 201,
        body: { resourceType: 'User', schema: { id: URN, name: 'Payroll' }, createdAt: /Z$/ },
      })
      t.match((made.body.schema as Body).attributes, [
        { name: 'badge', type: 'string', caseExact: true, mutability: 'readWrite' },
        { name: 'grade' },
      ])
      t.match(await usher.admin('PUT', `${path}/${URN.toUpperCase()}`, payroll({ name: 'floor' })), {
        status: 200,
      })
      t.match(await put(crew, CREW), { status: 201 })
      t.match((await usher.admin('GET', path)).body.items, [
        { schema: { id: CREW } },
        { schema: { id: URN } },
      ])
      const { body } = await usher.admin('GET', `${path}/${encodeURIComponent(URN)}`)
      t.equal(((body.schema as Body).attributes as object[]).length, 3)
      t.match(await usher.admin('DELETE', `${path}/${URN}`), { status: 204, text: '' })
      for (const method of ['GET', 'DELETE'] as const)
        t.match(await usher.admin(method, `${path}/${URN}`), { status: 404, body: { code: 'not_found' } })
      const events = await usher.rows('select type, data from events where subject_id = $1 order by id', [
        organization.id,
      ])
      t.match(events.slice(1), [
        { type: 'scim-schema.stored', data: { urn: URN, resourceType: 'User' } },
        { type: 'scim-schema.stored' },
        { type: 'scim-schema.stored', data: { urn: CREW } },
        { type: 'scim-schema.deleted', data: { urn: URN } },
      ])
    },

    'what is wrong with a schema is told place by place': async (t, usher) => {
      const { path, put } = await start(usher)
      const at = (place: string) => ({ path: place, message: /./ })
      const wrong: [body: object, errors: object[]][] = [
        [{}, [at('body/resourceType')]],
        [{ resourceType: 'Device', schema: {} }, [at('body/resourceType')]],
        [{ resourceType: 'User', schema: [] }, [at('body/schema')]],
        [{ resourceType: 'User', schema: {} }, [at('body/schema/id'), at('body/schema/attributes')]],
        [
          payroll({ name: 'a b' }, { name: 'c', type: 'x' }),
          [at('body/schema/attributes/2/name'), at('body/schema/attributes/3/type')],
        ],
        [payroll({ name: '__proto__' }), [at('body/schema/attributes/2/name')]],
        [payroll({ name: 'x', uniqueness: 'server' }), [at('body/schema/attributes/2/uniqueness')]],
        [payroll({ name: 'userName' }), [at('body/schema/attributes/2/name')]],
        [payroll({ name: 'x', description: 'x'.repeat(8192) }), [at('body/schema/attributes/2/description')]],
        [crew, [at('body/schema/id')]],
      ]
      for (const [body, errors] of wrong) {
        const answer = await put(body)
        t.match(
          answer,
          { status: 400, body: { code: 'invalid_request', errors } },
          JSON.stringify(body).slice(0, 100),
        )
        t.equal((answer.body.errors as object[]).length, errors.length)
      }
      t.match(await put('{"resourceType":"User","resourceType":"User"}' as unknown as object), {
        status: 400,
      })
      t.match(await usher.admin('GET', path), { body: { items: [] } })
      for (let i = 0; i < 20; i++) {
        const urn = `urn:acme:many:${i}`
        t.match(await put({ resourceType: 'User', schema: { id: urn, attributes: [{ name: 'x' }] } }, urn), {
          status: 201,
        })
      }
      t.match(await put(payroll()), { status: 409, body: { code: 'conflict', detail: /20/ } })
      t.match(
        await put(
          { resourceType: 'Group', schema: { id: 'urn:acme:many:1', attributes: [{ name: 'x' }] } },
          'urn:acme:many:1',
        ),
        {
          status: 400,
          body: { errors: [{ path: 'body/resourceType' }] },
        },
      )
    },

    'an instant that the database cannot read is refused, and spoils no filter': async (t, usher) => {
      const { put, scim, found } = await start(usher)
      await put(payroll({ name: 'since', type: 'dateTime' }))
      later()
      const make = (since: string, n: number) => scim('POST', '/Users', person(`p${n}`, { [URN]: { since } }))
      const refused = [
        '0000-01-01T00:00:00Z',
        '2020-01-01T00:00:00+23:00',
        '2020-01-01T00:00:00-14:01',
        `2020-01-01T00:00:00.${'1'.repeat(200)}Z`,
        '2020-02-30T00:00:00Z',
      ]
      for (const [n, since] of refused.entries()) t.match(await make(since, n), { status: 400 }, since)
      const read = [
        '0001-01-01T00:00:00+14:00',
        '9999-12-31T23:59:59.999999999-14:00',
        '2020-01-01T24:00:00Z',
        `2020-01-01T00:00:00.${'1'.repeat(39)}Z`,
      ]
      for (const [n, since] of read.entries()) t.match(await make(since, n), { status: 201 }, since)
      t.equal(await found('Users', `${URN}:since gt "2019-01-01T00:00:00Z"`), 3)
      const [, , , finest] = read
      t.equal(await found('Users', `${URN}:since eq "${finest}"`), 1, 'finer than a filter sees')
    },

    'administrators find people by it': async (t, usher) => {
      const { organization, put, scim } = await start(usher)
      const theirs = await start(usher)
      await put(payroll())
      later()
      for (const [name, grade] of Object.entries({ ada: 'Senior', bob: 'Junior' }))
        await scim('POST', '/Users', person(name, { [URN]: { badge: name, grade } }))
      const find = async ({ path }: Organization, filter: string) => {
        const answer = await usher.admin('GET', `${path}/users?filter=${encodeURIComponent(filter)}`)
        return answer.body.code ?? (answer.body.items as Body[]).map(({ userName }) => userName)
      }
      t.same(await find(organization, `${URN}:grade eq "senior"`), ['ada'])
      t.same(await find(organization, `grade eq "JUNIOR" and status eq "ready"`), ['bob'])
      t.same(await find(organization, `${URN}:badge pr`), ['ada', 'bob'])
      t.equal(await find(organization, `${URN}:nothing pr`), 'invalid_filter')
      t.equal(await find(theirs.organization, `${URN}:badge pr`), 'invalid_filter')
    },

    'its attributes are as any other, for this organization alone': async (t, usher) => {
      const { put, scim, found } = await start(usher)
      const theirs = await start(usher)
      await put(payroll({ name: 'since', type: 'dateTime' }, { name: 'tags', multiValued: true }))
      await put(crew, CREW)
      later()
      const own = { badge: 'B1', grade: 'Senior', since: '2020-01-02T03:04:05Z', tags: ['a', 'b'] }
      const made = await scim('POST', '/Users', person('ada', { schemas: [CORE, URN], [URN]: own }))
      t.match(made, { status: 201, body: { schemas: [CORE, URN], [URN]: own } })
      const { id } = made.body
      await scim('POST', '/Users', person('bob', { [URN]: { badge: 'B2', grade: 'junior' } }))
      const filters = {
        [`${URN}:badge eq "B1"`]: 1,
        [`${URN}:badge eq "b1"`]: 0,
        [`${URN}:grade sw "SEN"`]: 1,
        'grade eq "senior"': 1,
        [`${URN}:since gt "2019-01-01T00:00:00Z" and userName eq "ada"`]: 1,
        [`${URN}:tags eq "B"`]: 1,
        [`${URN}:nothing pr`]: 'invalidFilter',
        [`schemas eq "${URN}"`]: 2,
      }
      for (const [filter, total] of Object.entries(filters))
        t.equal(await found('Users', filter), total, filter)
      t.equal(await theirs.found('Users', `${URN}:badge pr`), 'invalidFilter')
      const sorted = await scim('GET', `/Users?sortBy=${URN}:grade&attributes=${URN}:grade`)
      t.match(sorted.body.Resources, [{ [URN]: { grade: 'junior' } }, { [URN]: { grade: 'Senior' } }])
      const patched = await patchUser(scim, id, { [`${URN}:grade`]: 'Lead', [URN]: { tags: [] } })
      t.match(patched, { status: 200, body: { [URN]: { badge: 'B1', grade: 'Lead' } } })
      t.notOk('tags' in (patched.body[URN] as object))
      const bulk = {
        Operations: [
          { method: 'POST', path: '/Users', bulkId: 'q', data: person('carl', { [URN]: { badge: 5 } }) },
        ],
      }
      t.match(
        await scim('POST', '/Bulk', {
          schemas: ['urn:ietf:params:scim:api:messages:2.0:BulkRequest'],
          ...bulk,
        }),
        { status: 200 },
      )
      t.equal(await found('Users', `${URN}:badge eq "5"`), 1)

      const group = await scim('POST', '/Groups', { displayName: 'Staff', [CREW]: { size: 3 } })
      t.match(group, { status: 201, body: { [CREW]: { size: 3 } } })
      t.equal(await found('Groups', `${CREW}:size ge 3`), 1)
      const op = { op: 'replace', path: `${CREW}:size`, value: 4 }
      await scim('PATCH', `/Groups/${group.body.id}`, patchOp({ Operations: [op] }))
      t.match(await scim('GET', `/Groups/${group.body.id}`), { body: { [CREW]: { size: 4 } } })
      t.match(await scim('PUT', `/Groups/${group.body.id}`, { displayName: 'Staff' }), { status: 200 })
      t.equal(await found('Groups', `${CREW}:size pr`), 0)

      const extensionsOf = async (ask: typeof scim) =>
        ((await ask('GET', '/ResourceTypes/User')).body.schemaExtensions as object[]).length
      t.same([await extensionsOf(scim), await extensionsOf(theirs.scim)], [2, 1])
      t.match(await scim('GET', `/Schemas/${URN}`), { status: 200, body: { id: URN } })
      t.match(await theirs.scim('GET', `/Schemas/${URN}`), { status: 404 })
      const strangers = await theirs.scim('POST', '/Users', person('eve', { [URN]: own }))
      t.equal(strangers.body[URN], undefined)
    },

    'whoever is signed in reads them of themselves': async (t, usher) => {
      const { organization, connection, scim } = await usher.makePusher({
        oidc: { issuer: 'https://idp.example', clientId: 'c' },
        scim: {},
      })
      await usher.admin('PUT', `${organization.path}/schemas/${URN}`, payroll())
      later()
      await scim('POST', '/Users', person('ada', { externalId: 'a', [URN]: { badge: 'B1' } }))
      const { cookie } = await usher.signIn(connection, { sub: 'a' })
      const me = await usher.call({ method: 'GET', url: '/scim/v2/Me', headers: { cookie } })
      t.match(me, { status: 200, body: { [URN]: { badge: 'B1' } } })
    },

    'a schema of which there are values stays, and stays as it was': async (t, usher) => {
      const { path, put, scim, found, organization } = await start(usher)
      await put(payroll({ name: 'desk', type: 'complex', subAttributes: [{ name: 'room' }] }))
      later()
      const { id } = (
        await scim('POST', '/Users', person('ada', { [URN]: { badge: 'B1', desk: { room: 'x' } } }))
      ).body
      t.match(await usher.admin('DELETE', `${path}/${URN}`), {
        status: 409,
        body: { code: 'conflict', detail: /"badge"/ },
      })
      const errors = (...places: string[]) => ({
        status: 409,
        body: { errors: places.map((place) => ({ path: `body/schema/${place}` })) },
      })
      const replace = (...attributes: object[]) =>
        put({ resourceType: 'User', schema: { id: URN, attributes } })
      const [badge, desk] = [
        { name: 'badge' },
        { name: 'desk', type: 'complex', subAttributes: [{ name: 'room' }] },
      ]
      t.match(await replace(badge), errors('attributes'))
      t.match(await replace({ ...badge, type: 'integer' }, desk), errors('attributes/0/type'))
      t.match(await replace({ ...badge, multiValued: true }, desk), errors('attributes/0/type'))
      t.match(
        await replace(badge, { ...desk, subAttributes: [{ name: 'floor' }] }),
        errors('attributes/1/subAttributes'),
      )
      t.match(await replace(badge, desk, { name: 'new', required: true }), errors('attributes/2/required'))
      const urn = URN.replace('acme', 'ACME')
      t.match(
        await put({ resourceType: 'User', schema: { id: urn, attributes: [badge, desk] } }),
        errors('id'),
      )
      t.match(
        await replace(desk, { ...badge, caseExact: false }, { name: 'new' }),
        { status: 200 },
        'grade, which nobody has, may go',
      )
      later()
      t.equal(await found('Users', `${URN}:badge eq "b1"`), 1)

      await scim('PATCH', `/Users/${id}`, patchOp({ Operations: [{ op: 'remove', path: URN }] }))
      t.match(await usher.admin('DELETE', `${path}/${URN}`), { status: 204 })
      // Within the second in which a credential is remembered, somebody may still write a value.
      await usher.rows(`update users set attributes = attributes || $2::jsonb where organization_id = $1`, [
        organization.id,
        JSON.stringify({ [URN]: { badge: 'late' } }),
      ])
      later()
      const { body } = await scim('GET', `/Users/${id}`)
      t.notOk(URN in body || (body.schemas as string[]).includes(URN))
      t.equal(await found('Users', `${URN}:badge pr`), 'invalidFilter')
    },

    'whatever the schema, what fits it comes, is found, is told and changes': async (t, usher) => {
      await fc.assert(
        fc.asyncProperty(randomSchema, async (random) => {
          const { put, scim } = await start(usher)
          t.match(await put({ resourceType: 'User', schema: random.schema }, random.schema.id), {
            status: 201,
          })
          later()
          const reading = readSchema(JSON.parse(JSON.stringify(random.schema)), {
            standard: [userSchema],
            others: [],
          })
          if ('schema' in reading) await holdExtended(t, scim, random, reading.schema.attributes)
          return t.passing()
        }),
        { numRuns: 12 },
      )
    },
  },
  { clock },
)
