import type { NewPlace, UserRecord } from '../../db/index.ts'
import type { Policy } from './policy.ts'
import type { HoldCode } from './reasons.ts'

const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'

/** Whose place it is, by what decides about it. */
export interface Newcomer {
  readonly userName: string
  readonly attributes: UserRecord['attributes']
}

/** Where somebody is to be, as what, and by which rule. */
export type Placing =
  | {
      readonly give: 'create'
      readonly rule: string
      readonly name: string
      readonly role: NewPlace['role']
      readonly team: { readonly id: string; readonly name: string }
    }
  | {
      readonly give: 'join'
      readonly rule: string
      readonly role: NewPlace['role']
      readonly workspace: { readonly id: string; readonly name: string }
    }
  | { readonly give: 'none'; readonly rule: string }
  /** Not yet: something is missing, and who comes by it before it is there is held. */
  | { readonly give: 'hold'; readonly rule: string; readonly reason: HoldCode }

/** Pure: by the policy alone, and by what is known of the person. */
export function placingOf(policy: Policy, newcomer: Newcomer): Placing {
  const { give, name, role } = policy.workspace
  if (isGuest(policy, newcomer)) return { give: 'none', rule: 'guests get none' }
  if (give === 'none') return { give: 'none', rule: 'nobody gets one' }
  if (give === 'join')
    return policy.joined
      ? { give: 'join', rule: 'joined workspace', role, workspace: policy.joined }
      : { give: 'hold', rule: 'the joined workspace is archived', reason: 'workspace_unavailable' }
  const home = homeOf(policy, newcomer)
  return typeof home === 'string'
    ? { give: 'hold', rule: home, reason: 'home_unknown' }
    : { give: 'create', ...home, role, name: named(name, newcomer) }
}

function isGuest({ guests: { userTypes } }: Policy, { attributes: { userType } }: Newcomer): boolean {
  return typeof userType === 'string' && userTypes.some((one) => isAlike(one, userType))
}

/** The same for names that differ in letter case, or in blanks around, only. */
export const likenessOf = (name: string) => name.trim().toLowerCase()

const isAlike = (a: string, b: string) => likenessOf(a) === likenessOf(b)

/** Where a workspace of their own is at home by what is known of them alone. */
export function ownHome(policy: Policy, newcomer: Newcomer): { readonly id: string; readonly rule: string } {
  const home = homeOf(policy, newcomer)
  return typeof home === 'string'
    ? { id: policy.home.id, rule: 'default workspace' }
    : { id: home.team.id, rule: home.rule }
}

/** The team, by which rule; or only the rule by which there is none. */
function homeOf({ homes, teams, home }: Policy, newcomer: Newcomer) {
  const { by, teams: ids, otherwise } = homes
  const value = by === 'organization' ? undefined : ways[by](newcomer)
  const [, id = ''] = Object.entries(ids).find(([name]) => value !== undefined && isAlike(name, value)) ?? []
  const name = teams[id]
  if (name !== undefined) return { team: { id, name }, rule: `home by ${by}` }
  if (by === 'organization' || otherwise === 'organization') return { team: home, rule: 'default workspace' }
  return value === undefined ? `no ${by} is known` : `no home for the ${by}`
}

const ways = {
  domain: ({ attributes }: Newcomer) => addressOf(attributes)?.split('@').at(-1),
  department: ({ attributes }: Newcomer) => text(member(attributes[ENTERPRISE], 'department')),
}

function addressOf({ emails }: Newcomer['attributes']): string | undefined {
  if (!Array.isArray(emails)) return undefined
  const primary = emails.find((one) => member(one, 'primary') === true) ?? emails[0]
  return text(member(primary, 'value'))
}

const fields: Readonly<Record<string, (newcomer: Newcomer) => string | undefined>> = {
  displayName: ({ attributes }) => text(attributes.displayName),
  givenName: ({ attributes }) => text(member(attributes.name, 'givenName')),
  familyName: ({ attributes }) => text(member(attributes.name, 'familyName')),
  userName: ({ userName }) => userName,
}

const MOST_CHARACTERS = 200

/** Whoever lacks what a template asks for is called by their userName. */
function named(template: string, newcomer: Newcomer): string {
  const name = template.replace(/\{(\w+)\}/g, (whole, field: string) => {
    return Object.hasOwn(fields, field) ? (fields[field]?.(newcomer) ?? newcomer.userName) : whole
  })
  // A character that the end falls into is left out, for half of one cannot be kept.
  return name.slice(0, MOST_CHARACTERS).replace(/\p{Surrogate}$/u, '')
}

const member = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined

const text = (value: unknown): string | undefined =>
  typeof value === 'string' && value.trim() !== '' ? value : undefined
