import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import t from 'tap'
import { explainPerson } from '../../src/cli/person.ts'
import { newId } from '../../src/ids.ts'
import { holdOnEachLayout } from './layouts.ts'
import { patchOp, patchUser, person } from './people.ts'
import type { Usher } from './usher.ts'

interface Told {
  readonly verdict: string
  readonly decisions: readonly { outcome: string; rule: string; request?: { id: string } }[]
  readonly now: { readonly differs: boolean; readonly workspace: object; readonly roles: object[] }
  readonly missing: readonly { what: string; sentence: string; since?: string; now?: { sentence: string } }[]
}

interface Item {
  readonly id: string
  readonly type: string
  readonly summary: string
  readonly requestId?: string
  readonly request?: object
}

/** An organization with a bound connection, and what is asked about its people. */
async function scene(usher: Usher) {
  const oidc = { issuer: 'https://idp.example', clientId: 'c' }
  const { organization, connection, scim } = await usher.makePusher({ oidc, scim: {} })
  const { path } = organization
  const rule = async (patch: object) => {
    const answer = await usher.admin('PATCH', `${path}/policy`, patch)
    if (answer.status !== 200) throw new Error(answer.text)
  }
  const push = async (userName: string, more: object = {}) => {
    const answer = await scim('POST', '/Users', person(userName, { externalId: userName, ...more }))
    if (answer.status !== 201) throw new Error(answer.text)
    return answer.body.id
  }
  const explain = async (id: string) =>
    (await usher.admin('GET', `${path}/users/${id}/explain`)).body as unknown as Told // as the contract has it
  const timeline = async (id: string, query = '') => {
    const { body } = await usher.admin('GET', `${path}/users/${id}/timeline${query}`)
    return body as unknown as { items: readonly Item[]; next?: string } // as the contract has it
  }
  const missing = async (id: string, what: string) =>
    (await explain(id)).missing.find((one) => one.what === what)
  /** Once notes of as many requests are written. */
  const noted = async (least: number) => {
    for (let tries = 0; tries < 100; tries++) {
      if ((await usher.admin('GET', `${path}/requests`)).body.items.length >= least) return
      await pause(50)
    }
    throw new Error('nothing is noted')
  }
  return { organization, connection, scim, rule, push, explain, timeline, missing, noted }
}

const run = promisify(execFile)

/** The command as it is started from its sources, on the database of the service. */
async function usherCommand({ databaseUrl }: Usher, ...words: string[]) {
  const env = {
    ...process.env,
    NODE_OPTIONS: '',
    DATABASE_URL: databaseUrl,
    USHER_SECRET_KEY: randomBytes(32).toString('base64'),
  }
  try {
    const { stdout } = await run(process.execPath, ['--import=tsx', 'src/cli.ts', ...words], { env })
    return { code: 0, stdout, stderr: '' }
  } catch (error) {
    return error as { code: number; stdout: string; stderr: string } // as node gives it
  }
}

