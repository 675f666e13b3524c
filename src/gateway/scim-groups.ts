import {
  countGroups,
  findGroup,
  type GroupRecord,
  groupFilterColumns,
  groupListFirstParameter,
  listGroups,
} from '../../db/index.ts'
import {
  type Attributes,
  applyPatch,
  groupType,
  type ListQuery,
  type MemberChange,
  memberChanges,
  memberRefs,
  type PatchOperation,
  type Precondition,
  type ResourceHandler,
  replaceAttributes,
  ScimError,
  type Stored,
  typeFor,
  type Wanted,
} from '../../scim/index.ts'
import { isUuid } from '../ids.ts'
import { editGroup, makeGroup, removeGroup } from '../provisioning/groups.ts'
import type { Policies } from '../provisioning/policy.ts'
import { groupAttributesOf, groupRecordOf, memberSets, storedGroup } from '../translate/group.ts'
import type { ScimCallerContext } from './scim-auth.ts'
import { pageOf, selectionOf } from './scim-lists.ts'

const table = { columns: groupFilterColumns, firstParameter: groupListFirstParameter, key: 'g.id' }

type Context = ScimCallerContext

/** SCIM's Groups: each connection sees its own. */
export function scimGroups(policies: Policies): ResourceHandler<Context> {
  return {
    // Each takes a connection of the pool; most are for others.
    createsAtOnce: 4,
    create: (context, attributes) => create(context, attributes, policies),
    get: read,
    list,
    replace: (context, id, attributes, when) => replace(context, id, { attributes, when, policies }),
    patch: (context, id, operations, when) => patch(context, id, { operations, when, policies }),
    delete: async ({ scope, connectionId }, id, { ifMatch }) => {
      if (!isUuid(id)) return false
      if (await removeGroup(scope, { id, connectionId, versions: ifMatch }, policies)) return true
      if (ifMatch && (await findGroup(scope, { id, connectionId }, false)))
        throw new ScimError('preconditionFailed')
      return false
    },
  }
}

const wantsMembers = ({ attributes, excludedAttributes }: Wanted): boolean => {
  const isMembers = ({ name, sub }: { name: string; sub?: string }) => name === 'members' && !sub
  if (excludedAttributes?.some(isMembers)) return false
  return !attributes || attributes.some(({ name }) => name === 'members')
}

async function create(
  { scope, connectionId }: Context,
  attributes: Attributes,
  policies: Policies,
): Promise<Stored> {
  const members = memberSets([{ kind: 'add', members: memberRefs(attributes.members) }])
  const made = await makeGroup(scope, { connectionId, record: groupRecordOf(attributes), members }, policies)
  if (!made) throw new ScimError('uniqueness', 'Another group has this externalId.')
  if (members.add.length === 0) return storedGroup({ ...made.group, members: [] })
  const row = await findGroup(scope, { connectionId, id: made.group.id }, true)
  return storedGroup(row ?? made.group)
}

async function read({ scope, connectionId }: Context, id: string, wanted: Wanted): Promise<Stored | null> {
  const row = isUuid(id) ? await findGroup(scope, { connectionId, id }, wantsMembers(wanted)) : null
  return row && storedGroup(row)
}

async function list(context: Context, query: ListQuery) {
  const { scope, connectionId } = context
  const { where, page } = selectionOf(query, { ...table, schemas: typeFor(context, groupType) })
  const of = { connectionId, where }
  const withMembers = wantsMembers(query)
  const rows = query.count > 0 ? await listGroups(scope, { ...of, page, withMembers }) : []
  return pageOf(query, { rows, stored: storedGroup, count: () => countGroups(scope, of) })
}

/** Silence on `members` keeps them. */
async function replace(
  context: Context,
  id: string,
  { attributes, when, policies }: { attributes: Attributes; when: Precondition; policies: Policies },
) {
  const members: MemberChange[] =
    'members' in attributes ? [{ kind: 'replace', members: memberRefs(attributes.members) }] : []
  const type = typeFor(context, groupType)
  const change = (record: GroupRecord) =>
    groupRecordOf(replaceAttributes(groupAttributesOf(record), attributes, type))
  return edit(context, id, { when, members, change, policies })
}

interface Patch {
  readonly operations: readonly PatchOperation[]
  readonly when: Precondition & Wanted
  readonly policies: Policies
}

async function patch(context: Context, id: string, { operations, when, policies }: Patch) {
  const { attributes, members } = memberChanges(operations)
  const rules = { resourceType: typeFor(context, groupType), profile: context.profile }
  const change = (record: GroupRecord) =>
    groupRecordOf(applyPatch(groupAttributesOf(record), attributes, rules))
  return edit(context, id, { when, members, policies, ...(attributes.length > 0 && { change }) })
}

interface Edit {
  readonly when: Precondition & Wanted
  readonly members: readonly MemberChange[]
  /** Absent where only members change: then the group need not be read. */
  readonly change?: (record: GroupRecord) => GroupRecord
  readonly policies: Policies
}

async function edit(
  context: Context,
  id: string,
  { when, members, change, policies }: Edit,
): Promise<Stored | null> {
  if (!isUuid(id)) return null
  const { scope, connectionId } = context
  const sets = memberSets(members)
  const key = { id, connectionId }
  const asked = { ...key, members: sets, change, versions: when.ifMatch }
  const written = await editGroup(scope, asked, policies)
  if (written === 'version') throw new ScimError('preconditionFailed')
  if (!written) return null
  return wantsMembers(when) ? read(context, id, when) : storedGroup(written.group)
}
