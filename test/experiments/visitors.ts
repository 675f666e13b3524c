import { externalIdOf } from '../bench/person.ts'
import { createBrowser } from '../oidc/browser.ts'
import { signers } from './company.ts'
import type { Stage } from './experiment.ts'
import type { UsherProcess } from './processes.ts'
import type { Scene } from './scene.ts'
import { beginSignIn, finishSignIn, isLetIn, LostWay, sessionOf } from './sign-in.ts'

/** People of the company who sign in at one process, one after the other, while something else goes on. */
export interface Visitors {
  /** Until it is called. */
  begin(process: UsherProcess): () => Promise<void>
  /** Counts how long their sign-ins took: the callback, and the whole of one with the provider's pages. */
  report(): void
}

export function createVisitors(stage: Stage, scene: Scene): Visitors {
  const [callbacks, wholes]: [number[], number[]] = [[], []]
  const visit = async ({ origin }: UsherProcess) => {
    const sub = externalIdOf(stage.random.pick(signers(stage.people)))
    const began = performance.now()
    const pending = await beginSignIn(scene, { browser: createBrowser(), origin, sub })
    const back = performance.now()
    const page = await finishSignIn(pending, origin)
    const session = sessionOf(page)
    callbacks.push(performance.now() - back)
    wholes.push(performance.now() - began)
    if (page.status >= 500) stage.count('serverErrors')
    if (session && (await isLetIn(origin, session))) stage.count('signIns')
    else stage.count('refusedSignIns')
  }
  return {
    begin(process) {
      let isOver = false
      const work = (async () => {
        while (!isOver) await visit(process).catch((error: unknown) => blame(stage, error))
      })()
      return async () => {
        isOver = true
        await work
      }
    },
    report() {
      if (callbacks.length === 0) stage.count('refusedSignIns')
      stage.count('callbackP50Ms', percentile(callbacks, 0.5))
      stage.count('callbackP99Ms', percentile(callbacks, 0.99))
      stage.count('signInP50Ms', percentile(wholes, 0.5))
    },
  }
}

function blame({ count, note }: Stage, error: unknown): void {
  count(error instanceof LostWay && error.page.status < 500 ? 'refusedSignIns' : 'serverErrors')
  note(`sign-in: ${error}`)
}

export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0)
}
