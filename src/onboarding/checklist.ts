import {
  briefly,
  checklistOf,
  finishStep,
  isChecklistOn,
  type ProgressRow,
  type Scope,
  setDismissed,
} from '../../db/index.ts'
import { Problem } from '../errors.ts'
import { eventOf } from '../events/record.ts'
import type { Step } from './steps.ts'

/** A person's checklist, in their language. */
export interface Checklist {
  readonly dismissed: boolean
  readonly complete: boolean
  readonly steps: readonly ShownStep[]
}

export interface ShownStep {
  readonly key: string
  readonly title: string
  readonly text?: string
  readonly link?: string
  readonly by: 'event' | 'person'
  readonly done: boolean
}

export interface Owner {
  readonly userId: string
  /** A primary language tag. */
  readonly language: string
}

/**
 * Null where the organization has none: then nothing looks into the schema of checklists. Each statement takes no more
 * than so many milliseconds, since it holds a connection that sign-ins need.
 */
export async function readChecklist(
  scope: Scope,
  owner: Owner,
  milliseconds: number,
): Promise<Checklist | null> {
  if (!(await isChecklistOn(scope))) return null
  return briefly(scope, milliseconds, (held) => read(held, owner))
}

async function read(scope: Scope, { userId, language }: Owner): Promise<Checklist | null> {
  const row = await checklistOf<Step>(scope, userId)
  return row && shown(row, language)
}

function shown({ steps, finished, happened, dismissed }: ProgressRow<Step>, language: string): Checklist {
  const all = steps.map((step): ShownStep => {
    const { key, event, link, translations } = step
    const { title, text } = translations?.[language] ?? step
    return {
      key,
      title,
      ...(text !== undefined && { text }),
      ...(link !== undefined && { link }),
      by: event ? 'event' : 'person',
      done: event ? happened.includes(event) : finished.includes(key),
    }
  })
  return { dismissed, complete: all.every(({ done }) => done), steps: all }
}

/** Milliseconds for each statement of somebody who asks for nothing but their checklist. */
const STATEMENT = 1000

/** The same for whoever asks for it; a problem where there is none, or it cannot be read. */
export const neededChecklist = (scope: Scope, owner: Owner): Promise<Checklist> =>
  apart(scope, (held) => needed(held, owner))

async function needed(scope: Scope, owner: Owner): Promise<Checklist> {
  const checklist = (await isChecklistOn(scope)) ? await read(scope, owner) : null
  if (!checklist) throw new Problem('not_found', 'Your organization has no checklist.')
  return checklist
}

/** Finishes a step that waits for its person's word. */
export function callDone(scope: Scope, owner: Owner, step: string): Promise<Checklist> {
  return apart(scope, async (held) => {
    const { steps } = await needed(held, owner)
    const found = steps.find(({ key }) => key === step)
    if (!found) throw new Problem('not_found', 'The checklist has no such step.')
    if (found.by === 'event') throw new Problem('conflict', 'This step is done once it has happened.')
    const { userId } = owner
    const event = eventOf({
      type: 'checklist.step-done',
      subject: { type: 'user', id: userId },
      data: { step },
    })
    await finishStep(held, { userId, step }, [event])
    return needed(held, owner)
  })
}

/** Puts the checklist away for its person, or brings it back. */
export function setAside(scope: Scope, owner: Owner, dismissed: boolean): Promise<Checklist> {
  return apart(scope, async (held) => {
    await needed(held, owner)
    const { userId } = owner
    const type = dismissed ? 'checklist.dismissed' : 'checklist.resumed'
    await setDismissed(held, { userId, dismissed }, [
      eventOf({ type, subject: { type: 'user', id: userId } }),
    ])
    return needed(held, owner)
  })
}

async function apart<T>(scope: Scope, work: (scope: Scope) => Promise<T>): Promise<T> {
  try {
    return await briefly(scope, STATEMENT, work)
  } catch (cause) {
    if (cause instanceof Problem) throw cause
    throw new Problem('unavailable', 'The checklist cannot be reached now.', { cause, retryAfter: 10 })
  }
}
