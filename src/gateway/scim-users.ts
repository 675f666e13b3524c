import {
  countUsers,
  findUser,
  listUsers,
  type ResourceRow,
  type Scope,
  type ShownRow,
  showUser,
  userFilterColumns,
  userListFirstParameter,
} from '../../db/index.ts'
import {
  type Attributes,
  applyPatch,
  type ListQuery,
  type PatchOperation,
  type Precondition,
  pathKey,
  type ResourceHandler,
  replaceAttributes,
  ScimError,
  type Stored,
  typeFor,
  userType,
  type Wanted,
} from '../../scim/index.ts'
import { isUuid } from '../ids.ts'
import { changeUser, removeUser, switchActivity } from '../provisioning/lifecycle.ts'
import type { Policies } from '../provisioning/policy.ts'
import { provision } from '../provisioning/provision.ts'
import { attributesOf, isActive, managerOf, sayingOf, shownUser, storedUser } from '../translate/user.ts'
import type { ScimCallerContext } from './scim-auth.ts'
import { pageOf, selectionOf } from './scim-lists.ts'
import { checkReferences } from './scim-references.ts'

const table = { columns: userFilterColumns, firstParameter: userListFirstParameter, key: 'u.id' }

/** SCIM's Users over the domain. */
export function scimUsers(policies: Policies): ResourceHandler<ScimCallerContext> {
  return {
    // Enough for a statement's worth of people to wait while two are under way.
    createsAtOnce: 300,
    create: (caller, attributes) => create(caller, attributes, policies),
    get: async ({ scope }, id, wanted) =>
      shown(isUuid(id) ? await showUser(scope, id, { nested: asksForGroups(wanted) }) : null),
    list,
    replace: async (caller, id, attributes, when) =>
      stored(await change(caller, id, { when, policies, edit: replaced(caller, attributes) })),
    patch: async (caller, id, operations, when) =>
      shown(await switched(caller, id, { operations, when })) ??
      stored(await change(caller, id, { when, policies, edit: patched(caller, operations) })),
    delete: async ({ scope, connectionId }, id, when) =>
      isUuid(id) && removeUser(scope, { userId: id, connectionId, check: (row) => assertVersion(row, when) }),
  }
}

/** To be asked for by name is what brings the groups of groups. */
const asksForGroups = ({ attributes }: Wanted): boolean =>
  attributes?.some(({ name }) => name === 'groups') ?? false

const shown = (row: ShownRow | null): Stored | null => row && shownUser(row)

const stored = (row: ResourceRow | null): Stored | null => row && storedUser(row)

async function create(
  caller: ScimCallerContext,
  attributes: Attributes,
  policies: Policies,
): Promise<Stored> {
  const { scope, connectionId } = caller
  await checkReferences(caller, attributes)
  const saying = sayingOf(attributes)
  const push = { via: 'scim' as const, connectionId, ...saying }
  const { userId, outcome } = await provision(scope, { identity: push }, policies)
  if (outcome === 'create' && managerOf(attributes) === undefined)
    return {
      id: userId,
      attributes: { ...attributes, active: saying.active },
      created: scope.now,
      lastModified: scope.now,
      version: 1,
    }
  const row = await findUser(scope, userId)
  if (!row) throw new ScimError('conflict')
  return storedUser(row)
}

async function list(caller: ScimCallerContext, query: ListQuery) {
  const { scope } = caller
  const asked = selectionOf(query, { ...table, schemas: typeFor(caller, userType) })
  const rows = query.count > 0 ? await listUsers(scope, asked) : []
  return pageOf(query, { rows, stored: shownUser, count: () => countUsers(scope, asked.where) })
}

interface UserChange {
  readonly when: Precondition
  readonly policies: Policies
  readonly edit: (attributes: Attributes) => Attributes
}

async function change(
  caller: ScimCallerContext,
  id: string,
  { when, policies, edit }: UserChange,
): Promise<ResourceRow | null> {
  if (!isUuid(id)) return null
  const { connectionId } = caller
  const asked = async (row: ResourceRow, scope: Scope) => {
    assertVersion(row, when)
    const said = asSaid(row)
    const before = attributesOf(said)
    const after = edit(before)
    await checkReferences({ ...caller, scope }, after, before)
    return sayingOf(after, isActive(said))
  }
  return changeUser(caller.scope, { userId: id, connectionId, edit: asked }, policies)
}

/** Whom somebody else has suspended SCIM has still said to be active. */
const asSaid = (row: ResourceRow): ResourceRow =>
  row.status === 'suspended' && row.reason !== null ? { ...row, status: 'ready' } : row

/** The one change that has a write of its own: somebody goes, or comes back. */
async function switched(
  { scope, connectionId }: ScimCallerContext,
  userId: string,
  { operations, when }: { operations: readonly PatchOperation[]; when: Precondition },
): Promise<ShownRow | null> {
  const [operation, ...others] = operations
  if (!operation?.path || others.length > 0 || operation.op === 'remove' || !isUuid(userId)) return null
  const { value: active, path } = operation
  if (typeof active !== 'boolean' || pathKey(path.path) !== 'active' || path.filter || path.sub) return null
  return switchActivity(scope, { userId, connectionId, active, versions: when.ifMatch })
}

const replaced = (caller: ScimCallerContext, attributes: Attributes) => (before: Attributes) =>
  replaceAttributes(before, attributes, typeFor(caller, userType))

const patched =
  (caller: ScimCallerContext, operations: readonly PatchOperation[]) => (attributes: Attributes) =>
    applyPatch(attributes, operations, { resourceType: typeFor(caller, userType), profile: caller.profile })

/** RFC 7644 section 3.14. */
function assertVersion({ version }: ResourceRow, { ifMatch }: Precondition): void {
  if (ifMatch && !ifMatch.includes(version)) throw new ScimError('preconditionFailed')
}
