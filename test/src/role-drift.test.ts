import t from 'tap'
import { holdOnEachLayout } from './layouts.ts'
import { roleScene } from './role-scene.ts'
import type { Usher } from './usher.ts'

async function scene(usher: Usher) {
  const of = await roleScene(usher)
  const drift = async () =>
    (await usher.admin('GET', `${of.path}/reports/role-drift`)).body.result as Record<string, unknown>
  await of.rule({
    groups: [
      { id: 'yard', group: 'eng-*', give: { workspace: of.workspace, role: 'member' } },
      { id: 'crew', group: 'Leads', give: { team: of.team, role: 'admin' } },
      { id: 'own', group: 'Eng-Own', give: { role: 'viewer' } },
    ],
  })
  await of.work()
  const change = (text: string, values: unknown[] = []) => usher.rows(text, [of.id, ...values])
  return { ...of, drift, change }
}

const none = { missing: 0, different: 0, surplus: 0, beyond: 0, waitingGroups: 0, listed: [] }

holdOnEachLayout(t, {
  'what pushes and rules have made is no drift': async (t, usher) => {
    const { drift, push, group } = await scene(usher)
    t.same(await drift(), { ...none, people: 0 })
    const [ada, bob] = [await push('ada'), await push('bob')]
    await group('Eng-Own', ada, bob)
    await group('Leads', bob)
    t.same(await drift(), { ...none, people: 2 })
  },

  'roles that rules do not give, lack or give otherwise are found': async (t, usher) => {
    const { drift, push, group, change, workspace, team } = await scene(usher)
    const [ada, bob, cid, out] = await Promise.all(['ada', 'bob', 'cid', 'out'].map((name) => push(name)))
    await group('Eng-All', ada ?? '', bob ?? '')
    await group('Leads', cid ?? '')
    await change(
      `delete from memberships where organization_id = $1 and user_id = $2 and source = 'group-rule'`,
      [ada],
    )
    await change(
      `update memberships set role = 'admin' where organization_id = $1 and user_id = $2 and source = 'group-rule'`,
      [bob],
    )
    await change(
      `insert into memberships (organization_id, user_id, workspace_id, role, source, rule, created_at)
       values ($1, $2, $3, 'viewer', 'group-rule', 'yard', now())`,
      [out, workspace],
    )
    const found = await drift()
    t.match(found, { missing: 1, different: 1, surplus: 1, beyond: 0, people: 4 })
    t.same(
      new Set(found.listed as object[]),
      new Set([
        {
          kind: 'missing',
          userId: ada,
          place: 'workspace',
          placeId: workspace,
          wanted: 'member',
          why: 'group-rule: yard',
        },
        {
          kind: 'different',
          userId: bob,
          place: 'workspace',
          placeId: workspace,
          wanted: 'member',
          held: 'admin',
          why: 'group-rule: yard',
        },
        {
          kind: 'surplus',
          userId: out,
          place: 'workspace',
          placeId: workspace,
          held: 'viewer',
          why: 'group-rule: yard',
        },
      ]),
    )
    await change(`update team_memberships set role = 'viewer' where organization_id = $1 and team_id = $2`, [
      team,
    ])
    t.match(await drift(), { different: 2 })
  },

  'what a hand gives beyond what groups say is told apart': async (t, usher) => {
    const { drift, push, group, workspace, team, path } = await scene(usher)
    const [ada, bob, cid] = [await push('ada'), await push('bob'), await push('cid')]
    await group('Eng-All', ada, bob)
    const give = (place: string, userId: string, role: string) =>
      usher.admin('PUT', `${path}/${place}/members/${userId}`, { role })
    await give(`workspaces/${workspace}`, ada, 'admin')
    await give(`workspaces/${workspace}`, bob, 'viewer')
    await give(`teams/${team}`, cid, 'viewer')
    const found = await drift()
    t.match(found, { missing: 0, different: 0, surplus: 0, beyond: 2 }, 'less than groups say is not beyond')
    t.same(
      new Set(found.listed as object[]),
      new Set([
        {
          kind: 'beyond',
          userId: ada,
          place: 'workspace',
          placeId: workspace,
          wanted: 'member',
          held: 'admin',
          why: 'administrator: by hand',
        },
        {
          kind: 'beyond',
          userId: cid,
          place: 'team',
          placeId: team,
          held: 'viewer',
          why: 'administrator: by hand',
        },
      ]),
    )
  },

  'while rules are put into effect they are ahead, which is said; the list has an end': async (t, usher) => {
    const { drift, group, rule, work, id } = await scene(usher)
    const ids = (
      await usher.rows<{ id: string }>(
        `insert into users (organization_id, id, managed, user_name, user_name_key, status, attributes, email_keys,
                            created_at, updated_at)
         select $1, x, true, x::text, x::text, 'suspended', '{}', '[]', now(), now()
         from (select gen_random_uuid() as x from generate_series(1, 600)) x returning id`,
        [id],
      )
    ).map((row) => row.id)
    await group('Eng-All', ...ids)
    await rule({ groups: [], brake: { percent: 100, most: 10_000 } })
    const found = await drift()
    t.match(found, { surplus: 600, rollout: 'waiting', people: 600 })
    t.equal((found.listed as object[]).length, 100)
    await work()
    t.same(await drift(), { ...none, people: 600 })
  },
})
