import t from 'tap'
import type { Connection } from './api.ts'
import { holdOnEachLayout } from './layouts.ts'
import type { Usher } from './usher.ts'

const OIDC = { issuer: 'https://idp.example', clientId: 'c' }
const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'

interface Place {
  readonly name: string
  readonly role: string
  readonly home: { readonly id: string; readonly name: string }
}

/** An organization with a bound connection, and the ways into it. */
async function scene(usher: Usher) {
  const { organization, connection, scim } = await usher.makePusher({ oidc: OIDC, scim: {} })
  const { path } = organization
  const rule = async (patch: object) => {
    const answer = await usher.admin('PATCH', `${path}/policy`, patch)
    if (answer.status !== 200) throw new Error(answer.text)
  }
  let pushed = 0
  const push = async (more: object = {}) => {
    const userName = `pushed-${++pushed}@acme.example`
    const { status, body, text } = await scim('POST', '/Users', { userName, externalId: userName, ...more })
    if (status !== 201) throw new Error(text)
    return body.id
  }
  const enter = (claims: { sub: string; [name: string]: unknown }, at: Connection = connection) =>
    usher.signIn(at, claims)
  const person = async (id: string) => (await usher.admin('GET', `${path}/users/${id}`)).body
  const placeOf = async (id: string) => (await person(id)).workspace as Place | undefined
  const team = async (name: string) => {
    const [row] = await usher.rows<{ id: string }>(
      `insert into teams (organization_id, id, name, created_at) values ($1, gen_random_uuid(), $2, now()) returning id`,
      [organization.id, name],
    )
    return row?.id ?? ''
  }
  const workspace = async (name: string) => {
    const [row] = await usher.rows<{ id: string }>(
      `insert into workspaces (organization_id, id, team_id, name, created_at)
       select $1, gen_random_uuid(), id, $2, now() from teams where organization_id = $1 and home returning id`,
      [organization.id, name],
    )
    const owner = await push({ userName: `owner of ${name}` })
    await usher.rows(
      `insert into memberships (organization_id, user_id, workspace_id, role, source, rule, created_at)
       values ($1, $2, $3, 'owner', 'administrator', 'test', now())`,
      [organization.id, owner, row?.id],
    )
    return row?.id ?? ''
  }
  const sessionOf = async (cookie: string) =>
    (await usher.call({ method: 'GET', url: '/session', headers: { cookie } })).body
  const decision = async (id: string) => {
    const { body } = await usher.admin('GET', `${path}/users/${id}/explain`)
    const decisions = body.decisions as { outcome: string; rule: string; policyVersion: number }[]
    return decisions.find(({ outcome }) => outcome === 'user.provisioned')
  }
  const verified = async (domain: string) => {
    await usher.rows(
      `insert into domains (organization_id, domain, challenge, created_at, verified_at) values ($1, $2, 'x', now(), now())`,
      [organization.id, domain],
    )
  }
  return {
    organization,
    connection,
    path,
    rule,
    push,
    enter,
    person,
    placeOf,
    team,
    workspace,
    sessionOf,
    decision,
    verified,
    scim,
  }
}

