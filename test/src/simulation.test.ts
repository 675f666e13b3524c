import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import t from 'tap'
import { holdOnEachLayout } from './layouts.ts'
import type { Usher } from './usher.ts'

const OIDC = { issuer: 'https://idp.example', clientId: 'c' }
const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'
const DOMAIN = 'acme.simulated'

async function scene(usher: Usher) {
  const { organization, connection, scim } = await usher.makePusher({ oidc: OIDC, scim: {} })
  const { path, id } = organization
  const [team] = await usher.rows<{ id: string }>(
    `insert into teams (organization_id, id, name, created_at) values ($1, gen_random_uuid(), 'Research', now()) returning id`,
    [id],
  )
  const [shared] = await usher.rows<{ id: string }>(
    `insert into workspaces (organization_id, id, team_id, name, created_at)
     select $1, gen_random_uuid(), id, 'Shared', now() from teams where organization_id = $1 and home returning id`,
    [id],
  )
  await usher.rows(
    `insert into domains (organization_id, domain, challenge, created_at, verified_at) values ($1, $2, 'x', now(), now())
     on conflict do nothing`,
    [id, `${id}.${DOMAIN}`],
  )
  const simulate = async (body: object) => {
    const answer = await usher.admin('POST', `${path}/policies/simulate`, body)
    if (answer.status !== 200) throw new Error(answer.text)
    return answer.body
  }
  const state = async () =>
    JSON.stringify([
      await usher.rows('select * from users where organization_id = $1 order by id', [id]),
      await usher.rows(
        'select * from memberships where organization_id = $1 order by workspace_id, user_id',
        [id],
      ),
      await usher.rows('select * from policies where organization_id = $1 order by version', [id]),
      await usher.rows('select * from events where organization_id = $1 order by id', [id]),
    ])
  return { id, path, connection, scim, simulate, state, team: team?.id ?? '', shared: shared?.id ?? '' }
}

type Scene = Awaited<ReturnType<typeof scene>>

interface Outcome {
  readonly outcome: string
  readonly rule: string
  readonly code?: string
  readonly user?: { id: string }
  readonly changed: readonly string[]
  readonly held?: { code: string }
  readonly workspace?: { id?: string; name: string; role: string; home?: { id: string } }
}

const names = fc.constantFrom('ada', 'bob', 'cy')
const policy = ({ team, shared, connection }: Pick<Scene, 'team' | 'shared' | 'connection'>) =>
  fc.record(
    {
      workspace: fc.constantFrom(
        { give: 'create', name: '{displayName}’s', role: 'owner' },
        { give: 'create', name: 'Desk', role: 'viewer' },
        { give: 'join', join: shared, role: 'member' },
        { give: 'none' },
      ),
      homes: fc.constantFrom(
        { by: 'department', teams: { research: team } },
        { by: 'department', teams: { research: team }, otherwise: 'hold' },
        { by: 'organization' },
      ),
      justInTime: fc.constantFrom('on', 'off', 'verified-domains', 'only-if-pushed', 'until-scim-takes-over'),
      connections: fc.constantFrom({}, { [connection.id]: { justInTime: 'on' } }),
      linking: fc.record({ email: fc.boolean() }),
      adoption: fc.constantFrom('adopt', 'reject'),
      guests: fc.constantFrom({ userTypes: ['guest'] }, {}),
      attributes: fc.dictionary(
        fc.constantFrom('displayName', 'userType', `${ENTERPRISE}:department`),
        fc.constantFrom('scim', 'sign-in', 'administrator'),
      ),
    },
    { requiredKeys: [] },
  )

const push = fc.record({
  userName: names,
  externalId: names,
  active: fc.boolean(),
  displayName: fc.constantFrom('Ada', 'Bob'),
  userType: fc.constantFrom('Guest', 'Member'),
  department: fc.constantFrom('Research', 'Sales'),
  mailed: fc.boolean(),
})
const signIn = fc.record({
  sub: names,
  preferred_username: names,
  name: fc.constantFrom('Ada', 'Bob'),
  mailed: fc.boolean(),
  verified: fc.boolean(),
})
const step = fc.oneof(
  push.map((said) => ({ push: said })),
  signIn.map((said) => ({ signIn: said })),
  // An administrator speaks of whoever came first, before somebody is pushed again.
  fc.record({ push, override: fc.constantFrom('Guest', 'Member') }),
)

const bodyOf = (
  id: string,
  { department, mailed, ...said }: typeof push extends fc.Arbitrary<infer P> ? P : never,
) => ({
  schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
  ...said,
  [ENTERPRISE]: { department },
  ...(mailed && { emails: [{ value: `${said.userName}@${id}.${DOMAIN}` }] }),
})
const claimsOf = (
  id: string,
  { mailed, verified, ...said }: typeof signIn extends fc.Arbitrary<infer S> ? S : never,
) => ({
  ...said,
  ...(mailed && { email: `${said.preferred_username}@${id}.${DOMAIN}`, email_verified: verified }),
})

