import type { FastifyRequest } from 'fastify'
import type { SessionRow } from '../../db/index.ts'
import type { Handler } from '../contract.ts'
import { callDone, neededChecklist, type Owner, setAside } from '../onboarding/checklist.ts'
import { neededSession, type SessionHost, scopeOf } from './current-session.ts'
import { messagesFor } from './messages.ts'

/** The checklist of whoever is signed in: how far they are, and what they say of it. */
export function checklistHandlers(host: SessionHost): Readonly<Record<string, Handler>> {
  const whose = async (request: FastifyRequest) => {
    const row = await neededSession(host, request)
    return [scopeOf(host, request, row), ownerOf(request, row)] as const
  }
  return {
    async getOwnChecklist(request) {
      return neededChecklist(...(await whose(request)))
    },
    async finishOwnStep(request) {
      const { step } = request.params as { step: string } // as the path has it
      return callDone(...(await whose(request)), step)
    },
    async dismissOwnChecklist(request) {
      return setAside(...(await whose(request)), true)
    },
    async resumeOwnChecklist(request) {
      return setAside(...(await whose(request)), false)
    },
  }
}

export const ownerOf = (request: FastifyRequest, { user_id: userId }: SessionRow): Owner => ({
  userId,
  language: messagesFor(request).locale,
})