holdOnEachLayout(t, {
  'a workspace is called as the template says': async (t, usher) => {
    const { rule, push, placeOf, enter, sessionOf } = await scene(usher)
    await rule({ workspace: { name: '{givenName}’s desk ({userName})' } })
    const ada = await push({ userName: 'ada', name: { givenName: 'Ada' } })
    t.match(await placeOf(ada), { name: 'Ada’s desk (ada)', role: 'owner' })
    t.match(await placeOf(await push({ userName: 'nobody' })), { name: 'nobody’s desk (nobody)' })
    const { cookie } = await enter({ sub: 'bob', given_name: 'Bob', preferred_username: 'bob' })
    t.match(await sessionOf(cookie), { workspace: { name: 'Bob’s desk (bob)' } })
  },
  'a home is by domain or by department, and else the organization’s': async (t, usher) => {
    const { rule, push, placeOf, team } = await scene(usher)
    const [berlin, research] = [await team('Berlin'), await team('Research')]
    const mail = (value: string) => ({ emails: [{ value, primary: true }] })
    await rule({ homes: { by: 'domain', teams: { 'Berlin.example': berlin } } })
    t.match(await placeOf(await push(mail('a@berlin.EXAMPLE'))), { home: { id: berlin, name: 'Berlin' } })
    t.notMatch(await placeOf(await push(mail('a@other.example'))), { home: { id: berlin } })
    await rule({ homes: { by: 'department', teams: { research, 'Berlin.example': null } } })
    t.match(await placeOf(await push({ [ENTERPRISE]: { department: 'Research ' } })), {
      home: { id: research },
    })
    t.notMatch(await placeOf(await push()), { home: { id: research } })
  },
  'people join the workspace that there is, whichever way they come': async (t, usher) => {
    const { rule, push, person, enter, sessionOf, workspace, decision, scim, path } = await scene(usher)
    const shared = await workspace('Shared')
    t.match(await usher.admin('PATCH', `${path}/policy`, { workspace: { give: 'join', join: shared } }), {
      status: 400,
      body: { errors: [{ path: 'body/workspace/role' }] },
    })
    await rule({ workspace: { give: 'join', join: shared, role: 'member' } })
    const ada = await push({ userName: 'ada', externalId: 'ada' })
    t.match(await person(ada), { status: 'ready' })
    t.match(await decision(ada), { rule: 'joined workspace', policyVersion: 2 })
    for (const sub of ['ada', 'bob']) {
      const { cookie } = await enter({ sub })
      t.match(await sessionOf(cookie), { workspace: { id: shared, name: 'Shared' }, role: 'member' }, sub)
    }
    await scim('PATCH', `/Users/${ada}`, { Operations: [{ op: 'replace', path: 'active', value: false }] })
    await scim('PATCH', `/Users/${ada}`, { Operations: [{ op: 'replace', path: 'active', value: true }] })
    t.match(await sessionOf((await enter({ sub: 'ada' })).cookie), { workspace: { id: shared } })
    const late = await push({ userName: 'late', externalId: 'late', active: false })
    await scim('PATCH', `/Users/${late}`, { Operations: [{ op: 'replace', path: 'active', value: true }] })
    t.match(await sessionOf((await enter({ sub: 'late' })).cookie), { workspace: { id: shared } })
    const places = await usher.rows(
      "select from memberships where workspace_id = $1 and source = 'provisioning'",
      [shared],
    )
    t.equal(places.length, 3)
  },
  'who gets none is ready without, by a rule that is told, and gets one when the rules give it': async (
    t,
    usher,
  ) => {
    const { rule, push, person, enter, sessionOf, decision } = await scene(usher)
    await rule({ guests: { userTypes: ['Guest'] } })
    const guest = await push({ userName: 'guest', externalId: 'guest', userType: 'guest' })
    t.match(await person(guest), { status: 'ready', workspace: undefined })
    t.match(await decision(guest), { rule: 'guests get none', policyVersion: 2 })
    const { cookie } = await enter({ sub: 'guest' })
    t.match(await sessionOf(cookie), { user: { id: guest }, workspace: null, role: null })
    t.match(await person(await push({ userName: 'member' })), { workspace: { name: 'My workspace' } })
    await rule({ guests: null })
    t.match(await sessionOf((await enter({ sub: 'guest' })).cookie), {
      workspace: { name: 'My workspace' },
      role: 'owner',
    })
    await rule({ workspace: { give: 'none' } })
    const stranger = await enter({ sub: 'stranger' })
    t.match(await sessionOf(stranger.cookie), { workspace: null })
  },
  'a sign-in makes somebody only as the rule of its connection says': async (t, usher) => {
    const { rule, push, enter, organization, verified } = await scene(usher)
    const other = await usher.makeConnection(organization, { oidc: OIDC, scim: {} })
    await rule({ justInTime: 'only-if-pushed', connections: { [other.id]: { justInTime: 'on' } } })
    t.match(await enter({ sub: 'stranger' }), { code: 'not_pushed' })
    t.match(await enter({ sub: 'stranger' }, other), { cookie: /./ })
    await push({ userName: 'known', externalId: 'known' })
    t.match(await enter({ sub: 'known' }), { cookie: /./ })
    await rule({ justInTime: 'verified-domains' })
    const email = { email: 'x@acme.test', email_verified: true }
    t.match(await enter({ sub: 'x', ...email }), { code: 'domain_not_verified' })
    await verified('acme.test')
    t.match(await enter({ sub: 'y', ...email, email_verified: false }), { code: 'domain_not_verified' })
    t.match(await enter({ sub: 'x', ...email }), { cookie: /./ })
    await rule({ justInTime: 'until-scim-takes-over', connections: { [other.id]: { justInTime: null } } })
    t.match(await enter({ sub: 'late' }), { code: 'not_pushed' }, 'SCIM is at work here')
    t.match(await enter({ sub: 'late' }, other), { cookie: /./ }, 'and not there')
  },
  'a verified address links to the one whom it belongs to, where the policy lets it': async (t, usher) => {
    const { rule, push, enter, sessionOf, verified } = await scene(usher)
    await verified('corp.test')
    const mail = (value: string) => ({ emails: [{ value }] })
    const ada = await push({ userName: 'ada.l', externalId: 'e1', ...mail('Ada@corp.test') })
    const claims = { sub: 'z1', email: 'ada@CORP.test', email_verified: true }
    const apart = await enter({ ...claims, sub: 'z0' })
    t.not(((await sessionOf(apart.cookie)).user as { id: string }).id, ada, 'not by itself')
    await rule({ linking: { email: true }, justInTime: 'off' })
    t.match(await enter({ ...claims, email_verified: false }), { code: 'just_in_time_off' })
    t.match(await enter({ ...claims, sub: 'z2', email: 'ada@elsewhere.test' }), { code: 'just_in_time_off' })
    const linked = await enter({ ...claims, preferred_username: 'ada.other' })
    t.match(await sessionOf(linked.cookie), { user: { id: ada } })
    t.match(
      await enter({ ...claims, sub: 'z3', preferred_username: 'ada.third' }),
      { code: 'just_in_time_off' },
      'nobody else by it',
    )
    await push({ userName: 'twin-1', externalId: 't1', ...mail('twin@corp.test') })
    await push({ userName: 'twin-2', externalId: 't2', ...mail('twin@corp.test') })
    t.match(await enter({ sub: 'z4', email: 'twin@corp.test', email_verified: true }), {
      code: 'ambiguous_person',
    })
  },
  'whom a sign-in finds is linked and placed by the rules in force, not by those remembered': async (
    t,
    usher,
  ) => {
    const { rule, push, enter, sessionOf, verified } = await scene(usher)
    await enter({ sub: 'before' })
    await rule({ workspace: { give: 'none' } })
    await push({ userName: 'ada', externalId: 'ada' })
    t.match(await sessionOf((await enter({ sub: 'ada' })).cookie), {
      user: { userName: 'ada' },
      workspace: null,
    })
    await verified('remembered.test')
    const email = 'bob@remembered.test'
    await push({ userName: 'bob', emails: [{ value: email }] })
    await rule({ linking: { email: true } })
    await enter({ sub: 'after' })
    await rule({ linking: { email: false }, justInTime: 'off' })
    t.match(await enter({ sub: 'b', email, email_verified: true }), { code: 'just_in_time_off' })
  },
  'a policy names only what there is': async (t, usher) => {
    const { path } = await scene(usher)
    const id = '0190aa3c-5d1c-7a39-9d3f-2f6a1c0b7e11'
    const wrong: [object, string][] = [
      [{ workspace: { give: 'join', join: id, role: 'member' } }, 'workspace/join'],
      [{ homes: { by: 'domain', teams: { 'a.example': id } } }, 'homes/teams/a.example'],
      [{ connections: { [id]: { justInTime: 'off' } } }, `connections/${id}`],
    ]
    for (const [patch, place] of wrong)
      t.match(await usher.admin('PATCH', `${path}/policy`, patch), {
        status: 400,
        body: { errors: [{ path: `body/${place}` }] },
      })
    t.match((await usher.admin('GET', `${path}/policy`)).body, { version: 1 })
  },
})
