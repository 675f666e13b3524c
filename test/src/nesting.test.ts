import t from 'tap'
import { checkInvariants } from '../../db/index.ts'
import type { Ask, Body, Organization } from './api.ts'
import { holdOnEachLayout } from './layouts.ts'
import { patchOp, patchUser, person, stateOf } from './people.ts'
import type { Usher } from './usher.ts'

const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'
const NOBODY = '0190aa3c-5d1c-7a39-9d3f-2f6a1c0b7e11'

const value = (...ids: string[]) => ids.map((id) => ({ value: id }))
const join = (scim: Ask, group: string, ...ids: string[]) =>
  scim(
    'PATCH',
    `/Groups/${group}`,
    patchOp({ Operations: [{ op: 'add', path: 'members', value: value(...ids) }] }),
  )
const makeUser = async (scim: Ask, name: string, more: object = {}) =>
  (await scim('POST', '/Users', person(name, more))).body.id
const makeGroup = async (scim: Ask, displayName: string, ...members: string[]) =>
  (await scim('POST', '/Groups', { displayName, members: value(...members) })).body.id

/** Groups of which each has the next as its member. */
async function makeChain(scim: Ask, ...names: string[]): Promise<string[]> {
  let ids: string[] = []
  for (const name of names.toReversed()) ids = [await makeGroup(scim, name, ...ids.slice(0, 1)), ...ids]
  return ids
}

async function makeStrict(usher: Usher, organization: Organization): Promise<Ask> {
  const connection = await usher.makeConnection(organization, { scim: { profile: 'strict' } })
  return usher.scim((await usher.makeCredential(connection)).token)
}

const groupsOf = async (scim: Ask, id: string, query = '') =>
  (await scim('GET', `/Users/${id}${query}`)).body.groups as Body[] | undefined

