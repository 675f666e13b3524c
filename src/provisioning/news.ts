import { isDeepStrictEqual } from 'node:util'
import type { UserRecord } from '../../db/index.ts'
import type { SignIn } from './identity.ts'

type Attributes = UserRecord['attributes']

/** What a known person's sign-in says otherwise than their record. */
export interface News {
  readonly attributes: Attributes
  /** SCIM names of what differs. */
  readonly changed: readonly string[]
}

/**
 * Nothing where SCIM keeps the record, which knows better, or where it is of another connection. What the provider is
 * silent about stays as it was; names to sign in by stay whatever it says, since others may hold them by now.
 */
export function news(
  { connectionId, attributes, without }: SignIn,
  user: Pick<UserRecord, 'attributes' | 'managed' | 'connection_id'>,
): News | null {
  if (user.managed || user.connection_id !== connectionId) return null
  const merged = merge(user.attributes, attributes)
  const after = Object.fromEntries(Object.entries(merged).filter(([name]) => !without.includes(name)))
  const names = new Set([...Object.keys(user.attributes), ...Object.keys(after)])
  const changed = [...names].filter((name) => !isDeepStrictEqual(user.attributes[name], after[name])).sort()
  return changed.length > 0 ? { attributes: after, changed } : null
}

/** A complex attribute keeps the parts that are not said; several values are replaced by those that are. */
function merge(old: Attributes, said: Attributes): Attributes {
  const parts = Object.entries(said).map(([name, value]) => {
    const before = old[name]
    return [name, isComplex(before) && isComplex(value) ? { ...before, ...value } : value]
  })
  return { ...old, ...Object.fromEntries(parts) }
}

const isComplex = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