const changes = async (usher: Usher, { id }: Scene): Promise<string[][]> =>
  (
    await usher.rows<{ changed: string[] }>(
      "select changed from events where organization_id = $1 and type = 'user.changed' order by id",
      [id],
    )
  ).map(({ changed }) => changed)

async function override(usher: Usher, { path }: Scene, value: string) {
  const [first] = (await usher.admin('GET', `${path}/users`)).body.items
  const until = new Date(Date.now() + 3_600_000).toISOString()
  const answer =
    first && (await usher.admin('PUT', `${path}/users/${first.id}/attributes/userType`, { value, until }))
  if (answer && answer.status !== 200) throw new Error(answer.text)
}

/** Does what was foretold; throws where it comes otherwise. */
async function happensAsForetold(usher: Usher, at: Scene, foretold: Outcome, act: () => Promise<Acted>) {
  const expected = JSON.stringify(foretold)
  const last = await changes(usher, at)
  const { userId, code } = await act()
  if (foretold.outcome === 'refuse') {
    if (userId !== null) throw new Error(`came in: ${expected}`)
    return
  }
  if (foretold.held) return isHeld(usher, at, foretold, { userId, code })
  if (userId === null) throw new Error(`was refused: ${expected}`)
  if (foretold.user && foretold.user.id !== userId) throw new Error(`is somebody else: ${expected}`)
  const changed = (await changes(usher, at)).slice(last.length).flat()
  if (foretold.user && !isDeepStrictEqual(changed, foretold.changed))
    throw new Error(`${expected}, changed was ${changed}`)
  const places = await usher.rows<{
    id: string
    name: string
    role: string
    team_id: string
    default_of: string | null
  }>(
    `select w.id, w.name, w.team_id, w.default_of, m.role from memberships m join workspaces w on w.organization_id = m.organization_id
       and w.id = m.workspace_id where m.organization_id = $1 and m.user_id = $2`,
    [at.id, userId],
  )
  const { workspace } = foretold
  const found = places.find(({ name, role }) => name === workspace?.name && role === workspace?.role)
  if (workspace ? !found : places.length > 0) throw new Error(`${expected}, not ${JSON.stringify(places)}`)
  if (workspace?.home && found?.team_id !== workspace.home.id) throw new Error(`another home: ${expected}`)
}

/** Of an unknown department: where rules hold those, they are pushed, and then sign in, in vain. */
const homeless = {
  push: {
    userName: 'ada',
    externalId: 'ada',
    active: true,
    displayName: 'Ada',
    userType: 'Member',
    department: 'Sales',
    mailed: false,
  },
  signIn: { sub: 'ada', preferred_username: 'ada', name: 'Ada', mailed: false, verified: false },
} as const

const holding = ({ team }: Scene) =>
  ({ homes: { by: 'department', teams: { research: team }, otherwise: 'hold' } }) as const

interface Acted {
  readonly userId: string | null
  /** Why a sign-in was refused. */
  readonly code?: string | undefined
}

/** Whoever is held is written; a sign-in is refused for it. */
async function isHeld(usher: Usher, at: Scene, { held, user }: Outcome, { userId, code }: Acted) {
  if (code !== undefined && code !== held?.code) throw new Error(`refused by ${code}, not ${held?.code}`)
  const rows = await usher.rows<{ id: string }>(
    `select u.id from users u join held_people h on h.organization_id = $1 and h.user_id = u.id
     where u.organization_id = $1 and u.status = 'held' and h.code = $2`,
    [at.id, held?.code],
  )
  const id = userId ?? user?.id
  if (id === undefined ? rows.length === 0 : !rows.some((row) => row.id === id))
    throw new Error(`is not held: ${id}`)
}

