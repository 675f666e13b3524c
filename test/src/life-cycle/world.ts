import { seeOffIn } from '../../../src/provisioning/departures.ts'
import { rollOut } from '../../../src/provisioning/rollout.ts'
import type { Answer, Ask, Body, Connection } from '../api.ts'
import { HOUR, type stoppedClock } from '../clock.ts'
import { patchOp } from '../people.ts'
import type { Usher } from '../usher.ts'
import { type Action, firstRules, type Rules, type Said } from './actions.ts'
import type { Outcome } from './model.ts'

const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'
const OIDC = { issuer: 'https://idp.example', clientId: 'c' }

export type Clock = ReturnType<typeof stoppedClock>

/** One organization of a real service, where what happens to the model happens, too. */
export interface World {
  readonly usher: Usher
  readonly clock: Clock
  readonly path: string
  readonly organizationId: string
  readonly scim: Ask
  readonly connections: Readonly<Record<'A' | 'B', Connection>>
  readonly shared: string
  readonly research: string
  /** Who gets what others leave. */
  readonly heir: string
  /** Ids, in the order in which people came. */
  readonly people: string[]
  readonly groups: Map<string, string>
  readonly sessions: { readonly at: number; readonly cookie: string; ended: boolean }[]
  readonly rules: Rules
}

/** With somebody who owns the shared workspace, and whom nothing befalls. */
export async function createWorld(usher: Usher, clock: Clock): Promise<World> {
  const pusher = await usher.makePusher({ oidc: OIDC, scim: {} })
  const { organization, scim } = pusher
  const { path } = organization
  const make = async (what: string, body: object) =>
    (await usher.admin('POST', `${path}/${what}`, body)).body.id
  const research = await make('teams', { name: 'Research' })
  const ownerId = (await scim('POST', '/Users', { userName: 'owner', externalId: 'owner' })).body.id
  const shared = await make('workspaces', { name: 'Shared', ownerId })
  const connections = { A: pusher.connection, B: await usher.makeConnection(organization, { oidc: OIDC }) }
  const place = { path, organizationId: organization.id, scim, connections, shared, research, heir: ownerId }
  const world = {
    usher,
    clock,
    ...place,
    people: [],
    groups: new Map(),
    sessions: [],
    rules: { ...firstRules },
  }
  await change(world, firstRules)
  return world
}

const bodyOf = ({ department, externalId, ...said }: Said) => ({
  schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
  ...said,
  ...(externalId !== null && { externalId }),
  [ENTERPRISE]: { department },
})

/** As Entra says it: an operation for each attribute, by path, and truth in words. */
function entraPatch(said: Partial<Said>): object {
  const Operations = Object.entries(said).map(([name, value]) => ({
    op: 'Replace',
    path: name === 'department' ? `${ENTERPRISE}:department` : name,
    value: typeof value === 'boolean' ? (value ? 'True' : 'False') : value,
  }))
  return patchOp({ Operations })
}

/** As Okta says it: one operation, without a path. */
function oktaPatch({ department, ...said }: Partial<Said>): object {
  const value = { ...said, ...(department !== undefined && { [ENTERPRISE]: { department } }) }
  return patchOp({ Operations: [{ op: 'replace', value }] })
}

const numbered = (world: World, id: string) => {
  if (!world.people.includes(id)) world.people.push(id)
  return world.people.indexOf(id)
}

const answered = ({ status }: Answer): Outcome => ({ answer: status })

