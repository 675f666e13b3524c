import t from 'tap'
import { holdOnEachLayout } from './layouts.ts'
import { person, stateOf } from './people.ts'

holdOnEachLayout(t, {
  'a self-test plays an identity provider and leaves nothing but its event': async (t, usher) => {
    for (const profile of ['lenient', 'strict'] as const) {
      const { organization, connection, scim } = await usher.makePusher({ scim: { profile } })
      await scim('POST', '/Users', person('ada'))
      const tables = 'users workspaces memberships groups group_members event_personal'.split(' ')
      const counts = tables.map((table) => `select count(*)::int from ${table} where organization_id = $1`)
      const counted = () => usher.rows(counts.join(' union all '), [organization.id])
      const before = await counted()
      const answer = await usher.admin('POST', `${connection.path}/scim-self-test`)
      t.match(answer, { status: 200, body: { ok: true } }, profile)
      const { steps } = JSON.parse(answer.text) as { steps: { ok: boolean }[] } // as the contract has it
      t.strictSame(
        steps.filter(({ ok }) => !ok),
        [],
      )
      t.equal(steps.length, 13)
      t.same(await counted(), before)
      const events = await usher.rows(
        "select data from events where organization_id = $1 and type = 'connection.self-tested'",
        [organization.id],
      )
      t.same(events, [{ data: { ok: true } }])
    }
  },

  'a connection that takes no push is not tested': async (t, usher) => {
    const organization = await usher.makeOrganization()
    const oidc = { issuer: 'https://idp.example', clientId: 'c' }
    const signIn = await usher.makeConnection(organization, { oidc })
    const state = await stateOf(usher, organization)
    t.match(await usher.admin('POST', `${signIn.path}/scim-self-test`), { status: 409 })
    t.same(await stateOf(usher, organization), state)
    const pushing = await usher.makeConnection(organization, { scim: {} })
    await usher.admin('PATCH', pushing.path, { status: 'disabled' })
    t.match(await usher.admin('POST', `${pushing.path}/scim-self-test`), { status: 409 })
  },
})
