import type { FastifyRequest } from 'fastify'
import {
  type Answer,
  type ConflictRow,
  type ConflictStatus,
  findConflict,
  listConflicts,
} from '../../db/index.ts'
import { isUuid } from '../ids.ts'
import { answerTo, possibleAnswers } from '../provisioning/answers.ts'
import { userNameSaid } from '../translate/user.ts'
import { type Admin, type AdminHandlers, notFound } from './admin.ts'
import { listOf, pageOf } from './pages.ts'

export function conflictHandlers(admin: Admin): AdminHandlers {
  return {
    async listConflicts(request: FastifyRequest) {
      const { limit, ...page } = pageOf(request)
      const { status } = request.query as { status?: ConflictStatus } // as the contract validated it
      const rows = await listConflicts(admin.scopeOf(request), { ...page, status, limit: limit + 1 })
      return listOf(rows, limit, view)
    },
    async getConflict(request: FastifyRequest) {
      const id = idIn(request)
      return view(existing(id === null ? null : await findConflict(admin.scopeOf(request), id)))
    },
    async answerConflict(request: FastifyRequest) {
      const id = idIn(request)
      const { userName, ...said } = request.body as Answer // as the contract validated it
      const answer = { ...said, ...(userName !== undefined && userNameSaid(userName)) }
      return view(existing(id === null ? null : await answerTo(admin.scopeOf(request), id, answer)))
    },
  }
}

function idIn(request: FastifyRequest): string | null {
  const { conflictId } = request.params as { conflictId: string } // as the path has it
  return isUuid(conflictId) ? conflictId : null
}

function existing(row: ConflictRow | null): ConflictRow {
  if (!row) throw notFound('conflict')
  return row
}

function view(row: ConflictRow): object {
  const { id, code, via, evidence, seen, answer } = row
  const { newcomer, people, rule, policyVersion } = evidence
  const { userNameKey: _key, externalId, ...said } = newcomer
  return {
    id,
    status: answer ? 'answered' : 'open',
    code,
    via,
    connectionId: row.connection_id,
    newcomer: { ...said, ...(externalId !== null && { externalId }) },
    people: people.map(({ managed, linked, ...one }) => ({
      ...one,
      managedBy: managed ? 'scim' : 'sign-in',
      hasLogin: linked,
    })),
    rule,
    policyVersion,
    seen,
    firstAt: row.first_at.toISOString(),
    lastAt: row.last_at.toISOString(),
    requestId: row.request_id,
    answers: answer ? [] : possibleAnswers(row),
    ...(answer && { answer: answerView(row, answer) }),
  }
}

const answerView = ({ answered_at, answered_by }: ConflictRow, { userNameKey: _key, ...answer }: Answer) => ({
  ...answer,
  at: answered_at?.toISOString(),
  by: answered_by,
})
