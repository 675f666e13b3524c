import t from 'tap'
import type { Ask, Body } from './api.ts'
import { holdOnEachLayout } from './layouts.ts'
import { patchOp, person, stateOf } from './people.ts'
import type { Usher } from './usher.ts'

const NOBODY = '0190aa3c-5d1c-7a39-9d3f-2f6a1c0b7e11'

const value = (...ids: string[]) => ids.map((id) => ({ value: id }))
const patchGroup = (scim: Ask, id: string, ...Operations: object[]) =>
  scim('PATCH', `/Groups/${id}`, patchOp({ Operations }))

async function makePeople(scim: Ask, ...names: string[]): Promise<string[]> {
  const made = names.map((name) => scim('POST', '/Users', person(name)))
  return (await Promise.all(made)).map(({ body }) => body.id)
}

async function membersOf(scim: Ask, id: string): Promise<string[]> {
  const members = (await scim('GET', `/Groups/${id}`)).body.members as { value: string }[] // as the schema has it
  return members.map((member) => member.value).sort()
}

interface GroupEvent {
  readonly type: string
  readonly changed: string[]
  readonly data: { readonly unknown?: string[] }
}

function eventsOf(usher: Usher, group: string): Promise<GroupEvent[]> {
  return usher.rows('select type, changed, data from events where subject_id = $1 order by id', [group])
}

