import type { FastifyRequest } from 'fastify'
import { Problem } from '../errors.ts'
import { onboardingReport } from '../onboarding/report.ts'
import { roleDrift } from '../provisioning/role-drift.ts'
import { report } from '../reports/reports.ts'
import { type Admin, type AdminHandlers, notFound } from './admin.ts'

/** How provisioning does, and apart from it the checklist. */
export function reportHandlers(admin: Admin): AdminHandlers {
  return {
    async getReport(request: FastifyRequest) {
      const scope = admin.scopeOf(request)
      const { name } = request.params as { name: string } // as the path has it
      const { from, to } = request.query as { from?: string; to?: string } // as the contract validated it
      const asked = { name, from: dateOf(from), to: dateOf(to) }
      if (asked.from && asked.from >= (asked.to ?? scope.now))
        throw new Problem('invalid_request', 'The range ends before it begins.')
      if (name === 'role-drift')
        return { name, from: scope.now, to: scope.now, result: await roleDrift(scope) }
      const told = name === 'onboarding' ? await onboardingReport(scope, asked) : await report(scope, asked)
      if (!told) throw notFound('report')
      return told
    },
  }
}

const dateOf = (text: string | undefined) => (text === undefined ? undefined : new Date(text))
