import {
  type Answer,
  answerConflict,
  type ConflictRow,
  failureOf,
  findConflict,
  findMatches,
  lockConflict,
  lockUser,
  type Match,
  type ResourceRow,
  type Scope,
  transact,
  updateUser,
} from '../../db/index.ts'
import { Problem } from '../errors.ts'
import { eventOf } from '../events/record.ts'

/** One way to answer, and what has to be said with it. */
export interface PossibleAnswer {
  readonly answer: Answer['answer']
  readonly needs: readonly ('userId' | 'userName')[]
}

/** What an administrator may answer to a conflict. Pure. */
export function possibleAnswers({ code, via, evidence }: ConflictRow): PossibleAnswer[] {
  const { newcomer, people } = evidence
  const whom = people.length > 1 ? (['userId'] as const) : []
  // A name is one person's: either the newcomer gets another, or whoever has it does.
  const sharesName = people.some(({ foundBy }) => foundBy.includes('userName'))
  const isOwnName = people.some(({ userName }) => userName.toLowerCase() === newcomer.userName.toLowerCase())
  const name = sharesName || isOwnName ? (['userName'] as const) : []
  const link = { answer: 'link', needs: whom } as const
  const apart = { answer: 'keep-apart', needs: name } as const
  const over = { answer: 'hand-over', needs: [...whom, ...name] } as const
  switch (code) {
    case 'ambiguous_person':
      return via === 'scim' ? [link, { ...over, needs: whom }] : [link, apart]
    case 'external_id_taken':
      return [link, over]
    case 'user_name_taken':
    case 'login_taken':
      return [link, apart, over]
  }
}

/**
 * Settles a conflict, once: the next sign-in or push goes by it. What is handed over leaves whom it belonged to at
 * once. 409 where it was answered otherwise, or the facts are no longer those that were asked about.
 */
export async function answerTo(scope: Scope, id: string, answer: Answer): Promise<ConflictRow | null> {
  await transact(scope.db, (db) => settle({ ...scope, db }, id, answer)).catch(nameTaken)
  return findConflict(scope, id)
}

function nameTaken(error: unknown): never {
  if (failureOf(error)?.kind !== 'conflict') throw error
  throw new Problem('conflict', 'The userName is somebody’s.', { cause: error })
}

async function settle(scope: Scope, id: string, answer: Answer): Promise<void> {
  const conflict = await lockConflict(scope, id)
  if (!conflict) return
  if (conflict.answer) return assertSame(conflict.answer, answer)
  checkAnswer(conflict, answer)
  const people = await holdPeople(scope, conflict)
  if (answer.answer === 'keep-apart' && answer.userNameKey !== undefined)
    await assertFree(scope, conflict, answer.userNameKey)
  const settled = isLinking(conflict, answer) ? { userId: conflict.user_id, ...answer } : answer
  const moved = answer.answer === 'hand-over' ? await handOver(scope, { conflict, answer, people }) : []
  await answerConflict(scope, { id, answer: settled }, [answeredEvent(conflict, settled, moved)])
}

const isLinking = ({ evidence }: ConflictRow, { answer }: Answer) =>
  answer === 'link' && evidence.people.length === 1

function assertSame(given: Answer, again: Answer): void {
  const isSame =
    given.answer === again.answer &&
    given.userNameKey === again.userNameKey &&
    (again.userId === undefined || given.userId === again.userId)
  if (!isSame) throw new Problem('conflict', 'This conflict has been answered otherwise.')
}

function checkAnswer(conflict: ConflictRow, answer: Answer): void {
  const possible = possibleAnswers(conflict).find((one) => one.answer === answer.answer)
  if (!possible) throw invalid('answer', 'is not possible here')
  for (const name of possible.needs) if (answer[name] === undefined) throw invalid(name, 'is missing')
  const { userId } = answer
  if (userId !== undefined && answer.answer !== 'link' && !possible.needs.includes('userId'))
    throw invalid('userId', 'is not asked for')
  if (userId !== undefined && !conflict.evidence.people.some(({ id }) => id === userId))
    throw invalid('userId', 'is nobody of this conflict')
}

const invalid = (name: string, message: string) =>
  new Problem('invalid_request', `body/${name} ${message}.`, { errors: [{ path: `body/${name}`, message }] })

