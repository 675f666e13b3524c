import t from 'tap'
import { isUuid, newId } from '../../src/ids.ts'

const timeOf = (id: string) => Number.parseInt(id.replace('-', '').slice(0, 12), 16)

t.test('an id is a UUID of version 7 with its time in front', async (t) => {
  const now = Date.now() + 1000
  const id = newId(now)
  t.ok(isUuid(id))
  t.match(id, /^.{14}7.{4}[89ab]/)
  t.equal(timeOf(id), now)
})

t.test('ids are in the order of their making, however many there are in a millisecond', async (t) => {
  const now = Date.now() + 2000
  const ids = Array.from({ length: 10_000 }, () => newId(now))
  t.same([...new Set(ids)].sort(), ids)
  t.equal(timeOf(ids.at(-1) ?? ''), now + 2)
})

t.test('a clock that goes back does not take the order back', async (t) => {
  const now = Date.now() + 3000
  const ids = [newId(now), newId(now - 500), newId(now + 1)]
  t.same([...ids].sort(), ids)
})
