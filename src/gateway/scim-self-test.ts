import { type Scope, transact } from '../../db/index.ts'
import type { Profile } from '../../scim/index.ts'
import { newSecret } from '../auth.ts'
import type { ScimCallerContext } from './scim-auth.ts'
import { type Answer, playProvider, type Request, type Step } from './self-test-story.ts'

export interface SelfTest {
  readonly ok: boolean
  readonly steps: readonly Step[]
}

/** Callers that are known by a token for as long as a test runs. */
export interface Lent {
  callerOf(authorization: string | undefined): ScimCallerContext | undefined
  during<T>(caller: ScimCallerContext, work: (token: string) => Promise<T>): Promise<T>
}

export function lentCallers(): Lent {
  const callers = new Map<string, ScimCallerContext>()
  return {
    callerOf: (authorization) => (callers.size > 0 && authorization ? callers.get(authorization) : undefined),
    async during(caller, work) {
      const token = newSecret()
      callers.set(`Bearer ${token}`, caller)
      try {
        return await work(token)
      } finally {
        callers.delete(`Bearer ${token}`)
      }
    },
  }
}

export type Send = (token: string, request: Request) => Promise<Answer>

/** What ends the transaction of a test: nothing of it is to stay. */
class Undo extends Error {}

/**
 * Plays an identity provider's life of a person and a group on a connection, through the very routes that it would
 * use, in one transaction that is taken back: nobody is left over, and no event of them.
 */
export async function selfTest(
  scope: Scope,
  connection: { id: string; profile: Profile },
  { lent, send }: { lent: Lent; send: Send },
): Promise<SelfTest> {
  let steps: Step[] = []
  const play = async (db: Scope['db']) => {
    const caller = callerFor({ ...scope, db }, connection)
    steps = await lent.during(caller, (token) =>
      playProvider((request) => send(token, request), connection.profile),
    )
    throw new Undo()
  }
  await transact(scope.db, play).catch((error: unknown) => {
    if (!(error instanceof Undo)) throw error
  })
  return { ok: steps.every(({ ok }) => ok), steps }
}

function callerFor(scope: Scope, { id, profile }: { id: string; profile: Profile }): ScimCallerContext {
  const { requestId } = scope
  const actor = `scim:${id}`
  return { id, connectionId: id, profile, requestId, requestsPerSecond: null, scope: { ...scope, actor } }
}