const changed = () => new Problem('conflict', 'It is no longer as it was: the person has changed or gone.')

/** Everybody of the conflict, held, once it is sure that they are still who was found. */
async function holdPeople(scope: Scope, conflict: ConflictRow): Promise<ResourceRow[]> {
  const { evidence, connection_id: connectionId } = conflict
  const { userNameKey, externalId, login, email } = evidence.newcomer
  const rows: ResourceRow[] = []
  for (const { id } of evidence.people) {
    const row = await lockUser(scope, id)
    if (!row) throw changed()
    rows.push(row)
  }
  const matches = await findMatches(scope, { connectionId, userNameKey, externalId, ...login, email })
  const isKnown = matches.some(({ matched_by, deleted_at }) => matched_by === 'identity' && !deleted_at)
  if (isKnown || !evidence.people.every((one) => isStillFound(one, matches))) throw changed()
  return rows
}

const isStillFound = (
  { id, foundBy }: ConflictRow['evidence']['people'][number],
  matches: readonly Match[],
): boolean => foundBy.every((way) => matches.some((match) => match.id === id && match.matched_by === way))

async function assertFree(scope: Scope, { connection_id: connectionId }: ConflictRow, userNameKey: string) {
  const taken = await findMatches(scope, { connectionId, userNameKey, externalId: null })
  if (taken.length > 0) throw new Problem('conflict', 'The userName is somebody’s.')
}

interface HandingOver {
  readonly conflict: ConflictRow
  readonly answer: Answer
  readonly people: readonly ResourceRow[]
}

interface Moved {
  readonly id: string
  readonly changed: readonly string[]
  readonly before: Readonly<Record<string, string>>
}

/** Takes what the newcomer claims from everybody but the one to whom it goes; all else stays theirs. */
async function handOver(scope: Scope, { conflict, answer, people }: HandingOver): Promise<Moved[]> {
  const moved: Moved[] = []
  for (const row of people) {
    if (row.id === answer.userId) continue
    const { newcomer } = conflict.evidence
    const isKey = row.external_id !== null && row.external_id === newcomer.externalId
    const isName = row.user_name_key === newcomer.userNameKey
    if (isName && answer.userName === undefined) throw invalid('userName', 'is missing')
    if (isName && answer.userNameKey === newcomer.userNameKey)
      throw new Problem('conflict', 'This userName is what is handed over: give the former person another.')
    const { userName: user_name = row.user_name, userNameKey: user_name_key = row.user_name_key } = answer
    const record = {
      ...row,
      ...(isKey && row.connection_id === conflict.connection_id && { external_id: null }),
      ...(isName && { user_name, user_name_key }),
    }
    const { id, version, status: was } = row
    await updateUser(scope, { id, version, was, record, events: [] })
    const before = {
      ...(record.external_id !== row.external_id &&
        row.external_id !== null && { externalId: row.external_id }),
      ...(isName && { userName: row.user_name }),
    }
    moved.push({ id: row.id, changed: Object.keys(before), before })
  }
  const receiver = people.find(({ id }) => id === answer.userId)
  if (receiver && moved.some(({ changed }) => changed.includes('externalId')))
    await receiveKey(scope, receiver, conflict)
  return moved
}

async function receiveKey(scope: Scope, receiver: ResourceRow, { connection_id, evidence }: ConflictRow) {
  if (receiver.connection_id !== connection_id) return
  const record = { ...receiver, external_id: evidence.newcomer.externalId }
  const { id, version, status: was } = receiver
  await updateUser(scope, { id, version, was, record, events: [] })
}

function answeredEvent(conflict: ConflictRow, { answer, userId }: Answer, moved: readonly Moved[]) {
  const [former] = moved
  return eventOf({
    type: 'conflict.answered',
    subject: { type: 'user', id: former?.id ?? userId ?? conflict.user_id },
    changed: former?.changed ?? [],
    data: {
      via: 'administrator',
      conflictId: conflict.id,
      connectionId: conflict.connection_id,
      code: conflict.code,
      answer,
      ...(userId !== undefined && { userId }),
    },
    ...(former && { personal: { before: former.before } }),
  })
}
