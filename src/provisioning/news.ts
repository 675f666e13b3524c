import { isDeepStrictEqual } from 'node:util'
import type { UserRecord } from '../../db/index.ts'
import type { SignIn } from './identity.ts'
import type { Policy } from './policy.ts'
import { afterSignIn, type Effective, otherwiseHeard, ownWords, type Spoken, signInWords } from './sources.ts'

type Attributes = UserRecord['attributes']

/** What a known person's sign-in says otherwise than their record. */
export interface News extends Effective {
  /** SCIM names of what differs. */
  readonly changed: readonly string[]
  /** Full names of what is kept, and not heard. */
  readonly beneath: readonly string[]
}

/**
 * Nothing where the record is of another connection. Where SCIM keeps it, which knows better, only that on which the
 * policy hears sign-ins first. What the provider is silent about stays as it was; names to sign in by stay whatever it
 * says, since others may hold them by now.
 */
export function news(
  policy: Pick<Policy, 'attributes'>,
  { connectionId, attributes, without }: SignIn,
  user: Spoken & Pick<UserRecord, 'connection_id'>,
): News | null {
  if (user.connection_id !== connectionId) return null
  const merged = merge(user.managed ? signInWords(user) : ownWords(user), attributes)
  const said = Object.fromEntries(Object.entries(merged).filter(([name]) => !without.includes(name)))
  const after = afterSignIn(policy, user, said)
  const names = new Set([...Object.keys(user.attributes), ...Object.keys(after.attributes)])
  const isOther = (name: string) => !isDeepStrictEqual(user.attributes[name], after.attributes[name])
  const { heard, beneath } = otherwiseHeard(user, { ...user, ...after })
  const changed = [...new Set([...[...names].filter(isOther), ...heard])].sort()
  return changed.length + beneath.length > 0 ? { ...after, changed, beneath } : null
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
