import type { FastifyReply, FastifyRequest } from 'fastify'
import { type ChecklistRow, findChecklist, isChecklistOn, putChecklist, type Scope } from '../../db/index.ts'
import { Problem } from '../errors.ts'
import { eventOf } from '../events/record.ts'
import { type ChecklistDocument, defaultSteps, type Step } from '../onboarding/steps.ts'
import type { Admin, AdminHandlers } from './admin.ts'
import { checkIfMatch, versionTag } from './versions.ts'

/** The "getting started" checklist of an organization's people; off until an administrator turns it on. */
export function checklistHandlers(admin: Admin): AdminHandlers {
  return {
    async getChecklist(request: FastifyRequest, reply: FastifyReply) {
      const scope = admin.scopeOf(request)
      const [enabled, { steps, version }] = [await isChecklistOn(scope), await current(scope)]
      return reply.header('etag', versionTag(version)).send({ enabled, steps, version })
    },
    async putChecklist(request: FastifyRequest, reply: FastifyReply) {
      const { enabled, steps = defaultSteps } = request.body as Partial<ChecklistDocument> & {
        enabled: boolean
      } // as the contract validated it
      const scope = admin.scopeOf(request)
      const { version: after } = await current(scope)
      checkIfMatch(request, after)
      checkKeys(steps)
      const version = after + 1
      const event = eventOf({
        type: 'checklist.changed',
        subject: { type: 'organization', id: scope.organizationId },
        changed: ['enabled', 'steps'],
        data: { enabled, version },
      })
      if (!(await putChecklist(scope, { after, on: enabled, steps }, [event])))
        throw new Problem('conflict', 'The checklist was changed at the same time: read it again.')
      return reply.header('etag', versionTag(version)).send({ enabled, steps, version })
    },
  }
}

async function current(scope: Scope): Promise<ChecklistRow<Step>> {
  return (await findChecklist<Step>(scope)) ?? { steps: defaultSteps, version: 0 }
}

function checkKeys(steps: readonly Step[]): void {
  const keys = steps.map(({ key }) => key)
  const twice = keys.find((key, index) => keys.indexOf(key) !== index)
  if (twice !== undefined) throw new Problem('invalid_request', `Two steps have the key ${twice}.`)
}