holdOnEachLayout(t, {
  'a group is no member of itself, be it through others': async (t, usher) => {
    const { organization, scim } = await usher.makePusher()
    const [outer = '', middle = '', inner = ''] = await makeChain(scim, 'Outer', 'Middle', 'Inner')
    const ada = await makeUser(scim, 'ada')
    const state = await stateOf(usher, organization)
    const op = (...Operations: object[]) => patchOp({ Operations })
    const members = value(ada, outer)
    const refused: [string, Promise<{ status: number; body: Body }>][] = [
      ['itself', join(scim, inner, inner)],
      ['its own group', join(scim, inner, middle)],
      ['the group of its group', join(scim, inner, outer)],
      ['together with a person', join(scim, inner, ada, outer)],
      [
        'by replacement',
        scim('PATCH', `/Groups/${inner}`, op({ op: 'replace', path: 'members', value: members })),
      ],
      [
        'with a new name',
        scim('PATCH', `/Groups/${inner}`, op({ op: 'replace', value: { displayName: 'X', members } })),
      ],
      ['PUT', scim('PUT', `/Groups/${inner}`, { displayName: 'X', members })],
    ]
    for (const [what, answer] of refused)
      t.match(
        await answer,
        { status: 400, body: { scimType: 'invalidValue', detail: /member of itself/ } },
        what,
      )
    t.same(await stateOf(usher, organization), state, 'nothing has changed')

    await scim('DELETE', `/Groups/${middle}`)
    t.match(await join(scim, inner, outer), { status: 204 }, 'a group that is gone joins nothing')
    const made = await scim('POST', '/Groups', { displayName: 'New', members: value(ada, inner, NOBODY) })
    const named = (made.body.members as { type: string; display: string }[]).map(({ type, display }) => [
      type,
      display,
    ])
    t.same(named.sort(), [
      ['Group', 'Inner'],
      ['User', 'ada A'],
    ])
  },

  'two who would close a cycle at the same moment do not both succeed': async (t, usher) => {
    const { scim, organization } = await usher.makePusher()
    for (let round = 0; round < 8; round++) {
      const [a, b] = [await makeGroup(scim, 'A'), await makeGroup(scim, 'B')]
      const answers = await Promise.all([join(scim, a, b), join(scim, b, a)])
      t.same(answers.map(({ status }) => status).sort(), [204, 400])
    }
    const ring = await Promise.all(['1', '2', '3', '4'].map((name) => makeGroup(scim, name)))
    const answers = await Promise.all(ring.map((id, at) => join(scim, id, ring[(at + 1) % 4] ?? '')))
    t.same(answers.map(({ status }) => status).sort(), [204, 204, 204, 400])
    t.same(await checkInvariants(usher.db), [])
    await usher.rows(
      `insert into group_subgroups (organization_id, group_id, subgroup_id)
       select organization_id, subgroup_id, group_id from group_subgroups where organization_id = $1 limit 1`,
      [organization.id],
    )
    t.match(await checkInvariants(usher.db), [{ name: /no group is a member of itself/ }])
    await usher.rows('delete from group_subgroups where organization_id = $1', [organization.id])
  },

  'a person is told of groups of groups when asking for groups': async (t, usher) => {
    const { scim } = await usher.makePusher()
    const ada = await makeUser(scim, 'ada')
    const direct = await makeGroup(scim, 'Direct', ada)
    const both = await makeGroup(scim, 'Both', ada, direct)
    const top = await makeGroup(scim, 'Top', both)
    const gone = await makeGroup(scim, 'Gone', direct)
    const beyond = await makeGroup(scim, 'Beyond', gone)
    await scim('DELETE', `/Groups/${gone}`)
    const $ref = new RegExp(`/Groups/${direct}$`)
    t.match(await groupsOf(scim, ada), [
      { value: direct, display: 'Direct', type: 'direct', $ref },
      { value: both },
    ])
    t.equal((await groupsOf(scim, ada))?.length, 2)
    for (const query of ['groups', 'userName,groups', 'groups.value,groups.type']) {
      const told = (await groupsOf(scim, ada, `?attributes=${query}`)) ?? []
      t.same(
        told.map((group) => [group.value, group.type]),
        [
          [direct, 'direct'],
          [both, 'direct'],
          [top, 'indirect'],
        ],
        query,
      )
    }
    const found = async (filter: string) =>
      (await scim('GET', `/Users?filter=${encodeURIComponent(filter)}`)).body.totalResults
    t.equal(await found(`groups.value eq "${both}"`), 1)
    t.equal(await found(`groups eq "${top}"`), 0, 'a filter knows direct groups')
    t.equal(await found('groups[display eq "direct" and type eq "direct"]'), 1)
    t.equal(await found(`groups.value eq "${beyond}"`), 0)
    t.equal(await groupsOf(scim, await makeUser(scim, 'bob'), '?attributes=groups'), undefined)
  },

  'what is computed from others changes no version': async (t, usher) => {
    const { scim } = await usher.makePusher()
    const boss = await makeUser(scim, 'boss')
    const ada = await makeUser(scim, 'ada', { [ENTERPRISE]: { manager: { value: boss } } })
    const { meta } = (await scim('GET', `/Users/${ada}`)).body
    const group = await makeGroup(scim, 'Staff', ada)
    await patchUser(scim, boss, { displayName: 'Big Boss' })
    const after = (await scim('GET', `/Users/${ada}`)).body
    t.same(after.meta, meta)
    t.match(after, { groups: [{ value: group }], [ENTERPRISE]: { manager: { displayName: 'Big Boss' } } })
  },

  'a manager is named where there is one, and may be missing': async (t, usher) => {
    const { organization, scim } = await usher.makePusher()
    const strict = await makeStrict(usher, organization)
    const boss = await makeUser(scim, 'boss')
    const under = (manager: string) => ({ [ENTERPRISE]: { manager: { value: manager } } })
    const named = { value: boss, displayName: 'boss B', $ref: new RegExp(`/Users/${boss}$`) }
    const manager = ({ body }: { body: Body }) =>
      (body[ENTERPRISE] as { manager: object } | undefined)?.manager
    const made = await scim('POST', '/Users', person('ada', under(boss)))
    t.match(manager(made), named, 'in the answer to POST too')
    const put = await scim('PUT', `/Users/${made.body.id}`, person('ada', under(NOBODY)))
    t.same(Object.keys(manager(put) ?? {}), ['value', '$ref'], 'who is yet to come')
    t.match(manager(await scim('PUT', `/Users/${made.body.id}`, person('ada', under(boss)))), named)
    const found = async (filter: string) =>
      (await scim('GET', `/Users?filter=${encodeURIComponent(filter)}`)).body.totalResults
    t.equal(await found(`${ENTERPRISE}:manager.displayName eq "BOSS b"`), 1)
    t.equal(await found(`manager eq "${boss}"`), 1)

    const schemas = ['urn:ietf:params:scim:schemas:core:2.0:User', ENTERPRISE]
    const ours = (name: string, id: string) => person(name, { schemas, ...under(id) })
    const mine = await strict('POST', '/Users', ours('carl', boss))
    t.match(manager(mine), named)
    const state = await stateOf(usher, organization)
    const replace = patchOp({
      Operations: [{ op: 'replace', path: `${ENTERPRISE}:manager.value`, value: 'x' }],
    })
    const refused = {
      POST: strict('POST', '/Users', ours('dan', NOBODY)),
      PUT: strict('PUT', `/Users/${mine.body.id}`, ours('carl', NOBODY)),
      PATCH: strict('PATCH', `/Users/${mine.body.id}`, replace),
    }
    for (const [method, answer] of Object.entries(refused))
      t.match(await answer, { status: 400, body: { scimType: 'invalidValue', detail: /manager/ } }, method)
    t.same(await stateOf(usher, organization), state)

    await scim('DELETE', `/Users/${boss}`)
    t.same(Object.keys(manager(await scim('GET', `/Users/${mine.body.id}`)) ?? {}), ['value', '$ref'])
    const title = patchOp({ Operations: [{ op: 'replace', path: 'title', value: 'x' }] })
    t.match(await strict('PATCH', `/Users/${mine.body.id}`, title), { status: 200 }, 'who was there before')
  },
})
