import fc from 'fast-check'

export type Role = 'viewer' | 'member' | 'admin' | 'owner'
/** `A` has both halves; at `B` people only sign in. */
export type ConnectionName = 'A' | 'B'

/** What an identity provider says of somebody. */
export interface Said {
  readonly userName: string
  readonly externalId: string | null
  readonly active: boolean
  readonly userType: string
  readonly department: string
}

/** What of the policy is tried. */
export interface Rules {
  readonly give: 'create' | 'join' | 'none'
  readonly role: Role
  /** Whether a department has its own home. */
  readonly homes: boolean
  readonly justInTime: 'on' | 'off' | 'only-if-pushed'
  readonly adoption: 'adopt' | 'reject'
  /** Whether guests get no place, and expire after five days. */
  readonly guests: boolean
  /** Whether groups give roles. */
  readonly groups: boolean
  readonly graceDays: number
  readonly keepDays: number
  readonly rehire: 'new' | 'restore'
  /** What becomes of a leaver's own workspace. */
  readonly leaving: 'archive' | 'transfer'
}

export const firstRules: Rules = {
  give: 'create',
  role: 'owner',
  homes: false,
  justInTime: 'on',
  adoption: 'adopt',
  guests: false,
  groups: false,
  graceDays: 30,
  keepDays: 0,
  rehire: 'new',
  leaving: 'archive',
}

/** One thing that happens; `at` says to whom, counted round among those who there have been. */
export type Action =
  | { readonly do: 'push'; readonly said: Said }
  | { readonly do: 'put'; readonly at: number; readonly said: Said }
  | { readonly do: 'patch'; readonly at: number; readonly as: 'entra' | 'okta'; readonly said: Partial<Said> }
  | { readonly do: 'delete'; readonly at: number }
  | { readonly do: 'sign-in'; readonly by: ConnectionName; readonly sub: string; readonly name: string }
  | { readonly do: 'administer'; readonly at: number; readonly what: (typeof administering)[number] }
  | { readonly do: 'role'; readonly at: number; readonly role: Role | null }
  | {
      readonly do: 'group'
      readonly op: 'make' | 'add' | 'remove' | 'delete'
      readonly group: string
      readonly at: number
    }
  | { readonly do: 'policy'; readonly rules: Partial<Rules> }
  | { readonly do: 'pass'; readonly hours: number }
  | { readonly do: 'work' }

const administering = ['suspend', 'reactivate', 'restore', 'erase', 'end sessions', 'hold', 'lift'] as const
const often = ['suspend', 'reactivate', 'restore'] as const

const pairs = fc.constantFrom(
  ...(['ada', 'Bob', 'cy'] as const).map((userName, at) => ({ userName, key: `k${at + 1}` })),
)
/** Mostly what belongs together; else nobody would ever be met again. */
const both = fc.oneof(
  { arbitrary: pairs, weight: 4 },
  {
    arbitrary: fc.tuple(pairs, pairs).map(([{ userName }, { key }]) => ({ userName, key })),
    weight: 1,
  },
)
const keys = pairs.map(({ key }) => key)
const at = fc.oneof(fc.nat(1), fc.nat(5))
const [userType, department] = [fc.constantFrom('Guest', 'Member'), fc.constantFrom('Research', 'Sales')]
const active = fc.boolean()
const known = { userName: pairs.map(({ userName }) => userName), userType, department }
const said = fc
  .record({
    both,
    userType,
    department,
    active: fc.constantFrom(true, true, true, false),
    keyless: fc.nat(7),
  })
  .map(({ both: { userName, key }, keyless, ...more }) => ({
    ...more,
    userName,
    externalId: keyless ? key : null,
  }))
const wholly = said.map((one) => ({ ...one, externalId: one.externalId ?? 'k1' }))

const just = <T extends string>(value: T) => fc.constant(value)

/** Its kinds as often as they are to happen. */
export const actions: fc.Arbitrary<Action>[] = [
  ...Array.from({ length: 3 }, () => fc.record({ do: just('push'), said })),
  fc.record({ do: just('put'), at, said: wholly }),
  ...Array.from({ length: 2 }, () =>
    fc.record({
      do: just('patch'),
      at,
      as: fc.constantFrom('entra' as const, 'okta' as const),
      said: fc.oneof(
        fc.record({ active }),
        fc
          .record({ ...known, externalId: keys, active }, { requiredKeys: [] })
          .filter((said) => Object.keys(said).length > 0),
      ),
    }),
  ),
  fc.record({ do: just('delete'), at }),
  ...Array.from({ length: 3 }, () =>
    fc
      .record({ do: just('sign-in'), by: fc.constantFrom('A' as const, 'A' as const, 'B' as const), both })
      .map(({ both: { userName: name, key: sub }, ...more }) => ({ ...more, sub, name })),
  ),
  ...Array.from({ length: 2 }, () =>
    fc.record({ do: just('administer'), at, what: fc.constantFrom(...administering, ...often) }),
  ),
  fc.record({
    do: just('role'),
    at,
    role: fc.constantFrom<(Role | null)[]>('viewer', 'admin', 'owner', null),
  }),
  ...Array.from({ length: 3 }, () =>
    fc.record({
      do: just('group'),
      op: fc.constantFrom(
        'make' as const,
        'add' as const,
        'add' as const,
        'remove' as const,
        'delete' as const,
      ),
      group: fc.constantFrom('Engineers', 'Leads'),
      at,
    }),
  ),
  fc.record({
    do: just('policy'),
    rules: fc.record(
      {
        give: fc.constantFrom('create' as const, 'join' as const, 'none' as const),
        role: fc.constantFrom('owner' as const, 'viewer' as const),
        homes: fc.boolean(),
        justInTime: fc.constantFrom('on' as const, 'off' as const, 'only-if-pushed' as const),
        adoption: fc.constantFrom('adopt' as const, 'reject' as const),
        guests: fc.boolean(),
        groups: fc.boolean(),
        graceDays: fc.constantFrom(2, 30),
        keepDays: fc.constantFrom(0, 3),
        rehire: fc.constantFrom('new' as const, 'restore' as const),
        leaving: fc.constantFrom('archive' as const, 'transfer' as const),
      },
      { requiredKeys: [] },
    ),
  }),
  fc.record({ do: just('pass'), hours: fc.constantFrom(1, 3, 5 * 24, 33 * 24) }),
  fc.record({ do: just('work') }),
]
