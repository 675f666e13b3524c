import { isDeepStrictEqual } from 'node:util'
import type { FastifyReply, FastifyRequest } from 'fastify'
import {
  beginRollout,
  countDeferred,
  existingPlaces,
  findPolicyVersion,
  holdWorkspace,
  insertPolicy,
  latestRollout,
  listConnections,
  listPolicyVersions,
  type PolicyVersion,
  peopleAmong,
  type ReevaluationRow,
  reviewSources,
  type Scope,
  scimSettings,
  supposedPolicy,
  transact,
} from '../../db/index.ts'
import { Problem } from '../errors.ts'
import { eventOf } from '../events/record.ts'
import { newId } from '../ids.ts'
import { likenessOf } from '../provisioning/placing.ts'
import { type PolicyDocument, wholePolicy } from '../provisioning/policy.ts'
import { peopleType, spokenAttribute } from '../translate/attributes.ts'
import { type Admin, type AdminHandlers, notFound } from './admin.ts'
import { mergePatch } from './merge-patch.ts'
import { checkIfMatch, versionTag } from './versions.ts'

const view = ({ version, actor, created_at, document }: PolicyVersion) => ({
  version,
  at: created_at.toISOString(),
  actor,
  document: wholePolicy(document),
})

const show = (reply: FastifyReply, row: PolicyVersion) =>
  reply.header('etag', versionTag(row.version)).send(view(row))

/** How far the rules of groups are put into effect. */
const rolloutView = (
  version: number,
  { row, waiting }: { row: ReevaluationRow | null; waiting: number },
) => ({
  policyVersion: row?.policy_version ?? version,
  state: row?.state ?? 'done',
  done: row?.done ?? 0,
  ...((row?.total ?? null) !== null && { total: row?.total }),
  ...(row && { begunAt: row.created_at.toISOString() }),
  ...(row?.finished_at && { finishedAt: row.finished_at.toISOString() }),
  waitingGroups: waiting,
})

export function policyHandlers(admin: Admin): AdminHandlers {
  async function replace(request: FastifyRequest, documentAfter: (current: PolicyVersion) => PolicyDocument) {
    const scope = admin.scopeOf(request)
    const current = await find(scope)
    checkIfMatch(request, current.version)
    const made = await write(scope, current, documentAfter(current))
    admin.forgetPolicy(scope.organizationId)
    return made
  }
  return {
    async listPolicies(request: FastifyRequest) {
      const { limit, cursor } = request.query as { limit: number; cursor?: string } // as the contract validated it
      const before = cursor === undefined ? {} : { before: versionIn(cursor) }
      const rows = await listPolicyVersions(admin.scopeOf(request), { ...before, limit: limit + 1 })
      const items = rows.slice(0, limit)
      const last = rows.length > limit ? items.at(-1) : undefined
      return { items: items.map(view), ...(last && { next: String(last.version) }) }
    },
    async getPolicyVersion(request: FastifyRequest, reply: FastifyReply) {
      const { version } = request.params as { version: number } // as the contract validated it
      return show(reply, await find(admin.scopeOf(request), version))
    },
    async getPolicy(request: FastifyRequest, reply: FastifyReply) {
      return show(reply, await find(admin.scopeOf(request)))
    },
    async getRollout(request: FastifyRequest) {
      const scope = admin.scopeOf(request)
      const { version } = await find(scope)
      return rolloutView(version, { row: await latestRollout(scope), waiting: await countDeferred(scope) })
    },
    async putPolicy(request: FastifyRequest, reply: FastifyReply) {
      const document = request.body as PolicyDocument // as the contract validated it, with its defaults
      return show(reply, await replace(request, () => document))
    },
    async patchPolicy(request: FastifyRequest, reply: FastifyReply) {
      const patched = ({ document }: PolicyVersion) => patchedBy(admin, wholePolicy(document), request.body)
      return show(reply, await replace(request, patched))
    },
  }
}

/** A JSON merge patch on a policy, validated as the whole of it would be. */
const patchedBy = (admin: Admin, document: PolicyDocument, patch: unknown) =>
  admin.readBody('putPolicy', mergePatch(document, patch)) as PolicyDocument // as that validated it

export const policyInForce = async (scope: Scope): Promise<PolicyDocument> =>
  wholePolicy((await find(scope)).document)

/** The policy that a patch would put in force; what it names must be there. */
export async function policyPatched(
  scope: Scope,
  { admin, current, patch }: { admin: Admin; current: PolicyDocument; patch: object },
): Promise<PolicyDocument> {
  const document = patchedBy(admin, current, patch)
  await checkNames(scope, document)
  return document
}

function versionIn(cursor: string): number {
  if (!/^[1-9]\d{0,8}$/.test(cursor))
    throw new Problem('invalid_request', 'The cursor is not one that a list has given out.')
  return Number(cursor)
}

async function find(scope: Scope, version?: number): Promise<PolicyVersion> {
  const row = await findPolicyVersion(scope, version)
  if (!row) throw notFound('policy')
  return row
}

