import fc from 'fast-check'
import t from 'tap'
import type { MemberChange } from '../../scim/index.ts'
import { memberSets } from '../../src/translate/group.ts'

const id = (n: number) => `01a20d9b-2591-7000-8700-${String(n).padStart(12, '0')}`
const ids = fc.array(fc.integer({ min: 0, max: 5 }).map(id), { maxLength: 4 })
const members = ids.map((list) => list.map((value) => ({ value })))
const change: fc.Arbitrary<MemberChange> = fc.oneof(
  members.map((list) => ({ kind: 'add' as const, members: list })),
  members.map((list) => ({ kind: 'replace' as const, members: list })),
  ids.map((list) => ({ kind: 'remove' as const, ids: list })),
  fc.constant({ kind: 'removeAll' as const }),
)

/** What becomes of the members, one change after the other. */
function after(before: readonly string[], changes: readonly MemberChange[]): Set<string> {
  let kept = new Set(before)
  for (const one of changes) {
    if (one.kind === 'replace' || one.kind === 'removeAll') kept = new Set()
    if (one.kind === 'remove') for (const value of one.ids) kept.delete(value)
    else if (one.kind !== 'removeAll') for (const { value } of one.members) kept.add(value)
  }
  return kept
}

t.test('the sets come to what the changes do one after the other', async (t) => {
  fc.assert(
    fc.property(ids, fc.array(change, { maxLength: 8 }), (before, changes) => {
      const { reset, add, remove } = memberSets(changes)
      const start = reset ? [] : before.filter((value) => !remove.includes(value))
      const [came, expected] = [new Set([...start, ...add]), after(before, changes)]
      return came.size === expected.size && [...came].every((value) => expected.has(value))
    }),
  )
  t.pass()
})

t.test('ten thousand changes of ten thousand members are no more than that', async (t) => {
  const all = Array.from({ length: 10_000 }, (_, n) => ({ value: id(n) }))
  const changes: MemberChange[] = [
    { kind: 'add', members: all },
    ...all.map(({ value }) => ({ kind: 'remove' as const, ids: [value] })),
  ]
  const { add, remove } = memberSets(changes)
  t.same([add.length, remove.length], [0, 10_000])
})