export async function perform(world: World, action: Action): Promise<Outcome> {
  const { clock, scim, people } = world
  clock.pass(1000)
  const at = 'at' in action ? action.at % Math.max(1, people.length) : 0
  const id = people[at] ?? ''
  switch (action.do) {
    case 'push': {
      const { status, body } = await scim('POST', '/Users', bodyOf(action.said))
      return { answer: status, ...(status === 201 && { who: numbered(world, body.id) }) }
    }
    case 'put':
      return answered(await scim('PUT', `/Users/${id}`, bodyOf(action.said)))
    case 'patch': {
      const patch = action.as === 'entra' ? entraPatch : oktaPatch
      return answered(await scim('PATCH', `/Users/${id}`, patch(action.said)))
    }
    case 'delete':
      return answered(await scim('DELETE', `/Users/${id}`))
    case 'sign-in':
      return signIn(world, action)
    case 'administer':
      return answered(await administer(world, id, action.what))
    case 'role':
      return answered(await giveRole(world, id, action.role))
    case 'group':
      return answered(await changeGroup(world, id, action))
    case 'policy':
      return answered(await change(world, action.rules))
    case 'pass':
      clock.pass(action.hours * HOUR)
      return { answer: 'done' }
    case 'work':
      return work(world)
  }
}

async function signIn(world: World, { by, sub, name }: Extract<Action, { do: 'sign-in' }>): Promise<Outcome> {
  const { usher, connections, sessions } = world
  const { cookie, code } = await usher.signIn(connections[by], { sub, preferred_username: name })
  if (code !== undefined) return { answer: code }
  const { body } = await usher.call({ method: 'GET', url: '/session', headers: { cookie } })
  const who = numbered(world, (body.user as Body).id)
  sessions.push({ at: who, cookie, ended: false })
  return { answer: 'in', who }
}

function administer({ usher, path }: World, id: string, what: Extract<Action, { do: 'administer' }>['what']) {
  const of = `${path}/users/${id}`
  if (what === 'end sessions') return usher.admin('DELETE', `${of}/sessions`)
  if (what === 'hold') return usher.admin('PUT', `${of}/hold`, { reason: 'a case' })
  if (what === 'lift') return usher.admin('DELETE', `${of}/hold`)
  return usher.admin('POST', `${of}/${what}`)
}

function giveRole({ usher, path, shared }: World, id: string, role: string | null) {
  const of = `${path}/workspaces/${shared}/members/${id}`
  return role === null ? usher.admin('DELETE', of) : usher.admin('PUT', of, { role })
}

async function changeGroup({ scim, groups }: World, id: string, action: Extract<Action, { do: 'group' }>) {
  const { op, group } = action
  const of = `/Groups/${groups.get(group)}`
  if (op === 'make') {
    const answer = await scim('POST', '/Groups', { displayName: group })
    groups.set(group, answer.body.id)
    return answer
  }
  if (op === 'delete') {
    groups.delete(group)
    return scim('DELETE', of)
  }
  const said =
    op === 'add' ? { path: 'members', value: [{ value: id }] } : { path: `members[value eq "${id}"]` }
  return scim('PATCH', of, patchOp({ Operations: [{ op, ...said }] }))
}

/** A change of the policy, with what follows of its own. */
async function change(world: World, changed: Partial<Rules>): Promise<Answer> {
  const { usher, path, research, clock } = world
  const { give, role, homes, guests, groups, keepDays, leaving, ...same } = Object.assign(
    world.rules,
    changed,
  )
  const join = give === 'join' ? world.shared : null
  const document = {
    ...same,
    workspace: { give, join, role: join ? 'member' : role },
    homes: homes ? { by: 'department', teams: { Research: research } } : null,
    guests: guests ? { userTypes: ['guest'], expireDays: 5 } : null,
    groups: groups ? groupRules(world.shared) : null,
    leaving: { keepDays, workspace: leaving, to: [{ user: world.heir }] },
  }
  const answer = await usher.admin('PATCH', `${path}/policy`, document)
  await rollOut({ db: usher.db, clock: clock.now }, new AbortController().signal)
  return answer
}

const groupRules = (workspace: string) => [
  { id: 'engineers', group: 'eng*', give: { workspace, role: 'admin' } },
  { id: 'leads', group: 'LEADS', priority: 1, give: { workspace, role: 'viewer' } },
]

async function work({ usher: { db }, organizationId, clock }: World): Promise<Outcome> {
  const scope = { db, organizationId, now: clock.now(), actor: 'system', requestId: '' }
  await seeOffIn(scope, new AbortController().signal)
  return { answer: 'done' }
}