holdOnEachLayout(t, {
  'what is foretold by any policy is what then happens, and nothing before': async (t, usher) => {
    let [refused, held] = [0, 0]
    const at = await scene(usher)
    await fc.assert(
      fc.asyncProperty(policy(at), fc.array(step, { minLength: 1, maxLength: 5 }), async (patch, steps) => {
        const fresh = await scene(usher)
        const { team, shared, connection } = fresh
        const own = JSON.parse(
          JSON.stringify(patch)
            .replaceAll(at.team, team)
            .replaceAll(at.shared, shared)
            .replaceAll(at.connection.id, connection.id),
        ) as object
        for (const [i, one] of steps.entries()) {
          const said =
            'push' in one ? { push: bodyOf(fresh.id, one.push) } : { signIn: claimsOf(fresh.id, one.signIn) }
          if ('override' in one) await override(usher, fresh, one.override)
          const before = await fresh.state()
          // The first is foretold by a policy that is not in force yet, the others by the one that is.
          const supposed = i === 0 ? { policy: own } : {}
          const { outcome } = await fresh.simulate({ ...supposed, connection: connection.id, ...said })
          if ((await fresh.state()) !== before) throw new Error('a simulation wrote something')
          if (i === 0) await usher.admin('PATCH', `${fresh.path}/policy`, own)
          const foretold = outcome as Outcome
          if (foretold.outcome === 'refuse') refused++
          if (foretold.held) held++
          await happensAsForetold(usher, fresh, foretold, async () => {
            if (said.push) {
              const { status, body } = await fresh.scim('POST', '/Users', said.push)
              return { userId: status === 201 ? body.id : null }
            }
            const { cookie, code } = await usher.signIn(connection, said.signIn as { sub: string })
            if (code !== undefined) return { userId: null, code }
            const session = await usher.call({ method: 'GET', url: '/session', headers: { cookie } })
            return { userId: (session.body.user as { id: string }).id }
          })
        }
      }),
      { numRuns: 60, examples: [[holding(at), [{ push: homeless.push }, { signIn: homeless.signIn }]]] },
    )
    t.ok(refused > 10, 'some of it is refused')
    t.ok(held > 1, 'some are held')
  },
  'a policy is compared over everybody': async (t, usher) => {
    const { simulate, scim, path } = await scene(usher)
    const guests = { guests: { userTypes: ['Guest'] } }
    for (const n of [1, 2, 3])
      await scim('POST', '/Users', { userName: `u${n}`, userType: n === 3 ? 'Guest' : 'Member' })
    t.match(await simulate({ policy: guests }), {
      people: {
        people: 3,
        different: 1,
        getting: 0,
        items: [
          {
            userName: 'u3',
            effect: 'keeps',
            before: { give: 'create' },
            after: { give: 'none', rule: 'guests get none' },
          },
        ],
      },
    })
    await usher.admin('PATCH', `${path}/policy`, guests)
    await scim('POST', '/Users', { userName: 'u4', userType: 'Guest' })
    t.match(await simulate({ policy: { guests: null }, limit: 1 }), {
      people: { people: 4, different: 2, getting: 1, items: [{ userName: 'u3', effect: 'keeps' }] },
    })
    t.match(await simulate({}), { people: { people: 4, different: 0, items: [] } })
  },
  'a name keeps what is no field of a person': async (t, usher) => {
    const { simulate, scim, path } = await scene(usher)
    const name = '{{nope}} {__proto__} {constructor} {toString}'
    await scim('POST', '/Users', { userName: 'u1' })
    t.match(await simulate({ policy: { workspace: { name } } }), {
      people: { items: [{ after: { name } }] },
    })
    await usher.admin('PATCH', `${path}/policy`, { workspace: { name } })
    t.match(await scim('POST', '/Users', { userName: 'u2' }), { status: 201 })
  },
  'a name ends before the character that would be too much': async (t, usher) => {
    const { simulate, scim, path } = await scene(usher)
    const letters = 'x'.repeat(199)
    await scim('POST', '/Users', { userName: 'u1', displayName: `${letters}😀` })
    const policy = { workspace: { name: '{displayName}' } }
    t.match(await simulate({ policy }), { people: { items: [{ after: { name: letters } }] } })
    await usher.admin('PATCH', `${path}/policy`, policy)
    const { body: other } = await scim('POST', '/Users', { userName: 'u2', displayName: `${letters}😀` })
    t.match((await usher.admin('GET', `${path}/users/${other.id}`)).body, { workspace: { name: letters } })
  },
  'what cannot be simulated is told': async (t, usher) => {
    const { path, connection } = await scene(usher)
    const organization = await usher.makeOrganization()
    const foreign = await usher.makeConnection(organization)
    const ask = (body: object, at = path) => usher.admin('POST', `${at}/policies/simulate`, body)
    t.match(await ask({ push: { userName: 'a' } }), { status: 400 })
    t.match(await ask({ push: {}, signIn: {}, connection: connection.id }), { status: 400 })
    t.match(await ask({ push: {}, connection: connection.id }), {
      status: 400,
      body: { errors: [{ path: 'body/push' }] },
    })
    t.match(await ask({ policy: { graceDays: 'x' } }), { status: 400 })
    t.match(await ask({ push: { userName: 'a' }, connection: foreign.id }), { status: 404 })
    t.match(await ask({ signIn: { sub: 'a' }, connection: foreign.id }, organization.path), { status: 409 })
  },
})
