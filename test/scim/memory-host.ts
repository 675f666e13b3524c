import { randomUUID } from 'node:crypto'
import Fastify, { type FastifyInstance, type InjectOptions } from 'fastify'
import {
  type Attributes,
  applyPatch,
  type Caller,
  groupType,
  type Json,
  listed,
  type MemberChange,
  memberChanges,
  type PatchOperation,
  type Precondition,
  type Profile,
  type ResourceHandler,
  type ResourceType,
  replaceAttributes,
  ScimError,
  type ScimOptions,
  type Stored,
  scimPlugin,
  typeFor,
  userNameKey,
  userType,
} from '../../scim/index.ts'

export const baseUrl = 'https://usher.example/scim/v2'

type Kept = Map<string, Stored>

function checkVersion({ version }: Stored, { ifMatch }: Precondition): void {
  if (ifMatch && !ifMatch.includes(version)) throw new ScimError('preconditionFailed')
}

function checkUnique(kept: Kept, { userName }: Attributes, id?: string): void {
  for (const other of kept.values()) {
    const taken = userNameKey(String(other.attributes.userName)) === userNameKey(String(userName))
    if (userName !== undefined && taken && other.id !== id) throw new ScimError('uniqueness')
  }
}

function changeMembers(members: Json[], change: MemberChange): Json[] {
  const ids = (refs: Json[]) => refs.map((ref) => (ref as { value: string }).value)
  switch (change.kind) {
    case 'add': {
      const known = ids(members)
      return [
        ...members,
        ...change.members.filter(({ value }) => !known.includes(value)).map((ref) => ({ ...ref })),
      ]
    }
    case 'remove':
      return members.filter((ref) => !change.ids.includes((ref as { value: string }).value))
    case 'removeAll':
      return []
    case 'replace':
      return change.members.map((ref) => ({ ...ref }))
  }
}

function patched(standard: ResourceType, caller: Caller) {
  const { profile } = caller
  const type = typeFor(caller, standard)
  return (attributes: Attributes, operations: readonly PatchOperation[]): Attributes => {
    const { members, attributes: rest } = memberChanges(operations)
    const after = applyPatch(attributes, rest, { resourceType: type, profile })
    if (members.length === 0) return after
    return { ...after, members: members.reduce(changeMembers, (after.members ?? []) as Json[]) }
  }
}

/** A host that keeps everything in a map. */
export function memoryHandler(type: ResourceType, kept: Kept = new Map()): ResourceHandler {
  const save = (stored: Stored) => {
    checkUnique(kept, stored.attributes, stored.id)
    kept.set(stored.id, stored)
    return stored
  }
  const change = (id: string, when: Precondition, next: (before: Stored) => Attributes) => {
    const before = kept.get(id)
    if (!before) return null
    checkVersion(before, when)
    return save({ ...before, attributes: next(before), version: before.version + 1 })
  }
  return {
    async create(_caller, given) {
      const now = new Date()
      const attributes = type.name === 'Group' ? { members: [], ...given } : given
      return save({ id: randomUUID(), attributes, created: now, lastModified: now, version: 1 })
    },
    async get(_caller, id) {
      return kept.get(id) ?? null
    },
    async list(caller, query) {
      return listed(typeFor(caller, type), kept.values(), query)
    },
    async replace(caller, id, attributes, when) {
      const keepMembers = ({ members }: Attributes) => (members && !attributes.members ? { members } : {})
      return change(id, when, ({ attributes: before }) => ({
        ...keepMembers(before),
        ...replaceAttributes(before, attributes, typeFor(caller, type)),
      }))
    },
    async patch(caller, id, operations, when) {
      return change(id, when, (before) => patched(type, caller)(before.attributes, operations))
    },
    async delete(_caller, id, when) {
      const before = kept.get(id)
      if (before) checkVersion(before, when)
      return kept.delete(id)
    },
  }
}

/** The profile is what the token says. */
function authenticate({ headers }: { headers: { authorization?: string | undefined } }): Caller {
  const profile = /^Bearer (lenient|strict)$/.exec(headers.authorization ?? '')?.[1]
  if (!profile) throw new ScimError('unauthorized')
  return { profile: profile as Profile, requestId: 'r', id: profile }
}

/** Puts back what was there before. */
function allOrNothingIn(kept: readonly Kept[]): NonNullable<ScimOptions['atomic']> {
  return async (caller, work) => {
    const before = kept.map((resources) => [...resources])
    try {
      return await work(caller)
    } catch (error) {
      for (const [index, resources] of kept.entries()) {
        resources.clear()
        for (const [id, stored] of before[index] ?? []) resources.set(id, stored)
      }
      throw error
    }
  }
}

interface Teardown {
  teardown(end: () => Promise<void>): void
}

/** A server on that host, closed when the test ends. */
export async function memoryHost(t: Teardown, options: Partial<ScimOptions> = {}): Promise<FastifyInstance> {
  const app = Fastify({ logger: false, routerOptions: { maxParamLength: 5000 } })
  const kept: Kept[] = [new Map(), new Map()]
  const handlers = { User: memoryHandler(userType, kept[0]), Group: memoryHandler(groupType, kept[1]) }
  const all = { handlers, authenticate, baseUrl, atomic: allOrNothingIn(kept), ...options }
  app.register(async (scope) => scimPlugin(scope, all), { prefix: '/scim/v2' })
  t.teardown(() => app.close())
  await app.ready()
  return app
}

export interface Asked {
  readonly method?: InjectOptions['method']
  readonly url: string
  readonly body?: unknown
  readonly headers?: Record<string, string>
}

/** Asks as a connection of that profile; `url` comes without the prefix. */
export function asking(app: FastifyInstance, profile: Profile) {
  return async ({ method = 'GET', url, body, headers }: Asked) => {
    const type = body === undefined ? {} : { 'content-type': 'application/scim+json' }
    return await app.inject({
      method,
      url: `/scim/v2${url}`,
      headers: { authorization: `Bearer ${profile}`, ...type, ...headers },
      ...(body !== undefined && { payload: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
  }
}