holdOnEachLayout(t, {
  'a time line tells the request behind each event, and what came to nothing': async (t, usher) => {
    const { connection, scim, push, timeline, noted } = await scene(usher)
    const id = await push('ada')
    await patchUser(scim, id, { title: 'Countess' })
    await patchUser(scim, id, { title: 'Countess' })
    await scim('PATCH', `/Users/${id}`, patchOp({ Operations: [{ op: 'add', path: 'nope', value: 1 }] }))
    await scim('PATCH', `/Users/${newId()}`, patchOp({ Operations: [] }))
    await noted(5)
    const { items } = await timeline(id)
    const request = { method: 'PATCH', path: `/Users/${id}`, connection: { id: connection.id } }
    t.match(items, [
      {
        type: 'request.refused',
        summary: `PATCH /Users/${id} was refused: 400 invalidPath, There is no attribute "[text]".`,
        request: { ...request, status: 400 },
      },
      { type: 'request.unchanged', request: { ...request, status: 200 } },
      { type: 'user.changed', request: { ...request, status: 200 } },
      { type: 'user.provisioned', request: { method: 'POST', path: '/Users', status: 201 } },
      { type: 'user.created' },
    ])
    t.equal(items.length, 5)
    t.equal(items[0]?.requestId, items[0]?.id)
    const pages: string[] = []
    for (let next: string | undefined = ''; next !== undefined; ) {
      const page: { items: readonly Item[]; next?: string } = await timeline(id, `?limit=2${next}`)
      pages.push(...page.items.map((one) => one.id))
      next = page.next && `&cursor=${page.next}`
    }
    t.same(
      pages,
      items.map((one) => one.id),
    )
  },

  'whoever is ready is told by what, and by which request': async (t, usher) => {
    const { push, explain, noted } = await scene(usher)
    const id = await push('ada')
    await noted(1)
    const told = await explain(id)
    t.match(
      told.verdict,
      /^Ready since \S+Z: owner of “My workspace” in “.+”, by rule default workspace, policy v1\.$/,
    )
    t.match(told.decisions, [
      { outcome: 'user.provisioned', rule: 'default workspace', request: { method: 'POST', status: 201 } },
      { outcome: 'user.created', rule: 'nobody known' },
    ])
    t.equal(told.now.differs, false)
    t.same(
      told.missing.map(({ what }) => what),
      ['group-role', 'login'],
    )
  },

  'who has no workspace is told by which rule, and what the policy in force would do': async (t, usher) => {
    const { rule, push, explain, missing } = await scene(usher)
    await rule({ guests: { userTypes: ['Guest'] } })
    const id = await push('guest', { userType: 'guest' })
    t.equal((await explain(id)).verdict, 'No workspace: rule guests get none, policy v2.')
    t.match(await missing(id, 'workspace'), {
      sentence: 'No workspace: rule guests get none, policy v2',
      decided: { rule: 'guests get none', policyVersion: 2 },
      now: { policyVersion: 2, rule: 'guests get none', sentence: /gives none/ },
    })
    t.equal((await explain(id)).now.differs, false)
    await rule({ guests: { userTypes: [] } })
    const told = await explain(id)
    t.match(told.verdict, /guests get none, policy v2; policy v3 gives one, by rule default workspace/)
    t.match(told.now, { policyVersion: 3, differs: true, workspace: { rule: 'default workspace' } })
    t.match(await missing(id, 'workspace'), { decided: { policyVersion: 2 }, now: { policyVersion: 3 } })
    const owner = await push('owner')
    await rule({ workspace: { give: 'none' } })
    t.match((await explain(owner)).now, { differs: true, workspace: { workspace: null } })
    t.match((await explain(owner)).verdict, /^Ready since/, 'who has a place keeps it')
  },

  'who has no role by groups is told why': async (t, usher) => {
    const { organization, rule, push, scim, explain, missing } = await scene(usher)
    const id = await push('ada')
    t.match(await missing(id, 'group-role'), { now: { sentence: /has no rule of groups/ } })
    const team = (await usher.admin('POST', `${organization.path}/teams`, { name: 'Research' })).body
    const give = { role: 'member', team: team.id }
    await rule({ groups: [{ id: 'researchers', group: 'Research*', give }] })
    t.match(await missing(id, 'group-role'), { now: { sentence: /in no group/ } })
    await scim('POST', '/Groups', { displayName: 'Sales', members: [{ value: id }] })
    t.match(await missing(id, 'group-role'), { now: { sentence: /none of its 1 rules .* “Sales”/ } })
    const group = (await scim('POST', '/Groups', { displayName: 'Research EU', members: [{ value: id }] }))
      .body
    t.equal(await missing(id, 'group-role'), undefined)
    t.match((await explain(id)).now.roles, [
      { role: 'member', team: { name: 'Research' }, rule: 'researchers' },
    ])
    await scim('DELETE', `/Groups/${group.id}`)
    t.match(await missing(id, 'group-role'), {
      sentence: /the last was taken by rule researchers, policy v2/,
      since: /Z$/,
    })
  },

  'who is shut out is told since when, and how often they tried': async (t, usher) => {
    const { connection, scim, push, explain, missing } = await scene(usher)
    const id = await push('ada')
    await usher.signIn(connection, { sub: 'ada', preferred_username: 'ada' })
    t.equal(await missing(id, 'login'), undefined)
    t.equal(await missing(id, 'sign-in'), undefined)
    await patchUser(scim, id, { active: false })
    for (let i = 0; i < 2; i++) t.equal((await usher.signIn(connection, { sub: 'ada' })).code, 'suspended')
    const told = await explain(id)
    t.match(told.verdict, /^Suspended since \S+Z: The identity provider has made this person inactive\.$/)
    t.match(await missing(id, 'sign-in'), {
      sentence: /^No sign-in: refused 2 times, last by suspended: rule person suspended, policy v1$/,
      since: /Z$/,
    })
  },

  'the command explains somebody to whoever has the machine': async (t, usher) => {
    const { organization, push, noted } = await scene(usher)
    const id = await push('Grace')
    await noted(1)
    await (await scene(usher)).push('Grace')
    const { slug } = organization
    const { code, stdout, stderr } = await usherCommand(
      usher,
      ...['person', 'explain', 'GRACE@acme.example', '--organization', slug],
    )
    t.equal(code, 0, stderr)
    t.match(stdout, /^Ready since \S+Z: owner of “My workspace”/)
    t.match(stdout, /Time line\n.*Given the workspace “My workspace” as owner.*\[POST \/Users 201 from /)
    t.match(stdout, /No role by groups/)
    const several = await explainPerson(usher.db, { name: 'grace' })
    t.equal(several.code, 1)
    t.match(several.lines.join('\n'), new RegExp(`Several people[^]*${slug}  ${id}`))
    const json = await explainPerson(usher.db, { name: id, json: true })
    t.match(JSON.parse(json.lines.join('')), { id, verdict: /^Ready/, timeline: [{ type: /./ }, {}] })
    t.match(await explainPerson(usher.db, { name: 'nobody' }), { code: 1, lines: [/Nobody is known/] })
  },
})
