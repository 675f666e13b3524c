import t from 'tap'
import type { Body } from './api.ts'
import { holdOnEachLayout } from './layouts.ts'
import { patchOp, person } from './people.ts'
import type { Usher } from './usher.ts'

const CORE = 'urn:ietf:params:scim:schemas:core:2.0:User'

async function start(usher: Usher, profile = 'lenient') {
  const pusher = await usher.makePusher({ scim: { profile } })
  const { path } = pusher.organization
  const put = (kind: string, value: string, body: object = {}) =>
    usher.admin('PUT', `${path}/${kind}/${encodeURIComponent(value)}`, body)
  return { ...pusher, path, put }
}

const valued = (name: string, roles: string[], entitlements: string[] = []) =>
  person(name, {
    schemas: [CORE],
    roles: roles.map((value) => ({ value })),
    entitlements: entitlements.map((value) => ({ value })),
  })

holdOnEachLayout(t, {
  'values come, are replaced and go': async (t, usher) => {
    const { path, put, organization } = await start(usher)
    for (const kind of ['roles', 'entitlements']) {
      t.match(await usher.admin('GET', `${path}/${kind}`), { status: 200, body: { items: [] } })
      const made = await put(kind, 'Team Lead', { display: 'Lead', type: 'app' })
      t.match(made, {
        status: 201,
        body: { value: 'Team Lead', display: 'Lead', type: 'app', supported: true },
      })
      const again = await put(kind, 'team lead', { supported: false })
      t.same([again.status, again.body], [200, { value: 'team lead', supported: false }])
      await put(kind, 'a/b')
      t.match((await usher.admin('GET', `${path}/${kind}`)).body.items, [
        { value: 'a/b' },
        { value: 'team lead' },
      ])
      t.match(await usher.admin('DELETE', `${path}/${kind}/A%2FB`), { status: 204, text: '' })
      t.match(await usher.admin('DELETE', `${path}/${kind}/a%2Fb`), {
        status: 404,
        body: { code: 'not_found' },
      })
    }
    const wrong: [value: string, body: object, place: string][] = [
      ['x'.repeat(101), {}, 'path/value'],
      ['a\u0000b', {}, 'path/value'],
      ['x', { display: '' }, 'body/display'],
      ['x', { type: 'x'.repeat(101) }, 'body/type'],
      ['x', { supported: 'no' }, 'body/supported'],
      ['x', { value: 'y' }, 'body/value'],
    ]
    for (const [value, body, place] of wrong)
      t.match(await put('roles', value, body), { status: 400, body: { errors: [{ path: place }] } }, place)
    const events = await usher.rows('select type, data from events where subject_id = $1 order by id', [
      organization.id,
    ])
    t.match(events.slice(1, 5), [
      { type: 'scim-value.stored', data: { kind: 'role', value: 'Team Lead' } },
      { type: 'scim-value.stored' },
      { type: 'scim-value.stored' },
      { type: 'scim-value.deleted', data: { kind: 'role' } },
    ])
  },

  'an organization has a thousand of them at most': async (t, usher) => {
    const { organization, put } = await start(usher)
    await usher.rows(
      `insert into scim_values (organization_id, kind, key, value, supported, created_at, updated_at)
       select $1, 'role', n::text, n::text, true, now(), now() from generate_series(1, 999) n`,
      [organization.id],
    )
    const answers = await Promise.all(['a', 'b', 'c'].map((value) => put('roles', value)))
    t.same(answers.map(({ status }) => status).sort(), [201, 409, 409])
    t.match(
      await put('roles', '7', { display: 'Seven' }),
      { status: 200 },
      'one that is there is still replaced',
    )
    t.match(await put('entitlements', 'a'), { status: 201 })
  },

  'clients find them in either shape, each its own': async (t, usher) => {
    const { scim, put } = await start(usher)
    const theirs = await start(usher)
    const announced = async (to: typeof scim) => {
      const config = (await to('GET', '/ServiceProviderConfig')).body
      const types = (await to('GET', '/ResourceTypes')).body.Resources.map(({ name }: Body) => name)
      return [...types, 'RolesAndEntitlements' in config]
    }
    t.same(
      await announced(scim),
      ['User', 'Group', false],
      'strict clients stumble over what they do not know',
    )
    await put('roles', 'old', { supported: false })
    t.same(await announced(scim), ['User', 'Group', 'Role', true])
    await put('roles', 'admin', { display: 'Administrator', type: 'app' })
    await put('roles', 'old', { supported: false })
    await put('entitlements', 'license.full', { type: 'License' })
    const config = (await scim('GET', '/ServiceProviderConfig')).body.RolesAndEntitlements
    t.match(config, {
      roles: { supported: true, multipleRolesSupported: true },
      entitlements: { supported: true },
    })
    const types = (await scim('GET', '/ResourceTypes')).body.Resources
    t.match(types.slice(2), [
      { name: 'Role', endpoint: '/Roles', schema: 'urn:ietf:params:scim:schemas:core:2.0:Role' },
      { name: 'Entitlement', endpoint: '/Entitlements' },
      { name: 'OktaRole', endpoint: '/OktaRoles', schema: 'urn:okta:scim:schemas:core:1.0:Role' },
      {
        name: 'OktaEntitlement',
        endpoint: '/OktaEntitlements',
        schema: 'urn:okta:scim:schemas:core:1.0:Entitlement',
      },
    ])
    const bare = async (path: string) =>
      (await scim('GET', path)).body.Resources.map(({ meta: _, schemas: __, ...rest }: Body) => rest)
    t.same(await announced(theirs.scim), ['User', 'Group', false])
    t.same(await bare('/Roles'), [
      { id: 'admin', value: 'admin', display: 'Administrator', type: 'app', supported: true },
      { id: 'old', value: 'old', supported: false },
    ])
    t.same(await bare('/Roles?filter=supported eq true and value eq "ADMIN"'.replaceAll(' ', '%20')), [
      { id: 'admin', value: 'admin', display: 'Administrator', type: 'app', supported: true },
    ])
    t.same(await bare('/OktaRoles'), [{ id: 'admin', displayName: 'Administrator', type: 'app' }])
    t.same(await bare('/OktaEntitlements'), [
      { id: 'license.full', displayName: 'license.full', type: 'License' },
    ])
    t.match(await scim('GET', '/Entitlements/license.full'), { status: 200, headers: { etag: 'W/"1"' } })
    t.match(await theirs.scim('GET', '/Entitlements/license.full'), { status: 404 })
    t.match(await theirs.scim('GET', '/Roles'), { body: { totalResults: 0 } })
    t.match(await scim('POST', '/Roles', { value: 'x' }), { status: 405 })
  },

  'a strict connection gives no others, where there are any': async (t, usher) => {
    const { scim, put, path, organization } = await start(usher, 'strict')
    const lenient = usher.scim((await usher.makeCredential(await usher.makeConnection(organization))).token)
    const { id } = (await scim('POST', '/Users', valued('ada', ['anything'], ['more']))).body
    await put('roles', 'admin')
    await put('roles', 'old', { supported: false })
    const refused = (detail: RegExp) => ({ status: 400, body: { scimType: 'invalidValue', detail } })
    t.match(await scim('POST', '/Users', valued('bob', ['ADMIN'], ['more'])), { status: 201 }, 'in any case')
    t.match(await scim('POST', '/Users', valued('carl', ['admin', 'anything'])), refused(/role "anything"/))
    t.match(await scim('POST', '/Users', valued('carl', ['old'])), refused(/role "old"/))
    const patch = (value: object) =>
      scim('PATCH', `/Users/${id}`, patchOp({ Operations: [{ op: 'add', ...value }] }))
    t.match(await patch({ path: 'title', value: 'x' }), { status: 200 }, 'who has one keeps it')
    t.match(await patch({ path: 'roles', value: [{ value: 'admin' }] }), { status: 200 })
    t.match(await patch({ path: 'roles', value: [{ value: 'nothing' }] }), refused(/role "nothing"/))
    t.match(await scim('PUT', `/Users/${id}`, valued('ada', ['anything'], ['new'])), { status: 200 })
    await put('entitlements', 'license')
    t.match(await scim('PUT', `/Users/${id}`, valued('ada', [], ['other'])), refused(/entitlement "other"/))
    t.match(await lenient('POST', '/Users', valued('dan', ['whatever'], ['x'])), { status: 201 })
    for (const value of ['admin', 'old']) await usher.admin('DELETE', `${path}/roles/${value}`)
    t.match(
      await scim('POST', '/Users', valued('eve', ['anything'])),
      { status: 201 },
      'without a list all are taken',
    )
  },
})