holdOnEachLayout(t, {
  'a PATCH is answered as the connection says': async (t, usher) => {
    const answers = async (patchAnswer?: string) => {
      const wish = { scim: { ...(patchAnswer && { patchAnswer }) } }
      const { scim, connection } = await usher.makePusher(wish)
      const shown = (await usher.admin('GET', connection.path)).body.scim as { patchAnswer?: string }
      t.equal(shown.patchAnswer, patchAnswer)
      const [ada = ''] = await makePeople(scim, 'ada')
      const { id, members } = (await scim('POST', '/Groups', { displayName: 'Staff' })).body
      t.same(members, [], 'as reading it shows')
      const group = await patchGroup(scim, id, { op: 'add', path: 'members', value: value(ada) })
      const title = patchOp({ Operations: [{ op: 'add', path: 'title', value: 'T' }] })
      const user = await scim('PATCH', `/Users/${ada}`, title)
      t.match([group, user], [{ headers: { etag: 'W/"2"' } }, { headers: { etag: 'W/"2"' } }])
      t.match(await scim('PATCH', `/Users/${ada}?attributes=title`, title), { body: { title: 'T' } })
      return { group, user, ada, scim, connection }
    }
    t.match(await answers(), {
      group: { status: 204, text: '' },
      user: { status: 200, body: { title: 'T' } },
    })
    const silent = await answers('nothing')
    t.match(silent, { group: { status: 204, text: '' }, user: { status: 204, text: '' } })
    const { group, user, ada, connection } = await answers('resource')
    t.match(group, { status: 200, body: { displayName: 'Staff', members: [{ value: ada }] } })
    t.match(user, { status: 200, body: { title: 'T' } })
    const usual = await usher.admin('PATCH', connection.path, { scim: { patchAnswer: null } })
    t.match(usual, { status: 200 })
    t.notOk('patchAnswer' in Object(usual.body.scim))
    const wrong = await usher.admin('PATCH', connection.path, { scim: { patchAnswer: 'all' } })
    t.match(wrong, { status: 400, body: { errors: [{ path: 'body/scim/patchAnswer' }] } })
  },

  'a group comes, is renamed and goes': async (t, usher) => {
    const { scim } = await usher.makePusher()
    const [ada = '', bob = ''] = await makePeople(scim, 'ada', 'bob')
    const made = await scim('POST', '/Groups', {
      displayName: 'Staff',
      externalId: '007',
      members: value(ada, bob),
    })
    t.match(made, {
      status: 201,
      headers: { etag: 'W/"1"' },
      body: { displayName: 'Staff', externalId: '007' },
    })
    const { id } = made.body
    const members = made.body.members as { value: string }[] // matched below
    const $ref = new RegExp(`/Users/${ada}$`)
    t.match(
      members.find((member) => member.value === ada),
      { type: 'User', display: 'ada A', $ref },
    )
    t.equal(members.length, 2)
    t.match(await scim('GET', `/Users/${ada}`), { body: { groups: [{ value: id, display: 'Staff' }] } })

    const renamed = await patchGroup(scim, id, { op: 'replace', value: { id, displayName: 'Crew' } })
    t.match(renamed, { status: 204, text: '', headers: { etag: 'W/"2"' } })
    const path = `/Groups/${id}?attributes=displayName`
    const asked = await scim(
      'PATCH',
      path,
      patchOp({ Operations: [{ op: 'replace', path: 'displayName', value: 'Team' }] }),
    )
    t.match(asked, { status: 200, body: { displayName: 'Team' } })
    t.notOk('members' in asked.body)
    t.match(await scim('PUT', `/Groups/${id}`, { displayName: 'Put' }), {
      status: 200,
      body: { displayName: 'Put', members: [{}, {}] },
    })
    t.equal((await scim('GET', `/Groups/${id}`)).body.externalId, undefined)
    t.same((await scim('PUT', `/Groups/${id}`, { displayName: 'Put', members: [] })).body.members, [])

    t.match(await scim('DELETE', `/Groups/${id}`), { status: 204 })
    for (const method of ['GET', 'DELETE'] as const)
      t.match(await scim(method, `/Groups/${id}`), { status: 404 })
    t.match(await patchGroup(scim, id, { op: 'add', path: 'members', value: value(ada) }), { status: 404 })
    t.match(await scim('GET', '/Groups'), { body: { totalResults: 0 } })
    t.equal((await scim('GET', `/Users/${ada}`)).body.groups, undefined)
    t.same(
      (await eventsOf(usher, id)).map(({ type }) => type),
      ['group.created', 'group.changed', 'group.changed', 'group.changed', 'group.changed', 'group.deleted'],
    )
  },

  'members come and go as each identity provider says it': async (t, usher) => {
    const { scim } = await usher.makePusher()
    const [a = '', b = '', c = ''] = await makePeople(scim, 'a', 'b', 'c')
    const cases: Record<string, [object[], string[]]> = {
      'add one': [[{ op: 'Add', path: 'members', value: value(c) }], [a, b, c]],
      'add one who is there': [[{ op: 'add', path: 'members', value: value(a) }], [a, b]],
      'add a bare object': [[{ op: 'add', path: 'members', value: { $ref: null, value: c } }], [a, b, c]],
      'add without a path': [[{ op: 'add', value: { members: value(c) } }], [a, b, c]],
      'remove by a filter': [[{ op: 'remove', path: `members[value eq "${a}"]` }], [b]],
      'remove by several': [[{ op: 'remove', path: `members[value eq "${a}" or value eq "${b}"]` }], []],
      'remove by a list': [[{ op: 'Remove', path: 'members', value: value(a) }], [b]],
      'remove by an empty list': [[{ op: 'remove', path: 'members', value: [] }], [a, b]],
      'remove by null': [[{ op: 'remove', path: 'members', value: null }], [a, b]],
      'remove somebody who is not there': [[{ op: 'remove', path: 'members', value: value(c) }], [a, b]],
      'remove all': [[{ op: 'remove', path: 'members' }], []],
      'replace all': [[{ op: 'replace', path: 'members', value: value(c) }], [c]],
      'replace by none': [[{ op: 'replace', path: 'members', value: [] }], []],
      'null changes nothing': [[{ op: 'replace', value: { members: null } }], [a, b]],
      'swap in one request': [
        [
          { op: 'remove', path: `members[value eq "${a}"]` },
          { op: 'add', path: 'members', value: value(c) },
        ],
        [b, c],
      ],
      'add and take away again': [
        [
          { op: 'add', path: 'members', value: value(c) },
          { op: 'remove', path: 'members', value: value(c) },
        ],
        [a, b],
      ],
      'empty, then add': [
        [
          { op: 'remove', path: 'members' },
          { op: 'add', path: 'members', value: value(a) },
        ],
        [a],
      ],
      'an id in capitals': [[{ op: 'remove', path: 'members', value: value(a.toUpperCase()) }], [b]],
    }
    for (const [what, [operations, expected]] of Object.entries(cases)) {
      const { id, meta } = (await scim('POST', '/Groups', { displayName: what, members: value(a, b) })).body
      t.match(await patchGroup(scim, id, ...operations), { status: 204 }, what)
      const members = await membersOf(scim, id)
      t.same(members, expected.toSorted(), what)
      const after = (await scim('GET', `/Groups/${id}`)).body.meta
      const isSame = members.join() === [a, b].sort().join()
      if (isSame) t.same(after, meta, `${what}: a change of nothing keeps version and time`)
      else t.equal(after.version, 'W/"2"', what)
      t.equal((await eventsOf(usher, id)).length, isSame ? 1 : 2, `${what}: events`)
    }
  },

  'who is not known is told in the event, and keeps nobody out': async (t, usher) => {
    const { scim } = await usher.makePusher()
    const [ada = '', bob = ''] = await makePeople(scim, 'ada', 'bob')
    await scim('DELETE', `/Users/${bob}`)
    const strangers = [NOBODY, 'u1', bob]
    const { id } = (
      await scim('POST', '/Groups', { displayName: 'Staff', members: value(ada, ...strangers) })
    ).body
    t.same(await membersOf(scim, id), [ada])
    t.match(await patchGroup(scim, id, { op: 'replace', path: 'members', value: value(...strangers) }), {
      status: 204,
    })
    t.same(await membersOf(scim, id), [])
    const [created, changed] = await eventsOf(usher, id)
    t.match(created, { type: 'group.created', data: { added: [ada] } })
    t.match(changed, { type: 'group.changed', changed: ['members'], data: { removed: [ada] } })
    for (const event of [created, changed]) {
      t.same(event?.data.unknown?.toSorted(), strangers.toSorted())
    }
  },

  'groups are members of groups': async (t, usher) => {
    const { scim } = await usher.makePusher()
    const inner = (await scim('POST', '/Groups', { displayName: 'Inner' })).body.id
    const outer = (
      await scim('POST', '/Groups', { displayName: 'Outer', members: [{ value: inner, type: 'Group' }] })
    ).body
    t.match(outer.members, [{ value: inner, type: 'Group', display: 'Inner', $ref: /\/Groups\// }])
    const of = (id: string) => scim('GET', `/Groups?filter=${encodeURIComponent(`members.value eq "${id}"`)}`)
    t.match(await of(inner), { body: { totalResults: 1, Resources: [{ id: outer.id }] } })
    await scim('DELETE', `/Groups/${inner}`)
    t.same(await membersOf(scim, outer.id), [])
    t.match(await of(inner), { body: { totalResults: 0 } })
  },

  'a hundred changes of the members at the same time lose none': async (t, usher) => {
    const { scim } = await usher.makePusher()
    const people = await makePeople(scim, ...Array.from({ length: 100 }, (_, number) => `person-${number}`))
    const leaving = people.slice(0, 50)
    const { id } = (await scim('POST', '/Groups', { displayName: 'Staff', members: value(...leaving) })).body
    const changes = people.map((one, at) =>
      at < 50
        ? patchGroup(scim, id, { op: 'remove', path: `members[value eq "${one}"]` })
        : patchGroup(scim, id, { op: 'add', path: 'members', value: value(one) }),
    )
    const rename = patchGroup(scim, id, { op: 'replace', path: 'displayName', value: 'Crew' })
    const answers = await Promise.all([...changes, rename])
    t.same([...new Set(answers.map(({ status }) => status))], [204])
    t.same(await membersOf(scim, id), people.slice(50).sort())
    t.match(await scim('GET', `/Groups/${id}`), {
      body: { displayName: 'Crew', meta: { version: 'W/"102"' } },
    })
  },

  'fifty changes of the name at the same time are made one after the other': async (t, usher) => {
    const { scim } = await usher.makePusher()
    const { id } = (await scim('POST', '/Groups', { displayName: 'Staff' })).body
    const names = Array.from({ length: 50 }, (_, number) => `name ${number}`)
    const answers = await Promise.all(
      names.map((name) => patchGroup(scim, id, { op: 'replace', path: 'displayName', value: name })),
    )
    t.same([...new Set(answers.map(({ status }) => status))], [204])
    t.equal((await scim('GET', `/Groups/${id}`)).body.meta.version, 'W/"51"')
  },

  'a group is found by what identity providers ask': async (t, usher) => {
    const { scim } = await usher.makePusher()
    const [ada = ''] = await makePeople(scim, 'ada')
    const { id } = (
      await scim('POST', '/Groups', { displayName: 'Straße 1', externalId: 'Aa', members: value(ada) })
    ).body
    await scim('POST', '/Groups', { displayName: 'Other' })
    const found = {
      'displayName eq "straße 1"': 1,
      'displayName sw "Stra"': 1,
      'displayName co "%"': 0,
      'externalId eq "Aa"': 1,
      'externalId eq "aa"': 0,
      [`id eq "${id}" and members eq "${ada}"`]: 1,
      [`id eq "${id}" and members[value eq "${NOBODY}"]`]: 0,
      'members.value eq "no-uuid"': 0,
      'displayName eq "nobody"': 0,
      'members[type eq "User" and display eq "ADA A"]': 1,
      'members.type eq "Group"': 0,
      'not (displayName eq "other")': 1,
    }
    for (const [filter, totalResults] of Object.entries(found)) {
      const query = `excludedAttributes=members&filter=${encodeURIComponent(filter)}`
      const answer = await scim('GET', `/Groups?${query}`)
      t.match(answer, { status: 200, body: { totalResults, itemsPerPage: totalResults } }, filter)
      t.notOk(answer.text.includes('"members"'))
    }
    t.match(await scim('GET', '/Groups?filter=userName eq "x"'), {
      status: 400,
      body: { scimType: 'invalidFilter' },
    })
    const whole = await scim('GET', '/Groups?sortBy=displayName&sortOrder=descending&count=1')
    t.match(whole.body, {
      totalResults: 2,
      Resources: [{ displayName: 'Straße 1', members: [{ value: ada }] }],
    })
  },

  'a version or an externalId that is not as asked changes nothing': async (t, usher) => {
    const { organization, token, scim } = await usher.makePusher()
    const [ada = ''] = await makePeople(scim, 'ada')
    const { id } = (
      await scim('POST', '/Groups', { displayName: 'Staff', externalId: '1', members: value(ada) })
    ).body
    const other = (await scim('POST', '/Groups', { displayName: 'Staff', externalId: '2' })).body.id
    const state = await stateOf(usher, organization)
    const stale = usher.scim(token, { 'if-match': 'W/"9"' })
    const refused = {
      'PATCH of a name': [
        await patchGroup(stale, id, { op: 'replace', path: 'displayName', value: 'x' }),
        412,
      ],
      'PATCH of members': [await patchGroup(stale, id, { op: 'remove', path: 'members' }), 412],
      PUT: [await stale('PUT', `/Groups/${id}`, { displayName: 'x', members: [] }), 412],
      DELETE: [await stale('DELETE', `/Groups/${id}`), 412],
      'PATCH onto a taken externalId': [
        await patchGroup(scim, other, { op: 'add', path: 'externalId', value: '1' }),
        409,
      ],
      'POST of a taken externalId': [
        await scim('POST', '/Groups', { displayName: 'x', externalId: '1' }),
        409,
      ],
      'PATCH of a group that is not there': [
        await patchGroup(stale, NOBODY, { op: 'remove', path: 'members' }),
        404,
      ],
    } as const
    for (const [what, [answer, status]] of Object.entries(refused)) {
      t.match(answer, { status, body: { status: String(status) } }, what)
      if (status === 409) t.match(answer.body, { scimType: 'uniqueness' }, what)
    }
    t.same(await stateOf(usher, organization), state)
    const fresh = usher.scim(token, { 'if-match': 'W/"1"' })
    t.match(await patchGroup(fresh, id, { op: 'remove', path: 'members' }), {
      status: 204,
      headers: { etag: 'W/"2"' },
    })
  },

  'the groups of another connection are not to be seen': async (t, usher) => {
    const { organization, scim } = await usher.makePusher()
    const other = usher.scim((await usher.makeCredential(await usher.makeConnection(organization))).token)
    const [ada = ''] = await makePeople(scim, 'ada')
    const { id } = (
      await scim('POST', '/Groups', { displayName: 'Staff', externalId: '1', members: value(ada) })
    ).body
    const state = await stateOf(usher, organization)
    const ways: Record<string, () => Promise<{ status: number; body: Body }>> = {
      GET: () => other('GET', `/Groups/${id}`),
      PATCH: () => patchGroup(other, id, { op: 'remove', path: 'members' }),
      PUT: () => other('PUT', `/Groups/${id}`, { displayName: 'x' }),
      DELETE: () => other('DELETE', `/Groups/${id}`),
    }
    for (const [method, ask] of Object.entries(ways)) t.match(await ask(), { status: 404 }, method)
    for (const filter of ['displayName eq "Staff"', `id eq "${id}"`, `members eq "${ada}"`])
      t.match(
        await other('GET', `/Groups?filter=${encodeURIComponent(filter)}`),
        { body: { totalResults: 0 } },
        filter,
      )
    t.same(await stateOf(usher, organization), state)
    const twin = await other('POST', '/Groups', { displayName: 'Staff', externalId: '1', members: value(id) })
    t.same([twin.status, twin.body.members], [201, []])
  },
})
