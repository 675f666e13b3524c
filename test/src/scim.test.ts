import { randomBytes } from 'node:crypto'
import { readdirSync } from 'node:fs'
import t from 'tap'
import type { Json } from '../../scim/index.ts'
import { idpFolder, play, readExchanges } from '../scim/play.ts'
import type { Body } from './api.ts'
import { holdOnEachLayout } from './layouts.ts'
import { patchOp, patchUser, person, stateOf } from './people.ts'
import { PUBLIC_URL, type Usher } from './usher.ts'

const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'

/** The person as administrators see them. */
async function seen(usher: Usher, path: string, id: string): Promise<Body> {
  return (await usher.admin('GET', `${path}/users/${id}`)).body
}

const ids = ({ Resources }: Body) => Resources.map(({ id }) => id)

holdOnEachLayout(t, {
  'identity providers are answered as they expect': async (t, usher) => {
    for (const idp of readdirSync(idpFolder)) {
      const { token } = await usher.makePusher()
      const send = async ({ method, path, body }: { method: string; path: string; body?: Json }) => {
        const ask = usher.scim(token, { 'content-type': 'application/scim+json' })
        const { status, text } = await ask(method as 'GET', path, body) // recorded with methods of SCIM only
        return { statusCode: status, body: text }
      }
      for (const { file, wrong } of await play(readExchanges(idp), send)) t.same(wrong, [], `${idp}/${file}`)
    }
  },

  'a person who is pushed has a place before they first sign in': async (t, usher) => {
    const { organization, connection, scim } = await usher.makePusher()
    const made = await scim('POST', '/Users', person('ada', { externalId: '0042' }))
    t.match(made, { status: 201, headers: { etag: 'W/"1"', 'content-type': /^application\/scim\+json/ } })
    const location = `${PUBLIC_URL}/scim/v2/Users/${made.body.id}`
    t.match(made, {
      headers: { location },
      body: { userName: 'ada', externalId: '0042', active: true, meta: { location } },
    })
    t.match(await scim('GET', `/Users/${made.body.id}`), { status: 200, body: made.body })
    const ready = await seen(usher, organization.path, made.body.id)
    t.match(ready, {
      status: 'ready',
      managedBy: 'scim',
      connectionId: connection.id,
      workspace: { name: 'My workspace', role: 'owner', home: { name: /^Company/ } },
    })
    t.notOk('reason' in ready)
  },

  'somebody pushed as inactive gets a place when they are first activated': async (t, usher) => {
    const { organization, scim } = await usher.makePusher()
    const { id } = (await scim('POST', '/Users', person('ada', { active: false }))).body
    const before = await seen(usher, organization.path, id)
    t.match(before, { status: 'suspended' })
    t.notOk('workspace' in before)
    t.match(await patchUser(scim, id, { active: true }), { status: 200, body: { active: true } })
    t.match(await seen(usher, organization.path, id), { status: 'ready', workspace: { role: 'owner' } })
    t.match(await scim('GET', `/Users/${id}`), { body: { active: true, meta: { version: 'W/"2"' } } })
  },

  'deactivation and reactivation restore exactly what was there': async (t, usher) => {
    const { organization, connection, scim } = await usher.makePusher()
    const { id } = (await scim('POST', '/Users', person('ada', { externalId: 'a' }))).body
    const team = await scim('POST', '/Groups', { displayName: 'Staff', members: [{ value: id }] })
    const { cookie } = await usher.signIn(connection, { sub: 'a' })
    const session = () => usher.call({ method: 'GET', url: '/session', headers: { cookie } })
    t.match(await session(), { status: 200, body: { user: { id } } })
    const before = await seen(usher, organization.path, id)
    const memberships = () =>
      usher.rows('select * from memberships where organization_id = $1', [organization.id])
    const kept = await memberships()

    const off = { Operations: [{ op: 'Replace', path: 'active', value: 'False' }] }
    t.match(await scim('PATCH', `/Users/${id}`, patchOp(off)), { status: 200, body: { active: false } })
    t.match(await session(), { status: 401 })
    t.match(await usher.signIn(connection, { sub: 'a' }), { code: 'suspended' })
    t.match(await scim('GET', `/Users/${id}`), { body: { active: false, groups: [{ value: team.body.id }] } })
    t.match(await scim('GET', '/Users?filter=active eq false'), { body: { totalResults: 1 } })

    t.match(await patchUser(scim, id, { active: true }), { body: { active: true } })
    t.same(await seen(usher, organization.path, id), before)
    t.same(await memberships(), kept)
    t.match(await scim('GET', `/Groups/${team.body.id}`), { body: { members: [{ value: id }] } })
    t.match(await session(), { status: 401 }, 'a session that ended stays ended')
  },

  'a PUT that is silent on active revives nobody': async (t, usher) => {
    const { scim } = await usher.makePusher()
    const { id } = (await scim('POST', '/Users', person('ada', { active: false }))).body
    t.match(await scim('PUT', `/Users/${id}`, person('ada', { title: 'Countess' })), {
      status: 200,
      body: { active: false, title: 'Countess' },
    })
    t.match(await scim('PUT', `/Users/${id}`, person('ada', { active: true })), { body: { active: true } })
    const replaced = await scim('GET', `/Users/${id}`)
    t.equal(replaced.body.title, undefined, 'and takes away what it does not name')
  },

  'somebody deleted is gone from everywhere, and restored by the same externalId': async (t, usher) => {
    const { organization, scim } = await usher.makePusher()
    const boss = (await scim('POST', '/Users', person('boss', { externalId: 'b' }))).body.id
    const manager = { [ENTERPRISE]: { manager: { value: boss } } }
    const ada = (await scim('POST', '/Users', person('ada', manager))).body.id
    const group = (
      await scim('POST', '/Groups', { displayName: 'Staff', members: [{ value: boss }, { value: ada }] })
    ).body.id
    const workspace = (await seen(usher, organization.path, boss)).workspace
    t.match(await scim('GET', `/Users/${ada}`), {
      body: { [ENTERPRISE]: { manager: { value: boss, displayName: 'boss B' } } },
    })

    t.match(await scim('DELETE', `/Users/${boss}`), { status: 204, text: '' })
    for (const [method, body] of [
      ['GET'],
      ['PUT', person('boss')],
      ['PATCH', patchOp({ Operations: [] })],
      ['DELETE'],
    ] as const)
      t.match(await scim(method, `/Users/${boss}`, body), { status: method === 'PATCH' ? /4/ : 404 }, method)
    for (const filter of ['userName eq "boss"', 'externalId eq "b"', `id eq "${boss}"`])
      t.match(
        await scim('GET', `/Users?filter=${encodeURIComponent(filter)}`),
        { body: { totalResults: 0 } },
        filter,
      )
    t.match((await scim('GET', `/Groups/${group}`)).body.members, [{ value: ada }])
    const byMember = (id: string) => scim('GET', `/Groups?filter=${encodeURIComponent(`members eq "${id}"`)}`)
    t.match(await byMember(boss), { body: { totalResults: 0 } }, 'nor does a filter of members find them')
    t.match(await byMember(ada), { body: { totalResults: 1 } })

    const restored = await scim('POST', '/Users', person('boss2', { externalId: 'b' }))
    t.match(restored, { status: 201, body: { id: boss, userName: 'boss2', active: true } })
    t.same((await seen(usher, organization.path, boss)).workspace, workspace)
    t.match(await byMember(boss), { body: { totalResults: 1 } })
  },

  'a userName is free after its person was deleted, and restoring onto it is a conflict': async (
    t,
    usher,
  ) => {
    const { organization, scim } = await usher.makePusher()
    const former = (await scim('POST', '/Users', person('ada', { externalId: '1' }))).body.id
    await scim('DELETE', `/Users/${former}`)
    const heir = await scim('POST', '/Users', person('ADA', { externalId: '2' }))
    t.match(heir, { status: 201 })
    t.not(heir.body.id, former)
    const state = await stateOf(usher, organization)
    const again = await scim('POST', '/Users', person('ada', { externalId: '1' }))
    t.match(again, { status: 409, body: { scimType: 'uniqueness' } })
    t.same(await stateOf(usher, organization), state)
    await scim('DELETE', `/Users/${heir.body.id}`)
    t.match(await scim('POST', '/Users', person('ada', { externalId: '1' })), {
      status: 201,
      body: { id: former },
    })
  },

  'somebody deleted beyond the grace is not restored': async (t, usher) => {
    const { organization, scim } = await usher.makePusher()
    const { id } = (await scim('POST', '/Users', person('ada', { externalId: '1' }))).body
    await scim('DELETE', `/Users/${id}`)
    await usher.rows(
      "update users set deleted_at = deleted_at - interval '31 days' where organization_id = $1",
      [organization.id],
    )
    const anew = await scim('POST', '/Users', person('ada', { externalId: '1' }))
    t.match(anew, { status: 201 })
    t.not(anew.body.id, id)
  },

  'userNames are unique in an organization whatever their case, externalIds on a connection': async (
    t,
    usher,
  ) => {
    const { organization, scim } = await usher.makePusher()
    const other = usher.scim((await usher.makeCredential(await usher.makeConnection(organization))).token)
    const ada = await scim('POST', '/Users', person('ada@acme.example', { externalId: '1' }))
    const bob = await scim('POST', '/Users', person('bob', { externalId: '2' }))
    const state = await stateOf(usher, organization)
    const refusals = {
      'a userName of another case': () =>
        scim('POST', '/Users', person('ADA@acme.example', { externalId: '3' })),
      'the very same again': () => scim('POST', '/Users', person('ada@acme.example', { externalId: '1' })),
      'another person’s externalId': () => scim('POST', '/Users', person('carl', { externalId: '1' })),
      'the name and the externalId of two': () => scim('POST', '/Users', person('bob', { externalId: '1' })),
      'another connection’s userName': () => other('POST', '/Users', person('Bob', { externalId: '9' })),
      'a PATCH onto a taken userName': () => patchUser(scim, bob.body.id, { userName: 'Ada@acme.example' }),
      'a PUT onto a taken externalId': () =>
        scim('PUT', `/Users/${bob.body.id}`, person('bob', { externalId: '1' })),
    }
    for (const [what, ask] of Object.entries(refusals))
      t.match(
        await ask(),
        { status: 409, body: { status: '409', scimType: 'uniqueness', detail: /./ } },
        what,
      )
    t.same(await stateOf(usher, organization), state)
    t.match(await other('POST', '/Users', person('carl', { externalId: '1' })), { status: 201 })
    t.match(await scim('GET', '/Users?filter=userName eq "ADA@ACME.EXAMPLE"'), {
      body: { Resources: [{ id: ada.body.id }] },
    })
  },

  'numeric-looking ids stay strings, and an id of the client’s choosing is ignored': async (t, usher) => {
    const { organization, scim } = await usher.makePusher()
    const ada = (await scim('POST', '/Users', person('1', { externalId: '0007' }))).body.id
    const bob = await scim('POST', '/Users', person('2', { id: ada, externalId: ada }))
    t.match(bob, { status: 201, body: { externalId: ada } })
    t.not(bob.body.id, ada)
    t.match(await scim('GET', `/Users/${ada}`), { body: { userName: '1', externalId: '0007' } })
    for (const id of ['0007', '1', '7', '0', 'x'.repeat(500), '%00', ada.toUpperCase()])
      t.match(await scim('GET', `/Users/${id}`), { status: 404 }, id)
    t.match(await scim('GET', '/Users?filter=externalId eq "7"'), { body: { totalResults: 0 } })
    t.match(await scim('GET', '/Users?filter=externalId eq "0007"'), { body: { totalResults: 1 } })
    t.equal((await usher.admin('GET', `${organization.path}/users`)).body.items.length, 2)
  },

  'whom a sign-in made is taken over by POST, PATCH or PUT under the same id': async (t, usher) => {
    const issuer = 'https://idp.example'
    const wish = { oidc: { issuer, clientId: 'c' }, scim: {} }
    const { organization, connection, scim } = await usher.makePusher(wish)
    const signedIn = async (sub: string) => {
      await usher.signIn(connection, { sub, preferred_username: `${sub}@acme.example` })
      const found = await scim('GET', `/Users?filter=userName eq "${sub}@acme.example"`)
      t.match(found, { body: { totalResults: 1 } }, 'a filter shows the record')
      return String(found.body.Resources[0]?.id)
    }
    const takeovers = {
      'POST by externalId': async (_: string, sub: string) =>
        scim('POST', '/Users', person(`new-${sub}`, { externalId: sub })),
      'POST by userName': async (_: string, sub: string) =>
        scim('POST', '/Users', person(`${sub}@ACME.example`, { externalId: `x-${sub}` })),
      PATCH: async (id: string) => patchUser(scim, id, { title: 'Countess' }),
      PUT: async (id: string, sub: string) =>
        scim('PUT', `/Users/${id}`, person(`${sub}@acme.example`, { externalId: sub })),
    }
    for (const [what, takeOver] of Object.entries(takeovers)) {
      const sub = what.replaceAll(' ', '-').toLowerCase()
      const id = await signedIn(sub)
      const before = await seen(usher, organization.path, id)
      t.match(before, { managedBy: 'sign-in', externalId: sub, status: 'ready' })
      t.match(await takeOver(id, sub), { status: what.startsWith('POST') ? 201 : 200, body: { id } }, what)
      const after = await seen(usher, organization.path, id)
      t.match(after, { managedBy: 'scim', workspace: before.workspace, status: 'ready' }, what)
      t.match(await takeOver(id, sub), { status: what.startsWith('POST') ? 409 : 200 }, `${what} again`)
      t.match(await usher.signIn(connection, { sub }), { code: undefined }, `${what}, and sign in again`)
    }
    t.equal((await usher.admin('GET', `${organization.path}/users`)).body.items.length, 4)
  },

  'claims beyond all measure name nobody': async (t, usher) => {
    const { organization, connection } = await usher.makePusher()
    const long = randomBytes(3000).toString('hex')
    t.match(await usher.signIn(connection, { sub: 's', preferred_username: long }), { code: undefined })
    const [person] = (await usher.admin('GET', `${organization.path}/users`)).body.items
    t.match(person, { userName: 's', status: 'ready' })
  },

  'a version is asked for by If-Match, and a change of nothing keeps it': async (t, usher) => {
    const { token, scim } = await usher.makePusher()
    const made = await scim('POST', '/Users', person('ada'))
    const { id, meta } = made.body
    const nothing = [
      await patchUser(scim, id, { userName: 'ada', active: true }),
      await scim('PUT', `/Users/${id}`, person('ada')),
      await patchUser(scim, id, { emails: [{ value: 'ada@acme.example', type: 'work', primary: true }] }),
    ]
    for (const answer of nothing) t.match(answer, { status: 200, headers: { etag: 'W/"1"' }, body: { meta } })

    const stale = usher.scim(token, { 'if-match': 'W/"7", "nonsense"' })
    for (const [method, body] of [
      ['PATCH', patchOp({ Operations: [{ op: 'add', path: 'title', value: 'x' }] })],
      ['PUT', person('b')],
      ['DELETE'],
    ] as const)
      t.match(await stale(method, `/Users/${id}`, body), { status: 412, body: { status: '412' } }, method)
    t.match(await scim('GET', `/Users/${id}`), { body: { userName: 'ada', meta } })

    const fresh = usher.scim(token, { 'if-match': 'W/"7", W/"1"' })
    t.match(await patchUser(fresh, id, { title: 'x' }), { status: 200, headers: { etag: 'W/"2"' } })
    const known = usher.scim(token, { 'if-none-match': 'W/"2"' })
    t.match(await known('GET', `/Users/${id}`), { status: 304, text: '' })
    t.match(await usher.scim(token, { 'if-match': '*' })('DELETE', `/Users/${id}`), { status: 204 })
  },

  'changes of one person at the same time all land': async (t, usher) => {
    const { scim } = await usher.makePusher()
    const { id } = (await scim('POST', '/Users', person('ada'))).body
    const names = [
      'title',
      'nickName',
      'locale',
      'timezone',
      'userType',
      'preferredLanguage',
      'displayName',
      'profileUrl',
    ]
    const answers = await Promise.all(
      names.map((name) => patchUser(scim, id, { [name]: `https://x.example/${name}` })),
    )
    t.same(
      answers.map(({ status }) => status),
      names.map(() => 200),
    )
    const after = (await scim('GET', `/Users/${id}`)).body
    for (const name of names) t.equal(after[name], `https://x.example/${name}`)
    t.equal(after.meta.version, `W/"${names.length + 1}"`)
  },

  'a manager is named, however they came and went': async (t, usher) => {
    const { scim } = await usher.makePusher()
    const make = async (name: string, more = {}) => (await scim('POST', '/Users', person(name, more))).body
    const [grace, alan] = [await make('grace'), await make('alan')]
    const named = ({ id, displayName }: Body) => ({
      [ENTERPRISE]: { manager: { value: id, displayName, $ref: `${PUBLIC_URL}/scim/v2/Users/${id}` } },
    })
    const ada = await make('ada', { [ENTERPRISE]: { manager: { value: grace.id } } })
    t.match(ada, named(grace), 'in the answer to a POST')
    const path = `${ENTERPRISE}:manager`
    const changed = await scim(
      'PATCH',
      `/Users/${ada.id}`,
      patchOp({ Operations: [{ op: 'Add', path, value: alan.id }] }),
    )
    t.match(changed, { status: 200, body: named(alan) }, 'in the answer to a PATCH')
    t.match(
      await scim(
        'GET',
        `/Users?filter=${encodeURIComponent(`id eq "${ada.id}" and manager eq "${alan.id}"`)}`,
      ),
      { body: { totalResults: 1 } },
    )
    const taken = await scim('PATCH', `/Users/${ada.id}`, patchOp({ Operations: [{ op: 'remove', path }] }))
    t.notOk(JSON.stringify(taken.body).includes('manager'))
  },

  'lists have exact totals, stable pages and any order': async (t, usher) => {
    const { scim } = await usher.makePusher()
    const names = ['d', 'B', 'a', 'C', 'e', 'f', 'G']
    for (const name of names) await scim('POST', '/Users', person(name, name === 'e' ? {} : { title: name }))
    const list = async (query: string) => (await scim('GET', `/Users?${query}`)).body
    const all = ids(await list('count=100'))
    t.equal(all.length, 7)
    const walked: string[] = []
    for (let startIndex = 1; startIndex <= 7; startIndex += 3) {
      const page = await list(`startIndex=${startIndex}&count=3`)
      t.match(page, { totalResults: 7, startIndex, itemsPerPage: Math.min(3, 8 - startIndex) })
      walked.push(...ids(page))
    }
    t.same(walked, all)
    const userNames = ({ Resources }: Body) => Resources.map(({ userName }) => userName).join('')
    t.equal(userNames(await list('sortBy=userName')), 'aBCdefG')
    t.equal(userNames(await list('sortBy=userName&sortOrder=descending')), 'GfedCBa')
    t.equal(userNames(await list('sortBy=title')), 'aBCdfGe', 'those without it come last')
    t.match(await list('count=0'), { totalResults: 7, itemsPerPage: 0 })
    t.match(await list('startIndex=-3&count=-1'), { totalResults: 7, startIndex: 1, itemsPerPage: 0 })
    t.match(await list('startIndex=100'), { totalResults: 7, itemsPerPage: 0, startIndex: 100 })
    t.match(await list('filter=title pr&count=2'), { totalResults: 6, itemsPerPage: 2 })
    const version = encodeURIComponent('meta.resourceType eq "User" and meta.version eq "W/\\"1\\""')
    t.match(await list(`filter=${version}&count=1`), { totalResults: 7 })
    t.match(await list('filter=meta.resourceType eq "Group"'), { totalResults: 0 })
    t.match(await list('filter=meta pr&count=1'), { totalResults: 7 })
    t.match(await list('filter=not (meta pr) or meta eq null'), { totalResults: 0 })
    t.match(await list('filter=userName sw "%25"'), { totalResults: 0 })
    const brief = (await list('attributes=userName&count=1')).Resources[0]
    t.same(Object.keys(brief ?? {}).sort(), ['id', 'schemas', 'userName'])
  },
})