/** The version that says so: a new one, unless the one in force says it already. */
async function write(scope: Scope, current: PolicyVersion, document: PolicyDocument): Promise<PolicyVersion> {
  const before = wholePolicy(current.document)
  const names = Object.keys(before) as (keyof PolicyDocument)[]
  const changed = names.filter((name) => !isDeepStrictEqual(before[name], document[name]))
  if (changed.length === 0) return current
  await checkNames(scope, document)
  const version = current.version + 1
  const event = eventOf({
    type: 'policy.changed',
    subject: { type: 'organization', id: scope.organizationId },
    changed,
    data: { version },
  })
  await transact(scope.db, async (db) => {
    const held = { ...scope, db }
    await keepJoined(held, document)
    if (!(await insertPolicy(held, { after: current.version, document }, [event])))
      throw new Problem('conflict', 'The policy was changed at the same time: read it again.')
    if (changed.includes('groups')) await beginRollout(held, { id: newId(), policyVersion: version })
    if (changed.includes('attributes')) await reviewSources(held)
  })
  return { version, document, actor: scope.actor, created_at: scope.now }
}

/** Archived at this moment, the workspace would be remembered as one that is active: whoever comes second sees the other. */
async function keepJoined(scope: Scope, { workspace: { give, join } }: PolicyDocument): Promise<void> {
  if (give !== 'join' || join === undefined) return
  if ((await holdWorkspace(scope, join))?.status !== 'active')
    throw new Problem('conflict', 'The workspace that people would join was archived at the same time.')
}

const namedPeople = ({ protected: { users }, leaving: { to } }: PolicyDocument) => [
  ...users.map((id, index) => [`protected/users/${index}`, id] as const),
  ...to.flatMap((way, index) =>
    typeof way === 'string' ? [] : [[`leaving/to/${index}/user`, way.user] as const],
  ),
]

/** What a policy names must be there; a reader of the contract cannot tell. */
async function checkNames(scope: Scope, document: PolicyDocument): Promise<void> {
  const { workspace, homes, connections } = document
  const row = await supposedPolicy(scope, document)
  const { joined, teams = {} } = row ?? {}
  const known = new Set((await listConnections(scope, { limit: 10_000 })).map(({ id }) => id))
  const people = namedPeople(document)
  const there = await peopleAmong(
    scope,
    people.map(([, id]) => id),
  )
  const wrong = [
    ...(await wrongRules(scope, document, known)),
    ...(await wrongAttributes(scope, document)),
    ...(workspace.give === 'join' && !joined ? [['workspace/join', 'is no active workspace']] : []),
    ...(workspace.give === 'join' && workspace.role === 'owner'
      ? [['workspace/role', 'cannot be owner of a workspace that is joined']]
      : []),
    ...wrongHomes(homes.teams, teams),
    ...Object.keys(connections).flatMap((id) =>
      known.has(id) ? [] : [[`connections/${id}`, 'is no connection']],
    ),
    ...people.flatMap(([path, id]) => (there.has(id) ? [] : [[path, 'is nobody']])),
  ]
  if (wrong.length === 0) return
  const errors = wrong.map(([path = '', message = '']) => ({ path: `body/${path}`, message }))
  throw new Problem('invalid_request', `${errors[0]?.path} ${errors[0]?.message}.`, { errors })
}

/** Two names that are alike would leave it to their order whose home it is. */
function wrongHomes(homes: PolicyDocument['homes']['teams'], teams: object): string[][] {
  const names = new Set<string>()
  return Object.entries(homes).flatMap(([name, id]) => {
    const again = names.size === names.add(likenessOf(name)).size
    if (again) return [[`homes/teams/${name}`, 'is the same as another, but for letter case and blanks']]
    return id in teams ? [] : [[`homes/teams/${name}`, 'is no team']]
  })
}

async function wrongAttributes(scope: Scope, { attributes }: PolicyDocument): Promise<string[][]> {
  const names = Object.keys(attributes)
  if (names.length === 0) return []
  const type = peopleType((await scimSettings(scope))?.schemas ?? null)
  return names.flatMap((name) => {
    const { fullName } = spokenAttribute(name, type) ?? {}
    if (fullName === name) return []
    const message = fullName ? `is written "${fullName}"` : 'is no attribute that several sources speak of'
    return [[`attributes/${name}`, message]]
  })
}

/** What is wrong with the rules of groups, each by where it is. */
async function wrongRules(
  scope: Scope,
  { groups }: PolicyDocument,
  connections: ReadonlySet<string>,
): Promise<string[][]> {
  const places = groups.flatMap(({ give }) => give.workspace ?? give.team ?? give.home ?? [])
  const there = new Set(places.length > 0 ? await existingPlaces(scope, places) : [])
  const ids = new Set<string>()
  return groups.flatMap(({ id, connection, give: { workspace, team, home } }, index) => {
    const at = `groups/${index}`
    const isRepeated = ids.has(id)
    ids.add(id)
    return [
      ...(isRepeated ? [[`${at}/id`, 'is that of another rule']] : []),
      ...(workspace !== undefined && team !== undefined ? [[`${at}/give`, 'names two places']] : []),
      ...(connection !== undefined && !connections.has(connection)
        ? [[`${at}/connection`, 'is no connection']]
        : []),
      ...(workspace !== undefined && !there.has(`workspace ${workspace}`)
        ? [[`${at}/give/workspace`, 'is no active workspace']]
        : []),
      ...(team !== undefined && !there.has(`team ${team}`) ? [[`${at}/give/team`, 'is no team']] : []),
      ...(home !== undefined && !there.has(`team ${home}`) ? [[`${at}/give/home`, 'is no team']] : []),
    ]
  })
}
