import { setTimeout as pause } from 'node:timers/promises'
import type { Scope } from '../../db/index.ts'
import { type Checklist, type Owner, readChecklist } from './checklist.ts'

/** Milliseconds that a page waits for its checklist. */
const PATIENCE = 200
/** Milliseconds in which, after a failure, nobody asks again. */
const REST = 10_000
/** Most that are read at once: each holds a connection that sign-ins need. */
const MOST = 8

export type ReadBeside = (scope: Scope, owner: Owner) => Promise<Checklist | null>

/** Reads checklists for pages that go without where that fails, or takes long; never throws. */
export function checklistsBeside(report: (error: unknown) => void): ReadBeside {
  let restsUntil = 0
  let reading = 0
  return async (scope, owner) => {
    const now = scope.now.getTime()
    if (now < restsUntil || reading === MOST) return null
    reading++
    const read = readChecklist(scope, owner, PATIENCE).finally(() => reading--)
    const waited = new AbortController()
    try {
      return await Promise.race([read, late(waited.signal)])
    } catch (error) {
      restsUntil = now + REST
      report(error)
      return null
    } finally {
      waited.abort()
    }
  }
}

async function late(signal: AbortSignal): Promise<never> {
  await pause(PATIENCE * 1.25, undefined, { signal, ref: false })
  throw new Error('the checklist took too long')
}
