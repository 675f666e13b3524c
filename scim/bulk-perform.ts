import type { Step } from './bulk-plan.ts'
import { withoutReferences } from './bulk-references.ts'
import { type BulkAsked, type BulkOperation, resolveAsked } from './bulk-request.ts'
import { ScimError } from './errors.ts'
import type { Caller } from './handler.ts'
import * as resources from './operations.ts'
import { PATCH_OP } from './patch-request.ts'

/** Does `work` wholly or not at all, for a caller whose handlers take part in that. */
export type Atomic<C extends Caller> = <T>(caller: C, work: (caller: C) => Promise<T>) => Promise<T>

export interface Done {
  readonly status: 200 | 201 | 204
  readonly id: string
  readonly version?: number
}

/** What has come of a request so far. */
export interface Progress {
  /** Of the operations that were processed, by their place in the request. */
  readonly outcomes: Map<number, Done | ScimError>
  /** The ids of what was made, by `bulkId`. */
  readonly made: Map<string, string>
}

/** Whose operations are performed, and where it is noted. */
export interface Turn<C extends Caller> {
  readonly caller: C
  readonly progress: Progress
  /** Told of each operation before it is tried. */
  readonly begin?: (operation: BulkOperation<C>) => void
}

// A group may be large, and none is shown here.
const noMembers = { excludedAttributes: [{ name: 'members' }] }

const done = (status: Done['status'], { stored: { id, version } }: resources.Change): Done => ({
  status,
  id,
  version,
})

function resolved<C extends Caller>({ caller, progress }: Turn<C>, asked: BulkAsked<C>) {
  if (asked.references.size === 0) return asked
  return resolveAsked(asked, caller.profile, (bulkId) => {
    const id = progress.made.get(bulkId)
    if (id !== undefined) return id
    throw new ScimError('conflict', `The operation with the bulkId "${bulkId}" has failed.`)
  })
}

async function request<C extends Caller>(turn: Turn<C>, asked: BulkAsked<C>): Promise<Done> {
  const { caller } = turn
  const { method, at, id, data: body, when } = resolved(turn, asked)
  switch (method) {
    case 'POST':
      return done(201, await resources.create(at, caller, body))
    case 'PUT':
      return done(200, await resources.replace(at, caller, { id, body, when }))
    case 'PATCH':
      return done(200, await resources.patch(at, caller, { id, body, when: { ...when, ...noMembers } }))
    case 'DELETE':
      await resources.remove(at, caller, { id, when })
      return { status: 204, id }
  }
}

function note<C extends Caller>(
  { outcomes, made }: Progress,
  { index, bulkId }: BulkOperation<C>,
  outcome: Done,
) {
  outcomes.set(index, outcome)
  if (outcome.status === 201 && bulkId !== undefined) made.set(bulkId, outcome.id)
}

function askedOf<C extends Caller>({ asked }: BulkOperation<C>): BulkAsked<C> {
  if (asked instanceof ScimError) throw asked
  return asked
}

/**
 * Creates each with the references that can be resolved by then, and adds the others when all are made (RFC 7644
 * section 3.7.1).
 */
async function performCircular<C extends Caller>(
  turn: Turn<C>,
  operations: Step<C>['operations'],
): Promise<void> {
  const { caller, progress, begin } = turn
  const unmade = new Set(operations.map(({ bulkId }) => bulkId ?? ''))
  const completions: (() => Promise<void>)[] = []
  for (const operation of operations) {
    begin?.(operation)
    const asked = askedOf(operation)
    const rules = { resourceType: asked.at.type, profile: caller.profile }
    const { first, later } = withoutReferences(asked.data ?? null, rules, unmade)
    const made = await request(turn, { ...asked, data: first })
    const isWhole = ![...asked.references].some((bulkId) => unmade.has(bulkId))
    note(progress, operation, made)
    unmade.delete(operation.bulkId ?? '')
    if (isWhole) continue
    const data = { schemas: [PATCH_OP], Operations: [{ op: 'add', value: later }] }
    completions.push(async () => {
      begin?.(operation)
      const completed = await request(turn, { ...asked, method: 'PATCH', id: made.id, data })
      note(progress, operation, { ...completed, status: 201 })
    })
  }
  for (const complete of completions) await complete()
}

/** Does what a step asks; throws where an operation fails. */
export async function performStep<C extends Caller>(
  turn: Turn<C>,
  { operations, circular }: Step<C>,
): Promise<void> {
  if (circular) return performCircular(turn, operations)
  for (const operation of operations) {
    turn.begin?.(operation)
    note(turn.progress, operation, await request(turn, askedOf(operation)))
  }
}
