import t from 'tap'
import { adminAsk, type Body } from './api.ts'
import { holdOnEachLayout } from './layouts.ts'
import { ADMIN_KEY } from './usher.ts'

const whole = {
  workspace: { give: 'create', name: 'My workspace', role: 'owner' },
  homes: { by: 'organization', teams: {}, otherwise: 'organization' },
  justInTime: 'on',
  connections: {},
  linking: { email: false },
  adoption: 'adopt',
  guests: { userTypes: [] },
  graceDays: 30,
  leaving: { keepDays: 0, workspace: 'archive', to: ['manager', 'team'] },
  suspended: {},
  protected: { users: [] },
  brake: { most: 500, percent: 100 },
  rehire: 'new',
  groups: [],
  attributes: {},
  workspaces: { join: 'invited', create: 'administrators', mostOwned: null },
}

holdOnEachLayout(t, {
  'a new organization has the default policy': async (t, usher) => {
    const { path } = await usher.makeOrganization()
    const { status, headers, body } = await usher.admin('GET', `${path}/policy`)
    t.match({ status, headers, body }, { status: 200, headers: { etag: '"1"' }, body: { version: 1 } })
    t.same(body.document, whole)
  },
  'each change is a version that stays, with who made it, and one event': async (t, usher) => {
    const { id, path } = await usher.makeOrganization()
    const patched = await usher.admin('PATCH', `${path}/policy`, { workspace: { role: 'member' } })
    t.match(patched, { status: 200, headers: { etag: '"2"' }, body: { version: 2, actor: /^admin:/ } })
    t.match(patched.body.document, {
      ...whole,
      workspace: { give: 'create', name: 'My workspace', role: 'member' },
    })
    const same = await usher.admin('PATCH', `${path}/policy`, { workspace: { role: 'member' } })
    t.match(same, { status: 200, body: { version: 2 } }, 'what says nothing new is no version')
    t.match(await usher.admin('PUT', `${path}/policy`, { graceDays: 7 }), {
      body: { version: 3, document: { ...whole, graceDays: 7 } },
    })
    t.match(await usher.admin('PATCH', `${path}/policy`, { graceDays: null }), {
      body: { version: 4, document: whole },
    })
    const { items, next } = (await usher.admin('GET', `${path}/policies?limit=3`)).body
    t.same(
      items.map(({ version }) => version),
      [4, 3, 2],
    )
    const rest = (await usher.admin('GET', `${path}/policies?cursor=${next}`)).body
    t.match(rest, { items: [{ version: 1, document: whole }] })
    t.match(await usher.admin('GET', `${path}/policies/3`), { body: { document: { graceDays: 7 } } })
    t.match(await usher.admin('GET', `${path}/policies/9`), { status: 404 })
    const events = await usher.rows(
      "select changed, data from events where organization_id = $1 and type = 'policy.changed' order by id",
      [id],
    )
    t.same(events, [
      { changed: ['workspace'], data: { version: 2 } },
      { changed: ['workspace', 'graceDays'], data: { version: 3 } },
      { changed: ['graceDays'], data: { version: 4 } },
    ])
  },
  'what is no policy, or of another version, changes nothing': async (t, usher) => {
    const { path } = await usher.makeOrganization()
    const [home] = (await usher.admin('GET', `${path}/teams`)).body.items
    const wrong: object[] = [
      { unknown: 1 },
      { workspace: { role: 'king' } },
      { graceDays: -1 },
      { justInTime: true },
      { workspace: { name: '' } },
      { workspace: { name: ' \n' } },
      { homes: { teams: { Sales: home?.id, 'sales ': home?.id } } },
    ]
    for (const body of wrong)
      for (const method of ['PUT', 'PATCH'] as const)
        t.match(await usher.admin(method, `${path}/policy`, body), {
          status: 400,
          body: { code: 'invalid_request', errors: [{ path: /^body/ }] },
        })
    const stale = await adminAsk(usher.call, ADMIN_KEY, { 'if-match': '"7"' })('PUT', `${path}/policy`, {})
    t.equal(stale.status, 412)
    t.match((await usher.admin('GET', `${path}/policy`)).body, { version: 1 })
  },
  'the next decision is by the new policy, in every process': async (t, usher) => {
    const { organization, connection } = await usher.makePusher({
      oidc: { issuer: 'https://idp.example', clientId: 'c' },
      scim: {},
    })
    await usher.signIn(connection, { sub: 'first' })
    await usher.admin('PATCH', `${organization.path}/policy`, { justInTime: 'off' })
    t.match(await usher.signIn(connection, { sub: 'second' }), { code: 'just_in_time_off' })
    await usher.admin('PATCH', `${organization.path}/policy`, {
      justInTime: 'on',
      workspace: { name: 'Desk' },
    })
    await usher.signIn(connection, { sub: 'third' })
    const { items } = (await usher.admin('GET', `${organization.path}/users`)).body
    const placeOf = (body: Body | undefined) => (body?.workspace as { name: string } | undefined)?.name
    t.same(items.map(placeOf), ['My workspace', 'Desk'])
  },
})
