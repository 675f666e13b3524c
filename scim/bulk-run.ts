import { setImmediate } from 'node:timers/promises'
import { type Atomic, type Done, type Progress, performStep } from './bulk-perform.ts'
import { nextTogether, planBulk, type Step } from './bulk-plan.ts'
import type { BulkOperation, BulkRequest } from './bulk-request.ts'
import { ScimError } from './errors.ts'
import type { Caller } from './handler.ts'

export interface Job<C extends Caller> extends BulkRequest<C> {
  readonly caller: C
  readonly atomic?: Atomic<C> | undefined
  /** What an error is to the client. */
  readonly toScimError: (error: unknown) => ScimError
}

/** After so many in a row that could not be served, the rest is not tried. */
const MOST_UNAVAILABLE = 3

const undone = () =>
  new ScimError('conflict', 'Undone, since an operation that it stands or falls with has failed.')

/** Does all of it or nothing; where one operation fails, it tells why, and the others that they were undone. */
async function allOrNothing<C extends Caller>(
  { caller, toScimError }: Job<C>,
  { steps, progress, atomic }: { steps: readonly Step<C>[]; progress: Progress; atomic: Atomic<C> },
): Promise<void> {
  const tried: { operation?: BulkOperation<C> | undefined } = {}
  try {
    const own = await atomic(caller, async (inside) => {
      const begun: Progress = { outcomes: new Map(), made: new Map(progress.made) }
      const begin = (operation: BulkOperation<C>) => {
        tried.operation = operation
      }
      for (const step of steps) await performStep({ caller: inside, progress: begun, begin }, step)
      delete tried.operation
      return begun
    })
    for (const [index, outcome] of own.outcomes) progress.outcomes.set(index, outcome)
    for (const [bulkId, id] of own.made) progress.made.set(bulkId, id)
  } catch (error) {
    // Where none is at fault, nothing could be committed.
    const failure = toScimError(error)
    for (const operation of steps.flatMap(({ operations }) => operations)) {
      const isCause = !tried.operation || tried.operation === operation
      progress.outcomes.set(operation.index, isCause ? failure : undone())
    }
  }
}

async function runStep<C extends Caller>(job: Job<C>, step: Step<C>, progress: Progress): Promise<void> {
  const { atomic, caller, toScimError } = job
  if (step.circular && atomic) return allOrNothing(job, { steps: [step], progress, atomic })
  try {
    // RFC 7644 section 3.7.1 lets a server give up here.
    if (step.circular) throw new ScimError('conflict', 'The references of these operations are circular.')
    await performStep({ caller, progress }, step)
  } catch (error) {
    const failure = toScimError(error)
    for (const { index } of step.operations) progress.outcomes.set(index, failure)
  }
}

const isUnavailable = (outcome: Done | ScimError | undefined) =>
  outcome instanceof ScimError && outcome.code === 'unavailable'

/** Begun in a row before others get a word in. */
const A_BREATH = 25

/** Does the work for each, in order, where no more than `most` are under way. */
async function forEach<T>(
  items: readonly T[],
  most: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const waiting = items.values()
  const take = async () => {
    for (const item of waiting) await work(item)
  }
  const underWay: Promise<void>[] = []
  while (underWay.length < Math.min(most, items.length)) {
    underWay.push(take())
    if (underWay.length % A_BREATH === 0) await setImmediate()
  }
  await Promise.all(underWay)
}

/** How many of them the host is given at once. */
function atOnce<C extends Caller>([step]: readonly Step<C>[]): number {
  const asked = step?.operations[0]?.asked
  return asked === undefined || asked instanceof ScimError ? 1 : (asked.at.handler.createsAtOnce ?? 1)
}

/** Each operation by itself: what has been done stays, whatever fails after it (RFC 7644 section 3.7.3). */
async function runApart<C extends Caller>(job: Job<C>, steps: readonly Step<C>[], progress: Progress) {
  const { outcomes } = progress
  let unavailable = 0
  let mayFail = job.failOnErrors
  for (let from = 0; from < steps.length && mayFail > 0; ) {
    // Even if all that are under way at once fail, no more do than the client allows.
    const together = nextTogether(steps, { from, most: mayFail })
    await forEach(together, atOnce(together), (step) => runStep(job, step, progress))
    from += together.length
    const last = together.flatMap(({ operations }) => operations).map(({ index }) => outcomes.get(index))
    mayFail -= last.filter((outcome) => outcome instanceof ScimError).length
    unavailable = last.every(isUnavailable) ? unavailable + last.length : 0
    if (unavailable >= MOST_UNAVAILABLE) return leave(steps.slice(from), progress)
  }
}

function leave<C extends Caller>(steps: readonly Step<C>[], { outcomes }: Progress): void {
  for (const { index } of steps.flatMap(({ operations }) => operations))
    outcomes.set(index, new ScimError('unavailable'))
}

/** Performs the operations of a request; with `whole`, all of them or none. */
export async function runBulk<C extends Caller>(job: Job<C>, whole?: Atomic<C>): Promise<Progress> {
  const steps = planBulk(job.operations)
  const progress: Progress = { outcomes: new Map(), made: new Map() }
  if (whole) await allOrNothing(job, { steps, progress, atomic: whole })
  else await runApart(job, steps, progress)
  return progress
}
