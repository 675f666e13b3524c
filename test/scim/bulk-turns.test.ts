import type { FastifyRequest } from 'fastify'
import t from 'tap'
import { createTurns } from '../../scim/bulk-turns.ts'
import { groupType, userType } from '../../scim/index.ts'
import { asking, memoryHandler, memoryHost } from './memory-host.ts'

/** What stands for a request: nothing of it is looked at. */
const someone = () => ({}) as FastifyRequest

t.test('so many have their turn at once, and not all of one owner', async (t) => {
  const turns = createTurns({ ofAll: 2, ofOne: 1 })
  const admitted: string[] = []
  const enter = (owner: string, name: string) => {
    const request = someone()
    turns.enter(request, owner, () => admitted.push(name))
    return request
  }
  const a1 = enter('a', 'a1')
  const a2 = enter('a', 'a2')
  const b1 = enter('b', 'b1')
  const c1 = enter('c', 'c1')
  t.same(admitted, ['a1', 'b1'])
  turns.leave(a2)
  enter('a', 'a3')
  turns.leave(b1)
  t.same(admitted, ['a1', 'b1', 'c1'], 'whoever went away is not let in, and nobody twice')
  let finish = () => {}
  const served = turns.serve(a1, () => {
    return new Promise<void>((resolve) => {
      finish = resolve
    })
  })
  turns.leave(a1)
  turns.leave(c1)
  turns.leave(c1)
  t.same(admitted, ['a1', 'b1', 'c1'], 'work that goes on after its client has gone keeps its turn')
  finish()
  await served
  t.same(admitted, ['a1', 'b1', 'c1', 'a3'])
  await t.rejects(
    turns.serve(someone(), async () => {}),
    TypeError,
  )
})

t.test('a turn ends with the answer, whatever it is', async (t) => {
  let underWay = 0
  let most = 0
  const User = memoryHandler(userType)
  const create: typeof User.create = async (...given) => {
    most = Math.max(most, ++underWay)
    await new Promise(setImmediate)
    underWay--
    return User.create(...given)
  }
  const handlers = { User: { ...User, create }, Group: memoryHandler(groupType) }
  const ask = asking(await memoryHost(t, { handlers }), 'lenient')
  const bodies = Array.from({ length: 20 }, (_, n) => {
    const operation = { method: 'POST', path: '/Users', bulkId: 'x', data: { userName: `u${n}` } }
    return [{ Operations: [operation, { method: 'DELETE', path: '/Users/bulkId:x' }] }, '{', {}, ''][n % 4]
  })
  const answers = await Promise.all(bodies.map((body) => ask({ method: 'POST', url: '/Bulk', body })))
  const expected = bodies.map((_, n) => (n % 4 === 0 ? 200 : 400))
  t.same(
    answers.map(({ statusCode }) => statusCode),
    expected,
  )
  t.ok(most <= 2, 'of one owner')
})
